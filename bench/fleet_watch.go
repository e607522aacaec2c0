package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/phases"
	"syncd/bench/process"
	"syncd/bench/seen"
)

// watchedFleet is a fleet at work, seen from outside.
type watchedFleet struct {
	*bench
	plan     fleetPlan
	phase    phases.Phase
	dsn      string
	polar    *polar
	replicas *replicas
	holds    seen.Holds

	connections, peak float64   // the most of a process
	lags              []float64 // seconds, of each organization each time it was looked at
}

func (w *watchedFleet) label(what string) string {
	text := fmt.Sprintf("fleet of %d, ", w.plan.organizations)
	if w.phase.Processes == 1 {
		text += "one process"
	} else {
		text += fmt.Sprintf("%d processes", w.phase.Processes)
	}
	if w.phase.Kill > 0 {
		text += fmt.Sprintf(", one killed each %s", w.phase.Kill)
	}
	return text + ": " + what
}

// atOnce is how many organizations one query is about: each of their tables and indexes takes a lock, and max_locks_per_transaction bounds these.
const atOnce = 50

// ofEach asks a query for each organization; SCHEMA stands for its schema.
func ofEach[T any](ctx context.Context, conn *pgx.Conn, organizations int, query string, args ...any) (all []T, err error) {
	for first := 1; first <= organizations; first += atOnce {
		var parts []string
		for n := first; n < first+atOnce && n <= organizations; n++ {
			parts = append(parts, "("+strings.ReplaceAll(query, "SCHEMA", schemaOf(n))+")")
		}
		rows, err := conn.Query(ctx, strings.Join(parts, " UNION ALL "), args...)
		if err != nil {
			return nil, err
		}
		some, err := pgx.CollectRows(rows, pgx.RowTo[T])
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// until asks each organization for a number every few seconds, until it is at least the wanted one for all of them.
func (w *watchedFleet) until(ctx context.Context, what string, within time.Duration, wanted int64, query string, args ...any) error {
	return session(ctx, w.dsn, func(conn *pgx.Conn) error {
		for end := time.Now().Add(within); ; {
			if err := w.replicas.alive(); err != nil {
				return err
			}
			var made, done int
			if err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_tables WHERE tablename = 'sync_runs' AND schemaname ~ '^polar_\d{4}_sync$'`).Scan(&made); err != nil {
				return err
			}
			if made == w.plan.organizations {
				numbers, err := ofEach[int64](ctx, conn, w.plan.organizations, query, args...)
				if err != nil {
					return err
				}
				for _, n := range numbers {
					if n >= wanted {
						done++
					}
				}
			}
			if done == w.plan.organizations {
				return nil
			}
			if time.Now().After(end) {
				return fmt.Errorf("%s: after %s it is so of %d of %d organizations", what, within, done, w.plan.organizations)
			}
			if !pause(ctx, 2*time.Second) {
				return ctx.Err()
			}
		}
	})
}

// streamsAtStart are swept by default: a stream whose sweeps are costly, or that is off, is not among them.
const streamsAtStart = 25

// ready waits until every organization has been swept, and followed once after that.
func (w *watchedFleet) ready(ctx context.Context) error {
	return w.until(ctx, "the first syncs and a round of tails", w.plan.first, streamsAtStart, `
		SELECT CASE WHEN EXISTS (SELECT FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND started_at > swept) THEN n ELSE 0 END
		FROM (SELECT max(first) AS swept, count(*) AS n FROM (SELECT min(finished_at) AS first FROM SCHEMA_sync.sync_runs
			WHERE kind = 'sweep' AND outcome IN ('succeeded', 'partial') GROUP BY stream) f) s`)
}

// followed waits until each organization has been followed so many times from now on.
func (w *watchedFleet) followed(ctx context.Context, times int64) error {
	now, err := w.now(ctx)
	if err != nil {
		return err
	}
	return w.until(ctx, fmt.Sprintf("%d rounds of tails", times), 10*w.plan.interval+10*time.Minute, times,
		"SELECT count(*) FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND started_at > $1", now)
}

func (w *watchedFleet) now(ctx context.Context) (time.Time, error) {
	return scalar[time.Time](ctx, w.dsn, "SELECT clock_timestamp()")
}

// shared waits until each process has its share, and each organization a process.
func (w *watchedFleet) shared(ctx context.Context) error {
	for range 300 {
		fair := (w.plan.organizations + w.phase.Processes - 1) / w.phase.Processes
		even, err := scalar[bool](ctx, w.dsn, `
			SELECT count(*) = $1 AND sum(n) = $2 AND max(n) <= $3 FROM (
				SELECT count(*) AS n FROM syncd_fleet.organizations o JOIN syncd_fleet.replicas r ON r.id = o.holder AND r.holds_until > clock_timestamp() GROUP BY r.id) s`,
			w.phase.Processes, w.plan.organizations, fair)
		if err != nil || even {
			return err
		}
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("after five minutes %d processes do not share the organizations evenly", w.phase.Processes)
}

// spent is what has been used up to a moment.
type spent struct {
	syncd, postgres time.Duration
	requests, wal   float64
}

func (w *watchedFleet) spent(ctx context.Context) (s spent, err error) {
	s.syncd = w.replicas.busy()
	server, err := scalar[int](ctx, w.pg.DSN(), `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`)
	if err != nil {
		return s, err
	}
	if s.postgres, err = process.TimeWithChildren(server); err != nil {
		return s, err
	}
	if s.requests, err = w.polar.requests(ctx); err != nil {
		return s, err
	}
	s.wal, err = scalar[float64](ctx, w.dsn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8")
	return s, err
}

// measure lets the organizations change, and looks at processes and tables meanwhile.
func (w *watchedFleet) measure(ctx context.Context) error {
	w.connections, w.peak, w.lags, w.holds.Takeovers = 0, 0, nil, nil
	before, err := w.spent(ctx)
	if err != nil {
		return err
	}
	from, err := w.now(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := session(ctx, w.dsn, func(conn *pgx.Conn) error { return w.disturb(ctx, conn, began) }); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	after, err := w.spent(ctx)
	if err != nil {
		return err
	}
	return w.report(ctx, from, seconds, before, after)
}

// disturb makes changes, kills processes, and looks each second at who holds what, and at everything every five.
func (w *watchedFleet) disturb(ctx context.Context, conn *pgx.Conn, began time.Time) error {
	killed := began
	for second := 0; time.Since(began) < w.phase.During; second++ {
		if w.plan.churn > 0 {
			if err := w.polar.control(ctx, http.MethodPost, "/sim/churn?n="+strconv.Itoa(w.plan.churn), "", nil); err != nil {
				return err
			}
		}
		if err := errors.Join(w.replicas.alive(), w.holds.Look(ctx, conn, w.replicas.killedAt)); err != nil {
			return err
		}
		if second%5 == 0 {
			if err := w.look(ctx, conn); err != nil {
				return err
			}
		}
		if w.phase.Kill > 0 && time.Since(killed) > w.phase.Kill {
			killed = time.Now()
			if err := w.replicas.replace(ctx, w.now); err != nil {
				return err
			}
		}
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return w.look(ctx, conn)
}

// look notes how late each organization is, the connections and the memory.
func (w *watchedFleet) look(ctx context.Context, conn *pgx.Conn) error {
	w.peak = max(w.peak, w.replicas.largest())
	var n float64
	if err := conn.QueryRow(ctx, `SELECT COALESCE(max(n), 0)::float8 FROM (SELECT count(*) AS n FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE '`+replicaName+`%' AND backend_type = 'client backend' GROUP BY application_name) p`).Scan(&n); err != nil {
		return err
	}
	w.connections = max(w.connections, n)
	lags, err := ofEach[float64](ctx, conn, w.plan.organizations, "SELECT extract(epoch FROM clock_timestamp() - polled_at)::float8 FROM SCHEMA_sync.sync_streams WHERE stream = 'tail'")
	w.lags = append(w.lags, lags...)
	return err
}

func (w *watchedFleet) report(ctx context.Context, from time.Time, seconds float64, before, after spent) error {
	var rounds float64
	if err := session(ctx, w.dsn, func(conn *pgx.Conn) error {
		counts, err := ofEach[float64](ctx, conn, w.plan.organizations, "SELECT count(*)::float8 FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND finished_at > $1", from)
		for _, n := range counts {
			rounds += n
		}
		return err
	}); err != nil {
		return err
	}
	most := w.plan.interval + time.Minute
	if w.phase.Kill > 0 {
		most = w.plan.interval + leaseOfFleet
	}
	slices.Sort(w.lags)
	busy := (after.syncd - before.syncd).Seconds()
	w.table.Add(w.label("rounds of tails"), "a second", nil, rounds/seconds)
	w.table.Add(w.label("requests"), "a minute", nil, (after.requests-before.requests)/seconds*60)
	w.table.Add(w.label("processor"), "cores", figures.AtMost(1.2), busy/seconds)
	w.table.Add(w.label("processor, a round"), "ms", nil, busy/max(1, rounds)*1000)
	w.table.Add(w.label("processor of Postgres, with the looks"), "cores", nil, (after.postgres-before.postgres).Seconds()/seconds)
	w.table.Add(w.label("memory of a process, peak"), "MB", figures.AtMost(400), w.peak)
	w.table.Add(w.label("connections of a process, most"), "connections", figures.AtMost(20), w.connections)
	w.table.Add(w.label("age of what is known, median"), "s", nil, figures.Quantile(w.lags, 0.5))
	w.table.Add(w.label("age of what is known, most"), "s", figures.AtMost(most.Seconds()), w.lags[len(w.lags)-1])
	w.table.Add(w.label("WAL"), "MB/day an organization", nil, (after.wal-before.wal)/seconds*86400/float64(w.plan.organizations)/1e6)
	if len(w.holds.Takeovers) > 0 {
		w.table.Add(w.label("killed until another process has its organization"), "s", nil, w.holds.Takeovers...)
	}
	return nil
}
