package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Streams reports the state of streams, without asking Polar.
type Streams struct{ s *Store }

// Streams returns the handle on the state of streams.
func (s *Store) Streams() Streams { return Streams{s} }

// RunStatus is the last run of a stream, or the last round of tails. A current run has the outcome "running" and its holder as
// the reason. A run whose lease has ended without it being closed is interrupted.
type RunStatus struct {
	Kind, Outcome, Reason       string // Outcome "never": there was no run
	StartedAt, FinishedAt       time.Time
	Pages, Requests             int64
	Inserted, Updated, Rejected int64
}

func runStatus(r db.RunsLastRow) RunStatus {
	s := RunStatus{Kind: r.Kind, Outcome: pg.Value(r.Outcome), Reason: pg.Value(r.Reason), StartedAt: r.StartedAt, FinishedAt: pg.Value(r.FinishedAt),
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

// Ended: the run came to its end, though something may be missing.
func (s RunStatus) Ended() bool { return s.Outcome == "succeeded" || s.Outcome == "partial" }

// LastRound is the last round of tails.
func (ss Streams) LastRound(ctx context.Context) (RunStatus, error) {
	rounds, err := ss.s.q.RoundLast(ctx)
	if err != nil {
		return RunStatus{}, fmt.Errorf("read the last round of tails: %w", err)
	}
	for _, r := range rounds {
		return runStatus(db.RunsLastRow(r)), nil
	}
	return RunStatus{Outcome: "never"}, nil
}

// StreamStatus is the last run of a stream and the state of its table.
type StreamStatus struct {
	Stream string
	RunStatus
	CompleteAt    time.Time // start of the last complete sweep; zero: never
	SucceededAt   time.Time // start of the last run that succeeded; zero: never
	Unfinished    bool      // a sweep is running or was interrupted
	Rows          int64     // live rows
	Held, HeldRun int64     // deletions that are held back, and the run to approve
}

// Statuses reports on each stream of names, in their order. A stream that never
// ran has zero times. What it reads is small, however large the tables are.
func (ss Streams) Statuses(ctx context.Context, names []string) ([]StreamStatus, error) {
	at := map[string]*StreamStatus{}
	list := make([]StreamStatus, len(names))
	for i, name := range names {
		list[i].Stream, list[i].Outcome = name, "never"
		at[name] = &list[i]
	}
	of := func(stream string) *StreamStatus { return cmp.Or(at[stream], &StreamStatus{}) }
	var p pg.Pipeline
	q := db.New(&p)
	pg.Each(&p, func(r db.StreamsListRow) {
		a := of(r.Stream)
		a.CompleteAt, a.Unfinished = pg.Value(r.CompleteAt), r.SweepID != nil
	})(q.StreamsList(ctx))
	pg.Each(&p, func(r db.RunsLastRow) { of(r.Stream).RunStatus = runStatus(r) })(q.RunsLast(ctx))
	pg.Each(&p, func(r db.RunsLastSuccessRow) { of(r.Stream).SucceededAt = r.StartedAt })(q.RunsLastSuccess(ctx))
	pg.Each(&p, func(r db.RowCountsRow) { of(r.Stream).Rows = r.Rows })(q.RowCounts(ctx))
	pg.Each(&p, func(r db.SuspectsCountRow) {
		a := of(r.Stream)
		a.Held, a.HeldRun = r.Held, r.HeldRun
	})(q.SuspectsCount(ctx))
	if err := ss.s.pool.SnapshotAtOnce(ctx, &p); err != nil {
		return nil, fmt.Errorf("read how streams stand: %w", err)
	}
	return list, nil
}

// Freshness says up to when a stream is mirrored, and how that is known. Zero times: never.
type Freshness struct {
	DataThrough time.Time // Polar's state of that moment is mirrored, as far as tails can see
	PolledAt    time.Time // when Polar last answered a tail
	CompleteAt  time.Time // start of the last complete sweep, which sees everything
	Pending     int64     // number of pending changes
	SweepDue    string    // why a tail wants a sweep; "" when it does not
	// FeedLag is how late the feeds that cover the stream tell of changes; negative: no feed covers it.
	FeedLag   time.Duration
	CoveredBy []string // what shows changes between sweeps
}

// Freshness reads the view of that name, by stream.
func (ss Streams) Freshness(ctx context.Context) (map[string]Freshness, error) {
	rows, err := ss.s.q.Freshness(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how fresh the streams are: %w", err)
	}
	by := make(map[string]Freshness, len(rows))
	for _, r := range rows {
		by[r.Stream] = Freshness{r.DataThrough, r.PolledAt, pg.Value(r.CompleteAt), r.PendingChanges, pg.Value(r.SweepDue), time.Duration(r.FeedLag * float64(time.Second)), r.CoveredBy}
	}
	return by, nil
}

// ListEmptied lists the streams whose lists recently brought none of the rows of their tables.
func (ss Streams) ListEmptied(ctx context.Context) ([]string, error) {
	streams, err := ss.s.q.StreamsEmptied(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which streams have lost everything: %w", err)
	}
	return streams, nil
}
