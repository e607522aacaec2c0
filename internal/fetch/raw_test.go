package fetch

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A RawClient gives what came, and asks again only where Polar gave no answer. All of it is within the budget of its client.
func TestRawClientGivesAnswersAsTheyCame(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	var last *http.Request
	c := overNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		last = r
		first := asked[r.URL.Path] == 1
		switch r.URL.Path {
		case "/redirect":
			w.Header().Set("Location", "http://elsewhere.example/v1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case "/text":
			reply(w, http.StatusInternalServerError, "text/plain", "Internal Server Error")
		case "/proxy":
			if first {
				reply(w, http.StatusBadGateway, "text/html", "<h1>502</h1>")
				return
			}
			replyEmpty(w)
		case "/busy":
			if first {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			replyEmpty(w)
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			reply(w, http.StatusUnauthorized, "application/json", strings.Repeat("x", 1000))
		}
	}, func(cfg *Config) {
		cfg.Backoff = func(int) time.Duration { return time.Millisecond }
		cfg.MaxAttempts, cfg.Window, cfg.MaxPause = 3, 10*time.Millisecond, 10*time.Millisecond
	})
	raw := NewRawClient(c)
	for _, test := range []struct {
		ask              RawRequest
		status, attempts int
	}{
		{RawRequest{Path: "/redirect"}, http.StatusTemporaryRedirect, 1},
		{RawRequest{Path: "/text"}, http.StatusInternalServerError, 1},
		{RawRequest{Path: "/proxy"}, http.StatusOK, 2},
		{RawRequest{Path: "/busy"}, http.StatusOK, 2},
		{RawRequest{Path: "/wrong", Token: "polar_oat_other"}, http.StatusUnauthorized, 1},
	} {
		a, err := raw.Send(background(), test.ask)
		if err != nil || a.Status != test.status || asked[test.ask.Path] != test.attempts {
			t.Errorf("%+v: %d after %d attempts, %v", test.ask, a.Status, asked[test.ask.Path], err)
		}
	}
	if got := last.Header.Get("Authorization"); got != "Bearer polar_oat_other" {
		t.Errorf("the token sent was %q", got)
	}
	a, err := raw.Send(background(), RawRequest{Method: http.MethodHead, Path: "/none", Token: NoToken, Version: "1999-01", Most: 10})
	if err != nil || a.Status != http.StatusUnauthorized || last.Header["Authorization"] != nil || last.Header.Get("Polar-Version") != "1999-01" || last.Method != http.MethodHead {
		t.Errorf("%+v, %v; asked %s %v", a, err, last.Method, last.Header)
	}
	if a, err = raw.Send(background(), RawRequest{Path: "/long", Most: 10}); err != nil || len(a.Body) != 10 {
		t.Errorf("%d bytes, %v", len(a.Body), err)
	}
	_, err = raw.Send(background(), RawRequest{Path: "/down"})
	if !errors.Is(err, ErrTransient) || asked["/down"] != 3 {
		t.Errorf("%v after %d attempts", err, asked["/down"])
	}
	if b := c.Budget(); int(c.Requests()) != 12 || b.RateLimited != 1 || b.Requests[0]+b.Requests[1]+b.Requests[2]+b.Requests[3] != 12 {
		t.Errorf("%d requests, budget %+v", c.Requests(), b)
	}
}
