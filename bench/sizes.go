package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"

	"syncd/bench/figures"
)

// sizes measures, for organizations of several sizes, what a first sync of every
// stream takes in memory, and what syncs and tails take in requests. The
// simulator counts them.
func (b *bench) sizes(ctx context.Context, p plan) error {
	var peaks []float64
	for _, orders := range p.sizes {
		peak, err := b.size(ctx, orders)
		if err != nil {
			return fmt.Errorf("%d orders: %w", orders, err)
		}
		peaks = append(peaks, peak)
	}
	large, small := len(p.sizes)-1, max(0, len(p.sizes)-2)
	b.table.Add(fmt.Sprintf("peak memory, %d orders / %d orders", p.sizes[large], p.sizes[small]), "ratio", figures.AtMost(1.2), peaks[large]/peaks[small])
	return nil
}

func (b *bench) size(ctx context.Context, orders int) (peak float64, err error) {
	polar, err := startPolar(ctx, "--orders", strconv.Itoa(orders))
	if err != nil {
		return 0, err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return 0, err
	}
	label := func(what string) string { return fmt.Sprintf("%s, %d orders", what, orders) }
	first, n, err := polar.counted(ctx, dsn, "sync")
	if err != nil {
		return 0, err
	}
	b.table.Add(label("first sync of every stream: peak memory"), "MB", figures.AtMost(100), first.Peak)
	b.table.Add(label("first sync of every stream"), "requests", nil, n)
	if _, n, err = polar.counted(ctx, dsn, "sync"); err != nil {
		return 0, err
	}
	b.table.Add(label("sweep of every stream"), "requests", nil, n)
	// The first rounds of tails find out where each stream stands, and what their questions cost.
	for range 5 {
		if _, _, err := polar.counted(ctx, dsn, "tail"); err != nil {
			return 0, err
		}
	}
	if err := quiet(ctx, dsn); err != nil {
		return 0, err
	}
	for _, changes := range []int{0, 10, 1000} {
		var wanted *figures.Goal
		if changes > 0 {
			if err := polar.control(ctx, http.MethodPost, fmt.Sprintf("/sim/churn?n=%d", changes), "", nil); err != nil {
				return 0, err
			}
		} else {
			wanted = figures.AtMost(10)
		}
		if _, n, err = polar.counted(ctx, dsn, "tail"); err != nil {
			return 0, err
		}
		b.table.Add(label(fmt.Sprintf("tail of every stream, %d changes", changes)), "requests", wanted, n)
	}
	// What the tails have not seen, the sweep brings.
	before, err := scalar[int64](ctx, dsn, "SELECT max(id) FROM sync_runs")
	if err != nil {
		return 0, err
	}
	if _, err := polar.syncd(ctx, dsn, "sync", "customers", "members", "subscriptions", "orders"); err != nil && !partial(err) {
		return 0, err
	}
	left, err := scalar[float64](ctx, dsn, "SELECT sum(rows_inserted + rows_updated)::float8 FROM sync_runs WHERE id > $1", before)
	if err != nil {
		return 0, err
	}
	b.table.Add(label("rows that these tails left to a sweep"), "rows", nil, left)
	return first.Peak, b.pg.DropDatabase(ctx, name)
}

// quiet has the tails take it that all they know of happened long ago, in place of waiting for the ten minutes
// in which Polar may still show what it has dated earlier: they read those again, and what they fetched at once too.
func quiet(ctx context.Context, dsn string) error {
	_, err := scalar[int64](ctx, dsn, `
		WITH met AS (
			UPDATE sync_streams SET tail = regexp_replace(tail::text, '"seen": "[^"]*"', '"seen": "2000-01-01T00:00:00Z"', 'g')::jsonb
			WHERE tail IS NOT NULL RETURNING 1),
		fetched AS (UPDATE sync_changes SET noted_at = known_at - interval '1 hour' WHERE known_at IS NOT NULL RETURNING 1)
		SELECT count(*) FROM met`)
	return err
}

// partial tells the end of a sync that went through and says that something is missing, as the brake on deletions does.
func partial(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == 3
}

// counted runs a command of syncd and counts its requests.
func (p *polar) counted(ctx context.Context, dsn string, args ...string) (u usage, requests float64, err error) {
	if err := p.control(ctx, http.MethodPost, "/sim/reset", "", nil); err != nil {
		return u, 0, err
	}
	if u, err = p.syncd(ctx, dsn, args...); err != nil {
		return u, 0, err
	}
	requests, err = p.requests(ctx)
	return u, requests, err
}

// requests are all that the simulator was sent.
func (p *polar) requests(ctx context.Context) (float64, error) {
	var stats struct{ Requests float64 }
	err := p.control(ctx, http.MethodGet, "/sim/stats", "", &stats)
	return stats.Requests, err
}
