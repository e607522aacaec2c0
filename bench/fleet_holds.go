package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
)

// hold is a time from which on a process had an organization; 0: nobody had it.
type hold struct {
	pid   int
	since time.Time
}

// holds are those of each organization, one after the other.
type holds struct {
	of        map[string][]hold
	takeovers []float64 // seconds from a kill until another process had the organization
}

// look notes who has which organization now.
func (h *holds) look(ctx context.Context, conn *pgx.Conn, r *replicas) error {
	rows, err := conn.Query(ctx, "SELECT name, COALESCE(holder, ''), since FROM syncd_fleet.organizations ORDER BY name")
	if err != nil {
		return err
	}
	if h.of == nil {
		h.of = map[string][]hold{}
	}
	var name, holder string
	var since time.Time
	_, err = pgx.ForEachRow(rows, []any{&name, &holder, &since}, func() error {
		now, before := hold{pidOf(holder), since}, h.of[name]
		if len(before) > 0 && before[len(before)-1] == now {
			return nil
		}
		h.of[name] = append(before, now)
		if len(before) > 0 {
			if killed, was := r.killedAt(before[len(before)-1].pid); was {
				h.takeovers = append(h.takeovers, since.Sub(killed).Seconds())
			}
		}
		return nil
	})
	return err
}

// holder tells which process had an organization at a time: nobody is known to have had it before the first look.
func (h *holds) holder(name string, at time.Time) (pid int, known bool) {
	for _, one := range h.of[name] {
		if at.Before(one.since) {
			break
		}
		pid, known = one.pid, true
	}
	return pid, known
}

// pidOf takes the process out of host/pid/random.
func pidOf(holder string) int {
	parts := strings.Split(holder, "/")
	if len(parts) < 3 {
		return 0
	}
	pid, err := strconv.Atoi(parts[len(parts)-2])
	if err != nil {
		return 0
	}
	return pid
}

// ran is a run on record.
type ran struct {
	Lease, Holder   string
	Started, Closed time.Time
}

// alone counts what must not have been: runs of an organization by two processes at one time, whatever they were; and runs of processes that
// did not have the organization. What a killed process was at ended when it was killed, and not when somebody closed it.
func (w *watchedFleet) alone(ctx context.Context) error {
	var runs, beside, strange float64
	err := session(ctx, w.dsn, func(conn *pgx.Conn) error {
		for n := 1; n <= w.plan.organizations; n++ {
			rows, err := conn.Query(ctx, "SELECT stream, holder, started_at, COALESCE(finished_at, 'infinity'::timestamptz - interval '1 day') FROM "+schemaOf(n)+"_sync.sync_runs ORDER BY started_at, id")
			if err != nil {
				return err
			}
			all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ran])
			if err != nil {
				return err
			}
			runs += float64(len(all))
			last := map[int]time.Time{} // when the runs of each process so far had ended
			for _, r := range all {
				pid := pidOf(r.Holder)
				if killed, was := w.replicas.killedAt(pid); was && r.Closed.After(killed) {
					r.Closed = killed
				}
				for other, until := range last {
					if other != pid && until.After(r.Started) {
						beside++
					}
				}
				if holder, known := w.holds.holder(strconv.Itoa(10_000 + n)[1:], r.Started); known && holder != pid {
					strange++
				}
				if r.Closed.After(last[pid]) {
					last[pid] = r.Closed
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.table.Add(w.everything("runs of all kinds"), "runs", nil, runs)
	w.table.Add(w.everything("runs of one organization by two processes at the same time"), "runs", figures.AtMost(0), beside)
	w.table.Add(w.everything("runs of a process that did not hold the organization"), "runs", figures.AtMost(0), strange)
	return nil
}

// everything labels what is told of all phases together.
func (w *watchedFleet) everything(what string) string {
	return fmt.Sprintf("fleet of %d, %s: %s", w.plan.organizations, w.plan.phases.String(), what)
}
