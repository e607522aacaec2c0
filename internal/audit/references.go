package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/audits"
)

// reference is a column that names a row of another stream: see Against.
type reference struct{ table, column, target string }

// references are the columns that name rows of a stream. Prices are not among them: orders and subscriptions refer to archived
// prices and to prices made only for them, which no list has.
func (a *auditing) references(target string) (refs []reference) {
	for _, s := range a.engine.Streams {
		for _, column := range a.against[s.Name].Refers {
			if StreamNamed(column) == target {
				refs = append(refs, reference{s.Name, column, target})
			}
		}
	}
	return refs
}

// StreamNamed is the stream whose rows a column names: order_id those of orders.
func StreamNamed(column string) string { return strings.TrimSuffix(column, "_id") + "s" }

// checkReferences finds columns that name rows of another stream and that the entry puts into neither Refers nor Loose. The
// organization, which every row names, is not among them.
func checkReferences(streams []streams.Stream, against map[string]Against) error {
	var errs []error
	known := map[string]bool{}
	for _, s := range streams {
		known[s.Name] = s.Name != "organizations"
	}
	for _, s := range streams {
		told := slices.Concat(against[s.Name].Refers, against[s.Name].Loose)
		for _, column := range told {
			if !s.Table.Has(column) {
				errs = append(errs, fmt.Errorf("stream %q: there is no column %q to refer to %s", s.Name, column, StreamNamed(column)))
			}
		}
		for _, c := range s.Table.List {
			if strings.HasSuffix(c.Name, "_id") && known[StreamNamed(c.Name)] && StreamNamed(c.Name) != s.Name && !slices.Contains(told, c.Name) {
				errs = append(errs, fmt.Errorf("stream %q: must the rows of %s exist that %s names? Put the column into Refers or Loose", s.Name, StreamNamed(c.Name), c.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// orphans looks for rows that others refer to and the mirror does not have. Polar may not have them either: deleted customers
// have orders.
func (a *auditing) orphans(ctx context.Context, c *Check, refs []reference) (found []audits.Finding, err error) {
	by := map[uuid.UUID]reference{}
	var ids []uuid.UUID
	for _, ref := range refs {
		if a.engine.Stream(ref.table) == nil || a.engine.Off[ref.table] {
			continue
		}
		some, err := a.stored.DanglingIDs(ctx, ref.table, ref.column, ref.target)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			if _, twice := by[id]; !twice {
				by[id] = ref
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 || a.engine.Stream(c.Stream).Get == "" {
		return nil, nil
	}
	newest, err := a.engine.Store.Rows(c.Stream).Newest(ctx, "created_at", a.engine.Client.Now())
	if err != nil {
		return nil, err
	}
	asked := ids[:min(len(ids), manyDifferences)]
	if res := a.engine.RefreshAs(ctx, store.KindAudit, c.Stream, asked); res.Err != nil {
		return nil, res.Err
	}
	there, err := a.stored.OlderThan(ctx, c.Stream, asked, newest)
	if err != nil {
		return nil, err
	}
	known, err := a.engine.Store.Rows(c.Stream).LookUpIDs(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, id := range asked {
		if there[id] {
			found = append(found, audits.Finding{Stream: c.Stream, Key: id.String(), Kind: audits.FindingLost, Mirror: "absent", Other: "there", Healed: true,
				Evidence: fmt.Sprintf("%s.%s refers to it, and it is older than other rows that the mirror has; fetched by id", by[id].table, by[id].column)})
		}
	}
	c.Moved = len(known) - len(there)
	if n := len(asked) - len(known); n > 0 {
		c.say("%d rows that others refer to no longer exist at Polar", n)
	}
	if n := len(ids) - len(asked); n > 0 {
		c.say("%d more rows that others refer to were not fetched", n)
	}
	return found, nil
}

// children looks for child tables that lack a row of a list.
func (a *auditing) children(ctx context.Context, c *Check, s streams.Stream) ([]audits.Finding, error) {
	again := func() (list []audits.Difference, err error) {
		seen := map[uuid.UUID]bool{}
		take := func(some []audits.Difference, err error) error {
			for _, d := range some {
				if !seen[d.ID] {
					seen[d.ID] = true
					list = append(list, d)
				}
			}
			return err
		}
		for _, child := range s.Children {
			if err := take(a.stored.ChildGaps(ctx, s.Name, child.Name, child.Parent)); err != nil {
				return nil, err
			}
		}
		if s.Name == "orders" {
			err = take(a.stored.UnsummedOrders(ctx))
		}
		return list, err
	}
	first, err := again()
	if err != nil {
		return nil, err
	}
	return a.verify(ctx, c, "the list has gaps, or does not add up", first, again, nil, func(audits.Difference) string { return audits.FindingChildren })
}
