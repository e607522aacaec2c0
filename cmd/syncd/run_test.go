package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/sched"
)

// daemonUnderTest is `syncd run` as a process of its own.
type daemonUnderTest struct {
	cmd  *exec.Cmd
	url  string // of its health and metrics
	dsn  string
	mu   sync.Mutex
	log  bytes.Buffer
	read chan struct{} // closed when the log has been read to its end
}

// startDaemon starts a daemon on an empty database and waits until it listens.
func startDaemon(t *testing.T, polar string, args ...string) *daemonUnderTest {
	t.Helper()
	d := &daemonUnderTest{dsn: pgtest.Empty(t), read: make(chan struct{})}
	d.cmd = exec.CommandContext(t.Context(), "syncd", append([]string{"run", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)...)
	d.cmd.Env = append(os.Environ(), "SYNCD_DATABASE_URL="+d.dsn, "POLAR_SERVER="+polar, "POLAR_ACCESS_TOKEN="+simulatedToken)
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGKILL) }
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens := make(chan string, 1)
	go func() {
		defer close(d.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			d.mu.Lock()
			d.log.Write(append(lines.Bytes(), '\n'))
			d.mu.Unlock()
			var line struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "syncd starts" {
				listens <- line.Listen
			}
		}
	}()
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			if err := d.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-d.read
			if err := d.cmd.Wait(); err == nil {
				t.Error("a killed daemon ended well")
			}
		}
		if t.Failed() {
			t.Logf("log of the daemon:\n%s", d.logged())
		}
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case addr := <-listens:
		d.url = "http://" + addr
	case <-d.read:
		t.Fatal("the daemon ended")
	case <-time.After(time.Minute):
		t.Fatal("the daemon does not listen after a minute")
	}
	return d
}

func (d *daemonUnderTest) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

func (d *daemonUnderTest) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
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

// await asks until the condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited a minute for: %s", what)
		}
	}
}

// end waits for the process, and returns its exit code and how long it took.
func (d *daemonUnderTest) end(t *testing.T) (code int, took time.Duration) {
	t.Helper()
	began := time.Now()
	<-d.read
	err := d.cmd.Wait()
	if d.cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return d.cmd.ProcessState.ExitCode(), time.Since(began)
}

func (d *daemonUnderTest) terminate(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func (d *daemonUnderTest) row(t *testing.T, sql string) (text string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func TestDaemon(t *testing.T) {
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	d := startDaemon(t, polar, "--config", write(t, "syncd.yaml", "streams:\n  metrics:\n    schedule: off\n"))
	await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	if code, body := d.get(t, "/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %s", code, body)
	}

	// What has never been synced is synced at once, without waiting for the night.
	var report statusReport
	await(t, "every stream to have run", func() bool {
		code, body := d.get(t, "/status")
		if code != http.StatusOK {
			t.Fatalf("/status: %d %s", code, body)
		}
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			t.Fatal(err)
		}
		for _, s := range report.Streams {
			if s.FinishedAt.IsZero() && s.Schedule != sched.Off && s.Off == "" {
				return false
			}
		}
		return true
	})
	holds := sim.World().Counts()
	for _, s := range report.Streams {
		if s.Schedule == sched.Off || s.Off != "" {
			if !s.StartedAt.IsZero() || !s.NextAt.IsZero() {
				t.Errorf("%s is off and ran at %v", s.Stream, s.StartedAt)
			}
			continue
		}
		switch want, counted := holds[s.Stream]; {
		case s.Stream == "organization_access_tokens":
			if s.Outcome != "skipped" {
				t.Errorf("%s: %s", s.Stream, s.Outcome)
			}
		case s.Stream == "discounts" && s.Rows >= int64(want): // a deleted one may be known from orders, and passes for a live one until the next tail asks
		case s.Outcome != "succeeded", counted && s.Rows != int64(want):
			t.Errorf("%s: %s with %d rows, Polar holds %d: %s", s.Stream, s.Outcome, s.Rows, want, s.Reason)
		}
		if next := time.Until(s.NextAt); next < 0 || next > 25*time.Hour {
			t.Errorf("%s runs next in %v", s.Stream, next)
		}
	}
	_, metrics := d.get(t, "/metrics")
	for _, want := range []string{
		`syncd_runs_total{outcome="succeeded",stream="orders"} 1`,
		fmt.Sprintf(`syncd_stream_rows{stream="orders"} %d`, holds["orders"]),
		"syncd_requests_total ",
		"syncd_polar_answered_timestamp_seconds 1.",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if time.Since(report.AnsweredAt).Abs() > time.Hour || report.Tails.Outcome == "" {
		t.Errorf("Polar answered at %v, tails: %+v", report.AnsweredAt, report.Tails)
	}

	// Once Polar has been silent for three rounds of tails, no matter which process asked, the daemon is not ready.
	if _, body := d.get(t, "/readyz"); !strings.Contains(body, "polar: ok (last answered ") {
		t.Errorf("/readyz: %s", body)
	}
	d.row(t, "UPDATE polar.sync_polar SET answered_at = now() - interval '16 minutes' RETURNING 'done'")
	await(t, "no readiness", func() bool {
		code, body := d.get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "polar: not ready: Polar last answered 16 min ago") && strings.Contains(body, "after 15 min without an answer")
	})

	d.terminate(t)
	if code, took := d.end(t); code != exitComplete || took > 10*time.Second {
		t.Errorf("ended with %d after %v, want 0 within 10 s", code, took)
	}
	if !strings.Contains(d.logged(), "syncd has stopped") {
		t.Error("the end is not logged")
	}
	if n := d.row(t, "SELECT count(*)::text FROM polar.sync_streams WHERE lease_run IS NOT NULL"); n != "0" {
		t.Errorf("%s leases are left", n)
	}
}

// A signal in the middle of a run keeps the pages that are stored, and the next run goes on from there.
func TestDaemonStopsInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	stall, err := polarsim.ParseFault("stall:path=/v1/products/")
	if err != nil {
		t.Fatal(err)
	}
	sim.AddFault(stall)
	d := startDaemon(t, polar)
	await(t, "the run of products to be under way", func() bool {
		_, metrics := d.get(t, "/metrics")
		return strings.Contains(metrics, `syncd_run_in_progress{stream="products"} 1`) && strings.Contains(metrics, `syncd_runs_total{outcome="succeeded",stream="customers"} 1`)
	})
	d.terminate(t)
	if code, took := d.end(t); code != exitComplete || took > 10*time.Second {
		t.Errorf("ended with %d after %v, want 0 within 10 s", code, took)
	}
	if outcome := d.row(t, "SELECT outcome FROM polar.sync_runs WHERE stream = 'products'"); outcome != string(mirror.Interrupted) {
		t.Errorf("the run is %s", outcome)
	}
}

// A token that is revoked while the daemon runs ends it, with the remedy.
func TestDaemonEndsWhenTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	refuse, err := polarsim.ParseFault("401:path=/v1/orders/")
	if err != nil {
		t.Fatal(err)
	}
	sim.AddFault(refuse)
	d := startDaemon(t, polar)
	if code, _ := d.end(t); code != exitFailed {
		t.Errorf("ended with %d, want %d", code, exitFailed)
	}
	if log := d.logged(); !strings.Contains(log, `"msg":"syncd failed","error":"POLAR_ACCESS_TOKEN was refused`) || strings.Contains(log, simulatedToken) {
		t.Error("the log does not tell why, or shows the token")
	}
}

// Polar may be down when the daemon starts: it is alive, not ready, and says why.
func TestDaemonWaitsForPolar(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "http://127.0.0.1:1")
	if code, body := d.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	if code, body := d.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "database: ok") || !strings.Contains(body, "polar: not ready") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	d.terminate(t)
	if code, took := d.end(t); code != exitComplete || took > 10*time.Second {
		t.Errorf("ended with %d after %v, want 0 within 10 s", code, took)
	}
}
