package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/limit"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/store/audits"
)

// count compares the number of rows. If it differs, the stream is swept: that finds the rows.
func (a *auditing) count(ctx context.Context, c *Check, s streams.Stream, counter scan.Counter) (found []audits.Finding, err error) {
	n, err := counter.Count(limit.WithPriority(ctx, limit.PrioritySweep), a.engine.Client, s.Path, s.Query)
	if err != nil {
		return nil, err
	}
	have, err := a.stored.CountListed(ctx, s.Name)
	if err != nil || int64(n.Total) == have || n.Total < 0 {
		return nil, err
	}
	before, err := a.stored.IDsChangedSince(ctx, s.Name, time.Time{})
	if err != nil {
		return nil, err
	}
	newest, err := a.engine.Store.Rows(s.Name).Newest(ctx, "created_at", a.engine.Client.Now())
	if err != nil {
		return nil, err
	}
	res := a.engine.SweepOnce(ctx, s.Name)
	if res.Outcome != mirror.Succeeded {
		if res.Err == nil {
			res.Err = errors.New(res.Reason)
		}
		return nil, fmt.Errorf("the table has %d rows, Polar counts %d, and the sweep failed: %w", have, n.Total, res.Err)
	}
	slices.SortFunc(before, compareID)
	came, err := a.stored.IDsChangedSince(ctx, s.Name, a.since)
	if err != nil {
		return nil, err
	}
	came = slices.DeleteFunc(came, func(id uuid.UUID) bool {
		_, had := slices.BinarySearchFunc(before, id, compareID)
		return had
	})
	older, err := a.stored.OlderThan(ctx, s.Name, came, newest)
	if err != nil {
		return nil, err
	}
	why := fmt.Sprintf("the mirror had %d rows, Polar counted %d; sweep %d", have, n.Total, res.RunID)
	for _, id := range came {
		if older[id] {
			found = append(found, audits.Finding{Stream: s.Name, Key: id.String(), Kind: audits.FindingLost, Mirror: "absent", Other: "there", Healed: true,
				Evidence: why + " brought it, and it is older than other rows that the mirror had"})
		}
	}
	gone, err := a.engine.Store.Rows(s.Name).IDsDeletedBy(ctx, res.RunID)
	if err != nil {
		return nil, err
	}
	if a.against[s.Name].Lasting {
		for _, id := range gone {
			found = append(found, audits.Finding{Stream: s.Name, Key: id.String(), Kind: audits.FindingExtra, Mirror: "there", Other: "absent", Healed: true,
				Evidence: why + " did not, nor did Polar give it by id, and Polar never deletes such a row"})
		}
	}
	c.Moved = len(came) + len(gone) - len(found)
	return found, nil
}

func compareID(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) }
