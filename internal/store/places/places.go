package places

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Table is a table whose rows are in a list of Polar's.
type Table struct {
	pool *pg.Pool
	name string
	sort string // the column that the list is sorted by; "" = none
}

// Of returns the handle on a table, of a list that is sorted by the time in a column; "" = by none.
func Of(pool *pg.Pool, table, sort string) Table { return Table{pool, table, sort} }

// Place is where a row is.
type Place struct {
	Filter string    // the first of the filters of which the row has a value; "" = it has none, or no time
	Value  uuid.UUID // its value
	At     time.Time // its time; zero in a list that is not sorted by one
}

// Find returns where these rows are, by id. Filters are columns that the list can be filtered by. Ids without a row are missing.
func (t Table) Find(ctx context.Context, ids []uuid.UUID, filters []string) (map[uuid.UUID]Place, error) {
	columns := make([]string, len(filters))
	for i, f := range filters {
		columns[i] = pgx.Identifier{f}.Sanitize()
	}
	rows, err := t.pool.Query(ctx, fmt.Sprintf(`SELECT id, ARRAY[%s]::uuid[], %s FROM %s WHERE id = ANY($1)`, strings.Join(columns, ", "), t.time(), pgx.Identifier{t.name}.Sanitize()), ids)
	found := make(map[uuid.UUID]Place, len(ids))
	if err == nil {
		var id uuid.UUID
		var values []*uuid.UUID
		var at *time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &values, &at}, func() error {
			p := Place{At: pg.Value(at)}
			for i, v := range values {
				if v != nil && at != nil && p.Filter == "" {
					p.Filter, p.Value = filters[i], *v
				}
			}
			found[id] = p
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s in their list: %w", t.name, err)
	}
	return found, nil
}

// Times returns, by value, the times of the rows that a filter finds for these values, from a time on; of so many rows at most.
func (t Table) Times(ctx context.Context, filter string, values []uuid.UUID, from time.Time, most int) (map[uuid.UUID][]time.Time, error) {
	if len(values) == 0 {
		return nil, nil
	}
	column := pgx.Identifier{filter}.Sanitize()
	rows, err := t.pool.Query(ctx, fmt.Sprintf(`SELECT %s, %s AS at FROM %s WHERE %[1]s = ANY($1) AND %[2]s >= $2 LIMIT %[4]d`, column, t.time(), pgx.Identifier{t.name}.Sanitize(), most), values, from)
	times := map[uuid.UUID][]time.Time{}
	if err == nil {
		var value uuid.UUID
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&value, &at}, func() error {
			times[value] = append(times[value], at)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s by %s: %w", t.name, filter, err)
	}
	return times, nil
}

// time is the time of a row: the first of all where the list is not sorted by one.
func (t Table) time() string {
	if t.sort == "" {
		return "'0001-01-01 00:00:00+00'::timestamptz"
	}
	return pgx.Identifier{t.sort}.Sanitize()
}
