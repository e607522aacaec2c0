package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/seen"
)

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
			rows, err := conn.Query(ctx, "SELECT stream, holder, started_at, COALESCE(finished_at, '9999-12-31Z'::timestamptz) FROM "+seen.SchemaOf(n)+"_sync.sync_runs ORDER BY started_at, id")
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
				pid := seen.PID(r.Holder)
				if killed, was := w.replicas.killedAt(pid); was && r.Closed.After(killed) {
					r.Closed = killed
				}
				for other, until := range last {
					if other != pid && until.After(r.Started) {
						beside++
					}
				}
				if holder, known := w.holds.Holder(strconv.Itoa(10_000 + n)[1:], r.Started); known && holder != pid {
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
