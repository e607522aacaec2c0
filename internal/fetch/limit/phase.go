package limit

import (
	"math/rand/v2"
	"time"
)

// phase finds out where Polar's windows begin. A refusal tells their length and nothing else: Retry-After is always
// the whole window. Who then waits for so long arrives at the same point of the next window, where another client may
// again have used up the limit, and would be refused for ever. But a request that is let through after one that was
// refused shows that a window has begun between the two, and from there they follow each other as long as there is demand.
type phase struct {
	length  time.Duration // of a window; 0 until the first refusal
	lo, hi  time.Time     // a window began after lo and not after hi; hi is zero while that is not known
	refused time.Time     // when the last refused request was sent
	noted   time.Time     // when its refusal came
	streak  int           // refusals since the last request that was let through
}

const (
	// sharp is how close the beginning of a window has to be known to stop looking for it, in parts of a window.
	sharp = 40
	// looks is how often the beginning of the next window is looked for, within one, when nothing is known of it.
	looks = 8
)

// granted notes a request that was let through. Only one that was sent after the refusal had come counts: those on the
// way together may overtake each other.
func (w *phase) granted(sent, now time.Time) {
	if w.streak == 0 || sent.Before(w.noted) {
		return
	}
	w.lo, w.hi, w.streak = w.refused, now, 0
}

// refuse notes a refused request, and says how long to wait for the next.
func (w *phase) refuse(sent, now time.Time, length time.Duration) time.Duration {
	if w.length != length {
		w.length, w.hi = length, time.Time{}
	}
	if w.streak == 0 || !sent.Before(w.noted) { // else it was on the way together with the one before
		w.streak++
		w.refused, w.noted = sent, now
	}
	known := !w.hi.IsZero() && w.hi.Sub(w.lo) < length*9/10 && now.Sub(w.hi) < 10*length
	// Clients that were stopped together should not come back together.
	switch {
	case known:
		return w.next(now) + rand.N(length/200+1)
	case w.streak <= 1:
		return length + rand.N(length/20+1)
	default:
		return (length + rand.N(length/20+1)) / looks // the whole length was waited for in vain
	}
}

// next is how long it is to the beginning of the next window: to the middle of the time in which it may be, or, when
// that is short, to its end.
func (w *phase) next(now time.Time) time.Duration {
	for !w.hi.After(now) {
		w.lo, w.hi = w.lo.Add(w.length), w.hi.Add(w.length)
	}
	if w.refused.After(w.lo) {
		w.lo = w.refused // it had not begun by then
	}
	open := w.hi.Sub(w.lo)
	if open > w.length/sharp {
		return max(w.hi.Add(-open/2).Sub(now), w.length/1000)
	}
	return w.hi.Sub(now) + w.length/1000
}
