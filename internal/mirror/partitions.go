package mirror

import (
	"context"
	"errors"
	"time"

	"syncd/internal/store"
	"syncd/internal/store/counts"
	"syncd/internal/store/history"
	"syncd/internal/store/partition"
)

// partitionsEvery is how far apart partitions are looked after. They are made a month ahead.
const partitionsEvery = 6 * time.Hour

// monthsBack bounds how old rows get a month of their own: senders date them as they like, and each month costs something in every query
// that names no time. Older ones are in the default partition.
const monthsBack = 10 * 12

// preparePartitions makes partitions for the time to come, of changes and of tables that are divided, and drops those of changes whose time
// is over. Where it fails the next sweep does it: until then rows go to the default partition.
func (e *Engine) preparePartitions(ctx context.Context) {
	e.mu.Lock()
	due := e.prepared.IsZero() || time.Since(e.prepared) >= partitionsEvery
	if due {
		e.prepared = time.Now()
	}
	e.mu.Unlock()
	if !due {
		return
	}
	err := history.New(e.Store.Pool()).Maintain(ctx, e.KeepHistory)
	for _, w := range e.streams {
		if w.own.months != nil {
			err = errors.Join(err, e.monthsAhead(ctx, w.own))
		}
	}
	if err != nil {
		e.mu.Lock()
		e.prepared = time.Time{}
		e.mu.Unlock()
		e.Log.WarnContext(ctx, "partitions could not be looked after; the next sweep tries again", "error", err)
	}
}

func (e *Engine) monthsAhead(ctx context.Context, s *prepared) error {
	now, err := e.Store.Stamp(ctx)
	if err != nil {
		return err
	}
	return s.months.Ahead(ctx, now)
}

// monthsOf is the handle on the months of a stream's table; nil where it is not divided.
func (e *Engine) monthsOf(s *prepared) *partition.Partitions {
	if s.Months == "" || e.Store == nil {
		return nil
	}
	return partition.New(e.Store.Pool(), partition.Table{
		Name: s.Name, Column: s.Months, Unit: partition.Month, Key: "id", Settles: true, Dropping: counts.Dropping(s.Name, s.Months),
	})
}

// coverMonths makes the months that rows fall into. Where it fails, they go to the default partition until the month can be made.
func (run *Run) coverMonths(ctx context.Context, pages []store.Page) {
	if run.s.months == nil {
		return
	}
	var times []time.Time
	for _, p := range pages {
		for i := range p.Items {
			at, ok := p.Items[i].Time(&run.s.Table.Columns, run.s.Months)
			if ok && at.Before(p.RequestedAt) && at.After(p.RequestedAt.AddDate(0, -monthsBack, 0)) {
				times = append(times, at)
			}
		}
	}
	if err := run.s.months.Cover(ctx, times...); err != nil {
		run.engine.Log.WarnContext(ctx, "rows go to the default partition until theirs can be made", "stream", run.s.Name, "error", err)
	}
}

// dropMonths drops the months that are all too old to be kept. Where that fails, their rows are removed as others are.
func (run *Run) dropMonths(ctx context.Context, since time.Time) {
	if run.s.months == nil {
		return
	}
	dropped, err := run.s.months.Drop(ctx, since)
	if len(dropped) > 0 {
		run.engine.Log.InfoContext(ctx, "dropped months that are too old to be kept", "stream", run.s.Name, "dropped", dropped)
	}
	if err != nil {
		run.engine.Log.WarnContext(ctx, "a month that is too old to be kept could not be dropped; its rows are removed one by one", "stream", run.s.Name, "error", err)
	}
}
