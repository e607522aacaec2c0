// Package recent tells of the last runs and of sweeps that are under way, by queries so small that a page may repeat them every
// few seconds.
package recent

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Recent reads what has lately been done.
type Recent struct{ q *db.Queries }

// New returns the handle.
func New(pool *pg.Pool) Recent { return Recent{db.New(pool)} }

// Run is a run of a stream, or a round of tails. Outcome is "running" while it lasts.
type Run struct {
	ID                          int64
	Stream, Kind                string
	Outcome, Reason             string
	StartedAt, FinishedAt       time.Time
	Pages, Requests             int64
	Inserted, Updated, Rejected int64
}

// Runs are the last runs, newest first, rounds aside.
func (re Recent) Runs(ctx context.Context, most int) ([]Run, error) {
	rows, err := re.q.RunsRecent(ctx, int32(most))
	if err != nil {
		return nil, fmt.Errorf("read the last runs: %w", err)
	}
	list := make([]Run, len(rows))
	for i, r := range rows {
		list[i] = Run{ID: r.ID, Stream: r.Stream, Kind: r.Kind, Outcome: pg.Value(r.Outcome), Reason: pg.Value(r.Reason), StartedAt: r.StartedAt, FinishedAt: pg.Value(r.FinishedAt),
			Pages: r.Pages, Requests: r.Requests, Inserted: r.RowsInserted, Updated: r.RowsUpdated, Rejected: r.RowsRejected}
		switch {
		case r.FinishedAt != nil:
		case r.Alive:
			list[i].Outcome = "running"
		default:
			list[i].Outcome = "interrupted"
		}
	}
	return list, nil
}

// Rounds are the last rounds of tails, and those of feeds that found something, newest first. One under way has no outcome.
func (re Recent) Rounds(ctx context.Context, most int) ([]Run, error) {
	rows, err := re.q.RoundsRecent(ctx, int32(most))
	if err != nil {
		return nil, fmt.Errorf("read the last rounds of tails: %w", err)
	}
	list := make([]Run, len(rows))
	for i, r := range rows {
		list[i] = Run{ID: r.ID, Stream: "tail", Kind: r.Kind, Outcome: pg.Value(r.Outcome), Reason: pg.Value(r.Reason), StartedAt: r.StartedAt, FinishedAt: pg.Value(r.FinishedAt),
			Requests: r.Requests, Inserted: r.RowsInserted, Updated: r.RowsUpdated, Rejected: r.RowsRejected}
	}
	return list, nil
}

// Sweep is how far a sweep has come that is running or was interrupted.
type Sweep struct {
	Stream string
	Rows   int64         // received so far; those that came twice count twice
	Total  int64         // that Polar counts; 0 where it does not
	Pages  int64         // stored so far
	Left   time.Duration // until the end at the speed of the current run; 0 = unknown
}

// Sweeps are those that have begun and not ended.
func (re Recent) Sweeps(ctx context.Context) ([]Sweep, error) {
	rows, err := re.q.SweepsOpen(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the sweeps have come: %w", err)
	}
	list := make([]Sweep, len(rows))
	for i, r := range rows {
		list[i] = Sweep{Stream: r.Stream, Rows: r.RowsRead, Total: pg.Value(r.SweepTotal), Pages: r.SweepPages}
		if missing := list[i].Total - r.RowsRead; missing > 0 && r.RowsNow > 0 {
			list[i].Left = time.Duration(float64(missing) / float64(r.RowsNow) * r.SecondsNow * float64(time.Second))
		}
	}
	return list, nil
}

// SweepCosts are the requests that the last whole sweep of each stream took.
func (re Recent) SweepCosts(ctx context.Context) (map[string]int, error) {
	rows, err := re.q.SweepCosts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what the last sweeps cost: %w", err)
	}
	costs := make(map[string]int, len(rows))
	for _, r := range rows {
		costs[r.Stream] = int(r.Requests)
	}
	return costs, nil
}
