package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/store/audits"
)

// manyDifferences: from this many differences on, the whole stream is read again rather than each object.
const manyDifferences = 200

// verify heals what differs and compares again. A healed difference was wrong in the mirror. What still differs is compared with
// a fresh export, and is an open finding if it differs from that too.
func (a *auditing) verify(ctx context.Context, c *Check, evidence string, first []audits.Difference, again func() ([]audits.Difference, error), renew func() error, kind func(audits.Difference) string) (found []audits.Finding, err error) {
	if len(first) == 0 {
		return nil, nil
	}
	moved, err := a.heal(ctx, c.Stream, first)
	if err != nil {
		return nil, err
	}
	still, err := a.still(moved, again)
	if err != nil {
		return nil, err
	}
	if len(still) > 0 && renew != nil {
		later, err := a.heal(ctx, c.Stream, slices.Collect(maps.Values(still)))
		if err != nil {
			return nil, err
		}
		if err := renew(); err != nil {
			return nil, err
		}
		for id, m := range later {
			moved[id] = moved[id] || m
		}
		if still, err = a.still(moved, again); err != nil {
			return nil, err
		}
	}
	movers := map[uuid.UUID]bool{}
	for _, d := range first {
		if moved[d.ID] {
			movers[d.ID] = true
			continue
		}
		if !d.Settled {
			continue
		}
		_, differs := still[d.Key+"\x00"+d.Field]
		f := audits.Finding{Stream: c.Stream, Key: d.Key, Kind: kind(d), Field: d.Field, Mirror: d.Mirror, Other: d.Other, Healed: !differs}
		f.Evidence = evidence + "; fetched by id, Polar's object was the one that the mirror had recorded, and the row was written anew"
		if differs {
			f.Evidence = evidence + "; fetched by id and compared with a second export, it still differs"
		}
		if renew == nil && differs { // the row is written as Polar has it: Polar contradicts itself
			if c.Note == "" {
				c.say("some lists are the same at Polar itself")
			}
			continue
		}
		found = append(found, f)
	}
	c.Moved += len(movers)
	return found, nil
}

// still are the current differences without the objects that have moved.
func (a *auditing) still(moved map[uuid.UUID]bool, again func() ([]audits.Difference, error)) (map[string]audits.Difference, error) {
	list, err := again()
	still := map[string]audits.Difference{}
	for _, d := range list {
		if was, asked := moved[d.ID]; asked && !was {
			still[d.Key+"\x00"+d.Field] = d
		}
	}
	return still, err
}

// heal fetches the objects. moved are those that Polar has changed since the mirror stored them, which explains their
// differences.
func (a *auditing) heal(ctx context.Context, stream string, list []audits.Difference) (moved map[uuid.UUID]bool, err error) {
	var ids []uuid.UUID
	before := map[uuid.UUID]string{}
	for _, d := range list {
		if _, twice := before[d.ID]; !twice {
			before[d.ID] = d.Hash
			ids = append(ids, d.ID)
		}
	}
	var res mirror.Result
	if len(ids) > manyDifferences || a.engine.Stream(stream).Get == "" {
		res = a.engine.RewriteStream(ctx, stream)
	} else {
		res = a.engine.RefreshAs(ctx, store.KindAudit, stream, ids)
	}
	if res.Err != nil {
		return nil, fmt.Errorf("fetch what differs: %w", res.Err)
	}
	after, err := a.stored.Hashes(ctx, stream, ids)
	if err != nil {
		return nil, err
	}
	moved = map[uuid.UUID]bool{}
	for id, hash := range before {
		moved[id] = after[id] != hash
	}
	return moved, nil
}
