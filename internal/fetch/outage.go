package fetch

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// outage is a time in which nothing answers for Polar: connections are refused or cut, or what stands before Polar says
// that it is away. It belongs to all requests of a client: they wait together, one at a time finds out whether Polar is
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

// errUnanswered is the end of waiting for Polar.
type errUnanswered struct {
	lasted time.Duration
	cause  error
}

func (e *errUnanswered) Error() string {
	return fmt.Sprintf("nothing has answered for %v, and that is how long it was waited for; last: %v", e.lasted.Round(time.Second), e.cause)
}
func (e *errUnanswered) Unwrap() error { return e.cause }

// errStatus is an answer that speaks of what stands before Polar, and not of the request.
type errStatus struct{ status int }

func (e *errStatus) Error() string { return fmt.Sprintf("answered with %d", e.status) }

type waitKey struct{}

// WithPatience returns a context whose requests wait for Polar to come back for d, instead of Config.Patience.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

// patienceFor is how long a request waits for Polar to come back; 0 = its attempts are counted.
func (l *limiter) patienceFor(ctx context.Context) time.Duration {
	if d, is := ctx.Value(waitKey{}).(time.Duration); is {
		return min(d, l.patience)
	}
	return l.patience
}

// unanswered is why an attempt had no answer from Polar; nil = it had one, or nobody waits for it any more.
func unanswered(ctx context.Context, resp *http.Response, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && retryable(err):
		return err
	case err != nil || resp.StatusCode <= http.StatusInternalServerError: // 500 is Polar's own, and about the rows that were asked for
		return nil
	case resp.StatusCode == http.StatusGatewayTimeout && ctx.Value(attemptsKey{}) != nil: // what is heavy may have taken too long
		return nil
	}
	return &errStatus{resp.StatusCode}
}

// fail notes that an attempt sent at a time had no answer, and marks its call if it belongs to an outage.
func (l *limiter) fail(ctx context.Context, sent, now time.Time, cause error, asked time.Duration) {
	made, counted := ctx.Value(callKey{}).(*call)
	d := &l.down
	switch {
	case !counted || l.patienceFor(ctx) <= 0:
		return
	case l.answered.IsZero(), l.answered.After(sent): // first contact; or another request was answered meanwhile
		return
	case d.since.IsZero():
		*d = outage{since: now}
	default:
		made.outage++ // one that begins an outage counts as an attempt: else a page that fails alone would be asked for without end
	}
	made.waits = true
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
}

// answer ends an outage.
func (l *limiter) back(ctx context.Context, now time.Time) {
	if l.answered = now; l.down.since.IsZero() {
		return
	}
	if l.down.told {
		l.log.InfoContext(ctx, "Polar answers again: going on", slog.Duration("after", now.Sub(l.down.since).Round(time.Millisecond)))
	}
	l.down = outage{}
}

// tell says once that an outage lasts.
func (l *limiter) tell(ctx context.Context, now time.Time) {
	d := &l.down
	if d.since.IsZero() || d.told || now.Sub(d.since) < outageTold {
		return
	}
	d.told = true
	l.log.WarnContext(ctx, "Polar does not answer: all requests wait, and one at a time looks whether it is back",
		slog.Duration("for", now.Sub(d.since).Round(time.Millisecond)), slog.Duration("patience", l.patience), slog.Any("error", d.cause))
}

// lost tells whether a request that found an outage lasting has waited for Polar as long as it should.
func (l *limiter) lost(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.down.since.IsZero() && time.Since(l.down.since) >= l.patienceFor(ctx)
}

// worn tells whether a request has waited for Polar as long as it should. One that comes late into an outage waits for
// one more look at Polar: failures are those noted when it came.
func (l *limiter) worn(ctx context.Context, now time.Time, failures int) error {
	if lasted := now.Sub(l.down.since); !l.down.since.IsZero() && lasted >= l.patienceFor(ctx) && l.failures > failures {
		return &errUnanswered{lasted, l.down.cause}
	}
	return nil
}

// watch bounds a wait by what an outage has to be looked at for: to be told, and to be given up.
func (l *limiter) watch(ctx context.Context, now time.Time, wait time.Duration) time.Duration {
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
