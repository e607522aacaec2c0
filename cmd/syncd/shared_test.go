package main

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// organizationsFile writes a configuration with an organization for each schema, org_1 and so on, with a simulated Polar for each.
func organizationsFile(t *testing.T, text string, schemas ...string) (path string, worlds []*worldtest.Harness) {
	t.Helper()
	text += "organizations:\n"
	for n, schema := range schemas {
		h := &worldtest.Harness{World: polarsim.NewWorld(polarsim.Options{Seed: uint64(n + 1), Customers: 4})}
		h.HTTP = httptest.NewServer(polarsim.NewServer(h.World, polarsim.ServerOptions{}))
		t.Cleanup(h.HTTP.Close)
		worlds = append(worlds, h)
		text += fmt.Sprintf("  - {name: org_%d, schema: %s, polar_server: %q, polar_access_token: polar_oat_of_%d}\n", n+1, schema, h.HTTP.URL, n+1)
	}
	return write(t, "fleet.yaml", text), worlds
}

// awaitEqual waits until a schema has what the API of its organization shows.
func awaitEqual(t *testing.T, h *worldtest.Harness, dsn, schema string) {
	t.Helper()
	if h.Store == nil {
		var err error
		if h.Store, err = store.Open(t.Context(), store.Config{DSN: dsn, Schema: schema, MaxConns: 2}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Store.Close)
	}
	await(t, "the changes in "+schema, func() bool {
		stream, _ := h.Unequal(t, "products", "customers", "orders")
		return stream == ""
	})
}

// Two processes on the schema of one organization, and one on that of another, from the same file: no run takes the lease of
// another, and every change arrives.
func TestDaemonsShareAFile(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	dsn := pgtest.Migrated(t)
	schemas := []string{"polar", "polar_other"}
	config, worlds := organizationsFile(t, "streams: products,customers,orders\ntail: 30s\nfeed: 1s\nschedule: '@daily'\njitter: 0s\n", schemas...)
	var daemons []*daemonUnderTest
	for _, n := range []string{"1", "1", "2"} {
		daemons = append(daemons, startDaemonOn(t, dsn, "", "--config", config, "--organization", "org_"+n))
	}
	d := daemons[0]
	for n, schema := range schemas {
		await(t, "the sweeps of "+schema, func() bool {
			return d.row(t, "SELECT (to_regclass('"+schema+"_sync.sync_runs') IS NOT NULL)::text") == "true" &&
				d.row(t, "SELECT (count(DISTINCT stream) >= 3)::text FROM "+schema+"_sync.sync_runs WHERE kind = 'sweep' AND outcome = 'succeeded'") == "true"
		})
		worlds[n].World.Churn(10)
	}
	for n, schema := range schemas {
		awaitEqual(t, worlds[n], dsn, schema)
		// A run whose lease another process takes away breaks off.
		if broken := d.row(t, "SELECT count(*)::text FROM "+schema+"_sync.sync_runs WHERE outcome NOT IN ('succeeded', 'partial', 'skipped')"); broken != "0" {
			t.Errorf("%s: %s runs were broken off by another process", schema, broken)
		}
	}
	for _, d := range daemons {
		d.terminate(t)
	}
	for _, d := range daemons {
		if code := d.end(t); code != exitComplete {
			t.Errorf("a process ended with %d", code)
		}
	}
}
