package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// Kinds of runs.
const (
	KindSweep    = "sweep"    // reads a stream from end to end
	KindTail     = "tail"     // reads what is new or may have changed
	KindRefresh  = "refresh"  // fetches single objects
	KindBackfill = "backfill" // reads a window of time
	KindAudit    = "audit"    // fetches what a comparison found different
	KindApproval = "approval" // marks as deleted what the brake had held
)

// Run is one attempt at one stream, and the lease under which it writes: that of
// the stream's sweep, one of its own, or none (Open).
// A Run is used by one goroutine, except Renew, which may be called beside it.
type Run struct {
	ID         int64
	Stream     string
	SweepID    int64           // the run that began this sweep: ID itself, unless resumed
	SweepPages int64           // pages this sweep had stored before this run
	SweepTotal *int64          // total_count on the sweep's first page; nil before it
	Checkpoint json.RawMessage // where the sweep goes on; nil at its beginning
	StartedAt  time.Time       // database clock
	Counts     Counts
	// Organization is the one that the schema is bound to; zero while it is to none.
	Organization uuid.UUID

	s   *Store
	ttl time.Duration
	// lease is the row of sync_streams with the run's lease and checkpoint; "" without.
	lease string
	// seen is the name under which the ids are kept that the run receives.
	seen string
	// rejects: whether the stream has open rejects that a stored row may heal.
	rejects bool
	// stubs: whether the stream has rows that were only copied so far.
	stubs bool
	// suspects: whether the stream has rows under suspicion, of which any reply that shows one acquits it.
	suspects bool
	// known are copies whose rows are there for good, as no row is ever removed, or not worth another try.
	known map[copyOf]struct{}
}

// Counts of a run so far; what sync_runs holds.
type Counts struct {
	Pages, Requests, Read, Inserted, Updated, Unchanged, Stale, Rejected int64
	// Unexplained are those of Stale of which nothing tells what was requested later.
	Unexplained int64
	// CopiesRefused are copies of rows of other streams that could not be stored, and of which nobody had known.
	CopiesRefused int64
}

// BusyError is ErrBusy with the holder of the lease.
type BusyError struct {
	Lease  string        // the stream, with a slash and the slot where it is not that of the sweep
	Holder string        // host, process id and a random part
	Until  time.Time     // when the lease ends unless it is renewed, as it is all the time by a holder that lives
	Left   time.Duration // until then, by the clock of the database
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%v: held by %s until %s", ErrBusy, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is makes it an ErrBusy.
func (e *BusyError) Is(err error) bool { return err == ErrBusy }

// Begin takes the stream's lease, opens a run and finds where its sweep stands.
//
// The lease is a row with an expiry, not a lock held by a connection: a process
// that dies frees it by the passing of time, and a pooler between us and
// Postgres cannot lose it. A lease that has expired is taken over, and the run
// of the process that held it is closed as interrupted.
//
// A *BusyError names the holder and when its lease ends.
func (s *Store) Begin(ctx context.Context, stream, kind, holder string, ttl time.Duration) (*Run, error) {
	return s.BeginSlot(ctx, stream, "", kind, holder, ttl)
}

// BeginSlot is Begin with a lease and a checkpoint beside those of the stream's
// sweep: the slot "backfill" of "orders". The slot "" is the sweep's. Without a
// stream the lease is for work that concerns several; such a run stores no pages.
func (s *Store) BeginSlot(ctx context.Context, stream, slot, kind, holder string, ttl time.Duration) (*Run, error) {
	lease := stream
	if slot != "" {
		lease = strings.TrimPrefix(stream+"/"+slot, "/")
	}
	if stream == "" {
		stream = slot
	}
	r := &Run{Stream: stream, s: s, ttl: ttl, lease: lease, seen: lease}
	stamp, err := s.Stamp(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a run of %s: %w", stream, err)
	}
	seconds := ttl.Seconds()
	err = s.pool.inTx(ctx, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		for _, name := range slices.Compact([]string{stream, lease}) {
			if err := q.StreamEnsure(ctx, name); err != nil {
				return err
			}
		}
		was, err := q.StreamLock(ctx, lease)
		if err != nil {
			return err
		}
		if was.Leased {
			busy := &BusyError{Lease: lease, Holder: deref(was.LeaseHolder), Until: deref(was.LeasedUntil)}
			if err := tx.QueryRow(ctx, "SELECT $1::timestamptz - clock_timestamp()", busy.Until).Scan(&busy.Left); err != nil {
				return err
			}
			return busy
		}
		if was.LeaseRun != nil {
			if err := q.RunAbandon(ctx, *was.LeaseRun); err != nil {
				return err
			}
		}
		run, err := q.RunStart(ctx, db.RunStartParams{Stream: stream, Kind: kind, Holder: holder, StampedAt: &stamp})
		if err != nil {
			return err
		}
		r.ID, r.StartedAt, r.SweepID = run.ID, run.StartedAt, run.ID
		if was.SweepID != nil {
			// Fewer pages of ids than the checkpoint counts means that the unlogged
			// table was emptied by a crash: the sweep could not be verified any more.
			pages, err := q.SeenPages(ctx, db.SeenPagesParams{Stream: r.seen, SweepID: *was.SweepID})
			if err != nil {
				return err
			}
			if pages == was.SweepPages && pages > 0 {
				r.SweepID, r.SweepPages, r.SweepTotal, r.Checkpoint = *was.SweepID, pages, was.SweepTotal, was.Checkpoint
			}
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

// Open opens a run that writes beside the sweep of its stream: it takes no lease
// and moves no checkpoint. Page transactions of one stream take turns, and a
// reply requested earlier never overwrites one requested later, whichever run
// received them.
func (s *Store) Open(ctx context.Context, stream, kind, holder string) (*Run, error) {
	r := &Run{Stream: stream, s: s, seen: stream + "/" + kind}
	err := s.pool.inTx(ctx, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
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

// lookup finds out what a stored page of the stream may settle, and makes the stream known.
func (r *Run) lookup(ctx context.Context, q *db.Queries) error {
	open, err := q.StreamOpen(ctx, r.Stream)
	if err != nil {
		return err
	}
	r.rejects, r.stubs, r.suspects = open.Rejects, open.Stubs, open.Suspects
	r.Organization = deref(open.OrganizationID)
	return nil
}

// Renew extends the lease; ErrLeaseLost when another process has it. A run
// without a lease has none to lose.
func (r *Run) Renew(ctx context.Context) error {
	if r.lease == "" {
		return nil
	}
	n, err := r.s.q.StreamRenew(ctx, db.StreamRenewParams{Stream: r.lease, RunID: &r.ID, TtlSeconds: r.ttl.Seconds()})
	if err != nil {
		return fmt.Errorf("renew the lease of %s: %w", r.Stream, err)
	}
	if n == 0 {
		return fmt.Errorf("%s: %w", r.Stream, ErrLeaseLost)
	}
	return nil
}

// Distinct counts the different ids that the whole sweep has received so far.
func (r *Run) Distinct(ctx context.Context) (int64, error) {
	n, err := r.s.q.SeenDistinct(ctx, db.SeenDistinctParams{Stream: r.seen, SweepID: r.SweepID})
	if err != nil {
		return 0, fmt.Errorf("count the ids of %s: %w", r.Stream, err)
	}
	return n, nil
}

// AnySeen is one of the ids that the sweep received last; false when there are none.
func (r *Run) AnySeen(ctx context.Context) (uuid.UUID, bool, error) {
	id, err := r.s.q.SeenAny(ctx, db.SeenAnyParams{Stream: r.seen, SweepID: r.SweepID})
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.UUID{}, false, nil
	}
	if err != nil {
		return uuid.UUID{}, false, fmt.Errorf("read an id of %s: %w", r.Stream, err)
	}
	return id, true, nil
}

// Unidentified counts the items of this sweep that had no usable id.
func (r *Run) Unidentified(ctx context.Context) (int64, error) {
	n, err := r.s.q.RejectsUnidentified(ctx, db.RejectsUnidentifiedParams{Stream: r.Stream, RunID: r.SweepID})
	if err != nil {
		return 0, fmt.Errorf("count the items of %s without an id: %w", r.Stream, err)
	}
	return n, nil
}

// RefusedCopies counts the rows of the stream of which there is neither an item nor a copy that could be stored.
func (r *Run) RefusedCopies(ctx context.Context) (int64, error) {
	if !r.rejects {
		return 0, nil
	}
	n, err := r.s.q.RejectsOfCopies(ctx, r.Stream)
	if err != nil {
		return 0, fmt.Errorf("count the copies of %s that cannot be stored: %w", r.Stream, err)
	}
	return n, nil
}

// Since is when the sweep began, as Stamp tells the time.
func (r *Run) Since(ctx context.Context) (time.Time, error) {
	since, err := r.s.q.SweepSince(ctx, r.SweepID)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the sweep of %s began: %w", r.Stream, err)
	}
	return since, nil
}

// Unexplained counts the rows that this sweep dropped as older than what is stored, of which nothing tells why they should be.
func (r *Run) Unexplained(ctx context.Context) (int64, error) {
	n, err := r.s.q.SweepUnexplained(ctx, db.SweepUnexplainedParams{Stream: r.Stream, SweepID: &r.SweepID})
	if err != nil {
		return 0, fmt.Errorf("count the stale rows of %s: %w", r.Stream, err)
	}
	return n, nil
}

// Gaps are the places of rows that Polar could not render in this sweep; those of rows that it could not when last asked,
// before a sweep has begun.
func (r *Run) Gaps(ctx context.Context, before bool) ([]string, error) {
	if !r.rejects {
		return nil, nil
	}
	since := r.SweepID
	if before {
		since = 0
	}
	keys, err := r.s.q.RejectsGaps(ctx, db.RejectsGapsParams{Stream: r.Stream, RunID: since})
	if err != nil {
		return nil, fmt.Errorf("look for the rows of %s that cannot be rendered: %w", r.Stream, err)
	}
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, gapKey)
	}
	return keys, nil
}

// Restart takes the sweep back to its beginning. With forget the ids received
// so far no longer count: some of them may be those of rows that are gone.
func (r *Run) Restart(ctx context.Context, forget bool) error {
	err := r.s.pool.inTx(ctx, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		n, err := q.StreamRestart(ctx, db.StreamRestartParams{Stream: r.lease, RunID: &r.ID, Forget: forget})
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrLeaseLost
		}
		if err := q.RejectsForgetGaps(ctx, db.RejectsForgetGapsParams{Stream: r.Stream, RunID: r.SweepID}); err != nil {
			return err
		}
		if forget {
			return q.SeenForget(ctx, db.SeenForgetParams{Stream: r.seen, SweepID: r.SweepID})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restart the sweep of %s: %w", r.Stream, err)
	}
	if forget {
		r.SweepPages = 0
	}
	return nil
}

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
	err := r.s.pool.inTx(ctx, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		if c.SweepEnded {
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
			n, err := q.StreamRelease(ctx, db.StreamReleaseParams{Stream: r.lease, RunID: &r.ID, Unavailable: optional(c.Unavailable)})
			if err != nil {
				return err
			}
			if n == 0 {
				return ErrLeaseLost
			}
		}
		return q.RunFinish(ctx, db.RunFinishParams{
			ID: r.ID, Outcome: &c.Outcome, Reason: optional(c.Reason), ErrorClass: optional(c.ErrorClass), Error: optional(c.Error),
			Requests: c.Requests, DistinctIDs: c.Distinct,
			Duplicates: c.Duplicates, RowsAppeared: c.Appeared, RowsVanished: c.Vanished, TotalLast: c.Total, Verdict: optional(c.Verdict),
		})
	})
	if err != nil {
		return fmt.Errorf("close run %d of %s: %w", r.ID, r.Stream, err)
	}
	return nil
}

// optional turns the empty text into NULL.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// RunStatus is the last run of a stream, or the last round of tails. A run that is under way has the outcome "running" and
// its holder as the reason. One whose lease has ended without it being closed is interrupted.
type RunStatus struct {
	Kind, Outcome, Reason       string // Outcome "never": there was none
	StartedAt, FinishedAt       time.Time
	Pages, Requests             int64
	Inserted, Updated, Rejected int64
}

func runStatus(r db.RunsLastRow) RunStatus {
	s := RunStatus{Kind: r.Kind, Outcome: deref(r.Outcome), Reason: deref(r.Reason), StartedAt: r.StartedAt, FinishedAt: deref(r.FinishedAt),
		Pages: r.Pages, Requests: r.Requests, Inserted: r.RowsInserted, Updated: r.RowsUpdated, Rejected: r.RowsRejected}
	switch {
	case r.FinishedAt != nil:
	case r.Leased:
		s.Outcome, s.Reason = "running", "by "+r.Holder
	default:
		s.Outcome, s.Reason = "interrupted", fmt.Sprintf("its process (%s) stopped without closing the run, and its lease has ended", r.Holder)
	}
	return s
}

// StreamStatus is the last run of a stream and the state of its table.
type StreamStatus struct {
	Stream string
	RunStatus
	CompleteAt    time.Time // start of the last complete sweep; zero: never
	SucceededAt   time.Time // start of the last run that succeeded; zero: never
	Unfinished    bool      // a sweep is under way or was interrupted
	Rows          int64     // rows in the table that are not tombstoned
	Held, HeldRun int64     // deletions that are held back, and the run to approve
}

// LastRound is the last round of tails.
func (s *Store) LastRound(ctx context.Context) (RunStatus, error) {
	runs, err := s.q.RunsLast(ctx)
	if err != nil {
		return RunStatus{}, fmt.Errorf("read the last round of tails: %w", err)
	}
	for _, r := range runs {
		if r.Stream == "tail" {
			return runStatus(r), nil
		}
	}
	return RunStatus{Outcome: "never"}, nil
}

// Streams reports on each stream of names, in their order. A stream that never
// ran has zero times.
func (s *Store) Streams(ctx context.Context, names []string) ([]StreamStatus, error) {
	states, err := s.q.StreamsList(ctx)
	if err != nil {
		return nil, fmt.Errorf("read stream states: %w", err)
	}
	runs, err := s.q.RunsLast(ctx)
	if err != nil {
		return nil, fmt.Errorf("read last runs: %w", err)
	}
	good, err := s.q.RunsLastSuccess(ctx)
	if err != nil {
		return nil, fmt.Errorf("read last successes: %w", err)
	}
	at := map[string]*StreamStatus{}
	list := make([]StreamStatus, len(names))
	for i, name := range names {
		list[i].Stream, list[i].Outcome = name, "never"
		at[name] = &list[i]
	}
	for _, st := range states {
		if a := at[st.Stream]; a != nil {
			a.CompleteAt, a.Unfinished = deref(st.CompleteAt), st.SweepID != nil
		}
	}
	for _, g := range good {
		if a := at[g.Stream]; a != nil {
			a.SucceededAt = g.StartedAt
		}
	}
	for _, r := range runs {
		if a := at[r.Stream]; a != nil {
			a.RunStatus = runStatus(r)
		}
	}
	suspects, err := s.q.SuspectsCount(ctx)
	if err != nil {
		return nil, fmt.Errorf("read suspects: %w", err)
	}
	for _, r := range suspects {
		if a := at[r.Stream]; a != nil {
			a.Held, a.HeldRun = r.Held, r.HeldRun
		}
	}
	for i := range list {
		if list[i].Rows, err = s.Count(ctx, list[i].Stream); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Count is the number of rows of a stream's table that are not tombstoned.
func (s *Store) Count(ctx context.Context, table string) (n int64, err error) {
	err = s.pool.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" WHERE _deleted_at IS NULL").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	return n, nil
}
