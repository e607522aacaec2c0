package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"syncd/internal/item"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/tails"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withPostgres{m}) }

// withPostgres stops Postgres before goroutines are counted.
type withPostgres struct{ *testing.M }

func (m withPostgres) Run() int { return pgtest.Main(m.M) }

// counts is an Observer.
type counts struct {
	mu                                 sync.Mutex
	accepted, queued, dropped, fetched int
	refused                            map[string]int
}

func (c *counts) count(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}
func (c *counts) Accepted(time.Time)    { c.count(func() { c.accepted++ }) }
func (c *counts) Refused(reason string) { c.count(func() { c.refused[reason]++ }) }
func (c *counts) Queued()               { c.count(func() { c.queued++ }) }
func (c *counts) Dropped()              { c.count(func() { c.dropped++ }) }
func (c *counts) Fetched(time.Duration) { c.count(func() { c.fetched++ }) }

// fixture is a receiver that takes each message as the name of an order.
type fixture struct {
	*Receiver
	*Endpoint
	silence *Silence
	counts  *counts
	log     *bytes.Buffer
}

func newFixture(t *testing.T, change func(*Config)) fixture {
	t.Helper()
	f := fixture{silence: &Silence{}, counts: &counts{refused: map[string]int{}}, log: &bytes.Buffer{}}
	cfg := Config{
		Secrets: []string{testSecret}, Now: func() time.Time { return testTime }, Observer: f.counts, Arrived: f.silence.Arrived,
		Names: func(m Message) []tails.Changed {
			if !strings.HasPrefix(m.Event, "order.") {
				return nil
			}
			return []tails.Changed{{Stream: "orders", Filter: tails.ByID, Value: item.FieldText(m.Data, "id"), At: m.At}}
		},
		Nudge: func([]tails.Changed, func()) bool { return true },
		Log:   slog.New(slog.NewTextHandler(f.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if f.Endpoint, err = NewEndpoint(cfg); err != nil {
		t.Fatal(err)
	}
	if f.Receiver, err = Listen(t.Context(), "127.0.0.1:0", cfg.Log, func(string) *Endpoint { return f.Endpoint }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return f
}

// send gives the status of the answer to a request.
func (f fixture) send(t *testing.T, method, body string, h http.Header) int {
	t.Helper()
	req := httptest.NewRequest(method, "/polar", strings.NewReader(body))
	req.Header = h
	rec := httptest.NewRecorder()
	f.handler().ServeHTTP(rec, req)
	return rec.Code
}

// post sends a webhook with a valid signature.
func (f fixture) post(t *testing.T, body string) int {
	t.Helper()
	return f.send(t, http.MethodPost, body, signed(t, testSecret, body, testTime, false))
}

func orderOf(id string) string {
	return `{"type":"order.updated","timestamp":"2026-01-01T00:00:00Z","data":{"id":"` + id + `"}}`
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const word = "of_nobodys_business"
	stranger := func(at time.Time) http.Header { return signed(t, "another secret", word, at, false) }
	big := strings.Repeat("x", maxBody+1)
	for _, c := range []struct {
		name, method, body string
		headers            http.Header
		want               int
	}{
		{"signed", http.MethodPost, testBody, signed(t, testSecret, testBody, testTime, false), 202},
		{"of no stream", http.MethodPost, `{"type":"new.event","data":{}}`, signed(t, testSecret, `{"type":"new.event","data":{}}`, testTime, false), 202},
		{"wrong", http.MethodPost, word, stranger(testTime), 403},
		{"old", http.MethodPost, word, stranger(testTime.Add(-time.Hour)), 403},
		{"without headers", http.MethodPost, word, http.Header{}, 403},
		{"for a chat", http.MethodPost, `{"text":"` + word + `"}`, signed(t, testSecret, `{"text":"`+word+`"}`, testTime, false), 422},
		{"too large", http.MethodPost, big, signed(t, testSecret, big, testTime, false), 413},
		{"another method", http.MethodPut, "", nil, 405},
	} {
		if got := f.send(t, c.method, c.body, c.headers); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := fmt.Sprint(f.counts.accepted, f.counts.refused); got != "2 map[format:1 headers:1 signature:1 size:1 time:1]" {
		t.Error(got)
	}
	// All of these within a minute: one line, and nothing of what they brought.
	if log := f.log.String(); strings.Count(log, "webhooks are refused") != 1 || strings.Contains(log, word) || strings.Contains(log, testSecret) {
		t.Errorf("log: %s", log)
	}
}

// unread is a body that ends in the middle.
type unread struct{}

func (unread) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	req := httptest.NewRequest(http.MethodPost, "/", unread{})
	req.Header = signed(t, testSecret, testBody, testTime, false)
	rec := httptest.NewRecorder()
	f.handler().ServeHTTP(rec, req)
	if rec.Code != http.StatusBadRequest || f.counts.refused["unread"] != 1 {
		t.Error(rec.Code, f.counts.refused)
	}
	// What is out of time is refused by its headers alone.
	req.Header = signed(t, testSecret, testBody, testTime.Add(-time.Hour), false)
	rec = httptest.NewRecorder()
	if f.handler().ServeHTTP(rec, req); rec.Code != http.StatusForbidden {
		t.Error(rec.Code)
	}
}

// Many callers at once cost bounded memory: those beyond it are told to come again.
func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for range maxAtOnce {
		f.slots <- struct{}{}
	}
	if got := f.post(t, testBody); got != http.StatusServiceUnavailable {
		t.Error(got)
	}
	<-f.slots
	if got := f.post(t, testBody); got != http.StatusAccepted {
		t.Error(got)
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, c := range []struct {
		secrets  []string
		old, new int
	}{{[]string{testSecret}, 202, 403}, {[]string{newSecret, testSecret}, 202, 202}, {[]string{newSecret}, 403, 202}} {
		if err := f.SetSecrets(c.secrets); err != nil {
			t.Fatal(err)
		}
		if got := f.send(t, http.MethodPost, testBody, signed(t, testSecret, testBody, testTime, false)); got != c.old {
			t.Errorf("%d secrets: the old one %d, want %d", len(c.secrets), got, c.old)
		}
		if got := f.send(t, http.MethodPost, testBody, signed(t, newSecret, testBody, testTime, true)); got != c.new {
			t.Errorf("%d secrets: the new one %d, want %d", len(c.secrets), got, c.new)
		}
	}
}

// Polar gets its answer also where there is no room for what it names: that is counted, and said once.
func TestWhatFindsNoRoom(t *testing.T) {
	t.Parallel()
	var nudged []string
	var fetched []func()
	f := newFixture(t, func(c *Config) {
		c.Nudge = func(named []tails.Changed, stored func()) bool {
			for _, n := range named {
				nudged = append(nudged, n.Value)
			}
			fetched = append(fetched, stored)
			return len(nudged) <= 2
		}
	})
	for _, id := range []string{"1", "2", "3", "4"} {
		if got := f.post(t, orderOf(id)); got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
	}
	fetched[0]()
	if got := fmt.Sprint(nudged, f.counts.queued, f.counts.dropped, f.counts.fetched); got != "[1 2 3 4] 2 2 1" {
		t.Error(got)
	}
	if log := f.log.String(); strings.Count(log, "the feeds find what did not fit") != 1 {
		t.Errorf("log: %s", log)
	}
}

// A webhook that comes again names nothing new: Polar sends it again, and anybody may who has seen it. Another one of the same time is a
// change of its own.
func TestWhatComesAgain(t *testing.T) {
	t.Parallel()
	var nudged []string
	now := testTime
	f := newFixture(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Nudge = func(named []tails.Changed, _ func()) bool {
			nudged = append(nudged, named[0].Value)
			return true
		}
	})
	for _, id := range []string{"1", "1", "2", "1"} {
		if got := f.post(t, orderOf(id)); got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
	}
	body := orderOf("1") // a signature of later, for the same message
	now = now.Add(tolerance)
	if got := f.send(t, http.MethodPost, body, signed(t, testSecret, body, now, false)); got != http.StatusAccepted {
		t.Errorf("answered %d", got)
	}
	if got := fmt.Sprint(nudged, f.counts.accepted, f.counts.queued); got != "[1 2] 5 2" {
		t.Error(got)
	}
}

// Over the wire: a webhook is answered, and the end waits for nothing.
func TestRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.Addr()+"/anywhere", strings.NewReader(testBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = signed(t, testSecret, testBody, testTime, false)
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Error(resp.StatusCode, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An endpoint that nothing comes from although Polar tells of changes is said once.
func TestSilence(t *testing.T) {
	t.Parallel()
	now := testTime
	f := newFixture(t, func(c *Config) { c.Now = func() time.Time { return now } })
	said := func() int { return strings.Count(f.log.String(), "no webhook arrives") }
	pass := func(d time.Duration, told time.Time) {
		now = now.Add(d)
		f.silence.Told(t.Context(), slog.New(slog.NewTextHandler(f.log, nil)), told, now)
	}
	pass(time.Hour, testTime) // nothing has changed since the start
	pass(time.Hour, now.Add(-time.Minute))
	if said() != 0 {
		t.Error("said at once")
	}
	f.send(t, http.MethodPost, testBody, signed(t, testSecret, testBody, now, false)) // it came late
	pass(silenceFor, now.Add(-10*time.Minute))
	if pass(silenceFor, now); said() != 0 {
		t.Errorf("said although one came: %s", f.log)
	}
	for range 3 {
		pass(silenceFor, now)
	}
	if said() != 1 {
		t.Errorf("said %d times: %s", said(), f.log)
	}
	pass(silenceAgain, now)
	if said() != 2 {
		t.Error("not said again after a day")
	}
}
