package worldtest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/store"
)

// Token is one that the simulated Polar takes.
const Token = "polar_oat_test"

// Harness is a simulated organization, its HTTP server, a database and an engine between them.
type Harness struct {
	*catalog.Mirror
	World   *polarsim.World
	Server  *polarsim.Server
	HTTP    *httptest.Server
	Store   *store.Store
	Metrics bool
	Direct  string // as in Setup
	Version string // as in Setup
}

// Setup says which world a test needs.
type Setup struct {
	World  polarsim.Options
	Server polarsim.ServerOptions
	Mirror func(*catalog.Config)
	DSN    string // "" = a fresh migrated database
	Direct string // of the database itself, where DSN is that of a pooler before it
	Schema string // "" = polar
	// Version of Polar's API, for tests and mirror alike; "" = each asks for its default.
	Version string
	// Metrics are fifty rows a day whatever the size of the organization, events twenty times as many as customers; a test
	// that is not about them does without both. One that is looks at the organization as it was fourteen months after the first
	// day of which Polar has metrics: enough that its days take more than one request.
	Metrics bool
}

// Start makes a world. Nothing has been mirrored yet.
func Start(t *testing.T, s Setup) *Harness {
	t.Helper()
	if s.World.Customers == 0 {
		s.World.Customers = 30
	}
	if s.World.Seed == 0 {
		s.World.Seed = 1
	}
	if s.Metrics && s.World.Now.IsZero() {
		s.World.Now = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	}
	if s.DSN == "" {
		s.DSN = pgtest.Migrated(t)
	}
	if s.Schema == "" {
		s.Schema = "polar"
	}
	h := &Harness{World: polarsim.NewWorld(s.World), Direct: s.Direct, Version: s.Version}
	h.Server = polarsim.NewServer(h.World, s.Server)
	h.HTTP = httptest.NewServer(h.Server)
	t.Cleanup(h.HTTP.Close)
	var err error
	h.Store, err = store.Open(t.Context(), store.Config{DSN: s.DSN, Schema: s.Schema, MaxConns: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Store.Close)
	h.Metrics = s.Metrics
	h.Mirror = h.NewMirror(t, s.Mirror)
	return h
}

// StartAs is Start for a type that has what the tests of one package do to a world: type harness struct{ *worldtest.Harness }.
func StartAs[H ~struct{ *Harness }](t *testing.T, s Setup) *H {
	t.Helper()
	return &H{Start(t, s)}
}

// NewMirror is another process over the same database and server.
func (h *Harness) NewMirror(t *testing.T, change func(*catalog.Config)) *catalog.Mirror {
	t.Helper()
	client, err := fetch.New(fetch.Config{
		Server: h.HTTP.URL, Token: Token, RequestsPerMinute: -1, Version: h.Version,
		Backoff: func(int) time.Duration { return time.Millisecond },
		Now:     h.World.Now, MaxPause: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := catalog.Config{Config: mirror.Config{Client: client, Store: h.Store}}
	if !h.Metrics {
		c.Entries = slices.DeleteFunc(catalog.Entries(), func(s catalog.Entry) bool { return strings.HasPrefix(s.Name, "metrics") || s.Name == "events" })
	}
	if change != nil {
		change(&c)
	}
	r, err := catalog.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// MirrorThrough is another process whose requests go through a transport.
func (h *Harness) MirrorThrough(t *testing.T, rt http.RoundTripper, log *slog.Logger) *catalog.Mirror {
	t.Helper()
	client, err := fetch.New(fetch.Config{Server: h.HTTP.URL, Token: Token, RequestsPerMinute: -1, Version: h.Version, Now: h.World.Now, Transport: rt, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return h.NewMirror(t, func(c *catalog.Config) { c.Client, c.Log = client, log })
}

// Changed is the table of streams with one entry changed.
func Changed(name string, change func(*catalog.Entry)) func(*catalog.Config) {
	return func(c *catalog.Config) {
		c.Entries = catalog.Entries()
		change(&c.Entries[slices.IndexFunc(c.Entries, func(s catalog.Entry) bool { return s.Name == name })])
	}
}

// ChangedAll is the table of streams with all entries changed.
func ChangedAll(change func(*catalog.Entry)) func(*catalog.Config) {
	return func(c *catalog.Config) {
		if c.Entries == nil {
			c.Entries = catalog.Entries()
		}
		for i := range c.Entries {
			change(&c.Entries[i])
		}
	}
}

// Both makes two changes of a Config.
func Both(a, b func(*catalog.Config)) func(*catalog.Config) {
	return func(c *catalog.Config) { a(c); b(c) }
}

// Tailing has what a tail fetched not fetched once more.
func Tailing(c *catalog.Config) { c.Tail.Lag = -1 }

// EveryTurn is a number of rounds in which each slow question has had its turn.
const EveryTurn = 30
