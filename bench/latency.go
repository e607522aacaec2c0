package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
)

// latency changes names of customers, and waits for each to be in the table:
// while the daemon looks for changes every 30 s, and while Polar's webhooks
// tell it of them.
func (b *bench) latency(ctx context.Context, p plan) error {
	if p.latency == 0 {
		return nil
	}
	tailed, err := b.changeToRow(ctx, p.latency, nil, "--tail", "30s", "--feed", "off")
	if err != nil {
		return err
	}
	b.table.Add("change to row, tail every 30 s: median", "s", nil, figures.Quantile(tailed, 0.5))
	b.table.Add("change to row, tail every 30 s: p99", "s", nil, figures.Quantile(tailed, 0.99))
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	hooked, err := b.changeToRow(ctx, p.latency, []string{"--webhook", "http://" + addr + "/", "--webhook-secret", webhookSecret}, "--feed", "off", "--webhook-listen", addr)
	if err != nil {
		return err
	}
	b.table.Add("change to row, by webhook: median", "s", figures.AtMost(1), figures.Quantile(hooked, 0.5))
	b.table.Add("change to row, by webhook: p99", "s", nil, figures.Quantile(hooked, 0.99))
	return nil
}

// webhookSecret is that of the simulated endpoint.
const webhookSecret = "whsec_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK"

// freeAddress is one that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// changeToRow makes changes at a Polar with these flags beside a daemon with others, and gives the seconds until each was in its row.
func (b *bench) changeToRow(ctx context.Context, during time.Duration, there []string, here ...string) (seconds []float64, err error) {
	err = b.withDaemon(ctx, daemonPlan{there: there, here: here, environ: []string{"SYNCD_WEBHOOK_SECRET=" + webhookSecret}}, func(d *daemon) error {
		seconds, err = b.changes(ctx, during, d.polar, d.dsn)
		slices.Sort(seconds)
		return err
	})
	return seconds, err
}

// changes makes one every few seconds, at moments that drift against those of the tails.
func (b *bench) changes(ctx context.Context, during time.Duration, polar *polar, dsn string) (seconds []float64, err error) {
	const each, patience = 2700 * time.Millisecond, 3 * time.Minute
	var ids []string
	if err := session(ctx, dsn, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT id::text FROM customers WHERE _deleted_at IS NULL AND deleted_at IS NULL ORDER BY id LIMIT $1", int(during/each)+1)
		if err == nil {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	}); err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	tick := time.NewTicker(each)
	defer tick.Stop()
	for i, id := range ids {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		renamed := "Renamed " + strconv.Itoa(i)
		if err := polar.control(ctx, http.MethodPatch, "/v1/customers/"+id, `{"name":"`+renamed+`"}`, nil); err != nil {
			return nil, err
		}
		began := time.Now()
		wait.Go(func() {
			err := appears(ctx, dsn, id, renamed, patience)
			mu.Lock()
			defer mu.Unlock()
			seconds, errs = append(seconds, time.Since(began).Seconds()), append(errs, err)
		})
	}
	wait.Wait()
	return seconds, errors.Join(errs...)
}

// appears waits until a customer has its new name in the table.
func appears(ctx context.Context, dsn, id, name string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return session(ctx, dsn, func(conn *pgx.Conn) error {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var there bool
			if err := conn.QueryRow(ctx, "SELECT name IS NOT DISTINCT FROM $2 FROM customers WHERE id = $1", id, name).Scan(&there); err != nil {
				return fmt.Errorf("customer %s did not get its new name in time: %w", id, err)
			}
			if there {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
}
