package mirror

import (
	"context"

	"syncd/internal/fetch/limit"
	"syncd/internal/fetch/scan"
	"syncd/internal/store"
	"syncd/internal/store/budget"
)

// sharedBudget makes a client draw on the request budget that all processes on one schema share, in the database.
type sharedBudget struct {
	budget.Shared
	holder string
}

var _ limit.SharedBudget = sharedBudget{}

// Take implements limit.SharedBudget.
func (b sharedBudget) Take(ctx context.Context, ask limit.Ask) (limit.Grant, error) {
	grant, err := b.Shared.Take(ctx, budget.Ask{
		Holder: b.holder, Want: ask.Want, Priority: int(ask.Priority), Rate: ask.Rate, Burst: ask.Burst,
		Budget: budget.Budget{
			PerMinute: int64(ask.Budget.PerMinute), Pace: int64(ask.Budget.Pace), Used: int64(ask.Budget.Used),
			Requests: ask.Budget.Requests[:], RateLimited: ask.Budget.RateLimited, Paused: ask.Budget.Paused,
		},
	})
	return limit.Grant(grant), err
}

// priorityOf is the priority of a run's requests.
func (e *Engine) priorityOf(stream, kind string) limit.Priority {
	switch kind {
	// Somebody waits for it.
	case store.KindRefresh, store.KindApproval:
		return limit.PriorityRefresh
	case store.KindTail, store.KindFeed:
		return limit.PriorityTail
	}
	if s := e.lookUp(stream); s != nil {
		switch s.Scan.(type) {
		case scan.Export, scan.MetricsExport:
			return limit.PriorityExport
		}
	}
	return limit.PrioritySweep
}
