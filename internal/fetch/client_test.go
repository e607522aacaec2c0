package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch/fetchtest/inprocess"
)

func TestPage(t *testing.T) {
	t.Parallel()
	var got *http.Request
	c := overNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		reply(w, 200, "application/json", ` {"x":[{"items":1}],"pagination":{"total_count":12,"more":{},"max_page":3},"items":[{"id":"a"}, {"id":"b","n":1.50} ]} `)
	}, func(cfg *Config) { cfg.OrganizationID = "org-1" })
	before := time.Now()
	p, err := c.Page(background(), "/v1/orders/", url.Values{"page": {"2"}, "sorting": {"a", "b"}, "organization_id": {""}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Items) != 2 || string(p.Items[0]) != `{"id":"a"}` || string(p.Items[1]) != `{"id":"b","n":1.50}` {
		t.Errorf("items %s", p.Items)
	}
	if p.TotalCount != 12 || p.MaxPage != 3 || p.Requests != 1 || p.RequestedAt.Before(before) || p.RequestedAt.After(time.Now()) {
		t.Errorf("page %+v", p)
	}
	if want := "/v1/orders/?organization_id=org-1&page=2&sorting=a&sorting=b"; got.URL.String() != want || got.Method != http.MethodGet {
		t.Errorf("asked %s %s, want %s", got.Method, got.URL, want)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + testToken, "Polar-Version": DefaultVersion, "Accept": "application/json"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if !strings.HasPrefix(got.Header.Get("User-Agent"), "syncd") {
		t.Errorf("user agent %q", got.Header.Get("User-Agent"))
	}
	if c.Requests() != 1 || c.Budget().Retries != 0 || c.Budget().RateLimited != 0 || c.Budget().Paused != 0 || c.VersionEcho() != DefaultVersion {
		t.Errorf("counters %d %d %d %v %q", c.Requests(), c.Budget().Retries, c.Budget().RateLimited, c.Budget().Paused, c.VersionEcho())
	}
}

func TestPathsAreExact(t *testing.T) {
	t.Parallel()
	var asked string
	c := overNetwork(t, func(w http.ResponseWriter, r *http.Request) { asked = r.URL.EscapedPath(); replyEmpty(w) },
		func(cfg *Config) { cfg.Server += "/base/" })
	for _, path := range []string{"/v1/orders/", "/v1/metrics/limits", "/v1/customers/external/a%2Fb%20c", "/v1//orders/"} {
		if _, err := c.Page(background(), path, nil); err != nil || asked != "/base"+path {
			t.Errorf("%s was asked as %s: %v", path, asked, err)
		}
	}
	requests := c.Requests()
	for _, path := range []string{"v1/orders/", "/v1/orders/?page=1", "/v1/orders/#x", "/v1/orders/%zz"} {
		if _, err := c.Page(background(), path, nil); !errors.Is(err, ErrContract) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if c.Requests() != requests {
		t.Error("a malformed path was sent")
	}
}

// TestAnswers goes through what Polar and the proxies before it answer instead of a page.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const isJSON = "application/json"
	const refusedOften = -1
	for _, test := range []struct {
		name         string
		status       int
		contentType  string
		header       map[string]string
		body         string
		want         error
		ended        bool
		class, code  string
		attempts     int
		wantMessages []string
	}{
		{name: "401 without a token", status: 401, contentType: isJSON, body: `{"error":"Unauthorized","detail":"Unauthorized"}`,
			want: ErrAuth, class: "auth", code: "Unauthorized", attempts: 2, wantMessages: []string{"POLAR_ACCESS_TOKEN was refused by https://polar.test"}},
		{name: "401 bad token", status: 401, contentType: isJSON, body: `{"error":"invalid_token","error_description":"The access token is expired"}`,
			want: ErrAuth, class: "auth", code: "invalid_token", attempts: 2, wantMessages: []string{"401 invalid_token", "is expired", "create an organization access token", "POLAR_SERVER"}},
		{name: "401 from a proxy", status: 401, contentType: "text/html", body: `<html>`, want: ErrTransient, class: "transient", attempts: 3, wantMessages: []string{"text/html", "in front of Polar"}},
		{name: "401 of JSON that is not Polar's", status: 401, contentType: isJSON, body: `{"message":"no"}`, want: ErrTransient, class: "transient", attempts: 3},
		{name: "403 scope", status: 403, contentType: isJSON, body: `{"error":"insufficient_scope","error_description":"needs more"}`,
			header: map[string]string{"WWW-Authenticate": `Bearer realm="polar", error="insufficient_scope", scope="orders:read orders:write"`},
			want:   ErrScope, class: "scope", code: "insufficient_scope", attempts: 1, wantMessages: []string{"/v1/orders/", "orders:read orders:write"}},
		{name: "403 other", status: 403, contentType: isJSON, body: `{"error":"NotPermitted","detail":"feature off"}`,
			want: ErrScope, class: "scope", code: "NotPermitted", attempts: 1, wantMessages: []string{"feature off"}},
		{name: "403 from a firewall", status: 403, contentType: "text/html", body: `<html>blocked</html>`, want: ErrContract, class: "contract", attempts: 1, wantMessages: []string{"firewall"}},
		{name: "404 row", status: 404, contentType: isJSON, body: `{"error":"ResourceNotFound","detail":"Not found"}`,
			want: ErrNotFound, class: "not_found", code: "ResourceNotFound", attempts: 1},
		{name: "404 of another kind", status: 404, contentType: isJSON, body: `{"error":"InvoiceDoesNotExist","detail":"x"}`, want: ErrContract, class: "contract", code: "InvoiceDoesNotExist", attempts: 1},
		{name: "404 route", status: 404, contentType: isJSON, header: map[string]string{versionHeader: "2026-04"}, body: `{"detail":"Not Found"}`,
			want: ErrContract, ended: true, class: "contract", attempts: 1, wantMessages: []string{"POLAR_SERVER"}},
		{name: "404 version", status: 404, contentType: isJSON, body: `{"detail":"Not Found"}`, want: ErrContract, class: "contract", attempts: 2, wantMessages: []string{"serves neither"}},
		{name: "404 HTML", status: 404, contentType: "text/html", body: `<html>ResourceNotFound</html>`, want: ErrContract, class: "contract", attempts: 1},
		{name: "400", status: 400, contentType: isJSON, body: `{"error":"BadRequest","detail":"no container"}`, want: ErrContract, class: "contract", code: "BadRequest", attempts: 1, wantMessages: []string{"no container"}},
		{name: "405", status: 405, contentType: isJSON, body: `{"detail":"Method Not Allowed"}`, want: ErrContract, class: "contract", attempts: 1},
		{name: "405 of Polar", status: 405, contentType: isJSON, header: map[string]string{versionHeader: "2026-04"}, body: `{"detail":"Method Not Allowed"}`,
			want: ErrContract, ended: true, class: "contract", attempts: 1},
		{name: "410", status: 410, contentType: isJSON, header: map[string]string{versionHeader: "2026-04"}, body: `{"error":"Gone","detail":"Gone"}`,
			want: ErrContract, ended: true, class: "contract", code: "Gone", attempts: 1},
		{name: "422", status: 422, contentType: isJSON, body: `{"error":"RequestValidationError","detail":[{"type":"enum","loc":["query","sorting"],"msg":"bad","input":"x"}]}`,
			want: ErrContract, class: "contract", code: "RequestValidationError", attempts: 1, wantMessages: []string{`"sorting"`}},
		{name: "408", status: 408, want: ErrTransient, class: "transient", attempts: 3},
		{name: "429", status: 429, header: map[string]string{"Retry-After": "0"}, want: ErrRateLimited, class: "rate_limited", attempts: refusedOften, wantMessages: []string{"request limit"}},
		{name: "500 text", status: 500, contentType: "text/plain", body: "Internal Server Error", want: ErrTransient, class: "transient", attempts: 3, wantMessages: []string{"Internal Server Error", "3 attempts"}},
		{name: "500 typed", status: 500, contentType: isJSON, body: `{"error":"SomeError","detail":"x"}`, want: ErrTransient, class: "transient", code: "SomeError", attempts: 3},
		{name: "502 HTML", status: 502, contentType: "text/html", body: "<html>Bad gateway</html>", want: ErrTransient, class: "transient", attempts: 3, wantMessages: []string{"text/html"}},
		{name: "503", status: 503, want: ErrTransient, class: "transient", attempts: 3},
		{name: "504", status: 504, want: ErrTransient, class: "transient", attempts: 3},
		{name: "200 HTML", status: 200, contentType: "text/html", body: "<html>", want: ErrContract, class: "contract", attempts: 1, wantMessages: []string{"text/html", "proxy"}},
		{name: "200 without content type", status: 200, contentType: "-", body: emptyPage, want: ErrContract, class: "contract", attempts: 1},
		{name: "200 no JSON", status: 200, contentType: isJSON, body: "hello", want: ErrContract, class: "contract", attempts: 1},
		{name: "200 HTML as JSON", status: 200, contentType: isJSON, body: "<html>", want: ErrContract, class: "contract", attempts: 1},
		{name: "200 array", status: 200, contentType: isJSON, body: "[]", want: ErrContract, class: "contract", attempts: 1},
		{name: "200 no items", status: 200, contentType: isJSON, body: `{"pagination":{"total_count":0,"max_page":0}}`, want: ErrContract, class: "contract", attempts: 1},
		{name: "200 cursor pagination", status: 200, contentType: isJSON, body: `{"items":[],"pagination":{"has_next_page":false}}`, want: ErrContract, class: "contract", attempts: 1, wantMessages: []string{"total_count"}},
		{name: "200 fractional count", status: 200, contentType: isJSON, body: `{"items":[],"pagination":{"total_count":1.5,"max_page":0}}`, want: ErrContract, class: "contract", attempts: 1},
		{name: "200 twice", status: 200, contentType: isJSON, body: emptyPage + emptyPage, want: ErrContract, class: "contract", attempts: 1},
		{name: "200 empty", status: 200, contentType: isJSON, want: ErrTransient, class: "transient", attempts: 3},
		{name: "200 cut", status: 200, contentType: isJSON, body: `{"items":[{"id":"a"},{"id`, want: ErrTransient, class: "transient", attempts: 3},
		{name: "202", status: 202, want: ErrContract, class: "contract", attempts: 1},
		{name: "204", status: 204, want: ErrContract, class: "contract", attempts: 1},
		{name: "307 without address", status: 307, want: ErrContract, class: "contract", attempts: 1, wantMessages: []string{"redirect"}},
		{name: "307 to an unreadable address", status: 307, header: map[string]string{"Location": "http://[::1"}, want: ErrContract, class: "contract", attempts: 1},
		{name: "304", status: 304, want: ErrContract, class: "contract", attempts: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			c := inProcess(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				if test.contentType != "" {
					w.Header().Set("Content-Type", strings.TrimPrefix(test.contentType, "-"))
				}
				w.Header().Set("X-Request-Id", "req-1")
				w.WriteHeader(test.status)
				inprocess.WriteText(w, test.body)
			}, capture(&logged), func(cfg *Config) { cfg.MaxAttempts, cfg.MaxPause = 3, time.Millisecond })
			p, err := c.Page(background(), "/v1/orders/", url.Values{"page": {"3"}})
			if !errors.Is(err, test.want) || Class(err) != test.class {
				t.Fatalf("error %v of class %q, want %v", err, Class(err), test.want)
			}
			if errors.Is(err, ErrEnded) != test.ended {
				t.Errorf("the operation has ended: %t", !test.ended)
			}
			for _, other := range []error{ErrAuth, ErrScope, ErrNotFound, ErrRateLimited, ErrTransient, ErrContract} {
				if !errors.Is(test.want, other) && errors.Is(err, other) {
					t.Errorf("%v also is %v", err, other)
				}
			}
			if test.attempts == refusedOften { // as many as fit into the time for it
				if test.attempts = p.Requests; p.Requests < 3 {
					t.Errorf("given up after %d refusals", p.Requests)
				}
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != test.code || e.Path != "/v1/orders/" || e.Attempts != test.attempts {
				t.Errorf("error %+v", e)
			}
			if p.Requests != test.attempts || c.Requests() != int64(test.attempts) || c.Budget().Retries != int64(test.attempts-1) {
				t.Errorf("%d attempts of the page, %d and %d retries of the client, want %d", p.Requests, c.Requests(), c.Budget().Retries, test.attempts)
			}
			for _, want := range append(test.wantMessages, "page=3") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			mustNotContainToken(t, "error", err.Error())
			mustNotContainToken(t, "log", logged.String())
		})
	}
}

func TestTokenIsTakenOutOfAnswers(t *testing.T) {
	t.Parallel()
	c := inProcess(t, func(w http.ResponseWriter, r *http.Request) {
		reply(w, 401, "application/json", fmt.Sprintf(`{"error":"invalid_token","error_description":"unknown token %s"}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	})
	_, err := c.Page(background(), "/v1/orders/", nil)
	mustNotContainToken(t, "error", err.Error())
	if !strings.Contains(err.Error(), "unknown token [token]") {
		t.Error(err)
	}
}

func TestTrap27_RedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		leaked.Store(true)
		replyEmpty(w)
	}))
	defer elsewhere.Close()
	c := overNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/orders/" {
			leaked.Store(true)
		}
		http.Redirect(w, r, elsewhere.URL+"/v1/orders/?signature=abc", http.StatusTemporaryRedirect)
	})
	_, err := c.Page(background(), "/v1/orders", nil)
	if !errors.Is(err, ErrContract) || leaked.Load() || c.Requests() != 1 {
		t.Fatalf("%v, leaked %v, %d requests", err, leaked.Load(), c.Requests())
	}
	if !strings.Contains(err.Error(), "/v1/orders ") && !strings.Contains(err.Error(), "/v1/orders:") && !strings.Contains(err.Error(), "/v1/orders)") {
		t.Errorf("the path is not named: %v", err)
	}
	if strings.Contains(err.Error(), "signature") {
		t.Errorf("query of the target in %v", err)
	}
}

func TestRetriedUntilWhole(t *testing.T) {
	t.Parallel()
	const whole = `{"items":[{"id":"a"}],"pagination":{"total_count":1,"max_page":1}}`
	breaks := map[string]func(w http.ResponseWriter){
		"connection reset": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"shorter than announced": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			inprocess.WriteText(w, whole[:20])
		},
		"broken chunks": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			inprocess.WriteText(w, whole[:20])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"ends in the middle": func(w http.ResponseWriter) { reply(w, 200, "application/json", whole[:20]) },
		"HTML 502":           func(w http.ResponseWriter) { reply(w, 502, "text/html", "<html>") },
		"empty 429": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
		},
	}
	for name, fail := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			c := overNetwork(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) <= 2 {
					fail(w)
					return
				}
				reply(w, 200, "application/json", whole)
			}, func(cfg *Config) { cfg.MaxPause = time.Millisecond })
			p, err := c.Page(background(), "/v1/orders/", nil)
			if err != nil || len(p.Items) != 1 || p.Requests != 3 || c.Budget().Retries != 2 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		c := overNetwork(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if announced {
				w.Header().Set("Content-Length", "5000000000")
			}
			for range 3000 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1000)); err != nil {
					return
				}
			}
		}, func(cfg *Config) { cfg.MaxBody = 1 << 20 })
		_, err := c.Page(background(), "/v1/orders/", nil)
		if !errors.Is(err, ErrContract) || c.Requests() != 1 || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("announced %v: %v after %d requests", announced, err, c.Requests())
		}
	}
	exactly := strings.Repeat(" ", 1<<20-len(emptyPage)) + emptyPage
	c := overNetwork(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "application/json", exactly) },
		func(cfg *Config) { cfg.MaxBody = 1 << 20 })
	if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
		t.Error(err)
	}
}

func TestAttemptTimeoutCoversTheBody(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := overNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("Content-Type", "application/json")
			inprocess.WriteText(w, `{"items":[`)
			w.(http.Flusher).Flush()
			<-r.Context().Done() // stalls until the client gives up
			return
		}
		replyEmpty(w)
	}, func(cfg *Config) { cfg.AttemptTimeout = 200 * time.Millisecond })
	if p, err := c.Page(background(), "/v1/orders/", nil); err != nil || p.Requests != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	c = inProcess(t, nil, func(cfg *Config) {
		cfg.AttemptTimeout, cfg.MaxAttempts = time.Millisecond, 2
		cfg.Transport = inprocess.RoundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
	})
	_, err := c.Page(background(), "/v1/orders/", nil)
	if !errors.Is(err, ErrTransient) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 1ms") {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	c := newClient(t, Config{Server: address, Token: testToken, MaxAttempts: 2, Backoff: func(int) time.Duration { return 0 }})
	_, err := c.Page(background(), "/v1/orders/", nil)
	if !errors.Is(err, ErrTransient) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	mustNotContainToken(t, "error", err.Error())
}

func TestUnknownCertificateIsNotRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := newClient(t, Config{Server: server.URL, Token: testToken})
	_, err := c.Page(background(), "/v1/orders/", nil)
	if !errors.Is(err, ErrContract) || c.Requests() != 1 || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	answers := map[string]func(r *http.Request) (*http.Response, error){
		"in an attempt": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"in the backoff": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 500, Body: http.NoBody, Header: http.Header{}}, nil
		},
		"in a pause": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 429, Body: http.NoBody, Header: http.Header{"Retry-After": {"60"}}}, nil
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := inProcess(t, nil, func(cfg *Config) {
					cfg.Transport, cfg.Backoff = inprocess.RoundTrip(answer), func(int) time.Duration { return time.Hour }
				})
				reason := errors.New("shutting down")
				ctx, cancel := context.WithCancelCause(background())
				start := time.Now()
				time.AfterFunc(time.Second, func() { cancel(reason) })
				_, err := c.Page(ctx, "/v1/orders/", nil)
				if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) || Class(err) != "canceled" || errors.Is(err, ErrTransient) {
					t.Errorf("%v of class %s", err, Class(err))
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
	c := inProcess(t, func(w http.ResponseWriter, _ *http.Request) { replyEmpty(w) })
	ctx, cancel := context.WithDeadline(background(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := c.Page(ctx, "/v1/orders/", nil); !errors.Is(err, context.DeadlineExceeded) || c.Requests() != 0 {
		t.Errorf("%v, %d requests", err, c.Requests())
	}
}

func TestBackoffHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{"": time.Second, "7": 7 * time.Second, "86400": time.Minute, "-3": time.Second, "soon": time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := inProcess(t, func(w http.ResponseWriter, _ *http.Request) {
				if n++; n == 1 {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(503)
					return
				}
				replyEmpty(w)
			}, func(cfg *Config) { cfg.Backoff = func(int) time.Duration { return time.Second } })
			start := time.Now()
			if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took < want || took > want+want/10+time.Millisecond {
				t.Errorf("Retry-After %q: waited %v, want %v", header, took, want)
			}
		})
	}
	date := &http.Response{Header: http.Header{"Retry-After": {time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)}}}
	if d := retryAfter(date); d < 25*time.Second || d > 31*time.Second {
		t.Errorf("date gives %v", d)
	}
}

func TestVersionEcho(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	c := inProcess(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set(versionHeader, "2027-01")
		inprocess.WriteText(w, emptyPage)
	}, capture(&logged))
	if c.VersionEcho() != "" {
		t.Error("an echo before the first answer")
	}
	for range 3 {
		if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(logged.String(), "level=WARN"); n != 1 || c.VersionEcho() != "2027-01" {
		t.Errorf("%d warnings, echo %q: %s", n, c.VersionEcho(), logged.String())
	}
	mustNotContainToken(t, "log", logged.String())
}

func TestGet(t *testing.T) {
	t.Parallel()
	body := `{"id":"a","n":1e400,"s":"` + "\xff" + `","id":"b"}`
	c := inProcess(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "application/json; charset=utf-8", body) })
	b, err := c.Get(background(), "/v1/orders/a", nil)
	if err != nil || string(b.Value) != body || b.Requests != 1 || b.RequestedAt.IsZero() {
		t.Errorf("%+v, %v", b, err)
	}
	body = body[:10]
	if b, err = c.Get(background(), "/v1/orders/a", nil); !errors.Is(err, ErrTransient) || b.Value != nil || b.Requests != 6 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestClass(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"": nil, "unknown": errors.New("x"), "canceled": fmt.Errorf("x: %w", context.Canceled),
		"auth": fmt.Errorf("x: %w", &Error{Class: ClassAuth}),
	} {
		if got := Class(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
