package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"syncd/internal/fetch/limit"
)

// newRetrier is the one retry layer. Every request of this package is a GET, so it can be repeated. The response handler of a
// request reads and decodes the body inside this layer.
func newRetrier(cfg Config, g gate, prepare func(*http.Request) error) *retryablehttp.Client {
	p := patience{cfg, g.limiter}
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     g,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     math.MaxInt, // patience.check counts
		CheckRetry:   p.check,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }, // prepare waits: it knows the request
		PrepareRetry: prepare,
		// Client classifies the last answer, so it has to arrive there unchanged.
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// refusedFor is how long a request refused with 429 is repeated, in units of Config.MaxPause. Every repeat waits for the limiter,
// which lets one request at a time find out whether there is room again.
const refusedFor = 30

// confirmAfter: a 401 is confirmed by a second request after the wait that follows this many failures, a second or two. A new
// token may not be known to every replica yet.
const confirmAfter = 3

// patience decides how often and how long a request is repeated.
type patience struct {
	cfg     Config
	limiter *limit.Limiter
}

// check decides after an answer's headers (resp), or after a failure to get or read one (err), whether to make another attempt.
// It sets how long that attempt waits.
func (p patience) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	made, counted := ctx.Value(callKey{}).(*call)
	if !counted {
		return false, nil
	}
	most := p.cfg.MaxAttempts
	if few, is := ctx.Value(attemptsKey{}).(int); is {
		most = min(most, few)
	}
	if made.wait = 0; made.waits {
		return made.own() < most && !p.limiter.PatienceOver(ctx), nil
	}
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		// The limiter holds every request back, this one too.
		if made.refused++; made.refused == 1 {
			made.refusedAt = time.Now()
		}
		return made.refused < p.cfg.MaxAttempts || time.Since(made.refusedAt) < refusedFor*p.cfg.MaxPause, nil
	}
	if made.unserved && !made.unversioned {
		made.unversioned = true
		return true, nil
	}
	if made.own() >= most || p.cfg.Hasty && nobodyThere(err) && (made.own() >= hastyAttempts || time.Since(made.began) > hastyFor) {
		return false, nil
	}
	made.wait = backoff(p.cfg, made.own(), resp)
	if err != nil {
		return retryable(err), nil
	}
	switch status := resp.StatusCode; status {
	case http.StatusUnauthorized:
		made.unauthorized++
		made.wait = p.cfg.Backoff(confirmAfter)
		return made.unauthorized == 1, nil
	case http.StatusRequestTimeout:
		return true, nil
	default:
		return status >= 500 && !renderAttemptsSpent(ctx, status), nil
	}
}

// With Config.Hasty a request is given up after so many attempts, or so long, if nobody is at the address.
const (
	hastyAttempts = 3
	hastyFor      = 3 * time.Second
)

// nobodyThere: the name of the server does not resolve, or its connections are refused.
func nobodyThere(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED)
}

// attemptsKey is the context key for a lower number of attempts than usual.
type attemptsKey struct{}

// retryable tells failures that may pass from those that will not.
func retryable(err error) bool {
	if _, ok := errors.AsType[*errRedirected](err); ok {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*errLocal](err); ok {
		return false
	}
	if _, ok := errors.AsType[*limit.Unanswered](err); ok {
		return false
	}
	if unreadable, ok := errors.AsType[*errUnreadable](err); ok {
		return unreadable.truncated()
	}
	return true
}

// errUnreadable is a complete answer that could not be decoded.
type errUnreadable struct{ cause error }

func (e *errUnreadable) Error() string { return e.cause.Error() }
func (e *errUnreadable) Unwrap() error { return e.cause }

// truncated: the JSON ends in the middle. When a proxy closes a connection halfway and neither a length nor chunks say how much
// was to come, there is no error.
func (e *errUnreadable) truncated() bool { return errors.Is(e.cause, io.ErrUnexpectedEOF) }

// backoff is the wait before the next attempt.
func backoff(cfg Config, attempt int, resp *http.Response) time.Duration {
	wait := cfg.Backoff(attempt)
	if resp != nil {
		if asked := min(retryAfter(resp), cfg.MaxPause); asked > wait {
			wait = asked + rand.N(asked/20+time.Millisecond)
		}
	}
	return wait
}

// sleep waits for d or until the context ends; the attempt that follows notices the end.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// retryAfter reads the Retry-After header, in seconds or as a date; 0 where there is none. On a 429 Polar sends the length of its
// whole window, not the rest of it.
func retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(min(seconds, 3600))*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		return max(0, at.Sub(now))
	}
	return 0
}
