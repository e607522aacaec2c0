package tail

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/mirror"
	"syncd/internal/store/tails"
	"syncd/internal/tail/hooks"
)

// fetchChanges fetches these pending changes, and rows known only from copies, and settles them. What is left for a later round stays
// pending.
func (t *stream) fetchChanges(ctx context.Context, wanted tails.Wanted) error {
	if err := t.open(ctx); err != nil {
		return err
	}
	if t.s.Get != "" && t.round.question == nil {
		copied, err := t.engine.Store.Rows(t.s.Name).CopiedIDs(ctx)
		if err != nil {
			return err
		}
		if err := t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, copied, time.Unix(0, 0))); err != nil {
			return err
		}
	}
	pending, err := t.kept().Changes().Pending(ctx, t.s.Name, wanted)
	if err != nil || len(pending) == 0 {
		return err
	}
	t.more = len(pending) == wanted.Most
	if len(pending) == mostChanges {
		t.sweepDue = fmt.Sprintf("%d changes or more at once", mostChanges)
	}
	asked, err := t.engine.Store.Stamp(ctx)
	if err != nil {
		return err
	}
	by := map[string][]tails.Changed{}
	for _, c := range pending {
		by[c.Filter] = append(by[c.Filter], c)
	}
	for _, filter := range slices.Sorted(maps.Keys(by)) {
		if filter == tails.ByID {
			continue
		}
		if err := t.fetchLists(ctx, filter, by[filter], asked); err != nil {
			return err
		}
	}
	if len(by) > 1 || len(by[tails.ByID]) == 0 { // the lists may have shown further changes
		if pending, err = t.kept().Changes().Pending(ctx, t.s.Name, wanted); err != nil {
			return err
		}
		if asked, err = t.engine.Store.Stamp(ctx); err != nil {
			return err
		}
	}
	objects := slices.DeleteFunc(pending, func(c tails.Changed) bool { return c.Filter != tails.ByID })
	if len(objects) == 0 {
		return nil
	}
	return t.fetchObjects(ctx, objects, asked)
}

// fetchLists fetches the rows that a filter of the list finds, for several values at a time.
func (t *stream) fetchLists(ctx context.Context, filter string, changes []tails.Changed, asked time.Time) error {
	for some := range slices.Chunk(changes, mirror.ValuesAtOnce) {
		values, err := t.listable(ctx, filter, tails.ValuesOf(some))
		if err != nil {
			return err
		}
		if len(values) == 0 {
			continue
		}
		received, err := t.filtered(ctx, url.Values{filter: values})
		if err != nil {
			return err
		}
		if err := t.absent(ctx, filter, values, received); err != nil {
			return err
		}
		if err := t.settleChanges(ctx, filter, values, asked); err != nil {
			return err
		}
	}
	return nil
}

// listable leaves out values of a filter that would find more rows than a round reads, by the rows stored here. They wait for the
// sweep that this brings forward.
func (t *stream) listable(ctx context.Context, filter string, values []string) ([]string, error) {
	const most = 100 * maxHeadPages
	if !t.s.Table.Has(filter) {
		return values, nil
	}
	here, err := t.rowsBy(ctx, filter, values, most+1)
	if err != nil || len(here) <= most {
		return values, err
	}
	short := make([]string, 0, len(values))
	for _, value := range values {
		here, err := t.rowsBy(ctx, filter, []string{value}, most+1)
		if err != nil {
			return nil, err
		}
		if len(here) <= most {
			short = append(short, value)
			continue
		}
		t.sweepDue = fmt.Sprintf("more than %d rows with %s %s have changed", most, filter, value)
	}
	return short, nil
}

// rowsBy returns at most most live rows of the table with one of these ids in a column.
func (t *stream) rowsBy(ctx context.Context, column string, values []string, most int) ([]uuid.UUID, error) {
	of := make([]uuid.UUID, 0, len(values))
	for _, v := range values {
		if id, err := uuid.Parse(v); err == nil {
			of = append(of, id)
		}
	}
	return t.engine.Store.Rows(t.s.Name).IDsByReference(ctx, column, of, most)
}

// absent queues rows to be fetched by id that a filter should have found and did not: they have changed, or are gone.
func (t *stream) absent(ctx context.Context, column string, values []string, received map[string]bool) error {
	if t.s.Get == "" || !t.s.Table.Has(column) {
		return nil
	}
	here, err := t.rowsBy(ctx, column, values, mostChanges)
	if err != nil {
		return err
	}
	here = slices.DeleteFunc(here, func(id uuid.UUID) bool { return received[id.String()] })
	return t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, here, t.engine.Client.Now()))
}

// filtered stores all rows of a filtered list, and returns their ids.
func (t *stream) filtered(ctx context.Context, asked url.Values) (map[string]bool, error) {
	received := map[string]bool{}
	list, query := t.narrowed(asked)
	for page, err := range list.Pages(ctx, t.engine.Client, t.s.Path, withQuery(t.s.Query, query), scan.Cursor{}) {
		t.run.CountRequests(page.Requests)
		if t.fallBack(ctx, err) {
			return t.filtered(ctx, asked)
		}
		if err != nil {
			return nil, err
		}
		if _, err := t.keep(ctx, page.Page, ""); err != nil {
			return nil, err
		}
		for _, id := range item.FieldIDs(page.Items) {
			received[id] = true
		}
	}
	return received, nil
}

// narrowed is the scan of the rows that a query finds. A list that Polar returns for one parent at a time is read for the parents
// that the query names.
func (t *stream) narrowed(query url.Values) (scan.Scan, url.Values) {
	nested, is := t.s.Scan.(scan.Nested)
	if !is {
		return t.s.Scan, query
	}
	for _, p := range t.s.Parents {
		if ids, named := query[p.Column]; named {
			query = withQuery(query, nil)
			query.Del(p.Column)
			return nested.Of(p.Column, ids), query
		}
	}
	return nested, query
}

// settleChanges records that changes have been fetched, and how far that moves the stream's claim.
func (t *stream) settleChanges(ctx context.Context, filter string, values []string, asked time.Time) error {
	newest, err := t.kept().Changes().Settle(ctx, t.s.Name, filter, values, asked, hooks.Always, t.primaryLag())
	t.through = later(t.through, newest)
	return err
}

// primaryLag is for how long what the stream's list shows need not be fetched once more.
func (t *stream) primaryLag() time.Duration {
	if t.spec.Primary {
		return t.lag
	}
	return 0
}

// fetchObjects fetches objects by id: through a filter of the list that takes many ids at once where that costs less, else one by
// one.
func (t *stream) fetchObjects(ctx context.Context, changes []tails.Changed, asked time.Time) error {
	left := map[string]tails.Changed{}
	for _, c := range changes {
		left[c.Value] = c
	}
	queries, err := t.batch(ctx, changes)
	if err != nil {
		return err
	}
	for _, q := range queries {
		received, err := t.filtered(ctx, q)
		if err != nil {
			return err
		}
		var met []tails.Changed
		for id := range received {
			if c, was := left[id]; was {
				met = append(met, c)
				delete(left, id)
			}
		}
		if err := t.settleChanges(ctx, tails.ByID, tails.ValuesOf(met), asked); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		return nil
	}
	rest := slices.DeleteFunc(changes, func(c tails.Changed) bool { _, is := left[c.Value]; return !is })
	// The list no longer shows it, and no endpoint does.
	if t.s.Get == "" {
		return t.settleChanges(ctx, tails.ByID, tails.ValuesOf(rest), asked)
	}
	ids := make([]uuid.UUID, 0, len(rest))
	owners := map[uuid.UUID]uuid.UUID{}
	for _, c := range rest {
		if id, err := uuid.Parse(c.Value); err == nil {
			if ids = append(ids, id); c.Owner != (uuid.UUID{}) {
				owners[id] = c.Owner
			}
		}
	}
	fetched, err := t.run.FetchObjects(ctx, ids, owners)
	if err != nil {
		return err
	}
	if n := fetched.Lost; n > 0 { // a sweep settles changes that were recorded before it began
		t.sweepDue = fmt.Sprintf("%d changes of rows that are not stored here and cannot be fetched by id", n)
	}
	if fetched.Doubt != "" {
		t.sweepDue = fetched.Doubt
	}
	done := map[string]bool{}
	for _, id := range fetched.Answered {
		done[id.String()] = true
	}
	rest = slices.DeleteFunc(rest, func(c tails.Changed) bool { return !done[c.Value] })
	return t.settleChanges(ctx, tails.ByID, tails.ValuesOf(rest), asked)
}
