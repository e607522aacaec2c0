package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"syncd/internal/humanize"
)

// call records the attempts of one request. It travels in the request's context, the only way from Client to the round trippers
// below the retry layer. One goroutine at a time uses it.
type call struct {
	began    time.Time // by the machine
	attempts int
	sent     time.Time // when the last attempt was sent, by the clock of exchange
	failed   string    // why the last attempt had no answer, in a few words
	alone    bool      // it failed because nobody is at the address

	refused      int       // attempts answered with 429
	refusedAt    time.Time // when the first of them was answered
	outage       int       // attempts that failed because of an outage
	waits        bool      // the last attempt failed in an outage, so the next one waits for its end
	unauthorized int       // attempts answered with 401

	unserved    bool // the last attempt was answered that Polar has no such version
	unversioned bool // so the next attempts request none

	wait time.Duration // before the next attempt
}

// own is how many attempts count. Attempts that were refused for want of budget or that met an outage say nothing about the
// request.
func (c *call) own() int { return c.attempts - c.refused - c.outage }

type callKey struct{}

// exchange makes one attempt. It bounds its time up to the last byte of the body, counts and logs it, and follows no redirect.
type exchange struct {
	next     http.RoundTripper
	timeout  time.Duration
	log      *slog.Logger
	stamp    func(context.Context) (time.Time, error)
	observe  func(status int, took time.Duration)
	polar    polarClock
	requests atomic.Int64
	retries  atomic.Int64
	answered atomic.Pointer[time.Time] // when the last answer below 500 came; nil before the first
}

// errRedirected: the API's paths are exact, so a redirect means that the path or the server is wrong. Following it would pass the
// token on, even to plain http if Polar's proxy says so.
type errRedirected struct{ to string }

func (e *errRedirected) Error() string { return "redirected to " + e.to }

// errTimeout replaces the context error of an attempt, so that it is not taken for the caller's own.
type errTimeout struct{ after time.Duration }

func (e *errTimeout) Error() string { return fmt.Sprintf("no complete answer within %v", e.after) }

func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := x.date(req.Context())
	if err != nil {
		return nil, err
	}
	started := time.Now()
	attempt := 1
	if call, ok := req.Context().Value(callKey{}).(*call); ok {
		call.attempts++
		call.sent, call.waits, call.unserved = sent, false, false
		attempt = call.attempts
	}
	x.requests.Add(1)
	if attempt > 1 {
		x.retries.Add(1)
	}
	ctx, alive, cancel, late := x.bound(req.Context())
	guard := func(err error) error {
		if err != nil && !errors.Is(err, io.EOF) && ctx.Err() != nil && req.Context().Err() == nil {
			return late
		}
		return err
	}
	resp, err := x.next.RoundTrip(req.WithContext(ctx))
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	x.observe(status, time.Since(started))
	raw := req.Context().Value(rawKey{}) != nil
	if err == nil && !raw {
		err = checkAnswer(resp, req)
	}
	line := x.log.With("method", req.Method, "path", req.URL.Path, "query", req.URL.RawQuery, "attempt", attempt, "took", time.Since(started))
	if err != nil {
		err = guard(err)
		cancel()
		line.DebugContext(req.Context(), "request failed", "error", err)
		return nil, err
	}
	x.polar.note(resp, sent, time.Since(started))
	line.DebugContext(req.Context(), "request answered", "status", resp.StatusCode)
	if resp.StatusCode < http.StatusInternalServerError {
		now := time.Now()
		x.answered.Store(&now)
	}
	alive()
	resp.Body = &attemptBody{body: resp.Body, guard: guard, alive: alive, cancel: cancel}
	if resp.StatusCode/100 == 3 && !raw {
		// It is returned as an error: http.Client would parse the address, and may fail on it in ways that look transient.
		return nil, errors.Join(&errRedirected{to: redirectTarget(resp)}, resp.Body.Close())
	}
	return resp, nil
}

// errForeign is an answer with a body that the API never sends: it comes from something in front of Polar.
type errForeign struct {
	status int
	body   string
}

func (e *errForeign) Error() string { return fmt.Sprintf("%d with %s", e.status, e.body) }

// checkAnswer inspects answers whose status has several meanings. Their bodies can be read again.
func checkAnswer(resp *http.Response, req *http.Request) error {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusNotFound {
		return nil
	}
	body, err := peek(resp)
	if err != nil {
		return err
	}
	if call, ok := req.Context().Value(callKey{}).(*call); ok {
		call.unserved = unserved(resp, body)
	}
	var said Error
	if resp.StatusCode == http.StatusNotFound || said.describe(resp, body) {
		return nil
	}
	return errors.Join(&errForeign{resp.StatusCode, or(describeForeign(resp, body), "no body")}, resp.Body.Close())
}

// peek reads the body of an error answer and puts it back.
func peek(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostOfError))
	if err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
	return body, nil
}

// mostOfError is how many bytes of an error answer are read.
const mostOfError = 64 << 10

// date returns the time by which an attempt is dated.
func (x *exchange) date(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	sent, err := x.stamp(ctx)
	if err != nil {
		return sent, &errLocal{fmt.Errorf("date the request: %w", err), ""}
	}
	return sent, nil
}

// idleKey is the context key for how long an answer may be silent. It replaces the timeout of the whole attempt: an export of a
// million rows may take long, as long as bytes keep coming.
type idleKey struct{}

// errIdle replaces the context error of an attempt whose answer fell silent.
type errIdle struct{ after time.Duration }

func (e *errIdle) Error() string { return fmt.Sprintf("nothing came for %v", e.after) }

// bound limits the time of an attempt: as a whole or, where its context says so, between two reads.
func (x *exchange) bound(ctx context.Context) (bounded context.Context, alive func(), cancel context.CancelFunc, late error) {
	idle, is := ctx.Value(idleKey{}).(time.Duration)
	if !is {
		bounded, cancel = context.WithTimeout(ctx, x.timeout)
		return bounded, func() {}, cancel, &errTimeout{x.timeout}
	}
	bounded, end := context.WithCancel(ctx)
	timer := time.AfterFunc(idle, end)
	return bounded, func() { timer.Reset(idle) }, func() { timer.Stop(); end() }, &errIdle{idle}
}

// redirectTarget is where a redirect leads, without user and query, which may be secret.
func redirectTarget(resp *http.Response) string {
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.String() == "" {
		return "an address that cannot be read"
	}
	return humanize.Line((&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String(), 200)
}

// attemptBody ends the timeout of its attempt when it is closed.
type attemptBody struct {
	body   io.ReadCloser
	guard  func(error) error
	alive  func()
	cancel context.CancelFunc
}

func (b *attemptBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		b.alive()
	}
	return n, b.guard(err)
}

func (b *attemptBody) Close() error {
	defer b.cancel()
	return b.body.Close()
}
