package mirror

import (
	"context"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/store"
)

// budget lets a client draw on the request budget that all processes on one schema share, in the database.
type budget struct {
	store  *store.Store
	holder string
}

var _ fetch.SharedBudget = budget{}

// Take implements fetch.SharedBudget.
func (b budget) Take(ctx context.Context, ask fetch.Ask) (fetch.Grant, error) {
	grant, err := b.store.Budget().Take(ctx, store.BudgetAsk{
		Holder: b.holder, Want: ask.Want, Priority: int(ask.Priority), Rate: ask.Rate, Burst: ask.Burst,
		Budget: store.Budget{
			PerMinute: int64(ask.Budget.PerMinute), Pace: int64(ask.Budget.Pace), Used: int64(ask.Budget.Used),
			Requests: ask.Budget.Requests[:], RateLimited: ask.Budget.RateLimited, Paused: ask.Budget.Paused,
		},
	})
	return fetch.Grant(grant), err
}

// Pause implements fetch.SharedBudget.
func (b budget) Pause(ctx context.Context, d time.Duration) error {
	return b.store.Budget().Pause(ctx, d)
}

// priorityOf is how urgent the requests of a run are.
func (r *Engine) priorityOf(stream, kind string) fetch.Priority {
	switch kind {
	case store.KindRefresh, store.KindApproval: // somebody waits for it
		return fetch.PriorityRefresh
	case store.KindTail:
		return fetch.PriorityTail
	}
	if s := r.streams[stream]; s != nil {
		switch s.Scan.(type) {
		case scan.Export, scan.MetricsExport:
			return fetch.PriorityExport
		}
	}
	return fetch.PrioritySweep
}
