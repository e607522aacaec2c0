package limit

import (
	"time"

	"golang.org/x/time/rate"
)

// SetBudget changes the budget, and how long requests wait for a Polar that is away.
func (l *Limiter) SetBudget(budget int, patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.patience = patience
	if budget == l.pace.budget {
		return
	}
	l.pace = newPace(budget, l.window)
	switch limit, burst := bucketOf(max(1, budget), l.window, 0); {
	case budget == 0:
		l.bucket = nil
	case l.bucket == nil:
		l.bucket = rate.NewLimiter(limit, burst)
	default:
		l.bucket.SetLimit(limit)
		l.bucket.SetBurst(burst)
	}
	l.queue.rouseAll()
}
