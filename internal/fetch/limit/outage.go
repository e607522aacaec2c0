package limit

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// outage is a time in which nothing answers for Polar: connections are refused or cut, or what stands before Polar says
// that it is away. It belongs to all requests of a limiter: they wait together, one at a time finds out whether Polar is
// back, and the answer to that one lets the others go on.
//
// A request that fails while others are answered is no outage. It is repeated alone, a few times.
type outage struct {
	since  time.Time // when its first request failed; zero = there is none
	noted  time.Time // when its last request failed
	until  time.Time // no request leaves before
	failed int       // requests that found it lasting, one after the other
	cause  error     // of the last one
	told   bool
}

const (
	// outageTold is how long an outage lasts before it is worth a line in the log.
	outageTold = 5 * time.Second
	// outageProbe is the longest wait between two requests that look whether Polar is back. A request to a server that is
	// away costs nobody anything, and each second of the wait is a second in which nothing is read.
	outageProbe = 10 * time.Second
)

// Unanswered is the end of waiting for Polar.
type Unanswered struct {
	lasted time.Duration
	cause  error
}

// Error says how long it was waited for, and why in vain.
func (e *Unanswered) Error() string {
	return fmt.Sprintf("nothing has answered for %v, and that is how long it was waited for; last: %v", e.lasted.Round(time.Second), e.cause)
}

// Unwrap is why the last request had no answer.
func (e *Unanswered) Unwrap() error { return e.cause }

type waitKey struct{}

// WithPatience returns a context whose requests wait for Polar to come back for d, instead of Config.Patience.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

// patienceFor is how long a request waits for Polar to come back; 0 = its attempts are counted.
func (l *Limiter) patienceFor(ctx context.Context) time.Duration {
	if d, is := ctx.Value(waitKey{}).(time.Duration); is {
		return min(d, l.patience)
	}
	return l.patience
}

// fail notes that an attempt sent at a time had no answer, and tells whether it belongs to an outage.
func (l *Limiter) fail(ctx context.Context, sent, now time.Time, cause error, asked time.Duration) (v Verdict) {
	d := &l.down
	switch {
	case l.patienceFor(ctx) <= 0:
		return v
	case l.answered.IsZero(), l.answered.After(sent): // first contact; or another request was answered meanwhile
		return v
	case d.since.IsZero():
		*d = outage{since: now}
	default:
		v.Lasting = true // one that begins an outage counts as an attempt: else a page that fails alone would be asked for without end
	}
	v.Waits = true
	d.cause = cause
	if !sent.Before(d.noted) { // else it was on the way together with the one before
		d.failed++
		l.failures++
		d.noted = now
		wait := max(min(l.backoff(d.failed), outageProbe), min(asked, l.maxPause))
		d.until, l.probe = now.Add(wait), true
	}
	l.tell(ctx, now)
	l.queue.rouseAll()
	return v
}

// back ends an outage: Polar has answered.
func (l *Limiter) back(ctx context.Context, now time.Time) {
	if l.answered = now; l.down.since.IsZero() {
		return
	}
	if l.down.told {
		l.log.InfoContext(ctx, "Polar answers again: going on", slog.Duration("after", now.Sub(l.down.since).Round(time.Millisecond)))
	}
	l.down = outage{}
}

// tell says once that an outage lasts.
func (l *Limiter) tell(ctx context.Context, now time.Time) {
	d := &l.down
	if d.since.IsZero() || d.told || now.Sub(d.since) < outageTold {
		return
	}
	d.told = true
	l.log.WarnContext(ctx, "Polar does not answer: all requests wait, and one at a time looks whether it is back",
		slog.Duration("for", now.Sub(d.since).Round(time.Millisecond)), slog.Duration("patience", l.patience), slog.Any("error", d.cause))
}

// PatienceOver tells whether a request that found an outage lasting has waited for Polar as long as it should.
func (l *Limiter) PatienceOver(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.down.since.IsZero() && time.Since(l.down.since) >= l.patienceFor(ctx)
}

// worn tells whether a request has waited for Polar as long as it should. One that comes late into an outage waits for
// one more look at Polar: failures are those noted when it came.
func (l *Limiter) worn(ctx context.Context, now time.Time, failures int) error {
	if lasted := now.Sub(l.down.since); !l.down.since.IsZero() && lasted >= l.patienceFor(ctx) && l.failures > failures {
		return &Unanswered{lasted, l.down.cause}
	}
	return nil
}

// watch bounds a wait by what an outage has to be looked at for: to be told, and to be given up.
func (l *Limiter) watch(ctx context.Context, now time.Time, wait time.Duration) time.Duration {
	if l.down.since.IsZero() {
		return wait
	}
	for _, at := range []time.Duration{outageTold, l.patienceFor(ctx)} {
		if left := at - now.Sub(l.down.since); left > 0 {
			wait = min(wait, left)
		}
	}
	return wait
}
