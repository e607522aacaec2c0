package daemon

import (
	"errors"
	"slices"
	"testing"
	"time"

	"syncd/internal/config"
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
