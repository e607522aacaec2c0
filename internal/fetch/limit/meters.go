package limit

import "time"

// Budget is the state of the request budget. A window is one of Polar's, a minute.
type Budget struct {
	PerMinute   int               // configured; 0 = none
	Pace        int               // what this process allows itself now; less than PerMinute after repeated refusals
	Used        int               // requests sent in the last window
	Left        int               // of Pace; 0 without a budget
	RateLimited int64             // answers 429 since the start
	Paused      time.Duration     // total wait that answers 429 have caused since the start, the current pause included
	PausedUntil time.Time         // end of the current pause; zero without one
	Requests    [priorities]int64 // sent since the start, by Priority
	Retries     int64             // attempts since the start after the first of their request; the retry layer counts them
	Waiting     [priorities]int   // requests that wait for their turn now, by Priority
	Sharers     int               // processes that draw on the shared budget, this one included; 0 = not shared
	Away        bool              // the shared budget cannot be reached, so a safe part of it is used
}

// slots is how many parts the last window is counted in.
const slots = 60

// usage counts the requests of the last window, in slots.
type usage struct {
	window time.Duration
	counts [slots]int
	start  time.Time // of the first slot; times are measured from it monotonically, so a step of the clock does not count
	last   int64     // number of the current slot
	sum    int
}

// at moves on to the slot of now.
func (u *usage) at(now time.Time) {
	if u.start.IsZero() {
		u.start = now
	}
	slot := int64(now.Sub(u.start) / (u.window / slots))
	for n := min(slot-u.last, slots); n > 0; n-- {
		i := (slot - n + 1) % slots
		u.sum -= u.counts[i]
		u.counts[i] = 0
	}
	u.last = max(u.last, slot)
}

func (u *usage) add(now time.Time, n int) {
	u.at(now)
	u.counts[u.last%slots] += n
	u.sum += n
}

func (u *usage) total(now time.Time) int {
	u.at(now)
	return u.sum
}

// SustainedRate is how many requests a minute a budget sustains; 0 without one. It is a little less than the budget, because the
// budget holds in every window, however requests fall.
func SustainedRate(perMinute int) float64 {
	if perMinute == 0 {
		return 0
	}
	limit, _ := bucketOf(perMinute, Window, Window/hold)
	return float64(limit) * 60
}

// Budget returns the state of the budget, without Retries.
func (l *Limiter) Budget() Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.standing(time.Now())
}

func (l *Limiter) standing(now time.Time) Budget {
	b := Budget{
		PerMinute: l.pace.budget, Pace: l.pace.now, Used: l.used.total(now), RateLimited: l.rateLimited,
		Paused: l.paused, Requests: l.sent,
	}
	b.Left = max(0, b.Pace-b.Used)
	if l.pausedUntil.After(now) {
		b.PausedUntil = l.pausedUntil
		b.Paused -= l.pausedUntil.Sub(now)
	}
	for _, w := range l.queue.waiting {
		b.Waiting[w.priority]++
	}
	if l.shared != nil {
		b.Sharers, b.Away = max(1, l.shared.sharers), l.shared.away
	}
	return b
}
