package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
)

// views measures queries that analysts and applications ask, over rows made in the database.
func (b *bench) views(ctx context.Context, p plan) error {
	return b.migrated(ctx, func(conn *pgx.Conn) error {
		for _, measure := range []func(context.Context, *pgx.Conn, plan) error{b.asOf, b.revenue, b.lookups} {
			if err := measure(ctx, conn, p); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	versioned = 50_000  // subscriptions of which a twentieth has changed
	recurring = 300_000 // subscriptions whose revenue is added up
	looked    = 200_000 // customers among whom one is looked up
)

// subscribe makes subscriptions of 20 products in two currencies, over three years; a third has ended.
func subscribe(ctx context.Context, conn *pgx.Conn, n int) error {
	_, err := conn.Exec(ctx, `
		INSERT INTO subscriptions (id, created_at, modified_at, status, currency, amount, recurring_interval, recurring_interval_count, started_at,
			current_period_start, current_period_end, cancel_at_period_end, ended_at, customer_id, product_id, metadata, custom_field_data, _hash, _requested_at)
		SELECT gen_random_uuid(), at, at, CASE WHEN n % 3 = 0 THEN 'canceled' ELSE 'active' END, CASE WHEN n % 2 = 0 THEN 'usd' ELSE 'eur' END, 1000 + n % 5000,
			CASE WHEN n % 5 = 0 THEN 'year' ELSE 'month' END, 1, at, now(), now() + interval '1 month', false, CASE WHEN n % 3 = 0 THEN at + interval '90 days' END,
			gen_random_uuid(), md5((n % 20)::text)::uuid, '{"plan": "team"}', '{}', '', now()
		FROM (SELECT n, now() - (n % 1095 + 1) * interval '1 day' AS at FROM generate_series(1, $1) n) s`, n)
	if err == nil {
		_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	}
	return err
}

// asOf asks for a table as it was before a twentieth of its rows changed.
func (b *bench) asOf(ctx context.Context, conn *pgx.Conn, _ plan) error {
	if err := subscribe(ctx, conn, versioned); err != nil {
		return err
	}
	var before time.Time
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&before); err != nil {
		return err
	}
	for _, sql := range []string{
		"SET syncd.history = 'subscriptions'",
		`UPDATE subscriptions SET status = 'canceled', canceled_at = now(), modified_at = now(), cancel_at_period_end = true WHERE hashtext(id::text) % 20 = 0`,
		"RESET syncd.history",
		"VACUUM ANALYZE",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	took, err := seconds(ctx, conn, "SELECT count(*), sum(amount) FROM subscriptions_as_of($1)", before)
	b.table.Add(fmt.Sprintf("subscriptions_as_of, %d of them, 5 %% changed since", versioned), "s", figures.AtMost(1), took...)
	return err
}

// revenue asks for all days of MRR, as Polar tells it and as it was: 2,500 of the subscriptions were otherwise before.
func (b *bench) revenue(ctx context.Context, conn *pgx.Conn, _ plan) error {
	if err := subscribe(ctx, conn, recurring-versioned); err != nil {
		return err
	}
	for _, sql := range []string{"SELECT keep_mrr()", "VACUUM ANALYZE sync_mrr_spans"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	for _, view := range []string{"mrr_daily_polar", "mrr_daily"} {
		took, err := seconds(ctx, conn, "SELECT count(*), sum(mrr_amount) FROM "+view)
		if err != nil {
			return err
		}
		b.table.Add(fmt.Sprintf("%s of %d subscriptions", view, recurring), "s", figures.AtMost(1), took...)
	}
	return nil
}

// lookups asks for customers by the id that they have in another system.
func (b *bench) lookups(ctx context.Context, conn *pgx.Conn, _ plan) error {
	if _, err := conn.Exec(ctx, `
		INSERT INTO customers (id, external_id, email, name, created_at, metadata, _hash, _requested_at)
		SELECT gen_random_uuid(), 'user_' || n, 'user_' || n || '@example.com', 'Name ' || n, now(), '{}', '', now() FROM generate_series(1, $1) n`, looked); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "VACUUM ANALYZE customers"); err != nil {
		return err
	}
	return b.timed(ctx, conn, fmt.Sprintf("customer by external_id among %d", looked),
		"SELECT row_to_json(c)::text FROM customers_live c WHERE external_id = $1", func() string { return fmt.Sprintf("user_%d", 1+rand.IntN(looked)) })
}

// seconds is how long a query took, several times.
func seconds(ctx context.Context, conn *pgx.Conn, sql string, args ...any) (took []float64, err error) {
	for range 5 {
		began := time.Now()
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds())
	}
	return took, nil
}
