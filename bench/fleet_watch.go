package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
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

	connections, peak float64       // the most of a process
	backends          seen.Backends // the most of Postgres' processes for them
	simulator         float64       // the most of the simulator's memory
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

// organizations are the numbers of all.
func (w *watchedFleet) organizations() (all []int) {
	for n := range w.plan.organizations {
		all = append(all, n+1)
	}
	return all
}

// until asks each organization for a number again and again, until it has been at least the wanted one for all of them. Every minute it says for how many.
func (w *watchedFleet) until(ctx context.Context, what string, within time.Duration, wanted int64, query string, args ...any) error {
	return session(ctx, w.dsn, func(conn *pgx.Conn) error {
		began, told, left := time.Now(), time.Now(), w.organizations()
		for {
			if err := w.replicas.alive(); err != nil {
				return err
			}
			looked := time.Now()
			made, err := seen.Made(ctx, conn)
			if err != nil {
				return err
			}
			ask := slices.DeleteFunc(slices.Clone(left), func(n int) bool { return !made[n] })
			numbers, err := seen.OfEach[int64](ctx, conn, ask, query, args...)
			if err != nil {
				return err
			}
			done := map[int]bool{}
			for i, n := range numbers { // a part of UNION ALL after the other, a row each
				done[ask[i]] = n >= wanted
			}
			left = slices.DeleteFunc(left, func(n int) bool { return done[n] })
			w.simulator = max(w.simulator, process.Peak(w.polar.cmd.Process.Pid))
			if len(left) == 0 {
				return nil
			}
			so := fmt.Sprintf("%s: after %s it is so of %d of %d organizations", what, time.Since(began).Round(time.Second), w.plan.organizations-len(left), w.plan.organizations)
			if time.Since(began) > within {
				return errors.New(so)
			}
			if time.Since(told) >= time.Minute {
				told = time.Now()
				fmt.Fprintf(os.Stderr, "        %s; simulator %.0f MB, processes of syncd at most %.0f\n", so, w.simulator, w.replicas.largest())
			}
			if !pause(ctx, seen.Seldom(time.Since(looked), 2*time.Second)) {
				return ctx.Err()
			}
		}
	})
}

// atStart is how many streams are swept: one whose sweeps are costly, or that is off, is not among the default ones.
func (p *fleetPlan) atStart() int64 { return 25 - int64(strings.Count(","+p.streams, ",-")) }

// ready waits until every organization has been swept, and followed once after that.
func (w *watchedFleet) ready(ctx context.Context) error {
	return w.until(ctx, "the first syncs and a round of tails", w.plan.first, w.plan.atStart(), `
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
	within := 5*time.Minute + time.Duration(w.plan.organizations)*time.Second // each that moves is opened anew
	for began := time.Now(); time.Since(began) < within; {
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
	return fmt.Errorf("after %s %d processes do not share the organizations evenly", within, w.phase.Processes)
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
	w.connections, w.peak, w.backends, w.holds.Takeovers = 0, 0, seen.Backends{}, nil
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

// disturb makes changes, kills processes, and looks each second at who holds what, and at everything every five, or less often where that takes long.
func (w *watchedFleet) disturb(ctx context.Context, conn *pgx.Conn, began time.Time) error {
	killed, next := began, began
	for time.Since(began) < w.phase.During {
		if w.plan.churn > 0 {
			if err := w.polar.control(ctx, http.MethodPost, "/sim/churn?n="+strconv.Itoa(w.plan.churn), "", nil); err != nil {
				return err
			}
		}
		if err := errors.Join(w.replicas.alive(), w.holds.Look(ctx, conn, w.replicas.killedAt)); err != nil {
			return err
		}
		if looked := time.Now(); !looked.Before(next) {
			if err := w.look(ctx, conn); err != nil {
				return err
			}
			next = time.Now().Add(seen.Seldom(time.Since(looked), 5*time.Second))
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

// look notes the connections and the memory.
func (w *watchedFleet) look(ctx context.Context, conn *pgx.Conn) error {
	w.peak = max(w.peak, w.replicas.largest())
	w.simulator = max(w.simulator, process.Peak(w.polar.cmd.Process.Pid))
	connections, err := w.backends.Look(ctx, conn, replicaName)
	if err != nil {
		return err
	}
	w.connections = max(w.connections, connections)
	return err
}

func (w *watchedFleet) report(ctx context.Context, from time.Time, seconds float64, before, after spent) error {
	var rounds float64
	var ages []float64
	if err := session(ctx, w.dsn, func(conn *pgx.Conn) error {
		counts, err := seen.OfEach[float64](ctx, conn, w.organizations(), "SELECT count(*)::float8 FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND finished_at > $1", from)
		for _, n := range counts {
			rounds += n
		}
		if err != nil {
			return err
		}
		ages, err = seen.Ages(ctx, conn, w.organizations(), from)
		return err
	}); err != nil {
		return err
	}
	most := w.plan.interval + time.Minute
	if w.phase.Kill > 0 {
		most = w.plan.interval + leaseOfFleet
	}
	slices.Sort(ages)
	busy := (after.syncd - before.syncd).Seconds()
	w.table.Add(w.label("rounds of tails"), "a second", nil, rounds/seconds)
	w.table.Add(w.label("requests"), "a minute", nil, (after.requests-before.requests)/seconds*60)
	w.table.Add(w.label("processor"), "cores", figures.AtMost(1.2), busy/seconds)
	w.table.Add(w.label("processor, a round"), "ms", nil, busy/max(1, rounds)*1000)
	w.table.Add(w.label("processor of Postgres, with the looks"), "cores", nil, (after.postgres-before.postgres).Seconds()/seconds)
	w.table.Add(w.label("memory of a process, peak"), "MB", figures.AtMost(400), w.peak)
	w.table.Add(w.label("connections of a process, most"), "connections", figures.AtMost(20), w.connections)
	if err := w.reportBackends(ctx); err != nil {
		return err
	}
	w.table.Add(w.label("age of what is known when a round ends, median"), "s", nil, figures.Quantile(ages, 0.5))
	w.table.Add(w.label("age of what is known when a round ends, most"), "s", figures.AtMost(most.Seconds()), ages[len(ages)-1])
	w.table.Add(w.label("WAL"), "MB/day an organization", nil, (after.wal-before.wal)/seconds*86400/float64(w.plan.organizations)/1e6)
	if len(w.holds.Takeovers) > 0 {
		w.table.Add(w.label("killed until another process has its organization"), "s", nil, w.holds.Takeovers...)
	}
	return nil
}

// reportBackends tells what they took at most, and of the largest what an organization costs it at least, beside a connection that was asked for
// nothing yet. That is told where all are of one process: who had been another's, nobody knows.
func (w *watchedFleet) reportBackends(ctx context.Context) error {
	if w.backends.Private == 0 { // the kernel does not tell
		return nil
	}
	w.table.Add(w.label("memory of the simulator, peak"), "MB", nil, w.simulator)
	w.table.Add(w.label("private memory of all backends of syncd, most"), "MB", nil, w.backends.Private)
	w.table.Add(w.label("with their part of what is shared (Pss), most"), "MB", nil, w.backends.Share)
	w.table.Add(w.label("private memory of a backend, most"), "MB", nil, w.backends.Largest)
	if w.phase.Processes > 1 {
		return nil
	}
	return session(ctx, w.dsn, func(conn *pgx.Conn) error {
		idle := process.Private(int(conn.PgConn().PID()))
		w.table.Add(w.label("of that, an organization, at least"), "kB", nil, (w.backends.Largest-idle)/float64(w.plan.organizations)*1024)
		return nil
	})
}
