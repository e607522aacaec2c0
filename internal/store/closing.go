package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Closing is what is recorded at the end of a run.
type Closing struct {
	Outcome     string // succeeded | partial | failed | interrupted | skipped
	Reason      string
	ErrorClass  string
	Error       string
	Requests    int64
	Distinct    *int64 // different ids of the sweep; nil when it did not reach its end
	Duplicates  *int64 // items that the run received more than once; nil when the sweep did not reach its end
	Appeared    *int64 // by how much the count of the whole list rose meanwhile; nil without two counts
	Vanished    *int64 // by how much it fell
	Total       *int64 // the latest count of the whole list; nil to keep that of the last page
	Verdict     string // complete | incomplete | incomplete: and why; "" when the sweep did not reach its end
	Unavailable string // why Polar refuses the stream; "" when it does not
	SweepEnded  bool   // the sweep reached its end, so the next run starts a new one
	// AsOf is when the owners were known, for a list that is read for one owner at a time; zero for other lists. A complete sweep
	// shows the list of that time, without the rows of newer owners.
	AsOf      time.Time
	Accounted bool // also, every row that Polar counts came or is a gap
}

// Finish closes the run and releases the lease, in one transaction of two steps. If another process has taken the lease over, it has
// also closed the run; Finish then returns ErrLeaseLost.
func (r *Run) Finish(ctx context.Context, c Closing) error {
	err := r.s.pool.InSteps(ctx, func(tx *pg.Steps) error {
		var p pg.Pipeline
		start := r.holdToClose(ctx, &p, c)
		if err := tx.Step(ctx, &p); err != nil {
			return err
		}
		p = pg.Pipeline{}
		if err := r.close(ctx, db.New(&p), c, *start); err != nil {
			return err
		}
		return tx.Commit(ctx, &p)
	})
	if err != nil {
		return fmt.Errorf("close run %d of %s: %w", r.ID, r.Stream, err)
	}
	return nil
}

// holdToClose queues the lock of the lease, which must be the run's, and the question when its sweep began, which is answered then.
func (r *Run) holdToClose(ctx context.Context, p *pg.Pipeline, c Closing) (start *time.Time) {
	start = new(time.Time)
	q := db.New(p)
	if r.lease != "" || c.SweepEnded {
		_, _ = q.StreamHold(ctx, r.lease) // queued
		p.OnRows(func(rows pgx.Rows) error {
			held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.StreamHoldRow])
			if err == nil && (len(held) == 0 || pg.Value(held[0].LeaseRun) != r.ID) {
				return ErrLeaseLost
			}
			return err
		})
	}
	if c.SweepEnded && c.Verdict == "complete" {
		_, _ = q.RunStartedAt(ctx, r.SweepID) // queued
		p.OnRows(func(rows pgx.Rows) (err error) {
			*start, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[time.Time])
			return err
		})
	}
	return start
}

// close queues what the end of a run leaves. The run has the lease, if it needs one.
func (r *Run) close(ctx context.Context, q *db.Queries, c Closing, start time.Time) error {
	var failed []error
	add := func(err error) { failed = append(failed, err) }
	if c.SweepEnded {
		add(r.endSweep(ctx, q, c, start))
	}
	if c.SweepEnded || r.lease == "" {
		add(q.SeenClear(ctx, db.SeenClearParams{Stream: r.seen}))
	}
	if c.Accounted {
		add(q.RejectsResolveUnmetGaps(ctx, db.RejectsResolveUnmetGapsParams{Stream: r.Stream, SweepID: r.SweepID}))
	}
	if c.Verdict == "complete" {
		add(q.RejectsResolveUnmet(ctx, db.RejectsResolveUnmetParams{Stream: r.Stream, SweepID: r.SweepID}))
	}
	if r.lease != "" {
		add(q.StreamRelease(ctx, db.StreamReleaseParams{Stream: r.lease, RunID: &r.ID, Unavailable: pg.Null(c.Unavailable)}))
	}
	add(q.RunFinish(ctx, db.RunFinishParams{
		ID: r.ID, Outcome: &c.Outcome, Reason: pg.Null(c.Reason), ErrorClass: pg.Null(c.ErrorClass), Error: pg.Null(c.Error),
		Requests: c.Requests, DistinctIDs: c.Distinct,
		Duplicates: c.Duplicates, RowsAppeared: c.Appeared, RowsVanished: c.Vanished, TotalLast: c.Total, Verdict: pg.Null(c.Verdict),
	}))
	return errors.Join(failed...)
}

// replicaLag is how far the replicas of Polar's lists may be behind.
const replicaLag = 10 * time.Second

// endSweep makes the next run start a new sweep. A complete sweep settles the changes that were pending before it began.
func (r *Run) endSweep(ctx context.Context, q *db.Queries, c Closing, start time.Time) error {
	var complete *time.Time
	if c.Verdict == "complete" {
		if !c.AsOf.IsZero() && c.AsOf.Before(start) {
			start = c.AsOf
		}
		complete = &start
		if err := q.ChangesSettleSwept(ctx, db.ChangesSettleSweptParams{Stream: r.Stream, CompleteAt: &start, NotedBefore: start.Add(-replicaLag)}); err != nil {
			return err
		}
	}
	return q.StreamSweepEnd(ctx, db.StreamSweepEndParams{Stream: r.lease, RunID: &r.ID, CompleteAt: complete})
}
