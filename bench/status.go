package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/process"
)

// status asks what operators ask often, of a mirror with many orders and a long past: made in the database, for nobody synced them.
func (b *bench) status(ctx context.Context, p plan) error {
	polar, err := startPolar(ctx, "--orders", "500", "--per-minute", "100000")
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync"); err != nil && !partial(err) {
		return err
	}
	var counted []float64
	if err := session(ctx, dsn, func(conn *pgx.Conn) (err error) {
		if err := age(ctx, conn, p.mirrored); err != nil {
			return err
		}
		counted, err = seconds(ctx, conn, "SELECT count(*) FROM orders WHERE _deleted_at IS NULL")
		return err
	}); err != nil {
		return err
	}
	of := fmt.Sprintf(" of %d orders", p.mirrored)
	b.table.Add("count(*)"+of, "ms", nil, milliseconds(counted)...)
	for _, command := range [][]string{{"version"}, {"status"}, {"verify"}, {"verify", "--count"}} {
		var took []float64
		for range 5 {
			if u, err := polar.syncd(ctx, dsn, command...); err == nil || partial(err) {
				took = append(took, u.Wall.Seconds())
			} else if !strings.Contains(u.Output+err.Error(), "unknown flag") { // an earlier version has not all of them
				return err
			}
		}
		b.table.Add(fmt.Sprintf("syncd %s%s, the whole process", strings.Join(command, " "), of), "ms", nil, milliseconds(took)...)
	}
	if err := b.served(ctx, polar, dsn, of); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
}

// age adds orders, and bookkeeping as of a year: rounds of tails, rejects and findings that were dealt with, changes that were fetched.
func age(ctx context.Context, conn *pgx.Conn, orders int) error {
	for _, sql := range []string{
		`INSERT INTO orders (id, created_at, modified_at, status, paid, subtotal_amount, discount_amount, net_amount, tax_amount, total_amount, refunded_amount, currency, billing_reason,
			billing_name, billing_address, customer_id, product_id, metadata, custom_field_data, _hash, _requested_at)
		SELECT gen_random_uuid(), at, at, 'paid', true, 1000, 0, 1000, 190, 1190, 0, 'usd', 'subscription_cycle', 'Ada Lovelace ' || n,
			'{"line1": "12 Main Street", "city": "Springfield", "state": "US-IL", "country": "US", "postal_code": "62701"}', md5((n / 12)::text)::uuid, md5((n % 20)::text)::uuid,
			jsonb_build_object('ref', md5(n::text), 'note', repeat(md5(n::text), 8)), '{}', sha256(n::text::bytea), now()
		FROM (SELECT n, now() - n * interval '31 s' AS at FROM generate_series(1, $1) n) o`,
		`INSERT INTO sync_runs (stream, kind, holder, started_at, finished_at, outcome, rows_updated)
		SELECT 'tail', CASE WHEN n % 10 = 0 THEN 'tail' ELSE 'feed' END, 'bench', now() - n * interval '5 s', now() - n * interval '5 s', 'succeeded', 1 FROM generate_series(1, $1 / 5) n`,
		`INSERT INTO sync_rejects (stream, key, run_id, reason, body, resolved_at) SELECT 'orders', md5(n::text), 1, 'unexpected', '{}', now() FROM generate_series(1, $1 / 10) n`,
		`INSERT INTO sync_findings (stream, key, kind, field, evidence, resolved_at) SELECT 'orders', md5(n::text), 'missing', '', '', now() FROM generate_series(1, $1 / 10) n`,
		`INSERT INTO sync_changes (stream, filter, value, changed_at, noted_at, known_at) SELECT 'orders', 'id', md5(n::text), now(), now(), now() FROM generate_series(1, $1 / 10) n`,
	} {
		if _, err := conn.Exec(ctx, sql, orders); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// served asks a daemon, which reads nothing from Polar meanwhile.
func (b *bench) served(ctx context.Context, polar *polar, dsn, of string) error {
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	daemon, err := process.Start(ctx, polar.environ(dsn), os.Stderr, syncd, "run", "--schedule", "off", "--tail", "off", "--feed", "off", "--listen", addr, "--log-level", "error")
	if err != nil {
		return err
	}
	ask := func(path string) (took float64, err error) {
		began := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
		if err != nil {
			return 0, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", path, res.Status)
		}
		return time.Since(began).Seconds(), err
	}
	failed := func() error {
		for range 600 {
			if _, err := ask("/status"); err == nil || !pause(ctx, 100*time.Millisecond) {
				break
			}
		}
		for _, path := range []string{"/status", "/", "/metrics"} {
			var took []float64
			for range 20 {
				t, err := ask(path)
				if err != nil {
					return err
				}
				took = append(took, t)
			}
			var most *figures.Goal
			if path == "/status" {
				most = figures.AtMost(50)
			}
			b.table.Add("GET "+path+of, "ms", most, milliseconds(took)...)
		}
		return nil
	}()
	return errors.Join(failed, daemon.Stop())
}

func milliseconds(seconds []float64) []float64 {
	ms := make([]float64, len(seconds))
	for i, s := range seconds {
		ms[i] = s * 1000
	}
	return ms
}
