package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Rows queries the rows of one table.
type Rows struct {
	s     *Store
	table string
}

// Rows returns the handle on the rows of a table.
func (s *Store) Rows(table string) Rows { return Rows{s, table} }

// Newest is the latest value of a time column; zero without rows. Values later than now are left out: Polar has dated them
// wrongly, and everything newer than the true latest value would be missed.
func (r Rows) Newest(ctx context.Context, column string, now time.Time) (time.Time, error) {
	var at *time.Time
	c := pgx.Identifier{column}.Sanitize()
	err := r.s.pool.QueryRow(ctx, `SELECT max(`+c+`) FROM `+pgx.Identifier{r.table}.Sanitize()+` WHERE _deleted_at IS NULL AND `+c+` <= $1`, now).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the newest %s of %s: %w", column, r.table, err)
	}
	return pg.Value(at), nil
}

// CountLive is how many rows are not marked as deleted, as sync_row_counts keeps it: the table is not read.
func (r Rows) CountLive(ctx context.Context) (int64, error) {
	n, err := r.s.q.RowCount(ctx, r.table)
	if err != nil {
		return 0, fmt.Errorf("read how many rows %s has: %w", r.table, err)
	}
	return n, nil
}

// CountAmong counts the live rows among these ids, and the others. Rows known only from copies do not count.
func (r Rows) CountAmong(ctx context.Context, ids []uuid.UUID) (among, others int64, err error) {
	err = r.s.pool.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE t.id = ANY($2)), count(*) FILTER (WHERE NOT t.id = ANY($2))
		FROM `+pgx.Identifier{r.table}.Sanitize()+` t
		WHERE t._deleted_at IS NULL
		  AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = $1 AND c.id = t.id AND c.resolved_at IS NULL)`, r.table, ids).Scan(&among, &others)
	if err != nil {
		return 0, 0, fmt.Errorf("count rows of %s: %w", r.table, err)
	}
	return among, others, nil
}

// LookUpIDs returns which of the ids have a row, and whether that row is live: not marked as deleted.
func (r Rows) LookUpIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	known := make(map[uuid.UUID]bool, len(ids))
	rows, err := r.s.pool.Query(ctx, `SELECT id, _deleted_at IS NULL FROM `+pgx.Identifier{r.table}.Sanitize()+` WHERE id = ANY($1)`, ids)
	if err == nil {
		var id uuid.UUID
		var live bool
		_, err = pgx.ForEachRow(rows, []any{&id, &live}, func() error { known[id] = live; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("look up rows of %s: %w", r.table, err)
	}
	return known, nil
}

// LiveIDs lists up to limit ids of live rows after one id, in ascending order. where is a further SQL condition on the columns of
// the table; it comes from the program and not from outside.
func (r Rows) LiveIDs(ctx context.Context, where string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	if where == "" {
		where = "true"
	}
	rows, err := r.s.pool.Query(ctx, `
		SELECT id FROM `+pgx.Identifier{r.table}.Sanitize()+`
		WHERE id > $1 AND _deleted_at IS NULL AND (`+where+`)
		ORDER BY id LIMIT $2`, after, limit)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("read ids of %s: %w", r.table, err)
	}
	return ids, nil
}

// IDsByValue lists up to most live rows with one of the values in a text column.
func (r Rows) IDsByValue(ctx context.Context, column string, values []string, most int) ([]uuid.UUID, error) {
	return r.idsWhere(ctx, "t."+pgx.Identifier{column}.Sanitize()+" = ANY($1)", most, values)
}

// IDsByReference lists up to most live rows that have one of these ids in a column.
func (r Rows) IDsByReference(ctx context.Context, column string, of []uuid.UUID, most int) ([]uuid.UUID, error) {
	return r.idsWhere(ctx, "t."+pgx.Identifier{column}.Sanitize()+" = ANY($1)", most, of)
}

// IDsByExternalID finds live rows by ids of the user's own system: of a customer, or of a customer and a member of it.
func (r Rows) IDsByExternalID(ctx context.Context, external ...string) ([]uuid.UUID, error) {
	sql := `SELECT id FROM ` + pgx.Identifier{r.table}.Sanitize() + ` WHERE external_id = $1 AND _deleted_at IS NULL`
	args := []any{external[len(external)-1]}
	if len(external) > 1 {
		sql += ` AND customer_id IN (SELECT id FROM customers WHERE external_id = $2)`
		args = append(args, external[0])
	}
	rows, err := r.s.pool.Query(ctx, sql+" ORDER BY id", args...)
	if err != nil {
		return nil, fmt.Errorf("look up %s by external id: %w", r.table, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look up %s by external id: %w", r.table, err)
	}
	return found, nil
}

// IDsDueBetween lists up to most live rows that have a time in (after, until] in one of the columns.
func (r Rows) IDsDueBetween(ctx context.Context, columns []string, after, until time.Time, most int) ([]uuid.UUID, error) {
	conditions := make([]string, len(columns))
	for i, c := range columns {
		c = "t." + pgx.Identifier{c}.Sanitize()
		conditions[i] = c + " > $1 AND " + c + " <= $2"
	}
	return r.idsWhere(ctx, "("+strings.Join(conditions, " OR ")+")", most, after, until)
}

// idsWhere lists up to most live rows t that meet a condition.
func (r Rows) idsWhere(ctx context.Context, condition string, most int, args ...any) ([]uuid.UUID, error) {
	rows, err := r.s.pool.Query(ctx, fmt.Sprintf(`SELECT t.id FROM %s t WHERE t._deleted_at IS NULL AND %s LIMIT %d`,
		pgx.Identifier{r.table}.Sanitize(), condition, most), args...)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s: %w", r.table, err)
	}
	return ids, nil
}

// CopiedIDs lists the live rows known only from copies inside other objects.
func (r Rows) CopiedIDs(ctx context.Context) ([]uuid.UUID, error) {
	rows, err := r.s.pool.Query(ctx, `
		SELECT t.id FROM `+pgx.Identifier{r.table}.Sanitize()+` t JOIN sync_stubs c ON c.stream = $1 AND c.id = t.id
		WHERE t._deleted_at IS NULL AND c.resolved_at IS NULL ORDER BY t.id`, r.table)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s that were only copied: %w", r.table, err)
	}
	return ids, nil
}

// IDsDeletedBy lists the rows that a run marked as deleted.
func (r Rows) IDsDeletedBy(ctx context.Context, run int64) (ids []uuid.UUID, err error) {
	rows, err := r.s.pool.Query(ctx, `SELECT id FROM sync_tombstones WHERE stream = $1 AND run_id = $2 ORDER BY id`, r.table, run)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s that run %d deleted: %w", r.table, run, err)
	}
	return ids, nil
}

// Link runs the query that finds the mirrored rows of an export's rows; the table is that of the export.
func (r Rows) Link(ctx context.Context, link func(*db.Queries, context.Context) error) error {
	if err := link(r.s.q, ctx); err != nil {
		return fmt.Errorf("find the rows that %s belongs to: %w", r.table, err)
	}
	return nil
}

// Analyze updates the planner's statistics of the table, so that it is joined well.
func (r Rows) Analyze(ctx context.Context) error {
	if _, err := r.s.pool.Exec(ctx, "ANALYZE "+pgx.Identifier{r.table}.Sanitize()); err != nil {
		return fmt.Errorf("analyze %s: %w", r.table, err)
	}
	return nil
}

// NeighboursOf returns up to three ids of live rows that are not among ids. They follow the first of ids in key order, which is
// as good as random and needs no scan. Rows known only from copies are left out: Polar may not show them.
func (r Rows) NeighboursOf(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	t := pgx.Identifier{r.table}.Sanitize()
	side := func(compare string) string {
		return `(SELECT t.id FROM ` + t + ` t WHERE t.id ` + compare + ` $2 AND t._deleted_at IS NULL AND NOT t.id = ANY($1)
			AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = $3 AND c.id = t.id AND c.resolved_at IS NULL)
			ORDER BY t.id LIMIT 3)`
	}
	rows, err := r.s.pool.Query(ctx, side(">")+" UNION ALL "+side("<")+" LIMIT 3", ids, ids[0], r.table)
	if err != nil {
		return nil, fmt.Errorf("look for other rows of %s: %w", r.table, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look for other rows of %s: %w", r.table, err)
	}
	return found, nil
}

// LeaveOutOwned removes from ids the rows that name one of the parents in one of the columns.
func (r Rows) LeaveOutOwned(ctx context.Context, columns []string, parents, ids []uuid.UUID) ([]uuid.UUID, error) {
	if len(parents) == 0 || len(ids) == 0 {
		return ids, nil
	}
	among := make([]string, len(columns))
	for i, c := range columns {
		among[i] = pgx.Identifier{c}.Sanitize() + " = ANY($2)"
	}
	rows, err := r.s.pool.Query(ctx, `
		SELECT id FROM `+pgx.Identifier{r.table}.Sanitize()+` WHERE id = ANY($1) AND (`+strings.Join(among, " OR ")+`)`, ids, parents)
	var theirs []uuid.UUID
	if err == nil {
		theirs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("read parents of %s: %w", r.table, err)
	}
	return slices.DeleteFunc(ids, func(id uuid.UUID) bool { return slices.Contains(theirs, id) }), nil
}

// ReadFields reads columns of one row as text, to complete the path of its own endpoint; ErrNoRow if it is not stored.
func (r Rows) ReadFields(ctx context.Context, id uuid.UUID, columns []string) (map[string]string, error) {
	fields := map[string]string{}
	for _, c := range columns {
		var v *string
		err := r.s.pool.QueryRow(ctx, `SELECT `+pgx.Identifier{c}.Sanitize()+`::text FROM `+pgx.Identifier{r.table}.Sanitize()+` WHERE id = $1`, id).Scan(&v)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s %s: %w", c, r.table, id, err)
		}
		fields[c] = pg.Value(v)
	}
	return fields, nil
}
