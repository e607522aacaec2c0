package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/store/db"
)

// Tails keeps where the tails of streams stand between their rounds.
type Tails struct{ s *Store }

// Tails returns the handle on where tails stand.
func (s *Store) Tails() Tails { return Tails{s} }

// TailState is where the tails of a stream stand.
type TailState struct {
	Position    json.RawMessage // nil: no tail yet
	CompleteAge time.Duration   // since the last complete sweep began; negative: there was none
	CompleteAt  time.Time       // when it began, by the clock of the database
	SweptAt     time.Time       // when it began, as Stamp tells it
	Unavailable bool            // Polar refuses the stream to this token
	Through     time.Time       // data_through as it was published last; zero: never
}

// States tells where the tails of these streams stand. Streams that never ran are not there.
func (ts Tails) States(ctx context.Context, streams []string) (map[string]TailState, error) {
	rows, err := ts.s.q.TailStates(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("read where tails stand: %w", err)
	}
	states := make(map[string]TailState, len(rows))
	for _, r := range rows {
		states[r.Stream] = TailState{r.Tail, time.Duration(r.CompleteAge * float64(time.Second)), deref(r.CompleteAt), r.SweptAt, r.Unavailable != nil, deref(r.DataThrough)}
	}
	return states, nil
}

// Tailed is what a round of tails found out about a stream.
type Tailed struct {
	Position  json.RawMessage // where the next one goes on
	PolledAt  time.Time       // when Polar was asked and answered, by the clock of the database; zero: it did not
	Through   time.Time       // up to when Polar's state is mirrored; zero: as before. It may be earlier than before.
	CoveredBy []string        // what shows changes of the stream; nil: not known
	SweepDue  string          // why the next sweep should come early; "" = it need not
}

// Save records what a round of tails found out about a stream.
func (ts Tails) Save(ctx context.Context, stream string, t Tailed) error {
	p := db.TailSaveParams{Stream: stream, Tail: t.Position, PolledAt: moment(t.PolledAt), DataThrough: moment(t.Through), CoveredBy: t.CoveredBy, SweepDue: optional(t.SweepDue)}
	if err := ts.s.q.TailSave(ctx, p); err != nil {
		return fmt.Errorf("record the tail of %s: %w", stream, err)
	}
	return nil
}

// SweepsDue tells which streams a tail wants swept early, and why.
func (ts Tails) SweepsDue(ctx context.Context) (map[string]string, error) {
	rows, err := ts.s.q.SweepsDue(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which sweeps are due: %w", err)
	}
	due := make(map[string]string, len(rows))
	for _, r := range rows {
		due[r.Stream] = r.Reason
	}
	return due, nil
}

// LastRound is the last round of tails.
func (ts Tails) LastRound(ctx context.Context) (RunStatus, error) {
	runs, err := ts.s.q.RunsLast(ctx)
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

// Forget removes what tails no longer need: changes fetched long ago, and
// the runs of rounds that found nothing.
func (ts Tails) Forget(ctx context.Context) error {
	if err := ts.s.q.ChangesForget(ctx); err != nil {
		return fmt.Errorf("forget fetched changes: %w", err)
	}
	if err := ts.s.q.TailRunsForget(ctx); err != nil {
		return fmt.Errorf("forget tail runs: %w", err)
	}
	return nil
}
