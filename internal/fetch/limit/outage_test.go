package limit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/limit"
	"syncd/internal/slowtest"
)

// away answers in place of a Polar that is away.
var away = map[string]func(*http.Request) (*http.Response, error){
	"connection refused": func(*http.Request) (*http.Response, error) { return nil, errors.New("connect: connection refused") },
	"502":                func(r *http.Request) (*http.Response, error) { return answerOf(r, 502, "text/html", "<html>") },
	"503":                func(r *http.Request) (*http.Response, error) { return answerOf(r, 503, "", "") },
	"401 of a gateway":   func(r *http.Request) (*http.Response, error) { return answerOf(r, 401, "text/html", "<html>") },
	"cut in the body": func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("reading: %w", errors.New("connection reset by peer"))
	},
}

func answerOf(r *http.Request, status int, contentType, body string) (*http.Response, error) {
	return inprocess.To(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inprocess.Reply(w, status, contentType, body) })).RoundTrip(r)
}

// streams makes a client of a server that can be away, with the patience and the waits that syncd has.
func streams(t *testing.T, logged *bytes.Buffer, transport func(*http.Request) (*http.Response, error)) *fetch.Client {
	return fetchtest.InProcess(t, nil, fetchtest.LogTo(logged), func(cfg *fetch.Config) {
		cfg.Transport, cfg.Backoff, cfg.Patience = inprocess.RoundTrip(transport), nil, 5*time.Minute
	})
}

// A Polar that is away for two minutes in the middle fails no stream, is looked for by one request at a time, and is told
// of once at either end. All streams go on as soon as one of them has found it back.
func TestOutageIsWaitedFor(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, gone := range away {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				var seen arrivals
				start := time.Now()
				from, until := start.Add(10*time.Second), start.Add(130*time.Second)
				var during, most atomic.Int64
				c := streams(t, &logged, func(r *http.Request) (*http.Response, error) {
					seen.enter()
					defer seen.leave()
					time.Sleep(300 * time.Millisecond)
					if now := time.Now(); now.After(from) && now.Before(until) {
						during.Add(1)
						if inside := seen.now(); now.After(from.Add(time.Second)) && inside > 1 {
							most.Store(inside)
						}
						return gone(r)
					}
					return answerOf(r, 200, "application/json", inprocess.EmptyPage)
				})
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						last := time.Now()
						for time.Since(start) < 3*time.Minute {
							if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
								t.Error(err)
								return
							}
							if now := time.Now(); last.Before(until) && now.After(until) && now.Sub(until) > limit.OutageProbe+time.Second {
								t.Errorf("went on %v after Polar was back", now.Sub(until))
							}
							last = time.Now()
						}
					})
				}
				wg.Wait()
				if during.Load() > 40 || most.Load() > 1 {
					t.Errorf("%d requests while Polar was away, %d at a time", during.Load(), most.Load())
				}
				lines := logged.String()
				if strings.Count(lines, "Polar does not answer") != 1 || strings.Count(lines, "Polar answers again") != 1 {
					t.Errorf("told otherwise than once: %s", lines)
				}
				mustNotContainToken(t, "log", lines)
			})
		})
	}
}

// now is how many requests are inside.
func (a *arrivals) now() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(a.inside)
}

// Patience has an end, the same for all that wait, and a tail's comes sooner. Who comes later looks once.
func TestOutageIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, gone := range away {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				var down atomic.Bool
				c := streams(t, &logged, func(r *http.Request) (*http.Response, error) {
					if down.Load() {
						return gone(r)
					}
					return answerOf(r, 200, "application/json", inprocess.EmptyPage)
				})
				if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
					t.Fatal(err)
				}
				down.Store(true)
				start := time.Now()
				ends := func(ctx context.Context, least, most time.Duration) {
					_, err := c.Page(ctx, "/v1/orders/", nil)
					if took := time.Since(start); !errors.Is(err, fetch.ErrTransient) || took < least || took > most {
						t.Errorf("ended after %v, want %v to %v: %v", took, least, most, err)
					}
				}
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() { ends(background(), 5*time.Minute, 5*time.Minute+limit.OutageProbe) })
				}
				wg.Go(func() {
					ends(limit.WithPatience(background(), 30*time.Second), 30*time.Second, 30*time.Second+limit.OutageProbe)
				})
				wg.Wait()
				start = time.Now()
				ends(background(), 0, 2*limit.OutageProbe)
			})
		})
	}
}

// Who has never been answered does not wait long: the address may be wrong.
func TestFirstContactGivesUpEarly(t *testing.T) {
	t.Parallel()
	for name, gone := range away {
		synctest.Test(t, func(t *testing.T) {
			var logged bytes.Buffer
			c := streams(t, &logged, gone)
			start := time.Now()
			p, err := c.Page(background(), "/v1/orders/", nil)
			if took := time.Since(start); !errors.Is(err, fetch.ErrTransient) || p.Requests != 6 || took > 30*time.Second {
				t.Errorf("%s: %d requests in %v: %v", name, p.Requests, took, err)
			}
		})
	}
}

// One page that fails while all others come is no outage: it is given up after a few attempts, and the others are hardly
// kept waiting. A 500 never is one.
func TestOnePageIsNoOutage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 504} {
		for _, after := range []time.Duration{0, 30 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				c := streams(t, &logged, func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/v1/refunds/" {
						time.Sleep(after)
						return answerOf(r, status, "text/plain", "no")
					}
					time.Sleep(time.Second)
					return answerOf(r, 200, "application/json", inprocess.EmptyPage)
				})
				ctx, cancel := context.WithCancel(background())
				var pages atomic.Int64
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						for ctx.Err() == nil {
							if _, err := c.Page(ctx, "/v1/orders/", nil); err == nil {
								pages.Add(1)
							}
						}
					})
				}
				time.Sleep(1500 * time.Millisecond)
				start := time.Now()
				p, err := c.Page(background(), "/v1/refunds/", nil)
				took := time.Since(start)
				cancel()
				wg.Wait()
				if !errors.Is(err, fetch.ErrTransient) || p.Requests > 12 || took > 6*after+time.Minute {
					t.Errorf("%d after %v: %d requests in %v: %v", status, after, p.Requests, took, err)
				}
				least := int64(took / time.Second)
				if after > 0 { // others were answered while it was under way, and none of them ever waits
					least = 3*least - 3
				}
				if pages.Load() < least {
					t.Errorf("%d after %v: %d other pages in %v", status, after, pages.Load(), took)
				}
			})
		}
	}
}

// A server that is killed and started again in the middle fails nothing, however many attempts its absence takes.
func TestServerIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	// An answer that was on its way may be read after the server is gone: the first attempts of another request tell of no outage.
	const attempts = 10
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inprocess.ReplyEmpty(w) })
	server := httptest.NewServer(handler)
	c := fetchtest.NewClient(t, fetch.Config{
		Server: server.URL, Token: inprocess.Token, RequestsPerMinute: -1, MaxAttempts: attempts, Patience: time.Minute,
		Backoff: func(int) time.Duration { return 5 * time.Millisecond },
	})
	const streams, pages = 4, 100
	var wg sync.WaitGroup
	for range streams {
		wg.Go(func() {
			for range pages {
				if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	await := func(n int64) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for c.Requests() < n && !t.Failed() {
			<-tick.C
		}
	}
	await(40)
	address := server.Listener.Addr().String()
	server.CloseClientConnections()
	server.Close()
	await(c.Requests() + 10*attempts) // ten times what one request is worth
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	again.Start()
	defer again.Close()
	wg.Wait()
	if c.Requests() < streams*pages+10*attempts {
		t.Errorf("%d requests", c.Requests())
	}
}
