package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// latency changes names of customers while the daemon looks for changes every
// 30 s, and waits for each to be in the table.
func (b *bench) latency(ctx context.Context, p plan) error {
	if p.latency == 0 {
		return nil
	}
	polar, err := startPolar(ctx, "--orders", "10000", "--per-minute", "500")
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	environ := append(polar.environ(dsn), "SYNCD_REQUESTS_PER_MINUTE=250")
	if _, err := program(ctx, environ, syncd, "sync"); err != nil {
		return err
	}
	daemon := exec.CommandContext(ctx, syncd, "run", "--schedule", "off", "--tail", "30s", "--feed", "off", "--jitter", "0s", "--listen", "off", "--log-level", "error")
	daemon.Env = append(os.Environ(), environ...)
	daemon.Stderr = os.Stderr
	if err := daemon.Start(); err != nil {
		return err
	}
	seconds, err := b.changes(ctx, p.latency, polar, dsn)
	if err := errors.Join(err, daemon.Process.Signal(os.Interrupt), daemon.Wait()); err != nil {
		return err
	}
	slices.Sort(seconds)
	b.table.add("change to row, tail every 30 s: median", "s", nil, quantile(seconds, 0.5))
	b.table.add("change to row, tail every 30 s: p99", "s", nil, quantile(seconds, 0.99))
	return b.pg.DropDatabase(ctx, name)
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
		tick := time.NewTicker(200 * time.Millisecond)
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
