package fetch

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = "polar_oat_secretsecretsecret"

// handlerTransport answers requests by a handler in process, so that synctest can run over it.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	t.handler.ServeHTTP(recorder, req)
	resp := recorder.Result()
	resp.Request = req
	return resp, nil
}

// inProcess makes a client of a handler, without network, budget or waits.
func inProcess(t *testing.T, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Server: "https://polar.test", Token: testToken, RequestsPerMinute: -1,
		Backoff:   func(int) time.Duration { return 0 },
		Transport: handlerTransport{handler},
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
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set(versionHeader, DefaultVersion)
	w.WriteHeader(status)
	write(w, body)
}

func write(w http.ResponseWriter, text string) {
	if text == "" {
		return // some statuses have no body
	}
	if _, err := io.WriteString(w, text); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
}

const emptyPage = `{"items":[],"pagination":{"total_count":0,"max_page":0}}`

func replyEmpty(w http.ResponseWriter) { reply(w, http.StatusOK, "application/json", emptyPage) }

func mustNotContainToken(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, testToken) {
		t.Errorf("%s contains the token: %s", what, text)
	}
}

func background() context.Context { return context.Background() }
