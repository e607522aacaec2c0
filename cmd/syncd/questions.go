package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// questions are what a business asks of its billing data, and the SQL that answers. Amounts of different currencies
// are never added. They are whole minor units: 100 to a dollar or a euro, 1 to a yen.
var questions = []struct{ text, sql string }{
	{"What is our monthly recurring revenue, by product and currency?", `
SELECT p.name AS product, s.currency, count(*) AS subscriptions,
       round(sum(s.amount / s.recurring_interval_count
                 * CASE s.recurring_interval WHEN 'year' THEN 1 / 12.0 WHEN 'week' THEN 52 / 12.0 WHEN 'day' THEN 365 / 12.0 ELSE 1 END)
             / CASE s.currency WHEN 'jpy' THEN 1 ELSE 100 END, 2) AS per_month
FROM subscriptions s
JOIN products p ON p.id = s.product_id
WHERE s.status IN ('active', 'past_due') AND s._deleted_at IS NULL
GROUP BY p.name, s.currency
ORDER BY s.currency, per_month DESC
LIMIT 12`},
	{"Who are our best customers, refunds taken off?", `
SELECT c.name, c.email, o.currency, count(*) AS orders,
       round(sum(o.net_amount - o.refunded_amount) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END, 2) AS revenue
FROM orders o
JOIN customers c ON c.id = o.customer_id
WHERE o.paid AND o._deleted_at IS NULL
GROUP BY c.id, c.name, c.email, o.currency
ORDER BY row_number() OVER (PARTITION BY o.currency ORDER BY sum(o.net_amount - o.refunded_amount) DESC), o.currency
LIMIT 9`},
	{"How many subscribers leave us each month?", `
SELECT to_char(month, 'YYYY-MM') AS month,
       count(*) FILTER (WHERE s.started_at < month) AS at_start,
       count(*) FILTER (WHERE s.started_at >= month) AS new,
       count(*) FILTER (WHERE s.ended_at < month + interval '1 month') AS left,
       round(100.0 * count(*) FILTER (WHERE s.started_at < month AND s.ended_at < month + interval '1 month')
             / nullif(count(*) FILTER (WHERE s.started_at < month), 0), 1) AS churn_percent
FROM generate_series(date_trunc('month', now()) - interval '5 months', date_trunc('month', now()), interval '1 month') AS month
JOIN subscriptions s ON s.started_at < month + interval '1 month' AND (s.ended_at IS NULL OR s.ended_at >= month)
WHERE s._deleted_at IS NULL
GROUP BY month
ORDER BY month`},
	{"Why do payments fail, and how much of it came in later?", `
SELECT coalesce(f.decline_reason, 'unknown') AS reason, o.currency, count(DISTINCT o.id) AS orders,
       count(DISTINCT o.id) FILTER (WHERE o.paid) AS paid_later,
       count(DISTINCT o.customer_id) AS customers
FROM payments f
JOIN orders o ON o.id = f.order_id
WHERE f.status = 'failed' AND f._deleted_at IS NULL
GROUP BY reason, o.currency
ORDER BY orders DESC, reason, o.currency
LIMIT 8`},
	{"Who is about to reach the cap of a metered price?", `
SELECT c.name, m.name AS meter, u.consumed_units AS used, s.currency,
       round(u.amount / 100.0, 2) AS charged, round(price.cap_amount / 100.0, 2) AS cap,
       round(100.0 * u.amount / price.cap_amount) AS percent
FROM subscription_meters u
JOIN subscriptions s ON s.id = u.subscription_id
JOIN subscription_prices price ON price.subscription_id = s.id AND price.meter_id = u.meter_id
JOIN customers c ON c.id = s.customer_id
JOIN meters m ON m.id = u.meter_id
WHERE price.cap_amount > 0 AND s.ended_at IS NULL AND u._removed_at IS NULL AND price._removed_at IS NULL
ORDER BY 1.0 * u.amount / price.cap_amount DESC, c.name
LIMIT 5`},
}

// numeric are the types that are aligned to the right.
var numeric = []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float8OID}

// ask answers the questions.
func ask(ctx context.Context, w io.Writer, pool *pgxpool.Pool) error {
	for i, q := range questions {
		sql := strings.TrimSpace(q.sql)
		t, err := answer(ctx, pool, sql)
		if err != nil {
			return fmt.Errorf("question %d: %w", i+1, err)
		}
		if _, err := fmt.Fprintf(w, "\n%d. %s\n\n%s;\n\n", i+1, q.text, indent(sql)); err != nil {
			return err
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	return nil
}

// answer runs a query and takes the result as Postgres writes it.
func answer(ctx context.Context, pool *pgxpool.Pool, sql string) (*table, error) {
	rows, err := pool.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{}
	for _, f := range rows.FieldDescriptions() {
		t.head = append(t.head, f.Name)
		side := "l"
		if slices.Contains(numeric, f.DataTypeOID) {
			side = "r"
		}
		t.align += side
	}
	for rows.Next() {
		var cells []string
		for _, v := range rows.RawValues() {
			cells = append(cells, string(v))
		}
		t.add(cells...)
	}
	return t, rows.Err()
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }
