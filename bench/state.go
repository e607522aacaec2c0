package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
)

// state asks for the state of one customer among many, each with an active
// subscription, a granted benefit and a meter; every fifth is a customer of old
// with two subscriptions more that have ended.
func (b *bench) state(ctx context.Context, p plan) error {
	return b.migrated(ctx, func(conn *pgx.Conn) error {
		for _, sql := range []string{
			`INSERT INTO customers (id, external_id, email, name, created_at, metadata, _hash, _requested_at)
				SELECT gen_random_uuid(), 'user_' || n, 'user_' || n || '@example.com', 'Name ' || n, now(), '{}', '', now() FROM generate_series(1, $1) n`,
			`INSERT INTO subscriptions (id, customer_id, status, amount, currency, started_at, metadata, _hash, _requested_at)
				SELECT gen_random_uuid(), c.id, CASE WHEN k = 1 THEN 'active' ELSE 'canceled' END, 1000, 'usd', now(), '{}', '', now()
				FROM (SELECT id, row_number() OVER () AS i FROM customers LIMIT $1) c, generate_series(1, CASE WHEN i % 5 = 0 THEN 3 ELSE 1 END) k`,
			`INSERT INTO benefit_grants (id, customer_id, benefit_id, is_granted, granted_at, _hash, _requested_at)
				SELECT gen_random_uuid(), id, gen_random_uuid(), true, now(), '', now() FROM customers LIMIT $1`,
			`INSERT INTO customer_meters (id, customer_id, meter_id, consumed_units, credited_units, balance, _hash, _requested_at)
				SELECT gen_random_uuid(), id, gen_random_uuid(), 1, 2, 1, '', now() FROM customers LIMIT $1`,
		} {
			if _, err := conn.Exec(ctx, sql, p.states); err != nil {
				return err
			}
		}
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE"); err != nil {
			return err
		}
		return b.timed(ctx, conn, fmt.Sprintf("customer_state_external among %d customers", p.states), "SELECT customer_state_external($1)::text",
			func() string { return fmt.Sprintf("user_%d", 1+rand.IntN(p.states)) })
	})
}

// timed asks for one thing after the other, each of which must be there.
func (b *bench) timed(ctx context.Context, conn *pgx.Conn, what, sql string, which func() string) error {
	const warm, asked = 200, 5000
	took := make([]float64, 0, asked)
	for i := range warm + asked {
		var found *string
		began := time.Now()
		if err := conn.QueryRow(ctx, sql, which()).Scan(&found); err != nil {
			return err
		}
		if found == nil {
			return fmt.Errorf("%s: nothing was found", what)
		}
		if i >= warm {
			took = append(took, float64(time.Since(began).Microseconds())/1000)
		}
	}
	slices.Sort(took)
	b.table.Add(what+": median", "ms", nil, figures.Quantile(took, 0.5))
	b.table.Add(what+": p99", "ms", nil, figures.Quantile(took, 0.99))
	return nil
}
