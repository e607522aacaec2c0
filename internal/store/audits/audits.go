// Package audits holds the queries of an audit, and keeps its findings. It compares a table with its export, rows with each
// other, and a customer's state with Polar's.
//
// Each query returns Differences, and marks as Settled those that time passing between the reads does not explain. RecordFindings
// then writes the findings and closes earlier ones that were not found again, in one transaction.
package audits

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// The kinds of findings; see the comments of sync_findings.
const (
	FindingDifferent = "different"
	FindingLost      = "lost"
	FindingExtra     = "extra"
	FindingChildren  = "children"
	FindingState     = "state"
	FindingMetric    = "metric"
	FindingUnsettled = "unsettled" // a metric that differs, which a change at Polar since may explain
)

// MostDifferences bounds the result of one comparison.
const MostDifferences = 1000

// Difference is one place where the mirror and a second source differ.
type Difference struct {
	ID      uuid.UUID // of the mirrored row; zero where the mirror lacks it
	Key     string    // ID as text; if that is zero, the other source's name of the row
	Field   string
	Mirror  string // money in the smallest unit of the currency
	Other   string
	Hash    string    // digest of the stored row, in hexadecimal
	At      time.Time // of a lost row: when it was created
	Settled bool      // time passing between the reads does not explain it: see the query
}

// Audits compares the mirror with itself and with other sources, and keeps the findings.
type Audits struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle on the audits of a schema.
func New(pool *pg.Pool) Audits { return Audits{pool, db.New(pool)} }

// DifferingFigures are the metrics that differ from their export by more than the rounding of a binary floating point number, and
// those that only one of the two has. The export has names where the metrics have slugs; a name without a single known slug is
// not compared. Current periods are left out: they change all the time.
func (a Audits) DifferingFigures(ctx context.Context, asOf time.Time) ([]Difference, error) {
	return a.differences(ctx, "metrics", `
		WITH past AS (
			SELECT u."interval", u.last, f.first
			FROM (SELECT "interval", max(period_start) AS last FROM metrics WHERE _deleted_at IS NULL GROUP BY 1) u
			JOIN (SELECT "interval", min(period_start) AS first FROM metrics_export WHERE _deleted_at IS NULL GROUP BY 1) f USING ("interval")
		), named AS (
			SELECT min(slug) AS slug, display_name FROM (SELECT DISTINCT slug, display_name FROM metrics WHERE _deleted_at IS NULL) d
			GROUP BY display_name HAVING count(*) = 1
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

// ChildGaps are the rows of a table whose children have gaps: a list of n has the positions 0 to n-1.
func (a Audits) ChildGaps(ctx context.Context, table, child, parent string) ([]Difference, error) {
	return a.differences(ctx, table, `
		SELECT o.id, o.id::text, '`+child+`', c.n::text, c.most::text, encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM (SELECT `+parent+` AS id, count(*) AS n, max(_position) + 1 AS most FROM `+child+` WHERE _removed_at IS NULL GROUP BY 1) c
		JOIN `+table+` o ON o.id = c.id
		WHERE c.n <> c.most AND o._deleted_at IS NULL ORDER BY o.id LIMIT $1`, MostDifferences)
}

// UnsummedOrders are the orders whose items do not add up to their subtotal.
func (a Audits) UnsummedOrders(ctx context.Context) ([]Difference, error) {
	return a.differences(ctx, "orders", `
		SELECT o.id, o.id::text, 'order_items', c.total::text, COALESCE(o.subtotal_amount::text, ''), encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM orders o
		LEFT JOIN LATERAL (SELECT COALESCE(sum(i.amount), 0) AS total FROM order_items i WHERE i.order_id = o.id AND i._removed_at IS NULL) c ON true
		WHERE c.total IS DISTINCT FROM o.subtotal_amount AND `+Pair{Table: "orders"}.live()+`
		ORDER BY o.id LIMIT $1`, MostDifferences)
}

// DanglingIDs are ids that live rows of a table refer to and that have no row in the target's table.
func (a Audits) DanglingIDs(ctx context.Context, table, column, target string) ([]uuid.UUID, error) {
	rows, err := a.pool.Query(ctx, `
		SELECT DISTINCT o.`+column+` FROM `+table+` o
		WHERE o._deleted_at IS NULL AND o.`+column+` IS NOT NULL AND NOT EXISTS (SELECT FROM `+target+` t WHERE t.id = o.`+column+`)
		ORDER BY 1 LIMIT $1`, MostDifferences)
	if err != nil {
		return nil, audited(table, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, audited(table, err)
}

// OlderThan keeps those of the ids whose rows are live and, at the given time, were at least ten minutes older than another live
// row.
func (a Audits) OlderThan(ctx context.Context, table string, ids []uuid.UUID, than time.Time) (map[uuid.UUID]bool, error) {
	older := map[uuid.UUID]bool{}
	rows, err := a.pool.Query(ctx, `SELECT id FROM `+table+` WHERE id = ANY($1) AND _deleted_at IS NULL AND created_at < $2::timestamptz - interval '10 minutes'`, ids, than)
	if err == nil {
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { older[id] = true; return nil })
	}
	return older, audited(table, err)
}

// CountListed counts the live rows, without those known only from copies.
func (a Audits) CountListed(ctx context.Context, table string) (n int64, err error) {
	err = a.pool.QueryRow(ctx, `SELECT count(*) FROM `+table+` o WHERE `+Pair{Table: table}.live()).Scan(&n)
	return n, audited(table, err)
}

// IDsChangedSince lists the live rows that were written since a time; all of them for the zero time.
func (a Audits) IDsChangedSince(ctx context.Context, table string, since time.Time) (ids []uuid.UUID, err error) {
	rows, err := a.pool.Query(ctx, `SELECT id FROM `+table+` WHERE _deleted_at IS NULL AND _synced_at >= $1`, since)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	return ids, audited(table, err)
}

// Hashes are the digests of stored rows, in hexadecimal.
func (a Audits) Hashes(ctx context.Context, table string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	hashes := make(map[uuid.UUID]string, len(ids))
	rows, err := a.pool.Query(ctx, `SELECT id, encode(_hash, 'hex') FROM `+table+` WHERE id = ANY($1)`, ids)
	if err == nil {
		var id uuid.UUID
		var hash string
		_, err = pgx.ForEachRow(rows, []any{&id, &hash}, func() error { hashes[id] = hash; return nil })
	}
	return hashes, audited(table, err)
}

// SampleCustomers picks up to n live customers, others each time. Those who are erased differ from Polar's, and should.
func (a Audits) SampleCustomers(ctx context.Context, n int) ([]uuid.UUID, error) {
	rows, err := a.pool.Query(ctx, `SELECT o.id FROM customers o WHERE `+Pair{Table: "customers"}.live()+`
		AND NOT EXISTS (SELECT FROM sync_erasures x WHERE x.customer_id = o.id) ORDER BY random() LIMIT $1`, n)
	if err != nil {
		return nil, audited("customers", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, audited("customers", err)
}

// IDsOfCustomer lists rows of a table that belong to a customer.
func (a Audits) IDsOfCustomer(ctx context.Context, table string, customer uuid.UUID) (ids []uuid.UUID, err error) {
	rows, err := a.pool.Query(ctx, `SELECT id FROM `+table+` WHERE customer_id = $1 AND _deleted_at IS NULL ORDER BY id LIMIT 50`, customer)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	return ids, audited(table, err)
}

// differences reads the result of a comparison.
func (a Audits) differences(ctx context.Context, table, sql string, args ...any) ([]Difference, error) {
	rows, err := a.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, audited(table, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Difference, err error) {
		var at pgtype.Timestamptz
		err = row.Scan(&d.ID, &d.Key, &d.Field, &d.Mirror, &d.Other, &d.Hash, &at, &d.Settled)
		d.At = at.Time
		return d, err
	})
	return list, audited(table, err)
}

// audited adds to an error of the database which table was audited.
func audited(table string, err error) error {
	if err != nil {
		return pg.Failure(fmt.Errorf("audit %s: %w", table, err))
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
