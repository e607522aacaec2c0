package polarsim

import "time"

// stall waits as long as a fault says, or until the client gives up.
func (c *call) stall(h hit) {
	var done <-chan time.Time
	if h.For > 0 {
		timer := time.NewTimer(h.For)
		defer timer.Stop()
		done = timer.C
	}
	select {
	case <-done:
	case <-c.r.Context().Done():
	}
}
