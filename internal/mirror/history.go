package mirror

import (
	"context"
	"time"

	"syncd/internal/store/history"
)

// historyEvery is how far apart the partitions of changes are looked after. They are made a month ahead.
const historyEvery = 6 * time.Hour

// prepareHistory makes partitions for the changes of the time to come, and drops those whose time is over. Where it fails the
// next sweep does it: until then changes go to the default partition.
func (e *Engine) prepareHistory(ctx context.Context) {
	e.mu.Lock()
	due := e.prepared.IsZero() || time.Since(e.prepared) >= historyEvery
	if due {
		e.prepared = time.Now()
	}
	e.mu.Unlock()
	if !due {
		return
	}
	if err := history.New(e.Store.Pool()).Maintain(ctx, e.KeepHistory); err != nil {
		e.mu.Lock()
		e.prepared = time.Time{}
		e.mu.Unlock()
		e.Log.WarnContext(ctx, "the partitions of changes could not be looked after; the next sweep tries again", "error", err)
	}
}
