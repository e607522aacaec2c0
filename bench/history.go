package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/process"
)

// history measures what it costs to record changes: the same syncs of orders with it and without, side by side in one database.
func (b *bench) history(ctx context.Context, p plan) error {
	polar, base, _, err := b.ofOrders(ctx, p.orders)
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, base)
	if err != nil {
		return err
	}
	for range 2 { // changes are recorded from the end of the first sync on; the second fills the caches
		if _, err := polar.syncd(ctx, dsn, "sync", "orders"); err != nil {
			return err
		}
	}
	var some, someCPU, none, noneCPU, row, recorded []float64
	for i := range p.rounds {
		changed, work, err := b.beside(i%2 == 0, func(on bool) (usage, error) { return b.changedSync(ctx, polar, dsn, p.orders/100, on) })
		if err != nil {
			return err
		}
		before, err := scalar[float64](ctx, dsn, "SELECT count(*)::float8 FROM changes")
		if err != nil {
			return err
		}
		unchanged, idle, err := b.beside(i%2 == 0, func(on bool) (usage, error) { return b.changedSync(ctx, polar, dsn, 0, on) })
		if err != nil {
			return err
		}
		after, err := scalar[float64](ctx, dsn, "SELECT count(*)::float8 FROM changes")
		if err != nil {
			return err
		}
		µs, err := recordingTime(ctx, dsn)
		if err != nil {
			return err
		}
		some, someCPU, none, noneCPU = append(some, changed), append(someCPU, work), append(none, unchanged), append(noneCPU, idle)
		recorded, row = append(recorded, after-before), append(row, µs)
	}
	b.table.Add("sync, 1 % changed: processor time with history / without", "ratio", figures.AtMost(1.05), someCPU...)
	b.table.Add("sync, 1 % changed: time with history / without", "ratio", nil, some...)
	b.table.Add("sync, unchanged: processor time with history / without", "ratio", nil, noneCPU...)
	b.table.Add("sync, unchanged: time with history / without", "ratio", nil, none...)
	b.table.Add("sync, unchanged: changes recorded", "rows", figures.AtMost(0), recorded...)
	b.table.Add("recording the change of an order: processor time", "µs", nil, row...)
	return b.pg.DropDatabase(ctx, name)
}

// beside is the time with history, and the processor time, as ratios of those without: of two syncs with and two without. Those of
// one kind are around those of the other, so that a machine that grows slower or faster meanwhile is so for both.
func (b *bench) beside(first bool, do func(on bool) (usage, error)) (time, work float64, err error) {
	took := map[bool]usage{}
	for _, on := range []bool{first, !first, !first, first} {
		u, err := do(on)
		if err != nil {
			return 0, 0, err
		}
		u.Wall += took[on].Wall
		u.CPU += took[on].CPU
		took[on] = u
	}
	return took[true].Wall.Seconds() / took[false].Wall.Seconds(), took[true].CPU.Seconds() / took[false].CPU.Seconds(), nil
}

// changedSync syncs orders of which about n have changed in four columns, with history or without.
func (b *bench) changedSync(ctx context.Context, polar *polar, dsn string, n int, history bool) (u usage, err error) {
	state := "ENABLE"
	if !history {
		state = "DISABLE"
	}
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		for _, table := range []string{"orders", "order_items"} {
			if _, err := conn.Exec(ctx, "ALTER TABLE "+table+" "+state+" TRIGGER record_change"); err != nil {
				return err
			}
		}
		if n > 0 {
			if _, err := conn.Exec(ctx, `
				UPDATE orders SET status = 'pending', paid = NOT paid, due_amount = 1, modified_at = modified_at - interval '1 day', _hash = '\x00'
				WHERE hashtext(id::text) % 100 = 0`); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, "VACUUM ANALYZE orders, order_items, changes")
		return err
	})
	if err != nil {
		return u, err
	}
	before, err := scalar[float64](ctx, dsn, "SELECT count(*)::float8 FROM changes")
	if err != nil {
		return u, err
	}
	if u, err = b.withBackends(ctx, func() (usage, error) { return polar.syncd(ctx, dsn, "sync", "orders", "--no-migrate") }); err != nil {
		return u, err
	}
	u.CPU += u.Backends
	recorded, err := scalar[float64](ctx, dsn, "SELECT count(*)::float8 - $1 FROM changes", before)
	if want := float64(n); err == nil && history && (recorded < want/2 || recorded > want*2) || !history && recorded != 0 {
		err = fmt.Errorf("%.0f changes were recorded, want about %d with history, 0 without: it is %v", recorded, n, history)
	}
	return u, err
}

// recordingTime is the processor time that recording adds to the update of an order, in a transaction that is rolled back. The
// kernel counts it for each process: see sched-stats in the documentation of Linux.
func recordingTime(ctx context.Context, dsn string) (µs float64, err error) {
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "ALTER TABLE orders ENABLE TRIGGER record_change"); err != nil {
			return err
		}
		spent := func() (µs float64, err error) {
			err = conn.QueryRow(ctx, "SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::float8 / 1000").Scan(&µs)
			return µs, err
		}
		var took float64
		for _, recorded := range []string{"orders", "", "orders"} { // the first warms up
			tx, err := conn.Begin(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SELECT set_config('syncd.history', $1, true)", recorded); err != nil {
				return err
			}
			began, err := spent()
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `
				UPDATE orders SET status = 'pending', paid = NOT paid, due_amount = 1, modified_at = modified_at - interval '1 day'
				WHERE id IN (SELECT id FROM orders LIMIT 1000)`); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
				return err
			}
			ended, err := spent()
			if err != nil {
				return err
			}
			took, µs = (ended-began)/1000, (ended-began)/1000-took // of a row
			if err := tx.Rollback(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return µs, err
}

// withBackends does something, and adds what the connections that it made took of the server.
func (b *bench) withBackends(ctx context.Context, do func() (usage, error)) (u usage, err error) {
	idle, err := b.backendTime(ctx)
	if err != nil {
		return u, err
	}
	if u, err = do(); err != nil {
		return u, err
	}
	spent, err := b.backendTime(ctx)
	u.Backends = spent - idle
	return u, err
}

// backendTime is the processor time of all connections to the server that have ended, as the kernel counts it for their parent. A
// backend is gone from pg_stat_activity a little before it ends: the time is read until it stands still.
func (b *bench) backendTime(ctx context.Context) (spent time.Duration, err error) {
	const ended = "SELECT count(*) = 0, split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
	err = session(ctx, b.pg.DSN(), func(conn *pgx.Conn) error {
		for {
			var alone bool
			var server int
			if err := conn.QueryRow(ctx, ended).Scan(&alone, &server); err != nil {
				return err
			}
			before := spent
			if _, spent, err = process.Time(server); err != nil {
				return err
			}
			if alone && spent == before {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	return spent, err
}
