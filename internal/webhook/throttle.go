package webhook

import (
	"sync"
	"time"
)

// throttleFor is how long one line of the log speaks for all of its kind.
const throttleFor = time.Minute

// throttle counts what there is to say until it is said.
type throttle struct {
	mu   sync.Mutex
	n    int
	said time.Time
}

// add returns how often it happened since the last line, and whether it is time for another.
func (t *throttle) add(now time.Time) (total int, say bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	if !t.said.IsZero() && now.Sub(t.said) < throttleFor {
		return 0, false
	}
	total, t.n, t.said = t.n, 0, now
	return total, true
}
