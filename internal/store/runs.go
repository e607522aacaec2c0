package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Runs begins runs, and tells what earlier ones cost and hold back.
type Runs struct{ s *Store }

// Runs returns the handle on sync_runs.
func (s *Store) Runs() Runs { return Runs{s} }

// BusyError is ErrBusy with the holder of the lease.
type BusyError struct {
	Lease  string        // the stream, with a slash and the slot unless it is that of the sweep
	Holder string        // host, process id and a random part
	Until  time.Time     // when the lease ends unless it is renewed, as a living holder does all the time
	Left   time.Duration // until then, by the clock of the database
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%v: held by %s until %s", ErrBusy, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is makes it match ErrBusy.
func (e *BusyError) Is(err error) bool { return err == ErrBusy }

// Begin takes the stream's lease, opens a run and finds where its sweep stands.
//
// The lease is a row with an expiry, not a lock held by a connection: it ends by itself when its process dies, and a pooler in
// front of Postgres cannot lose it. Begin takes an expired lease over, and closes the run of its former holder as interrupted.
//
// A *BusyError names the holder and when its lease ends.
func (rs Runs) Begin(ctx context.Context, stream, kind, holder string, ttl time.Duration) (*Run, error) {
	return rs.BeginSlot(ctx, stream, "", kind, holder, ttl)
}

// BeginSlot is Begin with a lease and a checkpoint beside those of the stream's sweep: the slot "backfill" of "orders". The slot
// "" is the sweep's. Without a stream the lease is for work on several streams; such a run stores no pages.
func (rs Runs) BeginSlot(ctx context.Context, stream, slot, kind, holder string, ttl time.Duration) (*Run, error) {
	lease := stream
	if slot != "" {
		lease = strings.TrimPrefix(stream+"/"+slot, "/")
	}
	if stream == "" {
		stream = slot
	}
	r := &Run{Stream: stream, s: rs.s, ttl: ttl, lease: lease, seen: lease}
	stamp, err := rs.s.Stamp(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a run of %s: %w", stream, err)
	}
	err = rs.s.pool.InSteps(ctx, func(tx *pg.Steps) error {
		was, err := freeLease(ctx, tx, stream, lease)
		if err != nil {
			return err
		}
		if err := r.start(ctx, tx, was, db.RunStartParams{Stream: stream, Kind: kind, Holder: holder, StampedAt: &stamp}); err != nil {
			return err
		}
		var p pg.Pipeline
		q, seconds := db.New(&p), ttl.Seconds()
		r.lookup(ctx, &p)
		if err := errors.Join(
			q.SeenClear(ctx, db.SeenClearParams{Stream: r.seen, KeepSweepID: r.SweepID}),
			q.RunSetSweep(ctx, db.RunSetSweepParams{ID: r.ID, SweepID: &r.SweepID}),
			q.StreamLease(ctx, db.StreamLeaseParams{
				Stream: lease, RunID: &r.ID, Holder: &holder, TtlSeconds: &seconds,
				SweepID: &r.SweepID, SweepPages: r.SweepPages, SweepTotal: r.SweepTotal, Checkpoint: r.Checkpoint,
			}),
		); err != nil {
			return err
		}
		return tx.Commit(ctx, &p)
	})
	if err != nil {
		return nil, fmt.Errorf("begin a run of %s: %w", stream, err)
	}
	return r, nil
}

// freeLease locks the row of a lease and reads what the previous run left in it. A *BusyError says that somebody holds the lease.
func freeLease(ctx context.Context, tx *pg.Steps, stream, lease string) (was db.StreamLockRow, err error) {
	var p pg.Pipeline
	q := db.New(&p)
	for _, name := range slices.Compact([]string{stream, lease}) {
		if err := q.StreamEnsure(ctx, name); err != nil {
			return was, err
		}
	}
	pg.One(&p, &was)(q.StreamLock(ctx, lease))
	if err := tx.Step(ctx, &p); err != nil || !was.Leased {
		return was, err
	}
	busy := &BusyError{Lease: lease, Holder: pg.Value(was.LeaseHolder), Until: pg.Value(was.LeasedUntil)}
	p = pg.Pipeline{}
	p.Add("SELECT $1::timestamptz - clock_timestamp()", []any{busy.Until}, nil)
	pg.One(&p, &busy.Left)(0, nil)
	if err := tx.Step(ctx, &p); err != nil {
		return was, err
	}
	return was, busy
}

// start opens the run, and closes that of a lease that has expired as interrupted. It lets the run go on with an unfinished sweep. If
// there are fewer pages of ids than the checkpoint counts, a crash has emptied the unlogged table: that sweep can no longer be verified,
// so a new one starts.
func (r *Run) start(ctx context.Context, tx *pg.Steps, was db.StreamLockRow, as db.RunStartParams) error {
	var p pg.Pipeline
	q := db.New(&p)
	if was.LeaseRun != nil {
		if err := q.RunAbandon(ctx, *was.LeaseRun); err != nil {
			return err
		}
	}
	var run db.RunStartRow
	pg.One(&p, &run)(q.RunStart(ctx, as))
	var pages int64
	if was.SweepID != nil {
		pg.One(&p, &pages)(q.SeenPages(ctx, db.SeenPagesParams{Stream: r.seen, SweepID: *was.SweepID}))
	}
	if err := tx.Step(ctx, &p); err != nil {
		return err
	}
	r.ID, r.StartedAt, r.SweepID = run.ID, run.StartedAt, run.ID
	if pages == was.SweepPages && pages > 0 {
		r.SweepID, r.SweepPages, r.SweepTotal, r.Checkpoint = *was.SweepID, pages, was.SweepTotal, was.Checkpoint
	}
	return nil
}

// Open opens a run that writes beside the sweep of its stream: it takes no lease and moves no checkpoint. Page transactions of
// one stream take turns, and a reply requested earlier never overwrites one requested later, whichever run received them.
func (rs Runs) Open(ctx context.Context, stream, kind, holder string) (*Run, error) {
	r := &Run{Stream: stream, s: rs.s, seen: stream + "/" + kind}
	var p pg.Pipeline
	q := db.New(&p)
	err := q.RunsAbandonOpen(ctx, db.RunsAbandonOpenParams{Stream: stream, Kind: kind})
	var run db.RunStartRow
	pg.One(&p, &run)(q.RunStart(ctx, db.RunStartParams{Stream: stream, Kind: kind, Holder: holder}))
	r.lookup(ctx, &p)
	if err = errors.Join(err, rs.s.pool.AtOnce(ctx, &p)); err != nil {
		return nil, fmt.Errorf("open a run of %s: %w", stream, err)
	}
	r.ID, r.StartedAt, r.SweepID = run.ID, run.StartedAt, run.ID
	return r, nil
}

// lookup queues the question what a stored page of the stream may settle, and makes sure that the stream has its row.
func (r *Run) lookup(ctx context.Context, p *pg.Pipeline) {
	_, _ = db.New(p).StreamOpen(ctx, r.Stream) // queued
	p.OnRows(func(rows pgx.Rows) error {
		open, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[db.StreamOpenRow])
		r.rejects, r.suspects, r.Organization = open.Rejects, open.Suspects, pg.Value(open.OrganizationID)
		return err
	})
}

// SetReason changes the reason of a run that has ended.
func (rs Runs) SetReason(ctx context.Context, run int64, reason string) error {
	if err := rs.s.q.RunRemark(ctx, db.RunRemarkParams{ID: run, Reason: &reason}); err != nil {
		return fmt.Errorf("remark on run %d: %w", run, err)
	}
	return nil
}

// SweepCost is what the last sweep of a stream that succeeded in one run cost: its requests, and the different rows that it
// received. Zeros if there is none.
func (rs Runs) SweepCost(ctx context.Context, stream string) (requests, rows int64, err error) {
	err = rs.s.pool.QueryRow(ctx, `
		SELECT requests, distinct_ids FROM sync_runs
		WHERE stream = $1 AND kind = $2 AND outcome = 'succeeded' AND sweep_id = id AND distinct_ids IS NOT NULL
		ORDER BY id DESC LIMIT 1`, stream, KindSweep).Scan(&requests, &rows)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, fmt.Errorf("read what the last sweep of %s cost: %w", stream, err)
	}
	return requests, rows, nil
}

// HeldRows are the held suspects of one stream.
type HeldRows struct {
	Once    []uuid.UUID // missed by one complete sweep, or by several in quick succession
	Twice   []uuid.UUID // missed by two complete sweeps or more, SweepsApart from each other
	SweptAt time.Time   // when the last complete sweep began that did not meet them
	AsOf    time.Time   // the same moment as a Stamp
	Since   time.Time   // when the last of them was first missed
	Sweep   int64       // requests of that sweep
}

// HeldDeletions lists the suspects that one run holds back, by stream.
func (rs Runs) HeldDeletions(ctx context.Context, run int64) (map[string]HeldRows, error) {
	rows, err := rs.s.q.SuspectsHeld(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("read held deletions of run %d: %w", run, err)
	}
	cost, err := rs.s.q.SweepRequests(ctx, &run)
	if err != nil {
		return nil, fmt.Errorf("read what run %d took: %w", run, err)
	}
	held := map[string]HeldRows{}
	for _, row := range rows {
		h := held[row.Stream]
		h.SweptAt, h.AsOf, h.Sweep = row.SweptAt, row.AsOf, cost
		if sweptApart(row.NoticedAt, row.SweptAt) {
			h.Twice = append(h.Twice, row.ID)
		} else {
			h.Once = append(h.Once, row.ID)
		}
		if row.NoticedAt.After(h.Since) {
			h.Since = row.NoticedAt
		}
		held[row.Stream] = h
	}
	return held, nil
}

// HoldingDeletions lists the runs that hold deletions back.
func (rs Runs) HoldingDeletions(ctx context.Context) ([]int64, error) {
	runs, err := rs.s.q.RunsHolding(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which runs hold deletions: %w", err)
	}
	return runs, nil
}
