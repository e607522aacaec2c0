package limit_test

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

	"syncd/internal/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = "polar_oat_secretsecretsecret"

// roundTrip answers requests in process, so that synctest can run over it.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return f(req)
}

// by answers requests by a handler.
func by(handler http.Handler) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, req)
		resp := recorder.Result()
		resp.Request = req
		return resp, nil
	}
}

// inProcess makes a client of a handler, without network, budget or waits: the limiter is tested below all that sends
// and repeats requests.
func inProcess(t *testing.T, handler http.HandlerFunc, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg := fetch.Config{
		Server: "https://polar.test", Token: testToken, RequestsPerMinute: -1,
		Backoff:   func(int) time.Duration { return 0 },
		Transport: by(handler),
	}
	return newClient(t, cfg, change...)
}

func newClient(t *testing.T, cfg fetch.Config, change ...func(*fetch.Config)) *fetch.Client {
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

// capture collects log lines for assertions.
func capture(into *bytes.Buffer) func(*fetch.Config) {
	return func(cfg *fetch.Config) {
		cfg.Log = slog.New(slog.NewTextHandler(into, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

func reply(w http.ResponseWriter, status int, contentType, body string) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	if body == "" {
		return
	}
	if _, err := io.WriteString(w, body); err != nil {
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
