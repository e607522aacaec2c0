package scan

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"syncd/internal/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
func inProcess(t *testing.T, handler http.HandlerFunc, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	return newClient(t, fetch.Config{Server: "https://polar.test", Transport: handlerTransport{handler}}, change...)
}

// overNetwork makes a client of a handler behind a real server.
func overNetwork(t *testing.T, handler http.HandlerFunc, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, fetch.Config{Server: server.URL}, change...)
}

func newClient(t *testing.T, cfg fetch.Config, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg.Token, cfg.RequestsPerMinute = "polar_oat_secretsecretsecret", -1
	cfg.Backoff = func(int) time.Duration { return 0 }
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

func reply(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := io.WriteString(w, body); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
}

func background() context.Context { return context.Background() }
