package daemon

import (
	"context"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/store"
	"syncd/internal/store/budget"
)

// BudgetStatus is the state of the request budget that the processes on one schema share.
type BudgetStatus struct {
	PausedSeconds float64         `json:"paused_for_seconds,omitempty"` // left of a pause after a 429
	Processes     []ProcessBudget `json:"processes"`
}

// ProcessBudget is one process, as of its last request for tokens. Counts are since its start.
type ProcessBudget struct {
	Process       string           `json:"process"`
	AskedAt       time.Time        `json:"asked_at"`
	Budget        int64            `json:"requests_per_minute"` // as configured
	Pace          int64            `json:"pace_per_minute"`     // the current pace: less than the budget after repeated refusals
	Used          int64            `json:"used_last_minute"`
	Left          int64            `json:"left_this_minute"`
	Requests      map[string]int64 `json:"requests"` // by priority
	RateLimited   int64            `json:"rate_limited"`
	PausedSeconds float64          `json:"paused_seconds"`
}

// readBudget reads the state of the budget; nil where no process has used it recently.
func readBudget(ctx context.Context, s *store.Store, now time.Time) (*BudgetStatus, error) {
	list, pause, err := budget.New(s.Pool()).Holders(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	r := &BudgetStatus{PausedSeconds: pause.Seconds()}
	for _, h := range list {
		if h.Age > time.Minute {
			h.Used = 0
		}
		p := ProcessBudget{
			Process: h.Holder, AskedAt: now.Add(-h.Age).UTC(), Budget: h.PerMinute, Pace: h.Pace, Used: h.Used, Left: max(0, h.Pace-h.Used),
			Requests: map[string]int64{}, RateLimited: h.RateLimited, PausedSeconds: h.Paused.Seconds(),
		}
		for _, priority := range limit.Priorities() {
			if int(priority) < len(h.Requests) {
				p.Requests[priority.String()] = h.Requests[priority]
			}
		}
		r.Processes = append(r.Processes, p)
	}
	return r, nil
}
