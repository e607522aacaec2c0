package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"syncd/internal/fetch/limit"
	"syncd/internal/mirror"
	"syncd/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type traffic struct{}

func (traffic) Requests() int64        { return 12 }
func (traffic) Version() string        { return "2026-10" }
func (traffic) RetiredVersion() string { return "2026-04" }
func (traffic) Now() time.Time         { return time.Date(2027, time.March, 2, 0, 0, 0, 0, time.UTC) }
func (traffic) AnsweredAt() time.Time  { return time.UnixMilli(1_700_000_001_250) }
func (traffic) Budget() limit.Budget {
	b := limit.Budget{PerMinute: 250, Pace: 54, Used: 20, Left: 34, Retries: 3, RateLimited: 1, Paused: 90 * time.Second, PausedUntil: time.Now().Add(time.Minute), Sharers: 2}
	b.Requests[limit.PrioritySweep], b.Waiting[limit.PriorityExport] = 12, 1
	return b
}

// bundle is a server under test, and what it was made of.
type bundle struct {
	url     string
	metrics *Metrics
	server  *Server
	failing atomic.Pointer[error] // what the check "database" returns
	asked   atomic.Int32
	stop    func() error
}

// What is said beside a condition that holds.
func TestReadinessNote(t *testing.T) {
	for text, check := range map[string]Check{
		"polar: ok (a moment ago)\n": {Name: "polar", Ask: func(context.Context) error { return nil }, Note: func(context.Context) string { return "a moment ago" }},
		"polar: ok\n":                {Name: "polar", Ask: func(context.Context) error { return nil }, Note: func(context.Context) string { return "" }},
		"polar: not ready: gone\n":   {Name: "polar", Ask: func(context.Context) error { return errors.New("gone") }, Note: func(context.Context) string { return "a moment ago" }},
	} {
		if _, got := (&readiness{checks: []Check{check}}).report(t.Context()); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

func setup(t *testing.T, status func(context.Context) (any, error)) *bundle {
	t.Helper()
	b := &bundle{metrics: NewMetrics(Build{Version: "1.2.3", Commit: "abc"}, []string{"orders", "customers"})}
	b.metrics.AddTraffic(traffic{})
	var err error
	b.server, err = Listen(t.Context(), Config{Addr: "127.0.0.1:0", Metrics: b.metrics, Status: status, Ready: []Check{{Name: "database", Ask: func(context.Context) error {
		b.asked.Add(1)
		if e := b.failing.Load(); e != nil {
			return *e
		}
		return nil
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + b.server.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.server.Run(ctx) }()
	var err2 error
	stopped := false
	b.stop = func() error {
		if !stopped {
			cancel()
			err2, stopped = <-ended, true
		}
		return err2
	}
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return b
}

func (b *bundle) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestHealthAndReadiness(t *testing.T) {
	b := setup(t, nil)
	if code, body := b.get(t, "/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	if code, body := b.get(t, "/readyz"); code != 200 || body != "shutdown: ok\ndatabase: ok\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	for range 20 {
		b.get(t, "/readyz")
	}
	if n := b.asked.Load(); n > 5 {
		t.Errorf("the database was asked %d times by 21 requests in a moment", n)
	}
	b.server.SetStopping()
	if code, body := b.get(t, "/readyz"); code != 503 || !strings.Contains(body, "shutdown: not ready: shutting down") {
		t.Errorf("/readyz while stopping: %d %q", code, body)
	}
	if code, _ := b.get(t, "/healthz"); code != 200 {
		t.Errorf("/healthz while stopping: %d", code)
	}
}

func TestNotReadyNamesTheCheck(t *testing.T) {
	b := setup(t, nil)
	err := errors.New("connection refused\nsecond line")
	b.failing.Store(&err)
	if code, body := b.get(t, "/readyz"); code != 503 || !strings.Contains(body, "database: not ready: connection refused; second line\n") {
		t.Errorf("/readyz: %d %q", code, body)
	}
}

func TestStatus(t *testing.T) {
	b := setup(t, func(context.Context) (any, error) { return map[string]int{"rows": 3}, nil })
	if code, body := b.get(t, "/status"); code != 200 || body != "{\n  \"rows\": 3\n}\n" {
		t.Errorf("/status: %d %q", code, body)
	}
	broken := setup(t, func(context.Context) (any, error) { return nil, errors.New("no database") })
	if code, body := broken.get(t, "/status"); code != 503 || !strings.Contains(body, "no database") {
		t.Errorf("/status: %d %q", code, body)
	}
	if code, _ := b.get(t, "/nothing"); code != 404 {
		t.Errorf("/nothing: %d", code)
	}
}

func TestMetrics(t *testing.T) {
	b := setup(t, nil)
	at := time.UnixMilli(1_700_000_000_500)
	b.metrics.RunStarted("orders")
	b.metrics.RunStarted("customers")
	b.metrics.PageStored("orders", 100, 250)
	b.metrics.PageStored("orders", 200, 250)
	b.metrics.RunFinished(mirror.Result{Stream: "orders", Outcome: mirror.Succeeded, StartedAt: at, Duration: 2 * time.Second,
		Counts: store.Counts{Inserted: 240, Updated: 9, Rejected: 1, Unchanged: 5}})
	b.metrics.SetRows("orders", 1234)
	b.metrics.SetStanding("orders", true, false, at, 3, 4)
	b.metrics.SetStanding("customers", true, true, at, 0, 0)
	b.metrics.SetStanding("customers", false, true, time.Time{}, 0, 0) // a scope was taken away
	b.metrics.SetFreshness("orders", at, at, at, 2)
	b.metrics.SetFreshness("customers", at, at, at, 0)
	b.metrics.SetFreshness("customers", at, at, time.Time{}, 0) // nothing shows its changes any more
	b.metrics.RequestAnswered(200, 200*time.Millisecond)
	b.metrics.RequestAnswered(429, time.Millisecond)
	b.metrics.RequestAnswered(0, time.Minute)
	hooks := b.metrics.AddWebhooks([]string{"signature", "time"})
	if _, body := b.get(t, "/metrics"); strings.Contains(body, "syncd_webhook_accepted_timestamp_seconds ") {
		t.Error("a webhook that never came has a time")
	}
	hooks.Accepted(at)
	hooks.Refused("time")
	hooks.Queued()
	hooks.Dropped()
	hooks.Fetched(700 * time.Millisecond)
	_, body := b.get(t, "/metrics")
	for _, want := range []string{
		`syncd_build_info{commit="abc",go="`,
		`syncd_runs_total{outcome="succeeded",stream="orders"} 1`,
		`syncd_runs_total{outcome="failed",stream="customers"} 0`,
		`syncd_run_duration_seconds_bucket{stream="orders",le="5"} 1`,
		`syncd_run_in_progress{stream="orders"} 0`,
		`syncd_run_in_progress{stream="customers"} 1`,
		`syncd_pages_total{stream="orders"} 2`,
		`syncd_rows_written_total{kind="inserted",stream="orders"} 240`,
		`syncd_rows_written_total{kind="updated",stream="orders"} 9`,
		`syncd_rows_written_total{kind="rejected",stream="orders"} 1`,
		`syncd_last_success_timestamp_seconds{stream="orders"} 1.7000000005e+09`,
		`syncd_stream_rows{stream="orders"} 1234`,
		`syncd_current_timestamp_seconds{stream="orders"} 1.7000000005e+09`,
		`syncd_stream_whole{stream="orders"} 0`,
		`syncd_complete_timestamp_seconds{stream="orders"} 1.7000000005e+09`,
		`syncd_open_rejects{stream="orders"} 3`,
		`syncd_held_deletions{stream="orders"} 4`,
		`syncd_request_duration_seconds_bucket{status="2xx",le="0.25"} 1`,
		`syncd_request_duration_seconds_count{status="429"} 1`,
		`syncd_request_duration_seconds_count{status="none"} 1`,
		`syncd_requests_total 12`,
		`syncd_request_retries_total 3`,
		`syncd_rate_limited_total 1`,
		`syncd_polar_version_left_seconds{version="2026-10"} 2.592e+06`,
		`syncd_polar_version_retired{version="2026-10"} 1`,
		`syncd_polar_answered_timestamp_seconds 1.70000000125e+09`,
		`syncd_webhooks_accepted_total 1`,
		`syncd_webhooks_refused_total{reason="signature"} 0`,
		`syncd_webhooks_refused_total{reason="time"} 1`,
		`syncd_webhooks_queued_total 1`,
		`syncd_webhooks_dropped_total 1`,
		`syncd_webhook_to_row_seconds_bucket{le="1"} 1`,
		`syncd_webhook_accepted_timestamp_seconds 1.7000000005e+09`,
		`syncd_budget_limit_requests 250`,
		`syncd_budget_pace_requests 54`,
		`syncd_budget_used_requests 20`,
		`syncd_budget_left_requests 34`,
		`syncd_budget_paused 1`,
		`syncd_budget_paused_seconds_total 90`,
		`syncd_budget_sharers 2`,
		`syncd_budget_requests_total{priority="sweep"} 12`,
		`syncd_budget_requests_total{priority="tail"} 0`,
		`syncd_budget_waiting_requests{priority="export"} 1`,
		"go_goroutines ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	// Zero would be 1970: alerts on the age of what has never been would fire for ever.
	for _, never := range []string{
		`syncd_last_success_timestamp_seconds{stream="customers"}`, `syncd_current_timestamp_seconds{stream="customers"}`,
		`syncd_stream_rows{stream="customers"}`, `syncd_stream_whole{stream="customers"}`,
	} {
		if strings.Contains(body, never) {
			t.Errorf("/metrics has %s, of which nothing is known", never)
		}
	}
	families, err := b.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// The alerts ask for metrics that there are.
func TestAlertsNameMetrics(t *testing.T) {
	b := setup(t, nil)
	at := time.UnixMilli(1_700_000_000_500)
	b.metrics.SetStanding("orders", true, true, at, 0, 0)
	b.metrics.SetFreshness("orders", at, at, at, 0)
	b.metrics.SetFeed("events", 0, false)
	b.metrics.AddWebhooks([]string{"signature"})
	_, body := b.get(t, "/metrics")
	rules, err := os.ReadFile("../../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?:^|[^:])\b(syncd_[a-z_]+)`).FindAllStringSubmatch(string(rules), -1)
	if len(names) < 10 {
		t.Fatalf("%d names", len(names))
	}
	for _, name := range names {
		if !strings.Contains(body, "\n"+name[1]+"{") && !strings.Contains(body, "\n"+name[1]+" ") {
			t.Errorf("an alert asks for %s, which is no metric", name[1])
		}
	}
}

func TestStopLetsRequestsFinish(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	b := setup(t, func(context.Context) (any, error) {
		close(entered)
		<-leave
		return "done", nil
	})
	answered := make(chan string)
	go func() {
		_, body := b.get(t, "/status")
		answered <- body
	}()
	<-entered
	stopped := make(chan error)
	go func() { stopped <- b.stop() }()
	select {
	case err := <-stopped:
		t.Errorf("stopped before the request was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if body := <-answered; body != "\"done\"\n" {
		t.Errorf("the request under way got %q", body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestTakenAddress(t *testing.T) {
	b := setup(t, nil)
	_, err := Listen(t.Context(), Config{Addr: b.server.Addr(), Metrics: b.metrics})
	if err == nil || !strings.Contains(err.Error(), b.server.Addr()) {
		t.Errorf("Listen = %v, want an error that names the address", err)
	}
	unused, err := Listen(t.Context(), Config{Addr: "127.0.0.1:0", Metrics: b.metrics})
	if err != nil {
		t.Fatal(err)
	}
	if err := unused.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}
