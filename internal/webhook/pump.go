package webhook

import (
	"context"
	"time"

	"syncd/internal/store/tails"
)

// The pump waits after a failure: for the database or Polar to come back.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
)

// pump fetches what webhooks name, until ctx ends. Webhooks that come while it fetches are fetched together, after that.
func (r *Receiver) pump(ctx context.Context) {
	wait := retryFirst
	for {
		select {
		case <-r.queue.filled:
		case <-ctx.Done():
			return
		}
		taken := r.queue.take()
		if len(taken) == 0 {
			continue
		}
		changes := make([]tails.Changed, len(taken))
		for i, n := range taken {
			changes[i] = n.change
		}
		err := r.cfg.Fetch(ctx, changes)
		if err == nil {
			wait = retryFirst
			now := time.Now()
			for _, n := range taken {
				r.cfg.Observer.Fetched(now.Sub(n.came))
			}
			continue
		}
		r.drop(ctx, r.queue.add(taken))
		if ctx.Err() != nil {
			return
		}
		r.cfg.Log.InfoContext(ctx, "what webhooks named could not be fetched yet", "waiting", r.queue.length(), "again_after", wait, "error", err)
		if !r.cfg.sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, retryMost)
	}
}

// sleep returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
