package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"syncd/internal/fetch"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// A version of the API that ends while the daemon runs does not end it. One that starts where none is served serves its health
// for as long as its patience, and ends.
func TestDaemonOutlivesItsVersion(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, version := range polarsim.Versions() {
		t.Run(version+" ends in a sweep", func(t *testing.T) {
			t.Parallel()
			next := fetch.DefaultVersion
			if version == next {
				next = "2027-01"
			}
			polar, sim := simulatedWorld(t, polarsim.Options{Seed: 2, Customers: 12}, polarsim.ServerOptions{}) // it has seats
			stall, err := polarsim.ParseFault("stall:path=/v1/customer-seats,times=1,for=3s")
			if err != nil {
				t.Fatal(err)
			}
			sim.AddFault(stall)
			d := startDaemon(t, polar, "--polar-version", version, "--schedule", "@every 1s", "--streams", "products,subscriptions,orders,customer_seats", "--tail", "30s", "--jitter", "0s")
			await(t, "a sweep under way", func() bool { return sim.RequestsByPath()["GET /v1/customer-seats"] > 0 })
			sim.RetireVersion(version)
			before := runs(t, d)
			await(t, "runs in the next version", func() bool {
				_, metrics := d.get(t, "/metrics")
				return runs(t, d) >= before+3 && strings.Contains(metrics, `syncd_runs_total{outcome="succeeded",stream="customer_seats"}`)
			})
			_, metrics := d.get(t, "/metrics")
			for _, want := range []string{fmt.Sprintf(`syncd_polar_version_retired{version=%q} 1`, next), fmt.Sprintf(`syncd_polar_version_left_seconds{version=%q} `, next)} {
				if !strings.Contains(metrics, want) {
					t.Errorf("/metrics lacks %s", want)
				}
			}
			if _, status := d.get(t, "/status"); !strings.Contains(status, fmt.Sprintf(`"retired": %q`, version)) {
				t.Errorf("/status: %s", status)
			}
			if n := strings.Count(d.logged(), "has retired the version"); n != 1 {
				t.Errorf("told %d times", n)
			}
			if version == "2026-04" && !strings.Contains(d.logged(), `"ends":"2027-01-01"`) { // from the middle of November 2026 on
				t.Error("its end was not told of ahead")
			}
			if version == fetch.DefaultVersion { // half a minute; rounds in each version are tried in internal/catalog
				await(t, "a round of tails in the next version", func() bool {
					return d.row(t, `SELECT count(*)::text FROM polar_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND started_at >
						(SELECT min(finished_at) FROM polar_sync.sync_runs WHERE stream = 'customer_seats' AND outcome = 'succeeded')`) != "0"
				})
			}
			if bad := d.row(t, `SELECT COALESCE(string_agg(stream || ' ' || outcome || ': ' || reason, '; '), '') FROM polar_sync.sync_runs WHERE outcome NOT IN ('succeeded', 'skipped')`); bad != "" {
				t.Error(bad)
			}
			if code, _ := d.get(t, "/readyz"); code != http.StatusOK {
				t.Errorf("/readyz: %d", code)
			}
		})
	}
	t.Run("no version is served", func(t *testing.T) {
		t.Parallel()
		polar, _ := simulated(t, polarsim.ServerOptions{Retired: polarsim.Versions()})
		d := startDaemon(t, polar, "--patience", "1s")
		await(t, "the reason", func() bool {
			_, body := d.get(t, "/readyz")
			return strings.Contains(body, "serves neither the Polar-Version")
		})
		if code, _ := d.get(t, "/healthz"); code != http.StatusOK {
			t.Errorf("/healthz: %d", code)
		}
		if code := d.end(t); code != exitFailed {
			t.Errorf("ended with %d, want %d", code, exitFailed)
		}
	})
}
