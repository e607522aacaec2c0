package tail

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/store/places"
	"syncd/internal/store/tails"
	"syncd/internal/tail/pack"
)

// newWithin is how long before its change an object may have been made that has no row here yet; an older one is fetched by its id.
const newWithin = 24 * time.Hour

// batch makes queries of the list that find changed objects, where that costs fewer requests than fetching each.
func (t *stream) batch(ctx context.Context, changes []tails.Changed) (queries []url.Values, err error) {
	if t.spec.Batch == "" {
		return nil, nil
	}
	if t.spec.Batch == "id" {
		if len(changes) == 1 && t.s.Get != "" {
			return nil, nil
		}
		return idQueries(changes), nil
	}
	filters, atOnce := strings.Fields(t.spec.Batch), mirror.ValuesAtOnce
	if t.s.FellBack {
		filters, atOnce = filters[len(filters)-1:], 1 // each of the owners costs a request
	}
	keyset, dated := t.s.Scan.(scan.Keyset)
	table := places.Of(t.engine.Store.Pool(), t.s.Name, keyset.Sort)
	by, err := found(ctx, table, changes, filters)
	if err != nil {
		return nil, err
	}
	for _, filter := range filters {
		values, from := pack.Span(by[filter])
		others, err := table.Times(ctx, filter, values, from, 100*len(changes))
		if err != nil {
			return nil, err
		}
		for _, q := range pack.Rows(by[filter], others, atOnce) {
			if q.Pages >= len(q.Rows) && t.s.Get != "" {
				continue
			}
			query := url.Values{}
			for _, v := range q.Values {
				query.Add(filter, v.String())
			}
			if dated {
				query.Set(keyset.After, q.From.Add(-time.Microsecond).UTC().Format(time.RFC3339Nano))
			}
			if dated && !q.Until.IsZero() {
				query.Set(keyset.Before, q.Until.Add(time.Microsecond).UTC().Format(time.RFC3339Nano))
			}
			queries = append(queries, query)
		}
	}
	return queries, nil
}

func idQueries(changes []tails.Changed) (queries []url.Values) {
	for some := range slices.Chunk(changes, mirror.ValuesAtOnce) {
		queries = append(queries, url.Values{"id": tails.ValuesOf(some)})
	}
	return queries
}

// found tells by which filter of the list each object is found: the first of which its row has a value. One that has no row here is
// found by its owner, the last filter.
func found(ctx context.Context, table places.Table, changes []tails.Changed, filters []string) (map[string][]pack.Row, error) {
	by := map[string][]pack.Row{}
	ids := map[uuid.UUID]tails.Changed{}
	for _, c := range changes {
		if id, err := uuid.Parse(c.Value); err == nil {
			ids[id] = c
		}
	}
	stored, err := table.Find(ctx, slices.Collect(maps.Keys(ids)), filters)
	if err != nil {
		return nil, err
	}
	last := filters[len(filters)-1]
	for id, c := range ids {
		if p, is := stored[id]; is && p.Filter != "" {
			by[p.Filter] = append(by[p.Filter], pack.Row{ID: id, Value: p.Value, At: p.At})
		} else if !is && c.Owner != (uuid.UUID{}) {
			by[last] = append(by[last], pack.Row{ID: id, Value: c.Owner, At: c.At.Add(-newWithin), Open: true})
		}
	}
	return by, nil
}
