package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/feed"
	"syncd/internal/polarsim"
	"syncd/internal/store/tails"
	"syncd/internal/webhook"
	"syncd/internal/worldtest"
)

// watched is an Observer that tells of each webhook whose rows are stored.
type watched struct{ fetched chan time.Duration }

func (watched) Accepted(time.Time)        {}
func (watched) Refused(string)            {}
func (watched) Queued()                   {}
func (watched) Dropped()                  {}
func (w watched) Fetched(d time.Duration) { w.fetched <- d }

// From a change at Polar to its row over real HTTP, with feeds that are asked only when nudged. The payload of a webhook is not
// believed, so one that is late or repeated leaves the row as Polar has it. The state of a customer has its meters fetched.
func TestChangeToRow(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Now: time.Now()}, Mirror: worldtest.Tailing})
	streams := []string{"products", "customers", "customer_meters", "members"}
	h.SyncAll(t, streams...)
	h.Round(t, streams...)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	seen := watched{make(chan time.Duration, 100)}
	poller := feed.New(feed.Config{
		Every: func() time.Duration { return 0 }, Rate: func() float64 { return 0 },
		Ask: h.Mirror.Feed,
	})
	endpoint, err := webhook.NewEndpoint(webhook.Config{
		Arrived: func(time.Time) {},
		Secrets: []string{secret}, Now: h.World.Now, Log: slog.New(slog.DiscardHandler), Observer: seen,
		Names: func(m webhook.Message) []tails.Changed { return h.NamedBy(m.Event, m.At, m.Data) },
		Nudge: func(named []tails.Changed, fetched func()) bool {
			return poller.Nudge(feed.Nudge{Named: named, Fetched: fetched})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := webhook.Listen(t.Context(), "127.0.0.1:0", slog.New(slog.DiscardHandler), func(string) *webhook.Endpoint { return endpoint })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{}, 3)
	for _, run := range []func(){
		func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		},
		func() { poller.Run(ctx, nil) },
		func() { h.World.Send(ctx, polarsim.Sending{Wait: func(int) time.Duration { return time.Millisecond }}) },
	} {
		go func() { run(); ended <- struct{}{} }()
	}
	t.Cleanup(func() {
		stop()
		for range cap(ended) {
			<-ended
		}
	})
	h.World.SendTo("http://"+r.Addr()+"/", secret)
	product := h.First(t, "/v1/products/", nil, func(map[string]any) bool { return true })["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"Heard of at once"}`)
	if after := <-seen.fetched; after < 0 {
		t.Error(after)
	}
	if got := worldtest.Query[string](t, h, "SELECT name FROM products WHERE id = $1", product); got != "Heard of at once" {
		t.Errorf("the row has %q", got)
	}
	// The customer, its members and its state: several webhooks.
	customer := h.Make(t, "/v1/customers/", `{"email":"hook@example.com","name":"Hooked"}`)
	for worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE id = $1 AND name = 'Hooked'", customer) == 0 {
		<-seen.fetched
	}
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+customer, "")
	for worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE id = $1 AND _deleted_at IS NOT NULL", customer) == 0 {
		<-seen.fetched
	}
	h.Equal(t, "products", "customers")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_changes WHERE stream = 'customer_meters' AND filter = 'customer_id' AND value = $1", customer); n != 1 {
		t.Error("the state of the customer names no meters")
	}
}

// The page names each kind of event that has something fetched.
func TestPageNamesEvents(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range catalog.Entries() {
		named := []string{e.Tail.Hook + "*"}
		for _, touch := range e.Tail.Named {
			named = append(named, touch.Event)
		}
		for _, event := range named {
			if event != "*" && !strings.Contains(string(page), "`"+event+"`") {
				t.Errorf("docs/webhooks.md does not name %s", event)
			}
		}
	}
}
