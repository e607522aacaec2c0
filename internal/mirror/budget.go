package mirror

import (
	"context"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/fetch/scan"
	"syncd/internal/store"
)

// budget lets a client draw on the request budget that all processes on one schema share, in the database.
type budget struct {
	store  *store.Store
	holder string
}

var _ limit.SharedBudget = budget{}

// Take implements limit.SharedBudget.
func (b budget) Take(ctx context.Context, ask limit.Ask) (limit.Grant, error) {
	grant, err := b.store.Budget().Take(ctx, store.BudgetAsk{
		Holder: b.holder, Want: ask.Want, Priority: int(ask.Priority), Rate: ask.Rate, Burst: ask.Burst,
		Budget: store.Budget{
			PerMinute: int64(ask.Budget.PerMinute), Pace: int64(ask.Budget.Pace), Used: int64(ask.Budget.Used),
			Requests: ask.Budget.Requests[:], RateLimited: ask.Budget.RateLimited, Paused: ask.Budget.Paused,
		},
	})
	return limit.Grant(grant), err
}

// Pause implements limit.SharedBudget.
func (b budget) Pause(ctx context.Context, d time.Duration) error {
	return b.store.Budget().Pause(ctx, d)
}

// priorityOf is how urgent the requests of a run are.
func (e *Engine) priorityOf(stream, kind string) limit.Priority {
	switch kind {
	case store.KindRefresh, store.KindApproval: // somebody waits for it
		return limit.PriorityRefresh
	case store.KindTail:
		return limit.PriorityTail
	}
	if s := e.streams[stream]; s != nil {
		switch s.Scan.(type) {
		case scan.Export, scan.MetricsExport:
			return limit.PriorityExport
		}
	}
	return limit.PrioritySweep
}
