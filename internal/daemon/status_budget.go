package daemon

import (
	"context"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/store/budget"
)

// readBudget reads the state of the budget; nil where no process has used it recently.
func readBudget(ctx context.Context, s *store.Store, now time.Time) (*status.Budget, error) {
	list, pause, err := budget.New(s.Pool()).Holders(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	r := &status.Budget{PausedSeconds: pause.Seconds()}
	for _, h := range list {
		if h.Age > time.Minute {
			h.Used = 0
		}
		p := status.Process{
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
