package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Kinds of runs.
const (
	KindSweep    = "sweep"    // reads a stream from end to end
	KindTail     = "tail"     // reads new rows and rows that may have changed
	KindFeed     = "feed"     // reads what feeds name, between two of the former
	KindRefresh  = "refresh"  // fetches single objects
	KindBackfill = "backfill" // reads a window of time
	KindAudit    = "audit"    // fetches rows that a comparison found different
	KindApproval = "approval" // marks rows as deleted that the brake had held back
)

// Run is one attempt at one stream, and the lease under which it writes: that of the stream's sweep, one of its own, or none
// (Open). One goroutine uses a Run; only Renew may be called concurrently.
type Run struct {
	ID         int64
	Stream     string
	SweepID    int64           // the run that began this sweep: ID itself, unless resumed
	SweepPages int64           // pages this sweep had stored before this run
	SweepTotal *int64          // total_count on the sweep's first page; nil before it
	Checkpoint json.RawMessage // where the sweep goes on; nil at its beginning
	StartedAt  time.Time       // database clock
	Counts     Counts
	// Organization is the one that the schema is tied to; zero without one.
	Organization uuid.UUID

	s   *Store
	ttl time.Duration
	// lease is the row of sync_streams with the run's lease and checkpoint; "" without.
	lease string
	// under is the lease of the round that this is a part of; "" without.
	under string
	// seen is the name under which the run's received ids are kept.
	seen string
	// rejects: the stream has open rejects, which a stored row may close.
	rejects bool
	// suspects: the stream has suspects. A reply that shows one acquits it.
	suspects bool
	// allNew: all objects of the last pages were new or changed.
	allNew bool
	// last is what the comparison of the last pages has found, and expected what both of the last two have.
	last, expected expectation
	// flying is what has been sent last and not been heard of; nil = nothing.
	flying *flight
	// known are copies that need no further look: their rows exist (no row is ever removed), or another try is not worth it.
	known map[copyOf]struct{}
}

// Counts are the counts of a run so far, as in sync_runs.
type Counts struct {
	Pages, Requests, Read, Inserted, Updated, Unchanged, Stale, Rejected int64
	// Unexplained are those of Stale for which no later request is known.
	Unexplained int64
	// CopiesRefused are newly found copies of rows of other streams that could not be stored.
	CopiesRefused int64
}

// Add adds the counts of another run.
func (c *Counts) Add(o Counts) { c.add(o) }

func (c *Counts) add(o Counts) {
	c.Pages += o.Pages
	c.Requests = max(c.Requests, o.Requests)
	c.Read += o.Read
	c.Inserted += o.Inserted
	c.Updated += o.Updated
	c.Unchanged += o.Unchanged
	c.Stale += o.Stale
	c.Unexplained += o.Unexplained
	c.Rejected += o.Rejected
	c.CopiesRefused += o.CopiesRefused
}

// ForStreams are the same run for other streams: their pages and tombstones have the number of this run, and their counts are added to
// this run's row.
func (r *Run) ForStreams(ctx context.Context, kind string, streams ...string) ([]*Run, error) {
	var p pg.Pipeline
	parts := make([]*Run, len(streams))
	for i, stream := range streams {
		parts[i] = &Run{ID: r.ID, Stream: stream, SweepID: r.ID, StartedAt: r.StartedAt, s: r.s, under: r.lease, seen: stream + "/" + kind}
		parts[i].lookup(ctx, &p)
	}
	if err := r.s.pool.AtOnce(ctx, &p); err != nil {
		return nil, fmt.Errorf("open %s: %w", strings.Join(streams, ", "), err)
	}
	return parts, nil
}

// Renew extends the lease; ErrLeaseLost when another process has it. It does nothing for a run without a lease.
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

// CountDistinct counts the different ids that the whole sweep has received so far.
func (r *Run) CountDistinct(ctx context.Context) (int64, error) {
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

// Evidence is what the database knows of a sweep that was read to its end.
type Evidence struct {
	Distinct      int64    // different ids that came
	Unidentified  int64    // items without a usable id
	Gaps          []string // places of rows that Polar could not render
	RefusedCopies int64    // rows of which neither an item nor a copy could be stored
	Unexplained   int64    // rows that were dropped as older than the stored ones although no later request is known
}

// Evidence is asked for in one round trip.
func (r *Run) Evidence(ctx context.Context) (e Evidence, err error) {
	var p pg.Pipeline
	q := db.New(&p)
	pg.One(&p, &e.Distinct)(q.SeenDistinct(ctx, db.SeenDistinctParams{Stream: r.seen, SweepID: r.SweepID}))
	pg.One(&p, &e.Unexplained)(q.SweepUnexplained(ctx, db.SweepUnexplainedParams{Stream: r.Stream, SweepID: &r.SweepID}))
	if r.rejects {
		pg.One(&p, &e.Unidentified)(q.RejectsUnidentified(ctx, db.RejectsUnidentifiedParams{Stream: r.Stream, RunID: r.SweepID}))
		pg.One(&p, &e.RefusedCopies)(q.RejectsOfCopies(ctx, r.Stream))
		pg.Each(&p, func(key string) { e.Gaps = append(e.Gaps, strings.TrimPrefix(key, gapKey)) })(
			q.RejectsGaps(ctx, db.RejectsGapsParams{Stream: r.Stream, RunID: r.SweepID}))
	}
	if err := r.s.pool.AtOnce(ctx, &p); err != nil {
		return e, fmt.Errorf("look at the sweep of %s: %w", r.Stream, err)
	}
	return e, nil
}

// SweepBegan is when the sweep began, as a Stamp.
func (r *Run) SweepBegan(ctx context.Context) (time.Time, error) {
	since, err := r.s.q.SweepSince(ctx, r.SweepID)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the sweep of %s began: %w", r.Stream, err)
	}
	return since, nil
}

// Gaps are the places of rows that Polar could not render in the last requests.
func (r *Run) Gaps(ctx context.Context) ([]string, error) {
	if !r.rejects {
		return nil, nil
	}
	keys, err := r.s.q.RejectsGaps(ctx, db.RejectsGapsParams{Stream: r.Stream, RunID: 0})
	if err != nil {
		return nil, fmt.Errorf("look for the rows of %s that cannot be rendered: %w", r.Stream, err)
	}
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, gapKey)
	}
	return keys, nil
}

// RestartSweep sets the sweep back to its beginning. With forget, the ids received so far no longer count: some may be of rows
// that are gone.
func (r *Run) RestartSweep(ctx context.Context, forget bool) error {
	err := r.s.pool.InTx(ctx, func(tx pgx.Tx) error {
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
