package limit

import (
	"math/rand/v2"
	"time"
)

// phase finds out when Polar's windows begin. A refusal tells only their length: Retry-After is always the whole window. A client
// that waits that long arrives at the same point of the next window, where another client may again have used up the limit, and
// would be refused for ever. But when a request is let through after one that was refused, a window has begun between the two.
// From there on windows follow each other as long as there is demand.
type phase struct {
	length  time.Duration // of a window; 0 until the first refusal
	lo, hi  time.Time     // a window began after lo and not after hi; hi is zero while that is unknown
	refused time.Time     // when the last refused request was sent
	noted   time.Time     // when its refusal came
	streak  int           // refusals since the last request that was let through
}

const (
	// sharp: when the beginning of a window is known to within length/sharp, the search for it ends.
	sharp = 40
	// looks is how many requests search for the beginning of the next window within one length, when nothing is known of it.
	looks = 8
)

// granted records a request that was let through. It counts only if it was sent after the refusal had come: requests that are on
// their way together may overtake each other.
func (w *phase) granted(sent, now time.Time) {
	if w.streak == 0 || sent.Before(w.noted) {
		return
	}
	w.lo, w.hi, w.streak = w.refused, now, 0
}

// refuse records a refused request, and returns how long to wait before the next.
func (w *phase) refuse(sent, now time.Time, length time.Duration) time.Duration {
	if w.length != length {
		w.length, w.hi = length, time.Time{}
	}
	if w.streak == 0 || !sent.Before(w.noted) { // else it was on its way together with the previous one
		w.streak++
		w.refused, w.noted = sent, now
	}
	known := !w.hi.IsZero() && w.hi.Sub(w.lo) < length*9/10 && now.Sub(w.hi) < 10*length
	// Random parts: clients that were stopped together should not come back together.
	switch {
	case known:
		return w.next(now) + rand.N(length/200+1)
	case w.streak <= 1:
		return length + rand.N(length/20+1)
	default:
		return (length + rand.N(length/20+1)) / looks // waiting for the whole length did not help
	}
}

// next is how long until the next window begins: to the middle of the time in which it may begin or, when that time is short, to
// its end.
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
