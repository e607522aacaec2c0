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
	seconds := ttl.Seconds()
	err = rs.s.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := rs.s.q.WithTx(tx)
		was, err := freeLease(ctx, tx, q, stream, lease)
		if err != nil {
			return err
		}
		run, err := q.RunStart(ctx, db.RunStartParams{Stream: stream, Kind: kind, Holder: holder, StampedAt: &stamp})
		if err != nil {
			return err
		}
		r.ID, r.StartedAt, r.SweepID = run.ID, run.StartedAt, run.ID
		if err := r.resume(ctx, q, was); err != nil {
			return err
		}
		if err := q.SeenClear(ctx, db.SeenClearParams{Stream: r.seen, KeepSweepID: r.SweepID}); err != nil {
			return err
		}
		if err := q.RunSetSweep(ctx, db.RunSetSweepParams{ID: r.ID, SweepID: &r.SweepID}); err != nil {
			return err
		}
		if err := r.lookup(ctx, q); err != nil {
			return err
		}
		return q.StreamLease(ctx, db.StreamLeaseParams{
			Stream: lease, RunID: &r.ID, Holder: &holder, TtlSeconds: &seconds,
			SweepID: &r.SweepID, SweepPages: r.SweepPages, SweepTotal: r.SweepTotal, Checkpoint: r.Checkpoint,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("begin a run of %s: %w", stream, err)
	}
	return r, nil
}

// freeLease locks the row of a lease and reads what the previous run left in it. A *BusyError says that somebody holds the lease.
// If the lease has expired, its run is closed as interrupted.
func freeLease(ctx context.Context, tx pgx.Tx, q *db.Queries, stream, lease string) (was db.StreamLockRow, err error) {
	for _, name := range slices.Compact([]string{stream, lease}) {
		if err := q.StreamEnsure(ctx, name); err != nil {
			return was, err
		}
	}
	if was, err = q.StreamLock(ctx, lease); err != nil {
		return was, err
	}
	if was.Leased {
		busy := &BusyError{Lease: lease, Holder: pg.Value(was.LeaseHolder), Until: pg.Value(was.LeasedUntil)}
		if err := tx.QueryRow(ctx, "SELECT $1::timestamptz - clock_timestamp()", busy.Until).Scan(&busy.Left); err != nil {
			return was, err
		}
		return was, busy
	}
	if was.LeaseRun != nil {
		return was, q.RunAbandon(ctx, *was.LeaseRun)
	}
	return was, nil
}

// resume lets the run go on with an unfinished sweep. If there are fewer pages of ids than the checkpoint counts, a crash has
// emptied the unlogged table: that sweep can no longer be verified, so a new one starts.
func (r *Run) resume(ctx context.Context, q *db.Queries, was db.StreamLockRow) error {
	if was.SweepID == nil {
		return nil
	}
	pages, err := q.SeenPages(ctx, db.SeenPagesParams{Stream: r.seen, SweepID: *was.SweepID})
	if err != nil {
		return err
	}
	if pages == was.SweepPages && pages > 0 {
		r.SweepID, r.SweepPages, r.SweepTotal, r.Checkpoint = *was.SweepID, pages, was.SweepTotal, was.Checkpoint
	}
	return nil
}

// Open opens a run that writes beside the sweep of its stream: it takes no lease and moves no checkpoint. Page transactions of
// one stream take turns, and a reply requested earlier never overwrites one requested later, whichever run received them.
func (rs Runs) Open(ctx context.Context, stream, kind, holder string) (*Run, error) {
	r := &Run{Stream: stream, s: rs.s, seen: stream + "/" + kind}
	err := rs.s.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := rs.s.q.WithTx(tx)
		if err := q.RunsAbandonOpen(ctx, db.RunsAbandonOpenParams{Stream: stream, Kind: kind}); err != nil {
			return err
		}
		run, err := q.RunStart(ctx, db.RunStartParams{Stream: stream, Kind: kind, Holder: holder})
		if err != nil {
			return err
		}
		r.ID, r.StartedAt, r.SweepID = run.ID, run.StartedAt, run.ID
		return r.lookup(ctx, q)
	})
	if err != nil {
		return nil, fmt.Errorf("open a run of %s: %w", stream, err)
	}
	return r, nil
}

// lookup finds out what a stored page of the stream may settle, and makes sure that the stream has its row.
func (r *Run) lookup(ctx context.Context, q *db.Queries) error {
	open, err := q.StreamOpen(ctx, r.Stream)
	if err != nil {
		return err
	}
	r.rejects, r.suspects = open.Rejects, open.Suspects
	r.Organization = pg.Value(open.OrganizationID)
	return nil
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
