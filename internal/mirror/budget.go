package mirror

import (
	"context"
	"time"

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

// leaveWithin bounds the last word of a process to those that share its budget.
const leaveWithin = 2 * time.Second

// LeaveBudget lets the other processes on the schema go by their own pace, now that this one sends no more requests.
func (e *Engine) LeaveBudget() {
	if e.Client.Requests() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	if err := budget.New(e.Store.Pool()).Leave(ctx, e.holder); err != nil {
		e.Log.DebugContext(ctx, "the others hear of the end of this process when it has been silent for a minute", "error", err)
	}
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
