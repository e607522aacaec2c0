// Package fetchtest makes clients for tests: of a handler in process, of one behind a real server, of a simulated Polar.
package fetchtest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/polarsim"
)

// NewClient makes a client that is closed at the end of the test.
func NewClient(t testing.TB, cfg fetch.Config, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	for _, f := range change {
		f(&cfg)
	}
	c, err := fetch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// hasty has neither budget nor waits.
func hasty(server string) fetch.Config {
	return fetch.Config{Server: server, Token: inprocess.Token, RequestsPerMinute: -1, Backoff: func(int) time.Duration { return 0 }}
}

// InProcess makes a client of a handler, without network, budget or waits.
func InProcess(t testing.TB, handler http.HandlerFunc, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg := hasty("https://polar.test")
	cfg.Transport = inprocess.To(handler)
	return NewClient(t, cfg, change...)
}

// OverNetwork makes a client of a handler behind a real server, without budget or waits.
func OverNetwork(t testing.TB, handler http.HandlerFunc, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return NewClient(t, hasty(server.URL), change...)
}

// Simulated makes a client of a simulated Polar behind a real server, without budget or waits. The client goes by the time of the world.
func Simulated(t testing.TB, world *polarsim.World, o polarsim.ServerOptions, change ...func(*fetch.Config)) (*fetch.Client, *polarsim.Server) {
	t.Helper()
	sim := polarsim.NewServer(world, o)
	simulated := func(cfg *fetch.Config) { cfg.AttemptTimeout, cfg.Now = 30*time.Second, world.Now }
	return OverNetwork(t, sim.ServeHTTP, append([]func(*fetch.Config){simulated}, change...)...), sim
}

// LogTo has the client write its log, down to what is for debugging.
func LogTo(into *bytes.Buffer) func(*fetch.Config) {
	return func(cfg *fetch.Config) {
		cfg.Log = slog.New(slog.NewTextHandler(into, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}
