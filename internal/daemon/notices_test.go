package daemon

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/polarsim"
	"syncd/internal/sched"
	"syncd/internal/store/budget"
	"syncd/internal/worldtest"
)

// Another process is named once, and again when it comes back.
func TestStrangers(t *testing.T) {
	t.Parallel()
	me, other := budget.Holder{Holder: "host/1/abc"}, budget.Holder{Holder: "host/12/def"}
	var n notices
	for i, tc := range []struct {
		holders []budget.Holder
		want    []string
	}{{[]budget.Holder{me}, nil}, {[]budget.Holder{me, other}, []string{"host/12/def"}}, {[]budget.Holder{me, other}, nil}, {[]budget.Holder{me}, nil}, {[]budget.Holder{other}, []string{"host/12/def"}}} {
		if got := n.strangers(tc.holders, "host/1/"); !slices.Equal(got, tc.want) {
			t.Errorf("round %d: %v, want %v", i, got, tc.want)
		}
	}
}

// What schedules need follows from what the last sweeps cost; a stream that is off needs nothing.
func TestSweepNeed(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Timezone: time.UTC, Schedules: map[string]string{"orders": "@every 10s", "payments": "@every 1h", "files": sched.Off, "events": "@every 1s"}, StreamsOff: map[string]bool{"events": true}}
	if need := sweepNeed(cfg, map[string]int{"orders": 10, "payments": 40, "files": 1000, "events": 1000}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); need != 3640 {
		t.Errorf("%.1f requests an hour, want 3640", need)
	}
}

// A daemon is not ready before it can tell its status.
func TestReadyMeansOpen(t *testing.T) {
	t.Parallel()
	d := &Runner{opened: make(chan struct{})}
	d.store.Store(worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 1}}).Store)
	if err := d.CheckSchema(t.Context()); !errors.Is(err, errNotOpen) {
		t.Errorf("before it is open: %v", err)
	}
	close(d.opened)
	if err := d.CheckSchema(t.Context()); err != nil {
		t.Errorf("when it is open: %v", err)
	}
}

// What sweeps cost is asked of the database after one of them, and not before each round of tails.
func TestCostsAreAskedAfterSweeps(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 1}})
	client := fetchtest.InProcess(t, nil, func(c *fetch.Config) { c.RequestsPerMinute = 100 })
	log := &bytes.Buffer{}
	d := &Runner{Options: Options{Log: slog.New(slog.NewTextHandler(log, nil))}, org: &Organization{Store: h.Store, Client: client}}
	d.current.Store(&config.Config{Timezone: time.UTC, Schedules: map[string]string{"orders": "@every 1s"}})
	said := func() bool {
		d.notices.say(t.Context(), d)
		return strings.Contains(log.String(), "the schedules need more requests")
	}
	if said() {
		t.Error("said before anything was swept")
	}
	h.Exec(t, "INSERT INTO sync_streams (stream) VALUES ('orders') ON CONFLICT DO NOTHING")
	h.Exec(t, `INSERT INTO sync_runs (id, stream, kind, holder, outcome, verdict, sweep_id, requests, finished_at)
		OVERRIDING SYSTEM VALUE VALUES (1000, 'orders', 'sweep', 'test', 'succeeded', 'complete', 1000, 500, now())`)
	if said() {
		t.Error("asked although nothing was swept here")
	}
	d.notices.costed.Store(false)
	if !said() {
		t.Error("not asked after a sweep")
	}
}
