package fetch

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"syncd/internal/fetch/fetchtest/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = inprocess.Token

// inProcess makes a client of a handler, without network, budget or waits.
func inProcess(t *testing.T, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Server: "https://polar.test", Token: testToken, RequestsPerMinute: -1,
		Backoff:   func(int) time.Duration { return 0 },
		Transport: inprocess.To(handler),
	}
	return newClient(t, cfg, change...)
}

// overNetwork makes a client of a handler behind a real server.
func overNetwork(t *testing.T, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := Config{Server: server.URL, Token: testToken, RequestsPerMinute: -1, Backoff: func(int) time.Duration { return 0 }}
	return newClient(t, cfg, change...)
}

func newClient(t *testing.T, cfg Config, change ...func(*Config)) *Client {
	t.Helper()
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// capture collects log lines for assertions.
func capture(into *bytes.Buffer) func(*Config) {
	return func(cfg *Config) {
		cfg.Log = slog.New(slog.NewTextHandler(into, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

func reply(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set(versionHeader, DefaultVersion)
	inprocess.Reply(w, status, contentType, body)
}

const emptyPage = inprocess.EmptyPage

func replyEmpty(w http.ResponseWriter) { reply(w, http.StatusOK, "application/json", emptyPage) }

func mustNotContainToken(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, testToken) {
		t.Errorf("%s contains the token: %s", what, text)
	}
}

func background() context.Context { return context.Background() }
