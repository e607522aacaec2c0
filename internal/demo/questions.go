package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/pg"
	"syncd/internal/terminal"
)

// questions are what a business asks its billing data, with the SQL that answers. Amounts of different currencies are never
// added. They are stored in the smallest unit: 100 to a dollar or a euro, 1 to a yen.
var questions = []struct{ text, sql string }{
	{"What is our monthly recurring revenue, by currency and product?", `
SELECT currency, product, subscriptions, per_month
FROM (
    SELECT s.currency, p.name AS product, count(*) AS subscriptions,
           round(sum(s.amount::numeric / s.recurring_interval_count
                     * CASE s.recurring_interval WHEN 'year' THEN 1 / 12.0 WHEN 'week' THEN 52 / 12.0 WHEN 'day' THEN 365 / 12.0 ELSE 1 END)
                 / CASE s.currency WHEN 'jpy' THEN 1 ELSE 100 END, 2) AS per_month,
           row_number() OVER (PARTITION BY s.currency ORDER BY sum(s.amount) DESC) AS place
    FROM subscriptions s
    JOIN products p ON p.id = s.product_id
    WHERE s.status IN ('active', 'past_due') AND s.amount > 0 AND s._deleted_at IS NULL
    GROUP BY s.currency, p.id, p.name
) AS ranked
WHERE place <= 4
ORDER BY currency, per_month DESC`},
	{"Who are our best customers, refunds taken off?", `
SELECT currency, customer, orders, revenue
FROM (
    SELECT o.currency, coalesce(c.name, c.email) AS customer, count(*) AS orders,
           round(sum(o.net_amount - o.refunded_amount) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END, 2) AS revenue,
           row_number() OVER (PARTITION BY o.currency ORDER BY sum(o.net_amount - o.refunded_amount) DESC) AS place
    FROM orders o
    JOIN customers c ON c.id = o.customer_id
    WHERE o.paid AND o._deleted_at IS NULL
    GROUP BY o.currency, c.id, c.name, c.email
) AS ranked
WHERE place <= 3
ORDER BY currency, place`},
	{"How many subscribers leave us each month?", `
SELECT to_char(month, 'YYYY-MM') AS month,
       count(*) FILTER (WHERE s.started_at < month) AS at_start,
       count(*) FILTER (WHERE s.started_at >= month) AS joined,
       count(*) FILTER (WHERE s.canceled_at >= month AND s.canceled_at < month + interval '1 month') AS canceled,
       count(*) FILTER (WHERE s.ended_at < month + interval '1 month') AS ended,
       round(100.0 * count(*) FILTER (WHERE s.started_at < month AND s.ended_at < month + interval '1 month')
             / nullif(count(*) FILTER (WHERE s.started_at < month), 0), 1) AS churn_percent
FROM generate_series(date_trunc('month', now()) - interval '5 months', date_trunc('month', now()), interval '1 month') AS month
JOIN subscriptions s ON s.started_at < month + interval '1 month' AND (s.ended_at IS NULL OR s.ended_at >= month)
WHERE s._deleted_at IS NULL
GROUP BY month
ORDER BY month`},
	{"Why do payments fail, and how much of it came in later?", `
SELECT o.currency, coalesce(failed.reason, 'unknown') AS reason, count(*) AS orders,
       count(*) FILTER (WHERE o.paid) AS paid_later,
       round(coalesce(sum(o.total_amount) FILTER (WHERE NOT o.paid), 0) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END, 2) AS still_open
FROM (
    SELECT DISTINCT ON (order_id) order_id, decline_reason AS reason
    FROM payments
    WHERE status = 'failed' AND _deleted_at IS NULL
    ORDER BY order_id, created_at
) AS failed
JOIN orders o ON o.id = failed.order_id
GROUP BY o.currency, reason
ORDER BY orders DESC, o.currency, reason
LIMIT 8`},
	{"Whose metered usage is nearest to its cap?", `
SELECT coalesce(c.name, c.email) AS customer, m.name AS meter, round(u.consumed_units, 1) AS used, s.currency,
       round(u.amount / CASE s.currency WHEN 'jpy' THEN 1 ELSE 100.0 END, 2) AS charged,
       round(price.cap_amount / CASE s.currency WHEN 'jpy' THEN 1 ELSE 100.0 END, 2) AS cap,
       round(100.0 * u.amount / price.cap_amount) AS percent
FROM subscription_meters u
JOIN subscriptions s ON s.id = u.subscription_id
JOIN subscription_prices price ON price.subscription_id = s.id AND price.meter_id = u.meter_id
JOIN customers c ON c.id = s.customer_id
JOIN meters m ON m.id = u.meter_id
WHERE price.cap_amount > 0 AND s.ended_at IS NULL AND u._removed_at IS NULL AND price._removed_at IS NULL
ORDER BY 1.0 * u.amount / price.cap_amount DESC, customer
LIMIT 5`},
}

// numeric are the types of right-aligned columns.
var numeric = []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float8OID}

// printAnswers runs each question's SQL, and prints it with the answer.
func printAnswers(ctx context.Context, w io.Writer, pool *pg.Pool) error {
	for i, q := range questions {
		sql := strings.TrimSpace(q.sql)
		t, err := queryTable(ctx, pool, sql)
		if err != nil {
			return fmt.Errorf("question %d: %w", i+1, err)
		}
		if _, err := fmt.Fprintf(w, "\n%d. %s\n\n%s;\n\n", i+1, q.text, indent(sql)); err != nil {
			return err
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}

// queryTable runs a query, and returns the result in Postgres's own text form.
func queryTable(ctx context.Context, pool *pg.Pool, sql string) (*terminal.Table, error) {
	rows, err := pool.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &terminal.Table{}
	for _, f := range rows.FieldDescriptions() {
		t.Head = append(t.Head, f.Name)
		side := "l"
		if slices.Contains(numeric, f.DataTypeOID) {
			side = "r"
		}
		t.Align += side
	}
	for rows.Next() {
		var cells []string
		for _, v := range rows.RawValues() {
			cells = append(cells, string(v))
		}
		t.Add(cells...)
	}
	return t, rows.Err()
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }
