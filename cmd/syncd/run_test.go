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
	"slices"
	"strconv"
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
	"syncd/internal/slowtest"
	"syncd/internal/status"
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
	return startDaemonOn(t, pgtest.Empty(t), polar, args...)
}

// startDaemonOn starts a daemon on a database and waits until it listens.
func startDaemonOn(t *testing.T, dsn, polar string, args ...string) *daemonUnderTest {
	t.Helper()
	return startDaemonIn(t, nil, dsn, polar, args...)
}

// startDaemonIn starts a daemon in an environment with more variables.
func startDaemonIn(t *testing.T, environ []string, dsn, polar string, args ...string) *daemonUnderTest {
	t.Helper()
	d := &daemonUnderTest{dsn: dsn, read: make(chan struct{})}
	d.cmd = exec.CommandContext(t.Context(), "syncd", append([]string{"run", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)...)
	d.cmd.Env = append(append(os.Environ(), "SYNCD_DATABASE_URL="+d.dsn), environ...)
	if polar != "" { // else the configuration names one for each organization
		d.cmd.Env = append(d.cmd.Env, "POLAR_SERVER="+polar)
	}
	if !strings.Contains(configOf(t, args), "polar_access_token") {
		d.cmd.Env = append(d.cmd.Env, "POLAR_ACCESS_TOKEN="+simulatedToken)
	}
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

// configOf is the text of the file that --config names.
func configOf(t *testing.T, args []string) string {
	t.Helper()
	at := slices.Index(args, "--config")
	if at < 0 {
		return ""
	}
	text, err := os.ReadFile(args[at+1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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

// end waits for the process, and returns its exit code.
func (d *daemonUnderTest) end(t *testing.T) (code int) {
	t.Helper()
	select {
	case <-d.read:
	case <-time.After(time.Minute):
		t.Fatal("the daemon still runs after a minute")
	}
	err := d.cmd.Wait()
	if d.cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return d.cmd.ProcessState.ExitCode()
}

// stop asks a daemon to end, which it must do well. What it may still do is bounded by runs and not by seconds: from the signal
// on no run begins, beside those that were about to.
func (d *daemonUnderTest) stop(t *testing.T) {
	t.Helper()
	d.terminate(t)
	if code := d.end(t); code != exitComplete {
		t.Errorf("ended with %d, want 0", code)
	}
	var asked time.Time
	for line := range strings.Lines(d.logged()) {
		var said struct {
			Time time.Time
			Msg  string
		}
		if json.Unmarshal([]byte(line), &said) == nil && strings.HasPrefix(said.Msg, "shutting down") {
			asked = said.Time
		}
	}
	const aboutTo = 4
	begun := d.row(t, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE started_at > '"+asked.UTC().Format(time.RFC3339Nano)+"'")
	if n, err := strconv.Atoi(begun); asked.IsZero() || err != nil || n > aboutTo {
		t.Errorf("asked to stop at %v; %s runs began after that", asked, begun)
	}
}

func (d *daemonUnderTest) terminate(t *testing.T) {
	t.Helper()
	d.signal(t, syscall.SIGTERM)
}

func (d *daemonUnderTest) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
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
	slowtest.Mark(t)
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	d := startDaemon(t, polar, "--config", write(t, "syncd.yaml", "streams:\n  metrics:\n    schedule: off\n"))
	await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	if code, body := d.get(t, "/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %s", code, body)
	}

	// What has never been synced is synced at once, without waiting for the night.
	var report status.Report
	await(t, "every stream to have run", func() bool {
		code, body := d.get(t, "/status")
		if code != http.StatusOK { // it has not opened its database yet
			return false
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
	checkStreams(t, report, holds)
	if code, page := d.get(t, "/"); code != http.StatusOK || !strings.Contains(page, "streams are whole.") || !strings.Contains(page, "</html>") {
		t.Errorf("/: %d %s", code, page)
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
	d.row(t, "UPDATE polar_sync.sync_polar SET answered_at = now() - interval '16 minutes' RETURNING 'done'")
	await(t, "no readiness", func() bool {
		code, body := d.get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "polar: not ready: Polar last answered 16 min ago") && strings.Contains(body, "after 15 min without an answer")
	})

	d.stop(t)
	if !strings.Contains(d.logged(), "syncd has stopped") {
		t.Error("the end is not logged")
	}
	if n := d.row(t, "SELECT count(*)::text FROM polar_sync.sync_streams WHERE lease_run IS NOT NULL"); n != "0" {
		t.Errorf("%s leases are left", n)
	}
}

// checkStreams wants every stream to have run, unless it is off, and its rows to be those that Polar holds.
func checkStreams(t *testing.T, report status.Report, holds map[string]int) {
	t.Helper()
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
		most := 25 * time.Hour
		if strings.HasSuffix(s.Schedule, " 0") { // on Sundays
			most += 6 * 24 * time.Hour
		}
		if next := time.Until(s.NextAt); next < 0 || next > most {
			t.Errorf("%s runs next in %v", s.Stream, next)
		}
	}
}

// A signal in the middle of a run keeps the pages that are stored, and the next run goes on from there.
func TestDaemonStopsInTheMiddleOfARun(t *testing.T) {
	slowtest.Mark(t)
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
	d.stop(t)
	if outcome := d.row(t, "SELECT outcome FROM polar_sync.sync_runs WHERE stream = 'products'"); outcome != string(mirror.Interrupted) {
		t.Errorf("the run is %s", outcome)
	}
}

// A token that is revoked while the daemon runs does not end it: it is not ready and says so once, asks little, and goes on
// with the token that is put in the place of the old one.
func TestDaemonOutlivesItsToken(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	token := write(t, "token", simulatedToken+"\n")
	const second = "polar_oat_the_second_of_the_tests"
	d := startDaemon(t, polar, "--config", write(t, "syncd.yaml", "polar_access_token_file: "+token+"\nstreams: discounts,products\nschedule: '@every 1s'\njitter: 0s\n"))
	ready := func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK }
	await(t, "readiness", ready)
	sim.SetToken(second)
	await(t, "the end of readiness", func() bool { return !ready() })
	if _, body := d.get(t, "/readyz"); !strings.Contains(body, "polar: not ready: POLAR_ACCESS_TOKEN was refused") {
		t.Errorf("/readyz: %s", body)
	}
	if code, body := d.get(t, "/status"); code != http.StatusOK || !strings.Contains(body, `"polar": "POLAR_ACCESS_TOKEN was refused`) {
		t.Errorf("/status: %d %s", code, body)
	}
	// It goes on asking, without another word, and no stream is tried meanwhile.
	asked := func() int { return sim.RequestsByPath()["GET /v1/organizations/"] }
	for range 2 {
		before := asked()
		d.signal(t, syscall.SIGHUP)
		await(t, "another question", func() bool { return asked() >= before+2 }) // a 401 is confirmed
	}
	if _, metrics := d.get(t, "/metrics"); strings.Contains(metrics, `syncd_runs_total{outcome="failed",stream="products"} 2`) {
		t.Error("streams are read with a token that is refused")
	}
	before := runs(t, d)
	if err := os.WriteFile(token, []byte(second), 0o600); err != nil {
		t.Fatal(err)
	}
	d.signal(t, syscall.SIGHUP)
	await(t, "readiness with the second token", ready)
	await(t, "runs with the second token", func() bool { return runs(t, d) >= before+3 })
	if log := d.logged(); strings.Count(log, "Polar refuses the access token") != 1 || strings.Count(log, "the access token was replaced") != 1 ||
		strings.Contains(log, simulatedToken) || strings.Contains(log, second) {
		t.Error("the log tells otherwise than once, or shows a token")
	}
	d.stop(t)
}

// runs counts the successful runs of products.
func runs(t *testing.T, d *daemonUnderTest) (n int) {
	t.Helper()
	_, metrics := d.get(t, "/metrics")
	const series = `syncd_runs_total{outcome="succeeded",stream="products"} `
	if _, after, is := strings.Cut(metrics, series); is {
		if _, err := fmt.Sscan(after, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A token that is wrong from the start, or refused to one stream alone, does not end the daemon either.
func TestDaemonOutlives401(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	t.Run("wrong from the start", func(t *testing.T) {
		t.Parallel()
		polar, sim := simulated(t, polarsim.ServerOptions{})
		sim.SetToken("polar_oat_another")
		d := startDaemon(t, polar)
		await(t, "the refusal", func() bool { return strings.Contains(d.logged(), "Polar refuses the access token") })
		sim.SetToken(simulatedToken)
		d.signal(t, syscall.SIGHUP)
		await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	})
	t.Run("one stream", func(t *testing.T) {
		t.Parallel()
		polar, sim := simulated(t, polarsim.ServerOptions{})
		refuse, err := polarsim.ParseFault("401:path=/v1/products/")
		if err != nil {
			t.Fatal(err)
		}
		sim.AddFault(refuse)
		d := startDaemon(t, polar)
		await(t, "the run to be tried again", func() bool {
			_, metrics := d.get(t, "/metrics")
			return strings.Contains(metrics, `syncd_runs_total{outcome="failed",stream="products"} 1`) && strings.Contains(metrics, `syncd_runs_total{outcome="succeeded",stream="customers"} 1`)
		})
		if code, body := d.get(t, "/readyz"); code != http.StatusOK {
			t.Errorf("/readyz: %d %s", code, body)
		}
		if n := sim.RequestsByPath()["GET /v1/products/"]; n > 6 {
			t.Errorf("%d requests for what is refused", n)
		}
	})
}

// SIGHUP has the configuration read again: what can change does, what cannot is named, and a wrong one changes nothing.
func TestReload(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	file := write(t, "syncd.yaml", "streams: products\nschedule: 'off'\ntail: 'off'\n")
	d := startDaemon(t, polar, "--config", file)
	await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	reload := func(text, says string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d.signal(t, syscall.SIGHUP)
		await(t, says, func() bool { return strings.Contains(d.logged(), says) })
	}
	reload("streams: products\nschedule: nonsense\n", "the configuration could not be read again")
	if n := runs(t, d); n != 0 {
		t.Errorf("%d runs", n)
	}
	reload("streams: products,orders\nparallel: 7\nschedule: '@every 1s'\njitter: 0s\nrequests_per_minute: 77\nlog_level: debug\ntail: 1h\n", `"at_the_next_start":"parallel streams"`)
	await(t, "a run", func() bool { return runs(t, d) > 0 })
	if _, metrics := d.get(t, "/metrics"); !strings.Contains(metrics, "77") {
		t.Error("the budget is the old one")
	}
	if !strings.Contains(d.logged(), `"level":"DEBUG"`) {
		t.Error("the level of the log is the old one")
	}
	if _, body := d.get(t, "/status"); !strings.Contains(body, `"schedule": "@every 1s"`) {
		t.Errorf("/status: %s", body)
	}
	if n := d.row(t, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE kind = 'tail'"); n != "0" {
		t.Errorf("%s rounds of tails, the first of which is due in an hour", n)
	}
	reload("streams: products,orders\nparallel: 7\nschedule: 'off'\njitter: 0s\nrequests_per_minute: 77\nlog_level: debug\ntail: 30s\n", `"changed":"schedule tail`)
	await(t, "a round of tails", func() bool {
		return d.row(t, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE kind = 'tail'") != "0"
	})
}

// A command that runs once is not ended by SIGHUP.
func TestHangupEndsNothing(t *testing.T) {
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	stall, err := polarsim.ParseFault("stall:path=/v1/products/,times=1,for=1s")
	if err != nil {
		t.Fatal(err)
	}
	sim.AddFault(stall)
	cmd := exec.CommandContext(t.Context(), "syncd", "sync", "products")
	cmd.Env = append(os.Environ(), "SYNCD_DATABASE_URL="+pgtest.Empty(t), "POLAR_SERVER="+polar, "POLAR_ACCESS_TOKEN="+simulatedToken)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the request", func() bool { return sim.RequestsByPath()["GET /v1/products/"] > 0 })
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// Polar may be down when the daemon starts: it is alive, not ready, and says why.
func TestDaemonWaitsForPolar(t *testing.T) {
	t.Parallel()
	d := startDaemonOn(t, pgtest.Migrated(t), "http://127.0.0.1:1")
	if code, body := d.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	await(t, "the reason", func() bool {
		code, body := d.get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "database: ok") && strings.Contains(body, "polar: not ready: http://127.0.0.1:1")
	})
	d.stop(t)
}
