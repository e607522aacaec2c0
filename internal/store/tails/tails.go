// Package tails keeps the state of rounds of tails between them: where they stand, pending changes, and the state of feeds.
//
// A round reads where its streams stand (States), records changes before it moves a feed's position (Note, then Feeds().Save),
// settles the changes that it has fetched, and saves where each stream stands. So a round that dies leaves its changes pending,
// and the next one fetches them.
package tails

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Tails keeps where the tails of streams stand between rounds. It leads to Changes and Feeds.
type Tails struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle on the state of tails in a schema.
func New(pool *pg.Pool) Tails { return Tails{pool, db.New(pool)} }

// State is where the tails of a stream stand.
type State struct {
	Position    json.RawMessage // nil: no tail yet
	CompleteAge time.Duration   // since the last complete sweep began; negative: there was none
	CompleteAt  time.Time       // when it began, by the clock of the database
	SweptAt     time.Time       // when it began, as a Stamp
	Unavailable bool            // Polar refuses the stream to this token
	Through     time.Time       // data_through as last published; zero: never
}

// States returns where the tails of these streams stand. Streams that never ran are missing.
func (ts Tails) States(ctx context.Context, streams []string) (map[string]State, error) {
	rows, err := ts.q.TailStates(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("read where tails stand: %w", err)
	}
	states := make(map[string]State, len(rows))
	for _, r := range rows {
		states[r.Stream] = State{r.Tail, time.Duration(r.CompleteAge * float64(time.Second)), pg.Value(r.CompleteAt), r.SweptAt, r.Unavailable != nil, pg.Value(r.DataThrough)}
	}
	return states, nil
}

// Tailed is the result of a round for a stream.
type Tailed struct {
	Stream    string
	Position  json.RawMessage // where the next round goes on
	PolledAt  time.Time       // when Polar was asked and answered, by the clock of the database; zero: it did not answer
	Through   time.Time       // up to when the stream is mirrored; zero: as before. It may be earlier than before.
	CoveredBy []string        // what shows changes of the stream; nil: unknown
	SweepDue  string          // why the next sweep should come early; "" = it need not
}

// Save records the results of a round, all or none.
func (ts Tails) Save(ctx context.Context, results ...Tailed) error {
	var p pg.Pipeline
	q := db.New(&p)
	for _, t := range results {
		if err := q.TailSave(ctx, db.TailSaveParams{
			Stream: t.Stream, Tail: t.Position, PolledAt: pg.Null(t.PolledAt), DataThrough: pg.Null(t.Through), CoveredBy: t.CoveredBy, SweepDue: pg.Null(t.SweepDue),
		}); err != nil {
			return err
		}
	}
	if err := ts.pool.AtOnce(ctx, &p); err != nil {
		return fmt.Errorf("record where tails stand: %w", err)
	}
	return nil
}

// SweepsDue returns which streams a tail wants swept early, and why.
func (ts Tails) SweepsDue(ctx context.Context) (map[string]string, error) {
	rows, err := ts.q.SweepsDue(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which sweeps are due: %w", err)
	}
	due := make(map[string]string, len(rows))
	for _, r := range rows {
		due[r.Stream] = r.Reason
	}
	return due, nil
}

// ByCounts is what covers a stream of which Polar's counts show changes. They do not show all, so it is swept in turn all the same.
const ByCounts = "counts"

// Uncovered is a stream of which nothing shows changes between sweeps, or only counts.
type Uncovered struct {
	Stream   string
	Requests int           // of its last sweep
	Age      time.Duration // since a sweep last began
}

// Uncovered returns the streams that only sweeps can keep fresh.
func (ts Tails) Uncovered(ctx context.Context) ([]Uncovered, error) {
	rows, err := ts.q.Uncovered(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which streams nothing covers: %w", err)
	}
	list := make([]Uncovered, len(rows))
	for i, r := range rows {
		list[i] = Uncovered{r.Stream, int(r.Requests), time.Duration(r.Age * float64(time.Second))}
	}
	return list, nil
}

// Forget removes what tails no longer need: changes fetched long ago, and the runs of rounds and sweeps that found nothing.
func (ts Tails) Forget(ctx context.Context) error {
	if err := ts.q.ChangesForget(ctx); err != nil {
		return fmt.Errorf("forget fetched changes: %w", err)
	}
	if err := ts.q.TailRunsForget(ctx); err != nil {
		return fmt.Errorf("forget tail runs: %w", err)
	}
	if err := ts.q.SweepRunsForget(ctx); err != nil {
		return fmt.Errorf("forget sweeps that found nothing: %w", err)
	}
	return nil
}
