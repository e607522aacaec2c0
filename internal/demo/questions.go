package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/pg"
	"syncd/internal/terminal"
)

// questions are what a business asks its billing data, with the SQL that answers. Amounts of different currencies are never
// added. They are stored in the smallest unit; major_amount() makes dollars, euros and yen of them.
var questions = []struct{ text, sql string }{
	{"What is our monthly recurring revenue, by currency?", `
SELECT currency, count(*) AS subscriptions, count(DISTINCT customer_id) AS customers, major_amount(sum(monthly_amount), currency) AS per_month
FROM subscriptions_enriched
WHERE status IN ('active', 'past_due') AND monthly_amount > 0
GROUP BY currency
ORDER BY subscriptions DESC
LIMIT 3`},
	{"Who are our best customers, refunds taken off?", `
SELECT customer, orders, revenue, currency
FROM (
    SELECT coalesce(c.name, c.email) AS customer, v.paid_orders AS orders, v.value_major AS revenue, v.currency,
           row_number() OVER (PARTITION BY v.currency ORDER BY v.value_major DESC) AS place
    FROM customer_lifetime_values v
    JOIN customers_live c ON c.id = v.customer_id
    WHERE c.deleted_at IS NULL
) AS ranked
WHERE place = 1
ORDER BY orders DESC, currency
LIMIT 3`},
	{"How many subscribers leave us each month?", `
SELECT to_char(month, 'YYYY-MM') AS month,
       count(*) FILTER (WHERE s.started_at < month) AS at_start,
       count(*) FILTER (WHERE s.started_at >= month) AS joined,
       count(*) FILTER (WHERE s.canceled_at >= month AND s.canceled_at < month + interval '1 month') AS canceled,
       count(*) FILTER (WHERE s.ended_at < month + interval '1 month') AS ended,
       round(100.0 * count(*) FILTER (WHERE s.started_at < month AND s.ended_at < month + interval '1 month')
             / nullif(count(*) FILTER (WHERE s.started_at < month), 0), 1) AS churn_percent
FROM generate_series(date_trunc('month', now()) - interval '2 months', date_trunc('month', now()), interval '1 month') AS month
JOIN subscriptions_live s ON s.started_at < month + interval '1 month' AND (s.ended_at IS NULL OR s.ended_at >= month)
GROUP BY month
ORDER BY month`},
	{"Why do payments fail, and how much of it came in later?", `
SELECT coalesce(failed.reason, 'unknown') AS reason, o.currency, count(*) AS orders,
       count(*) FILTER (WHERE o.paid) AS paid_later,
       major_amount(coalesce(sum(o.total_amount) FILTER (WHERE NOT o.paid), 0), o.currency) AS still_open
FROM (
    SELECT DISTINCT ON (order_id) order_id, decline_reason AS reason
    FROM payments_live
    WHERE status = 'failed'
    ORDER BY order_id, created_at
) AS failed
JOIN orders_live o ON o.id = failed.order_id
GROUP BY o.currency, reason
ORDER BY orders DESC, o.currency, reason
LIMIT 3`},
	{"Whose metered usage is nearest to its cap?", `
SELECT coalesce(c.name, c.email) AS customer, u.meter_name AS meter, round(u.consumed_units, 1) AS used, u.currency,
       major_amount(u.amount, u.currency) AS charged, major_amount(u.cap_amount, u.currency) AS cap, round(100 * u.part_of_cap) AS percent
FROM usage_current u
JOIN customers_live c ON c.id = u.customer_id
WHERE u.cap_amount > 0 AND c.deleted_at IS NULL
ORDER BY u.part_of_cap DESC, customer
LIMIT 3`},
}

// numeric are the types of right-aligned columns.
var numeric = []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float8OID}

// answer runs the SQL of each question, and prints the answer. The SQL is a detail.
func (d *demo) answer(ctx context.Context) error {
	for _, q := range questions {
		sql := strings.TrimSpace(q.sql)
		t, err := queryTable(ctx, d.store.Pool(), sql)
		if err != nil {
			return fmt.Errorf("%s: %w", q.text, err)
		}
		d.print("\n%s\n%s\n", q.text, indent(t.Text()))
		d.details.WriteString("\n-- " + q.text + "\n" + sql + ";\n")
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

func indent(s string) string { return "   " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n   ") }
