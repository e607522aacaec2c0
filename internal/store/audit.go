package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/db"
)

// The kinds of findings; see the comments of sync_findings.
const (
	FindingDifferent = "different"
	FindingLost      = "lost"
	FindingExtra     = "extra"
	FindingChildren  = "children"
	FindingState     = "state"
)

// MostDifferences bounds what one comparison gives back.
const MostDifferences = 1000

// Do runs a generated query that belongs to no page.
func (s *Store) Do(ctx context.Context, what string, query func(*db.Queries) error) error {
	if err := query(s.q); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Analyze lets Postgres take a look at tables, so that it knows how to join them.
func (s *Store) Analyze(ctx context.Context, tables ...string) error {
	for _, t := range tables {
		if _, err := s.pool.Exec(ctx, "ANALYZE "+pgx.Identifier{t}.Sanitize()); err != nil {
			return fmt.Errorf("analyze %s: %w", t, err)
		}
	}
	return nil
}

// Difference is one place where the mirror and a second source do not agree.
type Difference struct {
	ID      uuid.UUID // of the mirrored row; zero where the mirror lacks it
	Key     string    // ID as text; where that is zero, what the other source calls the row by
	Field   string
	Mirror  string // money in the smallest unit of the currency
	Other   string
	Hash    string    // digest of what the mirror stored of the row, in hexadecimal
	At      time.Time // of a lost row: when it was created
	Settled bool      // time passing between the reads does not explain it: see the query
}

// Pair is a table and the table of its export.
type Pair struct {
	Table, Export string
	Link          string // column of the export's table that holds the id of the mirrored row
	Time          string // column of both by which rows without another name are told apart
	Number        string // column of both that names a row for sure, where it has a value; "" = there is none
	Deletable     bool   // Polar deletes such rows in the course of things
	Fields        []PairField
}

// PairField is a field that both sources have, as SQL expressions over the mirrored row o and the export's row e.
type PairField struct {
	Name   string
	Mirror string // "" = o.Name
	Other  string // "" = e.Name
	Text   bool   // the export cannot tell an empty text from none
	// Money: the export divided the amount by 100 as a binary floating point number, which is done here too: beyond 2^53 the
	// digits of the export are not those of the amount.
	Money bool
}

func (f PairField) sql() (mirror, other, differs string) {
	mirror, other = f.Mirror, f.Other
	if mirror == "" {
		mirror = "o." + pgx.Identifier{f.Name}.Sanitize()
	}
	if other == "" {
		other = "e." + pgx.Identifier{f.Name}.Sanitize()
	}
	if f.Text {
		mirror, other = "NULLIF("+mirror+", '')", "NULLIF("+other+", '')"
	}
	differs = "(" + mirror + ") IS DISTINCT FROM (" + other + ")"
	if f.Money {
		differs = "((" + mirror + ")::float8 / 100) IS DISTINCT FROM (e." + pgx.Identifier{f.Name + "_major"}.Sanitize() + ")::float8"
	}
	return mirror, other, differs
}

// byThen says of a row o of the mirror that it was requested by $1, as far as can be told.
const byThen = `(o._requested_at <= $1::timestamptz OR o._requested_at > ` + present + `)`

// live is a row of the mirror that Polar may be expected to have: not one that was only ever copied from another object.
func (p Pair) live() string {
	return `o._deleted_at IS NULL AND NOT EXISTS (SELECT FROM sync_stubs b WHERE b.stream = '` + p.Table + `' AND b.id = o.id AND b.resolved_at IS NULL)`
}

// present keeps the fields that the export has. A column without a single value is one that the file did not have.
func (s *Store) present(ctx context.Context, p Pair) (fields []PairField, err error) {
	var ask []string
	for _, f := range p.Fields {
		_, other, _ := f.sql()
		ask = append(ask, "COALESCE(bool_or(("+other+") IS NOT NULL), false)")
	}
	rows, err := s.pool.Query(ctx, "SELECT ARRAY["+strings.Join(ask, ", ")+"] FROM "+p.Export+" e WHERE e._deleted_at IS NULL")
	if err != nil {
		return nil, err
	}
	has, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]bool])
	for i, is := range has {
		if is {
			fields = append(fields, p.Fields[i])
		}
	}
	return fields, err
}

// Differences are the fields in which rows of the mirror and of the export differ that belong together. Rows that the mirror
// stored after asOf are left out, as the export may be older; with the zero time none are.
func (s *Store) Differences(ctx context.Context, p Pair, asOf time.Time) ([]Difference, error) {
	fields, err := s.present(ctx, p)
	if err != nil || len(fields) == 0 {
		return nil, s.audited(p.Table, err)
	}
	var values []string
	for _, f := range fields {
		mirror, other, differs := f.sql()
		values = append(values, fmt.Sprintf("('%s', (%s)::text, (%s)::text, %s)", f.Name, mirror, other, differs))
	}
	return s.differences(ctx, p.Table, `
		SELECT o.id, o.id::text, v.field, COALESCE(v.mirror, ''), COALESCE(v.other, ''), encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM `+p.Table+` o JOIN `+p.Export+` e ON e.`+p.Link+` = o.id
		CROSS JOIN LATERAL (VALUES `+strings.Join(values, ", ")+`) AS v(field, mirror, other, differs)
		WHERE v.differs AND e._deleted_at IS NULL AND `+byThen+` AND `+p.live()+`
		ORDER BY o.id, v.field LIMIT $2`, bound(asOf), MostDifferences)
}

// twin is a row that nothing belongs to on either side and that has the same time as one on the other: the same thing, told
// apart by a name or an address that changed between the reads.
func (p Pair) twin() string {
	if p.Time == "" {
		return "false"
	}
	twin := "e." + p.Time + " = o." + p.Time
	if p.Number != "" {
		twin += " AND e." + p.Number + " IS NULL AND NULLIF(o." + p.Number + ", '') IS NULL"
	}
	return twin
}

// Extra are the live rows of the mirror that the export does not have. Settled: the row was not merely deleted at Polar since
// it was mirrored; where that can happen, no export ever had it, though earlier ones have later rows.
func (s *Store) Extra(ctx context.Context, p Pair, asOf, since time.Time) ([]Difference, error) {
	settled, listed := "$3::timestamptz IS NOT NULL", ""
	if p.Deletable {
		settled = `NOT EXISTS (SELECT FROM ` + p.Export + ` e WHERE e.id = o.id)
			AND o.created_at <= (SELECT max(e.created_at) FROM ` + p.Export + ` e WHERE e._synced_at < $3)`
	}
	if p.Time != "" {
		listed = " AND o." + p.Time + " IS NOT NULL"
	}
	return s.differences(ctx, p.Table, `
		SELECT o.id, o.id::text, '', 'there', 'absent', encode(o._hash, 'hex'), '-infinity'::timestamptz, COALESCE(`+settled+`, false)
		FROM `+p.Table+` o
		WHERE `+byThen+` AND `+p.live()+listed+`
		  AND NOT EXISTS (SELECT FROM `+p.Export+` e WHERE e.`+p.Link+` = o.id AND e._deleted_at IS NULL)
		  AND NOT EXISTS (SELECT FROM `+p.Export+` e WHERE e.`+p.Link+` IS NULL AND e._deleted_at IS NULL AND `+p.twin()+`)
		ORDER BY o.id LIMIT $2`, bound(asOf), MostDifferences, since)
}

// Lost are the rows of the export that the mirror does not have. Settled: the row is older than others that the mirror does
// have, so it had been there to be mirrored.
func (s *Store) Lost(ctx context.Context, p Pair) ([]Difference, error) {
	at, key, id := "e.created_at", "e.id::text", "e.id"
	if p.Time != "" {
		at, id = "e."+p.Time, "'00000000-0000-0000-0000-000000000000'::uuid"
		key = "e." + p.Time + "::text || ' ' || COALESCE(e.email, '')"
	}
	if p.Number != "" {
		key = "COALESCE(e." + p.Number + ", " + key + ")"
	}
	column := strings.TrimPrefix(at, "e.")
	return s.differences(ctx, p.Table, `
		SELECT `+id+`, COALESCE(`+key+`, e.id::text), '', 'absent', 'there', '', COALESCE(`+at+`, '-infinity'),
		       COALESCE(`+at+` < (SELECT max(n.`+column+`) FROM `+p.Table+` n WHERE n._deleted_at IS NULL) - interval '10 minutes', false)
		FROM `+p.Export+` e LEFT JOIN `+p.Table+` m ON m.id = e.`+p.Link+` AND m._deleted_at IS NULL
		WHERE m.id IS NULL AND e._deleted_at IS NULL
		  AND NOT EXISTS (SELECT FROM `+p.Table+` o WHERE `+p.live()+` AND `+p.twin()+`
		                  AND NOT EXISTS (SELECT FROM `+p.Export+` x WHERE x.`+p.Link+` = o.id AND x._deleted_at IS NULL))
		ORDER BY 2 LIMIT $1`, MostDifferences)
}

// Figures are the metrics that differ from those of their export by more than the rounding of a binary floating point number,
// and those that only one of the two has. The export has names where the metrics have slugs: what the mirror knows no single
// slug for is not compared. The periods that are under way are left out: they change all the time.
func (s *Store) Figures(ctx context.Context, asOf time.Time) ([]Difference, error) {
	return s.differences(ctx, "metrics", `
		WITH past AS (
			SELECT u."interval", u.last, f.first
			FROM (SELECT "interval", max(period_start) AS last FROM metrics WHERE _deleted_at IS NULL GROUP BY 1) u
			JOIN (SELECT "interval", min(period_start) AS first FROM metrics_export WHERE _deleted_at IS NULL GROUP BY 1) f USING ("interval")
		), named AS (
			SELECT min(slug) AS slug, display_name FROM metrics WHERE _deleted_at IS NULL GROUP BY display_name HAVING count(DISTINCT slug) = 1
		), mirror AS (
			SELECT o.* FROM metrics o JOIN past p ON p."interval" = o."interval" AND o.period_start < p.last AND o.period_start >= p.first
			WHERE o._deleted_at IS NULL
		), export AS (
			SELECT e.*, n.slug FROM metrics_export e JOIN named n USING (display_name)
			JOIN past p ON p."interval" = e."interval" AND e.period_start < p.last
			WHERE e._deleted_at IS NULL AND e.value IS NOT NULL
		)
		SELECT COALESCE(o.id, '00000000-0000-0000-0000-000000000000'),
		       concat_ws(' ', COALESCE(o."interval", e."interval"), COALESCE(o.period_start, e.period_start), COALESCE(o.slug, e.slug)),
		       CASE WHEN o.id IS NULL OR e.id IS NULL THEN '' ELSE 'value' END,
		       CASE WHEN o.id IS NULL THEN 'absent' WHEN e.id IS NULL THEN 'there' ELSE COALESCE(o.value::text, '') END,
		       CASE WHEN e.id IS NULL THEN 'absent' WHEN o.id IS NULL THEN 'there' ELSE e.value::text END,
		       COALESCE(encode(o._hash, 'hex'), ''), '-infinity'::timestamptz, true
		FROM mirror o FULL JOIN export e ON e.slug = o.slug AND e."interval" = o."interval" AND e.timezone = o.timezone AND e.period_start = o.period_start
		WHERE COALESCE(`+byThen+`, true)
		  AND CASE WHEN o.id IS NULL THEN true
		           WHEN e.id IS NULL THEN o.value IS NOT NULL AND EXISTS (SELECT FROM export x WHERE x.slug = o.slug AND x."interval" = o."interval")
		           ELSE COALESCE(abs(o.value - e.value) > 1e-9 * greatest(1, abs(o.value)), true) END
		ORDER BY 1, 2 LIMIT $2`, bound(asOf), MostDifferences)
}

// Unlisted are the rows of a table whose children have gaps: a list of n has the positions 0 to n-1.
func (s *Store) Unlisted(ctx context.Context, table, child, parent string) ([]Difference, error) {
	return s.differences(ctx, table, `
		SELECT o.id, o.id::text, '`+child+`', c.n::text, c.most::text, encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM (SELECT `+parent+` AS id, count(*) AS n, max(_position) + 1 AS most FROM `+child+` WHERE _removed_at IS NULL GROUP BY 1) c
		JOIN `+table+` o ON o.id = c.id
		WHERE c.n <> c.most AND o._deleted_at IS NULL ORDER BY o.id LIMIT $1`, MostDifferences)
}

// Unsummed are the orders whose items do not add up to their subtotal.
func (s *Store) Unsummed(ctx context.Context) ([]Difference, error) {
	return s.differences(ctx, "orders", `
		SELECT o.id, o.id::text, 'order_items', c.total::text, COALESCE(o.subtotal_amount::text, ''), encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM orders o
		LEFT JOIN LATERAL (SELECT COALESCE(sum(i.amount), 0) AS total FROM order_items i WHERE i.order_id = o.id AND i._removed_at IS NULL) c ON true
		WHERE c.total IS DISTINCT FROM o.subtotal_amount AND `+Pair{Table: "orders"}.live()+`
		ORDER BY o.id LIMIT $1`, MostDifferences)
}

// Orphans are ids that live rows of a table refer to and that the target's table has no row for.
func (s *Store) Orphans(ctx context.Context, table, column, target string) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT DISTINCT o.`+column+` FROM `+table+` o
		WHERE o._deleted_at IS NULL AND o.`+column+` IS NOT NULL AND NOT EXISTS (SELECT FROM `+target+` t WHERE t.id = o.`+column+`)
		ORDER BY 1 LIMIT $1`, MostDifferences)
	if err != nil {
		return nil, s.audited(table, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, s.audited(table, err)
}

// Older keeps those of the ids whose rows are live and older, by ten minutes, than another live row was at the time given.
func (s *Store) Older(ctx context.Context, table string, ids []uuid.UUID, than time.Time) (map[uuid.UUID]bool, error) {
	older := map[uuid.UUID]bool{}
	rows, err := s.pool.Query(ctx, `SELECT id FROM `+table+` WHERE id = ANY($1) AND _deleted_at IS NULL AND created_at < $2::timestamptz - interval '10 minutes'`, ids, than)
	if err == nil {
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { older[id] = true; return nil })
	}
	return older, s.audited(table, err)
}

// Listed counts the live rows, but for those that were only copied from other objects.
func (s *Store) Listed(ctx context.Context, table string) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM `+table+` o WHERE `+Pair{Table: table}.live()).Scan(&n)
	return n, s.audited(table, err)
}

// IDs are the ids of all live rows.
func (s *Store) IDs(ctx context.Context, table string, changedSince time.Time) (ids []uuid.UUID, err error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM `+table+` WHERE _deleted_at IS NULL AND _synced_at >= $1`, changedSince)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	return ids, s.audited(table, err)
}

// Buried are the rows that a run marked as deleted.
func (s *Store) Buried(ctx context.Context, table string, run int64) (ids []uuid.UUID, err error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM sync_tombstones WHERE stream = $1 AND run_id = $2 ORDER BY id`, table, run)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	return ids, s.audited(table, err)
}

// Hashes are the digests of what the mirror stored of rows, in hexadecimal.
func (s *Store) Hashes(ctx context.Context, table string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	hashes := make(map[uuid.UUID]string, len(ids))
	rows, err := s.pool.Query(ctx, `SELECT id, encode(_hash, 'hex') FROM `+table+` WHERE id = ANY($1)`, ids)
	if err == nil {
		var id uuid.UUID
		var hash string
		_, err = pgx.ForEachRow(rows, []any{&id, &hash}, func() error { hashes[id] = hash; return nil })
	}
	return hashes, s.audited(table, err)
}

// Sample are up to n live customers, others each time.
func (s *Store) Sample(ctx context.Context, n int) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, `SELECT o.id FROM customers o WHERE `+Pair{Table: "customers"}.live()+` ORDER BY random() LIMIT $1`, n)
	if err != nil {
		return nil, s.audited("customers", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, s.audited("customers", err)
}

// Owned are the rows of a table that belong to a customer.
func (s *Store) Owned(ctx context.Context, table string, customer uuid.UUID) (ids []uuid.UUID, err error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM `+table+` WHERE customer_id = $1 AND _deleted_at IS NULL ORDER BY id LIMIT 50`, customer)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	return ids, s.audited(table, err)
}

func (s *Store) differences(ctx context.Context, table, sql string, args ...any) ([]Difference, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, s.audited(table, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Difference, err error) {
		var at pgtype.Timestamptz
		err = row.Scan(&d.ID, &d.Key, &d.Field, &d.Mirror, &d.Other, &d.Hash, &at, &d.Settled)
		d.At = at.Time
		return d, err
	})
	return list, s.audited(table, err)
}

func (s *Store) audited(table string, err error) error {
	if err != nil {
		return fmt.Errorf("%w: audit %s: %w", errPage, table, err)
	}
	return nil
}

// bound is an upper bound in time; the zero time bounds nothing.
func bound(t time.Time) any {
	if t.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	return t
}
