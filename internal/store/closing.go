package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Closing is what is recorded when a run ends.
type Closing struct {
	Outcome     string // succeeded | partial | failed | interrupted | skipped
	Reason      string
	ErrorClass  string
	Error       string
	Requests    int64
	Distinct    *int64 // of the sweep; nil when it did not reach its end
	Duplicates  *int64 // items that the run received again; nil when the sweep did not reach its end
	Appeared    *int64 // by how much the count of the whole list rose meanwhile; nil when it was not told twice
	Vanished    *int64 // by how much it fell
	Total       *int64 // of the whole list, as told last; nil to leave that of the last page
	Verdict     string // complete | incomplete | incomplete: and why; "" when the sweep did not reach its end
	Unavailable string // why Polar refuses the stream; "" when it does not
	SweepEnded  bool   // the sweep reached its end: the next run begins a new one
	// AsOf is when the owners were known of what is listed for one owner at a time; zero for other lists. A complete sweep
	// shows what there was then, and not what newer owners have.
	AsOf      time.Time
	Accounted bool // and every row that Polar counts was met, or found not to be rendered
}

// Finish closes the run and gives the lease back, in one transaction. A run
// whose lease was taken over is left as the taker closed it: ErrLeaseLost.
func (r *Run) Finish(ctx context.Context, c Closing) error {
	err := r.s.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		if c.SweepEnded {
			if err := r.endSweep(ctx, q, c); err != nil {
				return err
			}
		}
		if c.SweepEnded || r.lease == "" {
			if err := q.SeenClear(ctx, db.SeenClearParams{Stream: r.seen}); err != nil {
				return err
			}
		}
		if c.Accounted {
			if err := q.RejectsResolveUnmetGaps(ctx, db.RejectsResolveUnmetGapsParams{Stream: r.Stream, SweepID: r.SweepID}); err != nil {
				return err
			}
		}
		if c.Verdict == "complete" {
			if err := q.RejectsResolveUnmet(ctx, db.RejectsResolveUnmetParams{Stream: r.Stream, SweepID: r.SweepID}); err != nil {
				return err
			}
		}
		if r.lease != "" {
			n, err := q.StreamRelease(ctx, db.StreamReleaseParams{Stream: r.lease, RunID: &r.ID, Unavailable: pg.Null(c.Unavailable)})
			if err != nil {
				return err
			}
			if n == 0 {
				return ErrLeaseLost
			}
		}
		return q.RunFinish(ctx, db.RunFinishParams{
			ID: r.ID, Outcome: &c.Outcome, Reason: pg.Null(c.Reason), ErrorClass: pg.Null(c.ErrorClass), Error: pg.Null(c.Error),
			Requests: c.Requests, DistinctIDs: c.Distinct,
			Duplicates: c.Duplicates, RowsAppeared: c.Appeared, RowsVanished: c.Vanished, TotalLast: c.Total, Verdict: pg.Null(c.Verdict),
		})
	})
	if err != nil {
		return fmt.Errorf("close run %d of %s: %w", r.ID, r.Stream, err)
	}
	return nil
}

// endSweep makes the next run begin a new sweep. One that is complete settles what was known to have changed before it.
func (r *Run) endSweep(ctx context.Context, q *db.Queries, c Closing) error {
	var complete *time.Time
	if c.Verdict == "complete" {
		start, err := q.RunStartedAt(ctx, r.SweepID)
		if err != nil {
			return err
		}
		if !c.AsOf.IsZero() && c.AsOf.Before(start) {
			start = c.AsOf
		}
		complete = &start
		if err := q.ChangesSettleSwept(ctx, db.ChangesSettleSweptParams{Stream: r.Stream, CompleteAt: &start}); err != nil {
			return err
		}
	}
	n, err := q.StreamSweepEnd(ctx, db.StreamSweepEndParams{Stream: r.lease, RunID: &r.ID, CompleteAt: complete})
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLeaseLost
	}
	return nil
}
