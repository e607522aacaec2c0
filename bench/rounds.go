package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/process"
)

// streamTables are the tables with rows of Polar's, with their children; those of the bookkeeping are not.
const streamTables = `SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'polar'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname !~ '^(sync_|goose)'`

// ofOrders starts a Polar with so many orders, and makes a database in which all is that they refer to, as it is when orders
// are synced with the other streams.
func (b *bench) ofOrders(ctx context.Context, n int) (p *polar, base, dsn string, err error) {
	if p, err = startPolar(ctx, "--orders", strconv.Itoa(n), "--keep", "2000"); err != nil {
		return nil, "", "", err
	}
	if base, dsn, err = b.database(ctx, ""); err == nil {
		_, err = p.syncd(ctx, dsn, "sync", "products", "customers", "subscriptions")
	}
	if err != nil {
		p.stop()
		return nil, "", "", err
	}
	return p, base, dsn, nil
}

// rounds measures first and second syncs of orders beside COPY of the same rows and beside the naive loop.
func (b *bench) rounds(ctx context.Context, p plan) error {
	polar, base, dsn, err := b.ofOrders(ctx, p.orders)
	if err != nil {
		return err
	}
	defer polar.stop()
	if err := session(ctx, dsn, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
			CREATE EXTENSION pg_walinspect SCHEMA public;
			CREATE SCHEMA naive;
			CREATE TABLE naive.orders (LIKE orders INCLUDING INDEXES);
			ALTER TABLE naive.orders DROP _extra, DROP _hash, DROP _requested_at, DROP _synced_at, DROP _deleted_at;
			CREATE TABLE naive.order_items (LIKE order_items INCLUDING INDEXES);
			ALTER TABLE naive.order_items DROP _position, DROP _extra, DROP _hash, DROP _requested_at, DROP _synced_at, DROP _removed_at`)
		return err
	}); err != nil {
		return err
	}
	// Once unmeasured: the rows for COPY, and the answers of both clients in the simulator's memory.
	name, dsn, err := b.database(ctx, base)
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync", "orders"); err != nil {
		return err
	}
	if _, err := process.Run(ctx, polar.environ(dsn), naive, "-orders", strconv.Itoa(p.naive)); err != nil {
		return err
	}
	rows, err := dump(ctx, dsn, "orders", "order_items")
	if err != nil {
		return err
	}
	queries, err := queriesOf(ctx, polar, dsn)
	if err != nil {
		return err
	}
	defer os.Remove(queries) //nolint:errcheck // of no more use
	if err := b.pg.DropDatabase(ctx, name); err != nil {
		return err
	}
	var all []round
	for range p.rounds {
		r, err := b.round(ctx, p, polar, base, queries, rows)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	b.report(p, all)
	return nil
}

// queriesOf writes what a sync asks for into a file, a query on a line.
func queriesOf(ctx context.Context, polar *polar, dsn string) (name string, err error) {
	u, err := polar.syncd(ctx, dsn, "sync", "orders", "--log-level", "debug", "--log-format", "json")
	if err != nil {
		return "", err
	}
	var list strings.Builder
	for line := range strings.Lines(u.Output) {
		var said struct{ Msg, Path, Query string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "request answered" && said.Path == "/v1/orders/" {
			list.WriteString(said.Query + "\n")
		}
	}
	file, err := os.CreateTemp("", "queries")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(list.String())
	return file.Name(), errors.Join(err, file.Close())
}

// dumped are the rows of a table in COPY's binary format.
type dumped struct {
	table string
	rows  []byte
}

func dump(ctx context.Context, dsn string, tables ...string) (all []dumped, err error) {
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		for _, table := range tables {
			var to bytes.Buffer
			if _, err := conn.PgConn().CopyTo(ctx, &to, "COPY "+table+" TO STDOUT BINARY"); err != nil {
				return err
			}
			all = append(all, dumped{table, to.Bytes()})
		}
		return nil
	})
	return all, err
}

// round is what ran side by side.
type round struct {
	copied               usage
	first, second, floor usage
	naiveFirst, naiveTwo usage
	some, every          usage   // second syncs of which 1 % and 100 % changed
	wal, pages           float64 // bytes of WAL that the unchanged sync wrote to tables of streams; pages that it read
	dead, tuples         float64 // dead rows there after it; rows that it wrote
	walOther             float64 // bytes of WAL of the bookkeeping
}

func (b *bench) round(ctx context.Context, p plan, polar *polar, base, queries string, rows []dumped) (r round, err error) {
	if r.copied, err = b.copied(ctx, base, rows); err != nil {
		return r, err
	}
	name, dsn, err := b.database(ctx, base)
	if err != nil {
		return r, err
	}
	sync := func(u *usage, changed int) (err error) {
		if *u, err = b.withBackends(ctx, func() (usage, error) { return polar.syncd(ctx, dsn, "sync", "orders", "--no-migrate") }); err != nil {
			return err
		}
		n, err := scalar[int](ctx, dsn, "SELECT rows_inserted + rows_updated FROM sync_runs WHERE stream = 'orders' ORDER BY id DESC LIMIT 1")
		if err == nil && (n < changed*3/4 || n > changed*5/4) {
			err = fmt.Errorf("%d rows were written, want about %d", n, changed)
		}
		return err
	}
	// alter makes one row in so many look as if Polar had changed it since.
	alter := func(each int) error {
		return session(ctx, dsn, func(conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, `UPDATE orders SET _hash = '\x00' WHERE hashtext(id::text) % $1 = 0`, each); err != nil {
				return err
			}
			_, err := conn.Exec(ctx, "VACUUM ANALYZE orders, order_items")
			return err
		})
	}
	if err := sync(&r.first, p.orders); err != nil {
		return r, err
	}
	if err := alter(1 << 30); err != nil { // of none
		return r, err
	}
	before, err := scalar[string](ctx, dsn, "SELECT pg_current_wal_insert_lsn()::text")
	if err != nil {
		return r, err
	}
	tuples, dead, err := b.written(ctx, dsn)
	if err != nil {
		return r, err
	}
	if err := sync(&r.second, 0); err != nil {
		return r, err
	}
	if r.floor, err = process.Run(ctx, polar.environ(dsn), floor, queries); err != nil {
		return r, err
	}
	r.tuples, r.dead = -tuples, -dead
	if err := b.traces(ctx, dsn, before, &r); err != nil {
		return r, err
	}
	if err := alter(100); err != nil {
		return r, err
	}
	if err := sync(&r.some, p.orders/100); err != nil {
		return r, err
	}
	if err := alter(1); err != nil {
		return r, err
	}
	if err := sync(&r.every, p.orders); err != nil {
		return r, err
	}
	for _, u := range []*usage{&r.naiveFirst, &r.naiveTwo} {
		if *u, err = process.Run(ctx, polar.environ(dsn), naive, "-orders", strconv.Itoa(p.naive)); err != nil {
			return r, err
		}
	}
	return r, b.pg.DropDatabase(ctx, name)
}

// copied is COPY of the same rows into the same tables with the same indexes, in one transaction, without the triggers that keep
// erased customers out and record changes.
func (b *bench) copied(ctx context.Context, base string, rows []dumped) (u usage, err error) {
	name, dsn, err := b.database(ctx, base)
	if err != nil {
		return u, err
	}
	if err := session(ctx, dsn, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "ALTER TABLE orders DISABLE TRIGGER USER; ALTER TABLE order_items DISABLE TRIGGER USER")
		return err
	}); err != nil {
		return u, err
	}
	u, err = b.withBackends(ctx, func() (u usage, err error) {
		err = session(ctx, dsn, func(conn *pgx.Conn) error {
			began := time.Now()
			tx, err := conn.Begin(ctx)
			if err != nil {
				return err
			}
			for _, d := range rows {
				if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(d.rows), "COPY "+d.table+" FROM STDIN BINARY"); err != nil {
					return err
				}
			}
			err = tx.Commit(ctx)
			u.Wall = time.Since(began)
			return err
		})
		return u, err
	})
	if err != nil {
		return u, err
	}
	return u, b.pg.DropDatabase(ctx, name)
}

// written counts the rows ever written to tables of streams, and the dead ones in them.
func (b *bench) written(ctx context.Context, dsn string) (tuples, dead float64, err error) {
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::float8, sum(n_dead_tup)::float8
			FROM pg_stat_user_tables WHERE relid IN (`+streamTables+")").Scan(&tuples, &dead)
	})
	return tuples, dead, err
}

// traces is what an unchanged sync left in the database. WAL is told by which relation its records are about.
func (b *bench) traces(ctx context.Context, dsn, before string, r *round) error {
	tuples, dead, err := b.written(ctx, dsn)
	if err != nil {
		return err
	}
	r.tuples, r.dead = r.tuples+tuples, r.dead+dead
	return session(ctx, dsn, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			WITH files AS (
				SELECT pg_relation_filenode(oid)::text AS file FROM (`+streamTables+`) t
				UNION SELECT pg_relation_filenode(indexrelid)::text FROM pg_index WHERE indrelid IN (`+streamTables+`)
			), records AS (
				SELECT record_length, EXISTS (
					SELECT FROM regexp_matches(block_ref, 'rel [0-9]+/[0-9]+/([0-9]+)', 'g') m JOIN files ON file = m[1]) AS stream
				FROM pg_get_wal_records_info($1::pg_lsn, pg_current_wal_flush_lsn())
			)
			SELECT coalesce(sum(record_length) FILTER (WHERE stream), 0)::float8, coalesce(sum(record_length) FILTER (WHERE NOT stream), 0)::float8,
			       (SELECT pages::float8 FROM sync_runs WHERE stream = 'orders' ORDER BY id DESC LIMIT 1)
			FROM records`, before).Scan(&r.wal, &r.walOther, &r.pages)
	})
}

func (b *bench) report(p plan, all []round) {
	each := func(f func(r round) float64) []float64 {
		values := make([]float64, len(all))
		for i, r := range all {
			values[i] = f(r)
		}
		return values
	}
	n, few := p.orders, p.naive
	add := func(what, unit string, g *figures.Goal, f func(r round) float64) {
		b.table.Add(what, unit, g, each(f)...)
	}
	add("COPY of the same orders and items", "orders/s", nil, func(r round) float64 { return r.copied.Rate(n) })
	add("first sync", "orders/s", nil, func(r round) float64 { return r.first.Rate(n) })
	add("naive loop, first", "orders/s", nil, func(r round) float64 { return r.naiveFirst.Rate(few) })
	add("second sync, unchanged", "orders/s", nil, func(r round) float64 { return r.second.Rate(n) })
	add("floor: the same pages fetched, and checked to be JSON", "orders/s", nil, func(r round) float64 { return r.floor.Rate(n) })
	add("naive loop, second", "orders/s", nil, func(r round) float64 { return r.naiveTwo.Rate(few) })
	add("first sync / COPY", "ratio", figures.AtLeast(0.5), func(r round) float64 { return r.first.Rate(n) / r.copied.Rate(n) })
	add("first sync / naive loop", "ratio", figures.AtLeast(12), func(r round) float64 { return r.first.Rate(n) / r.naiveFirst.Rate(few) })
	add("second sync unchanged / floor", "ratio", figures.AtLeast(0.6), func(r round) float64 { return r.second.Rate(n) / r.floor.Rate(n) })
	add("second sync unchanged / naive loop", "ratio", figures.AtLeast(20), func(r round) float64 { return r.second.Rate(n) / r.naiveTwo.Rate(few) })
	add("second sync unchanged / first sync", "ratio", figures.AtLeast(3), func(r round) float64 { return r.second.Rate(n) / r.first.Rate(n) })
	add("second sync 1 % changed / first sync", "ratio", nil, func(r round) float64 { return r.some.Rate(n) / r.first.Rate(n) })
	add("second sync 100 % changed / first sync", "ratio", nil, func(r round) float64 { return r.every.Rate(n) / r.first.Rate(n) })
	spent := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	add("COPY: processor time of Postgres", "µs/order", nil, func(r round) float64 { return spent(r.copied.Backends) })
	add("first sync: processor time of Postgres", "µs/order", nil, func(r round) float64 { return spent(r.first.Backends) })
	add("first sync: processor time of syncd", "µs/order", nil, func(r round) float64 { return spent(r.first.CPU) })
	add("second sync, unchanged: processor time of Postgres", "µs/order", nil, func(r round) float64 { return spent(r.second.Backends) })
	add("second sync, unchanged: processor time of syncd", "µs/order", nil, func(r round) float64 { return spent(r.second.CPU) })
	add("floor: processor time", "µs/order", nil, func(r round) float64 { return spent(r.floor.CPU) })
	add("unchanged: WAL of tables of streams", "bytes", figures.AtMost(0), func(r round) float64 { return r.wal })
	add("unchanged: dead rows in them", "rows", figures.AtMost(0), func(r round) float64 { return r.dead })
	add("unchanged: rows written to them", "rows", figures.AtMost(0), func(r round) float64 { return r.tuples })
	add("unchanged: WAL of the bookkeeping", "bytes/page", nil, func(r round) float64 { return r.walOther / r.pages })
	add("peak memory, first sync", "MB", figures.AtMost(100), func(r round) float64 { return r.first.Peak })
	add("peak memory, naive loop", "MB", nil, func(r round) float64 { return r.naiveFirst.Peak })
}
