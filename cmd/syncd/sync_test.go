package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/report"
	"syncd/internal/store"
)

// That the database cannot be read is no word that all is well.
func TestSyncSaysThatDriftIsUnknown(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{DSN: pgtest.Empty(t), Schema: "polar"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var said report.Sync
	if err := judge(t.Context(), &said, s, nil); err == nil || said.Whole {
		t.Errorf("%v, %+v", err, said)
	}
}

// A sync that is interrupted, or whose time is up, says where the next one goes on. Calls of a limited time come to an end: they
// read no page twice that was stored, and nothing that is not due.
func TestSyncStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	const orders, stopAt = 1500, 6
	sim := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Orders: orders}), polarsim.ServerOptions{Token: simulatedToken})
	var asked atomic.Int64
	var reached atomic.Pointer[func()]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/orders/" && asked.Add(1) == stopAt {
			if stop := reached.Load(); stop != nil {
				(*stop)()
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	environ := map[string]string{"SYNCD_DATABASE_URL": pgtest.Empty(t), "POLAR_SERVER": server.URL, "POLAR_ACCESS_TOKEN": simulatedToken, "SYNCD_REQUESTS_PER_MINUTE": "60000"}
	call := func(stop func(signals chan os.Signal, clock chan time.Time), args ...string) (code int, stdout, stderr string) {
		t.Helper()
		signals, clock := make(chan os.Signal, 1), make(chan time.Time, 1)
		do := func() { stop(signals, clock) }
		asked.Store(0)
		reached.Store(&do)
		var out, errs bytes.Buffer
		code = runBy(t.Context(), func(time.Duration) <-chan time.Time { return clock }, signals, append([]string{"sync"}, args...), environ, &out, &errs)
		return code, out.String(), errs.String()
	}
	never := func(chan os.Signal, chan time.Time) {}

	code, out, said := call(func(signals chan os.Signal, _ chan time.Time) { signals <- os.Interrupt }, "orders")
	if code != exitInterrupted || !strings.Contains(said, "syncd: Interrupted. What was read is kept: `syncd sync orders` goes on at page ") || !strings.Contains(said, " of 15 of orders.") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, said)
	}
	code, out, said = call(func(_ chan os.Signal, clock chan time.Time) { clock <- time.Time{} }, "--for", "50s", "orders", "products")
	if code != exitPartial || !strings.Contains(out, "The time is up: `syncd sync --for 50s orders products` goes on at page ") || !strings.Contains(said, "orders: ") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, said)
	}
	first := sim.RequestsByPath()["GET /v1/orders/"]
	code, out, said = call(never, "--for", "50s", "orders", "products")
	if all := sim.RequestsByPath()["GET /v1/orders/"]; code != exitComplete || all > orders/100+2*9 || all == first {
		t.Fatalf("exit code %d, %d requests of orders after %d\n%s\n%s", code, all, first, out, said)
	}
	if n := scalar(t, environ["SYNCD_DATABASE_URL"], "SELECT count(*)::text FROM polar.orders"); n != "1500" {
		t.Errorf("%s orders", n)
	}
	code, out, said = call(never, "--for", "50s", "--json", "orders", "products")
	if code != exitComplete || asked.Load() > 0 || !strings.Contains(out, `"whole": true`) || said != "" {
		t.Errorf("nothing is due: exit code %d, %d requests\n%s\n%s", code, asked.Load(), out, said)
	}
	if code, out, said = call(never, "--for=-1s"); code != exitUsage || !strings.Contains(said, "--for -1s") {
		t.Errorf("exit code %d\n%s\n%s", code, out, said)
	}
}
