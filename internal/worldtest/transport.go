package worldtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"syncd/internal/mirror"
)

// Rewrite sends a request and changes what comes back.
func Rewrite(req *http.Request, change func(http.Header, []byte) []byte) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	body = change(resp.Header, body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// Shuffled is a list without any order: each request gets its page of another one.
func (h *Harness) Shuffled(t *testing.T, path string, items []map[string]any) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	mux := http.NewServeMux()
	mux.Handle("/", h.Server)
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		var page, limit int
		q := r.URL.Query()
		_, _ = fmt.Sscan(q.Get("page"), &page)
		_, _ = fmt.Sscan(q.Get("limit"), &limit)
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		total := len(items)
		some := items[min(limit*(page-1), total):min(limit*page, total)]
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": some, "pagination": map[string]int{"total_count": total, "max_page": (total + limit - 1) / limit}})
	})
	h.HTTP = httptest.NewServer(mux)
	t.Cleanup(h.HTTP.Close)
	h.Mirror = h.NewMirror(t, nil)
}

// LockedBuffer is a buffer for several goroutines.
type LockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *LockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all that was written.
func (l *LockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Observer is called after each page that was stored.
type Observer func()

// RunStarted implements mirror.Observer.
func (Observer) RunStarted(string) {}

// PageStored implements mirror.Observer.
func (o Observer) PageStored(string, int, int) { o() }

// RunFinished implements mirror.Observer.
func (Observer) RunFinished(mirror.Result) {}
