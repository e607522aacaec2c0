package audits

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// ComparedMetric is one metric of Polar's held against the same computed from the mirror, over periods in a row that have one verdict.
type ComparedMetric struct {
	Interval   string    `json:"interval"`
	Slug       string    `json:"slug"`
	First      time.Time `json:"first"` // start of the first period
	Last       time.Time `json:"last"`
	Periods    int       `json:"periods"`
	Verdict    string    `json:"verdict"` // equal, explained, different; "" = not compared
	Reason     string    `json:"reason,omitempty"`
	Polar      string    `json:"polar"` // of the first period; money in US cents
	Mirror     string    `json:"mirror"`
	Difference string    `json:"difference"` // Polar without Mirror
	Sources    []string  `json:"sources"`    // the streams that it is computed from
}

// CompareMetrics compares days and months that are over and begin at a time or later.
func (a Audits) CompareMetrics(ctx context.Context, since time.Time) ([]ComparedMetric, error) {
	rows, err := a.pool.Query(ctx, `
		WITH compared AS (
			SELECT *, row_number() OVER (PARTITION BY "interval", slug ORDER BY period_start) - row_number() OVER (PARTITION BY "interval", slug, verdict ORDER BY period_start) AS row
			FROM metrics_reconciled WHERE "interval" IN ('day', 'month') AND timezone = 'UTC' AND period_start >= $1
		)
		SELECT "interval", slug, min(period_start), max(period_start), count(*), coalesce(verdict, ''), coalesce(min(reason), ''), first[1], first[2], first[3], metric_sources(slug)
		FROM (SELECT *, first_value(ARRAY[trim_scale(polar_value)::text, trim_scale(own_value)::text, trim_scale(difference)::text])
			OVER (PARTITION BY "interval", slug, verdict, row ORDER BY period_start) AS first FROM compared) c
		GROUP BY "interval", slug, verdict, row, first ORDER BY 1, 2, 3`, since)
	if err != nil {
		return nil, audited("metrics", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ComparedMetric])
	return list, audited("metrics", err)
}

// ChangedAfter tells whether a mirrored row that metrics are computed from has changed at Polar after a time.
func (a Audits) ChangedAfter(ctx context.Context, at time.Time) (changed bool, err error) {
	err = a.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM subscriptions WHERE greatest(created_at, modified_at) > $1) OR EXISTS (SELECT FROM orders WHERE greatest(created_at, modified_at) > $1)
			OR EXISTS (SELECT FROM checkouts WHERE greatest(created_at, modified_at) > $1) OR EXISTS (SELECT FROM customer_seats WHERE greatest(created_at, modified_at) > $1)
			OR EXISTS (SELECT FROM events WHERE timestamp > $1)`, at).Scan(&changed)
	return changed, audited("metrics", err)
}

// CountOpen counts the findings that are not healed, of all streams.
func (a Audits) CountOpen(ctx context.Context) (n int64, err error) {
	n, err = a.q.FindingsCountOpen(ctx)
	return n, audited("findings", err)
}
