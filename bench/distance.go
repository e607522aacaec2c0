package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/distant"
	"syncd/bench/figures"
)

// delays are those of a round trip to Postgres: on the same machine, in the same zone, elsewhere in the region, and beyond.
var delays = []time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}

// distance syncs orders with a Postgres that is far away, and counts the round trips of that and of what else syncd does.
func (b *bench) distance(ctx context.Context, p plan) error {
	polar, base, _, err := b.ofOrders(ctx, p.distant)
	if err != nil {
		return err
	}
	defer polar.stop()
	var near far
	for _, delay := range delays {
		f, err := b.far(ctx, p, polar, base, delay)
		if err != nil {
			return fmt.Errorf("%s away: %w", delay, err)
		}
		if delay == 0 {
			near = f
		}
		b.reportFar(p, delay, near, f)
	}
	return b.trips(ctx)
}

// far is what syncs of orders took.
type far struct {
	first, second, every usage // the last one of orders that all have changed
	trips                [3]distant.Trips
	pages                float64
}

func (b *bench) far(ctx context.Context, p plan, polar *polar, base string, delay time.Duration) (f far, err error) {
	name, dsn, err := b.database(ctx, base)
	if err != nil {
		return f, err
	}
	proxy, through, err := distant.Start(ctx, dsn, delay)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	for i, u := range []*usage{&f.first, &f.second, &f.every} {
		if i == 2 {
			if err := session(ctx, dsn, func(conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, `UPDATE orders SET _hash = '\x00'`)
				return err
			}); err != nil {
				return f, err
			}
		}
		if err := session(ctx, dsn, func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "VACUUM ANALYZE orders, order_items")
			return err
		}); err != nil {
			return f, err
		}
		proxy.Counted()
		if *u, err = polar.syncd(ctx, through, "sync", "orders", "--no-migrate"); err != nil {
			return f, err
		}
		f.trips[i] = proxy.Counted()
		var written int
		if err := session(ctx, dsn, func(conn *pgx.Conn) error {
			return conn.QueryRow(ctx, `SELECT pages, rows_inserted + rows_updated FROM sync_runs WHERE stream = 'orders' ORDER BY id DESC LIMIT 1`).Scan(&f.pages, &written)
		}); err != nil {
			return f, err
		}
		if want := []int{p.distant, 0, p.distant}[i]; written != want {
			return f, fmt.Errorf("%d rows were written, want %d", written, want)
		}
	}
	return f, b.pg.DropDatabase(ctx, name)
}

func (b *bench) reportFar(p plan, delay time.Duration, near, f far) {
	for i, kind := range []struct {
		name      string
		near, far usage
	}{{"first sync", near.first, f.first}, {"second sync, unchanged", near.second, f.second}, {"second sync, 100 % changed", near.every, f.every}} {
		var least, share *figures.Goal
		if delay == 10*time.Millisecond {
			least = figures.AtLeast(5000)
		}
		if delay >= 10*time.Millisecond {
			share = figures.AtLeast(0.6)
		}
		label := fmt.Sprintf("Postgres %d ms away: %s", delay.Milliseconds(), kind.name)
		b.table.Add(label, "orders/s", least, kind.far.Rate(p.distant))
		if delay > 0 {
			b.table.Add(label+" / 0 ms", "ratio", share, kind.far.Rate(p.distant)/kind.near.Rate(p.distant))
			continue
		}
		t := f.trips[i]
		b.table.Add(kind.name+": round trips", "a page", nil, float64(t.All)/f.pages)
		b.table.Add(kind.name+": round trips", "a transaction", nil, float64(t.Within)/float64(t.Transactions))
		b.table.Add(kind.name+": most round trips", "a transaction", nil, float64(t.Most))
	}
	if delay == 0 {
		b.table.Add("changed order / new order", "ratio of time", figures.AtMost(1.5), f.every.Wall.Seconds()/f.first.Wall.Seconds())
	}
}

// trips counts the round trips of what is done all the time: tails with their feeds, and audits.
func (b *bench) trips(ctx context.Context) (err error) {
	polar, err := startPolar(ctx, "--orders", "4000")
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync"); err != nil {
		return err
	}
	proxy, through, err := distant.Start(ctx, dsn, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	count := func(what string, args ...string) error {
		proxy.Counted()
		if _, err := polar.syncd(ctx, through, args...); err != nil && !partial(err) {
			return err
		}
		t := proxy.Counted()
		b.table.Add(what, "round trips", nil, float64(t.All))
		b.table.Add(what+": most", "a transaction", nil, float64(t.Most))
		return nil
	}
	for range 5 { // the first ones find out where each stream stands
		if _, err := polar.syncd(ctx, dsn, "tail"); err != nil {
			return err
		}
	}
	if err := quiet(ctx, dsn); err != nil {
		return err
	}
	for _, changes := range []int{0, 10, 1000} {
		if changes > 0 {
			if err := polar.control(ctx, http.MethodPost, fmt.Sprintf("/sim/churn?n=%d", changes), "", nil); err != nil {
				return err
			}
		}
		if err := count(fmt.Sprintf("tail of every stream, %d changes, 4000 orders", changes), "tail"); err != nil {
			return err
		}
	}
	if err := count("sweep of every stream, 4000 orders", "sync"); err != nil {
		return err
	}
	if err := count("audit of every stream, 4000 orders", "audit"); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
}
