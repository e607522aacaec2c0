package store

import (
	"context"
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

// Finish closes the run and releases the lease, in one transaction. If another process has taken the lease over, it has also closed
// the run; Finish then returns ErrLeaseLost.
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

// endSweep makes the next run start a new sweep. A complete sweep settles the changes that were pending before it began.
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
