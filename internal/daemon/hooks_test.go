package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/serve"
)

// A process that does not run the organization dates a webhook by the clock of the database, and has the one that runs it know that
// webhooks come: what that one says of a silent endpoint is then not of this process alone.
func TestWebhooksAtAnotherProcess(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	now := time.Now().Add(5 * time.Hour) // this host is wrong by five hours
	log := &bytes.Buffer{}
	h, err := ListenHooks(t.Context(), HooksConfig{
		Addr: "127.0.0.1:0", Metrics: serve.NewMetrics(serve.Build{}, nil),
		Names: func() []string { return []string{"a"} }, Secrets: func(string) ([]config.Secret, error) { return []config.Secret{secret}, nil },
		Runner: func(string) *Runner { return nil }, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	receiving, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(receiving) }()
	const body = `{"type":"nothing.known","timestamp":"2026-01-01T00:00:00Z","data":{}}`
	key, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{now: http.StatusAccepted, time.Now(): http.StatusForbidden} {
		signature, err := key.Sign("id", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Addr()+hooksAt+"a", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(standardwebhooks.HeaderWebhookID, "id")
		req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
		req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != want {
			t.Errorf("signed at %s, when the database shows %s: %d, %v; want %d", at, now, resp.StatusCode, err, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	waiting := h.Waiting()
	if len(waiting) != 1 || waiting[0] != (Notice{"a", arrivedOnly}) {
		t.Fatalf("passed on: %v", waiting)
	}

	// The one that runs it.
	client := fetchtest.InProcess(t, nil, func(c *fetch.Config) { c.Now = func() time.Time { return now } })
	cfg := &config.Config{WebhookSecrets: []config.Secret{secret}}
	r := &Runner{Options: Options{Log: slog.New(slog.NewTextHandler(log, nil)), Hooked: true}, client: client}
	r.current.Store(cfg)
	h.Runner = func(string) *Runner { return r }
	said := func(after time.Duration) int {
		now = now.Add(after)
		r.listenFor(t.Context(), now)
		return strings.Count(log.String(), "no webhook arrives")
	}
	if said(0)+said(10*time.Minute) != 0 {
		t.Error("said at once")
	}
	h.Tell(waiting[0])
	if first, second := said(10*time.Minute), said(10*time.Minute); first != 0 || second != 0 {
		t.Error("said although one came to another process")
	}
	if first, second := said(10*time.Minute), said(10*time.Minute); first != 1 || second != 1 {
		t.Errorf("not said once: %s", log)
	}
	cfg.WebhookSecrets = nil
	if said(72*time.Hour) != 1 {
		t.Error("said of an organization that has no secret")
	}
}
