package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/store/audits"
)

// pair compares a stream with its export.
func (a *auditing) pair(ctx context.Context, c *Check, p audits.Pair) ([]audits.Finding, error) {
	if a.engine.Stream(p.Export) == nil {
		return nil, nil
	}
	asOf, err := a.export(ctx, p.Export, !a.o.Cached)
	if err != nil {
		return nil, err
	}
	differ := func(asOf time.Time) ([]audits.Difference, error) {
		fields, err := a.stored.Against(p).Differences(ctx, asOf)
		if err != nil {
			return nil, err
		}
		extra, err := a.stored.Against(p).ExtraRows(ctx, asOf, a.since)
		return append(fields, extra...), err
	}
	first, err := differ(asOf)
	if err != nil {
		return nil, err
	}
	again := func() ([]audits.Difference, error) {
		if err := a.engine.LinkExport(ctx, p.Export); err != nil {
			return nil, err
		}
		return differ(time.Time{})
	}
	renew := a.renewal(ctx, p.Export)
	// An extra row's own endpoint decides about it; then it is deleted, so its digest says nothing.
	found, err := a.verify(ctx, c, p.Export, first, again, renew, kindOf)
	if err != nil {
		return nil, err
	}
	lost, err := a.lost(ctx, p, renew)
	return append(found, lost...), err
}

// figures compares the metrics.
func (a *auditing) figures(ctx context.Context, c *Check) ([]audits.Finding, error) {
	if a.engine.Stream("metrics_export") == nil {
		return nil, nil
	}
	asOf, err := a.export(ctx, "metrics_export", !a.o.Cached)
	if err != nil {
		return nil, err
	}
	first, err := a.stored.DifferingFigures(ctx, asOf)
	if err != nil {
		return nil, err
	}
	again := func() ([]audits.Difference, error) { return a.stored.DifferingFigures(ctx, time.Time{}) }
	return a.verify(ctx, c, "metrics_export", first, again, a.renewal(ctx, "metrics_export"), kindOf)
}

// export reads an export, or uses the last one if fresh is false. It returns when that export was requested.
func (a *auditing) export(ctx context.Context, name string, fresh bool) (asOf time.Time, err error) {
	if fresh {
		if res := a.engine.SweepOnce(ctx, name); res.Outcome != mirror.Succeeded {
			if res.Err != nil {
				return asOf, res.Err
			}
			return asOf, fmt.Errorf("%s: %s: %s", name, res.Outcome, res.Reason)
		}
	} else if err := a.engine.LinkExport(ctx, name); err != nil {
		return asOf, err
	}
	list, err := a.engine.Store.Streams().Standings(ctx, []string{name})
	if err != nil {
		return asOf, err
	}
	if list[0].CompleteAt.IsZero() {
		return asOf, fmt.Errorf("%s was never read: leave out --cached, or run `syncd sync %s`", name, name)
	}
	return list[0].CompleteAt, nil
}

// renewal returns a function that reads an export once more, unless the audit uses the last ones.
func (a *auditing) renewal(ctx context.Context, name string) func() error {
	return func() error {
		if a.o.Cached {
			return nil
		}
		_, err := a.export(ctx, name, true)
		return err
	}
}

// kindOf is the kind of finding for a difference between the mirror and an export.
func kindOf(d audits.Difference) string {
	switch {
	case d.Field != "":
		return audits.FindingDifferent
	case d.ID == uuid.Nil:
		return audits.FindingLost
	}
	return audits.FindingExtra
}

// lost fetches the rows of an export that the mirror does not have.
func (a *auditing) lost(ctx context.Context, p audits.Pair, renew func() error) (found []audits.Finding, err error) {
	if err := a.engine.LinkExport(ctx, p.Export); err != nil {
		return nil, err
	}
	list, err := a.stored.Against(p).LostRows(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if err := a.bring(ctx, p, list); err != nil {
		return nil, err
	}
	still := map[string]bool{}
	look := func() error {
		if err := a.engine.LinkExport(ctx, p.Export); err != nil {
			return err
		}
		clear(still)
		now, err := a.stored.Against(p).LostRows(ctx)
		for _, d := range now {
			still[d.Key] = true
		}
		return err
	}
	if err := look(); err != nil {
		return nil, err
	}
	if len(still) > 0 { // they may have vanished since
		if err := errors.Join(renew(), look()); err != nil {
			return nil, err
		}
	}
	for _, d := range list {
		if !d.Settled {
			continue
		}
		f := audits.Finding{Stream: p.Table, Key: d.Key, Kind: audits.FindingLost, Mirror: d.Mirror, Other: d.Other, Healed: !still[d.Key],
			Evidence: p.Export + " has it, and it is older than other rows that the mirror has; fetched"}
		if still[d.Key] {
			f.Evidence = p.Export + " has it, a second export too; Polar does not return it by id"
		}
		found = append(found, f)
	}
	return found, nil
}

// bring fetches lost rows: by id if the export has one, else by the row's time.
func (a *auditing) bring(ctx context.Context, p audits.Pair, list []audits.Difference) error {
	var res mirror.Result
	_, byTime := a.engine.Stream(p.Table).Scan.(scan.Keyset)
	switch {
	case len(list) > manyDifferences:
		res = a.engine.SweepOnce(ctx, p.Table)
	case p.Time == "" || !byTime:
		ids := make([]uuid.UUID, len(list))
		for i, d := range list {
			ids[i] = d.ID
		}
		res = a.engine.RefreshAs(ctx, store.KindAudit, p.Table, ids)
	default:
		moments := make([]time.Time, len(list))
		for i, d := range list {
			moments[i] = d.At
		}
		res = a.engine.RefreshMoments(ctx, store.KindAudit, p.Table, moments)
	}
	if res.Err != nil {
		return fmt.Errorf("fetch rows that the mirror lacks: %w", res.Err)
	}
	return nil
}
