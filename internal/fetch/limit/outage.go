package limit

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// outage is a time in which Polar gives no answer: connections are refused or cut, or a proxy in front of Polar says that it is
// away. It concerns all requests of a limiter. They wait together, one at a time finds out whether Polar is back, and the first
// answer lets the others go on.
//
// A request that fails while others are answered is no outage. It is repeated alone, a few times.
type outage struct {
	since  time.Time // when its first request failed; zero = there is none
	noted  time.Time // when its latest request failed
	until  time.Time // no request leaves before this
	failed int       // requests that failed in it, one after the other
	cause  error     // of the last one
	told   bool
}

const (
	// outageTold is how long an outage lasts before it is logged.
	outageTold = 5 * time.Second
	// outageProbe is the longest wait between two requests that test whether Polar is back. A request to a server that is away
	// costs nobody anything, and nothing is read while syncd waits.
	outageProbe = 10 * time.Second
)

// Unanswered is the error of a request that has waited for Polar as long as it may.
type Unanswered struct {
	lasted time.Duration
	cause  error
}

// Error says how long the request waited, and why Polar did not answer.
func (e *Unanswered) Error() string {
	return fmt.Sprintf("no answer for %v, as long as syncd waits for Polar; last: %v", e.lasted.Round(time.Second), e.cause)
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

// fail records that an attempt got no answer, and tells whether it belongs to an outage.
func (l *Limiter) fail(ctx context.Context, sent, now time.Time, cause error, asked time.Duration) (v Verdict) {
	d := &l.down
	switch {
	case l.patienceFor(ctx) <= 0:
		return v
	// There was no contact yet, or another request was answered meanwhile.
	case l.answered.IsZero(), l.answered.After(sent):
		return v
	case d.since.IsZero():
		*d = outage{since: now}
	default:
		// A failure that begins an outage counts as an attempt: else a page that fails alone would be requested without end.
		v.Lasting = true
	}
	v.Waits = true
	d.cause = cause
	if !sent.Before(d.noted) { // else it was on its way together with the previous one
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
		l.log.InfoContext(ctx, "Polar answers again: syncd goes on", slog.Duration("after", now.Sub(l.down.since).Round(time.Millisecond)))
	}
	l.down = outage{}
}

// tell logs once that an outage lasts.
func (l *Limiter) tell(ctx context.Context, now time.Time) {
	d := &l.down
	if d.since.IsZero() || d.told || now.Sub(d.since) < outageTold {
		return
	}
	d.told = true
	l.log.WarnContext(ctx, "Polar does not answer: all requests wait, and one at a time tests whether it is back",
		slog.Duration("for", now.Sub(d.since).Round(time.Millisecond)), slog.Duration("patience", l.patience), slog.Any("error", d.cause))
}

// PatienceOver tells whether a request that failed in an outage has waited for Polar as long as it may.
func (l *Limiter) PatienceOver(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.down.since.IsZero() && time.Since(l.down.since) >= l.patienceFor(ctx)
}

// worn returns an error if a request has waited for Polar as long as it may. A request that comes late in an outage waits for one
// more test of Polar: failures is how many failed tests there were when it came.
func (l *Limiter) worn(ctx context.Context, now time.Time, failures int) error {
	if lasted := now.Sub(l.down.since); !l.down.since.IsZero() && lasted >= l.patienceFor(ctx) && l.failures > failures {
		return &Unanswered{lasted, l.down.cause}
	}
	return nil
}

// watch shortens a wait so that an outage is logged, and given up, in time.
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
