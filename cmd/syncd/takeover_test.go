package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/status"
)

// A sweep that broke off is due at start, although an earlier one ended well a moment ago.
func TestDaemonResumesAtStart(t *testing.T) {
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	args := []string{"--streams", "products,customers", "--tail", "off", "--schedule", "@daily", "--jitter", "0s"}
	dsn := pgtest.Migrated(t)
	d := startDaemonOn(t, dsn, polar, args...)
	await(t, "both sweeps", func() bool {
		return d.row(t, "SELECT count(*)::text FROM polar_sync.sync_streams WHERE complete_at IS NOT NULL") == "2"
	})
	d.terminate(t)
	d.end(t)
	d.row(t, `WITH cut AS (INSERT INTO polar_sync.sync_runs (stream, kind, holder, outcome, finished_at) VALUES ('products', 'sweep', 'dead', 'interrupted', now()) RETURNING id)
		UPDATE polar_sync.sync_streams SET sweep_id = (SELECT id FROM cut) WHERE stream = 'products' RETURNING 'done'`)
	d = startDaemonOn(t, dsn, polar, args...)
	await(t, "a run of products", func() bool { return runs(t, d) == 1 })
	if n := d.row(t, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE stream = 'customers'"); n != "1" {
		t.Errorf("%s runs of customers, which was whole", n)
	}
}

// Of two daemons the second waits for what the first is at: a lease that was renewed is left alone for a while, and a sweep
// that the first has completed meanwhile is not made again.
func TestDaemonBesideAnother(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	dsn := pgtest.Migrated(t)
	held := &daemonUnderTest{dsn: dsn}
	held.row(t, `WITH live AS (INSERT INTO polar_sync.sync_runs (stream, kind, holder) SELECT s, 'sweep', 'live' FROM unnest('{products,discounts}'::text[]) AS s RETURNING id, stream),
		held AS (INSERT INTO polar_sync.sync_streams (stream, lease_run, lease_holder, lease_seconds, leased_until, sweep_id)
		SELECT stream, id, 'live', 20, clock_timestamp() + interval '20 seconds', id FROM live RETURNING 1) SELECT count(*)::text FROM held`)
	d := startDaemonOn(t, dsn, polar, "--streams", "products,discounts", "--tail", "off", "--schedule", "@daily", "--jitter", "0s")
	await(t, "both to wait", func() bool { return strings.Count(d.logged(), `"msg":"a sweep waits"`) == 2 })
	d.row(t, "UPDATE polar_sync.sync_streams SET leased_until = clock_timestamp() + interval '1 hour', lease_seconds = 3600 WHERE stream = 'products' RETURNING 'renewed'")
	d.row(t, `WITH done AS (UPDATE polar_sync.sync_runs SET outcome = 'succeeded', finished_at = clock_timestamp() WHERE stream = 'discounts')
		UPDATE polar_sync.sync_streams SET complete_at = clock_timestamp(), lease_run = NULL, lease_holder = NULL, lease_seconds = NULL, leased_until = NULL, sweep_id = NULL
		WHERE stream = 'discounts' RETURNING 'done'`)
	await(t, "the sweep of the other", func() bool { return strings.Contains(d.logged(), "another process has made the sweep") })
	await(t, "products to be left alone", func() bool {
		_, body := d.get(t, "/status")
		var report status.Report
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			t.Fatal(err)
		}
		for _, s := range report.Streams {
			if left := time.Until(s.NextAt); s.Stream == "products" && left > 4*time.Minute && left <= 5*time.Minute {
				return true
			}
		}
		return false
	})
	if n := d.row(t, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE kind = 'sweep' AND holder <> 'live'"); n != "0" {
		t.Errorf("%s sweeps beside those of the other", n)
	}
}

// A token is read again when the one in use is refused, and at SIGHUP also while that still works.
func TestDaemonReadsItsTokenAgain(t *testing.T) {
	t.Parallel()
	polar, sim := simulated(t, polarsim.ServerOptions{})
	sim.SetToken("")
	token := write(t, "token", simulatedToken)
	d := startDaemon(t, polar, "--config", write(t, "syncd.yaml", "polar_access_token_file: "+token+"\nstreams: products\nschedule: '@every 1s'\njitter: 0s\ntail: off\n"))
	await(t, "a run", func() bool { return runs(t, d) > 0 })
	replace := func(with string) {
		if err := os.WriteFile(token, []byte(with), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("polar_oat_the_second_of_the_tests")
	d.signal(t, syscall.SIGHUP)
	await(t, "the second token", func() bool { return strings.Count(d.logged(), "the access token was replaced") == 1 })
	replace("polar_oat_the_third_of_the_tests")
	sim.SetToken("polar_oat_the_third_of_the_tests")
	await(t, "the third token", func() bool { return strings.Count(d.logged(), "the access token was replaced") == 2 })
	before := runs(t, d)
	await(t, "runs with it", func() bool { return runs(t, d) > before })
	for _, tok := range []string{simulatedToken, "the_second_of", "the_third_of"} {
		if strings.Contains(d.logged(), tok) {
			t.Error("the log shows a token")
		}
	}
}
