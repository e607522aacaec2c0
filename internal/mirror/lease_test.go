package mirror_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// pageObserver tells of each page stored, and waits until it is let go on.
type pageObserver func(rows int)

func (pageObserver) RunStarted(string) {}

func (o pageObserver) PageStored(_ string, rows, _ int) { o(rows) }

func (pageObserver) RunFinished(mirror.Result) {}

// paused starts a run that stops after its first page, holding its lease, until let go on.
func (h *harness) paused(t *testing.T, change func(*catalog.Config)) (goOn func() mirror.Result) {
	t.Helper()
	stored, release := make(chan struct{}), make(chan struct{})
	first := true
	r := h.NewMirror(t, func(c *catalog.Config) {
		c.Observer = pageObserver(func(int) {
			if first {
				first = false
				close(stored)
				<-release
			}
		})
		if change != nil {
			change(c)
		}
	})
	done := make(chan mirror.Result, 1)
	go func() { done <- r.SweepOnce(t.Context(), "orders") }()
	select {
	case <-stored:
	case res := <-done:
		t.Fatalf("ended before its first page: %+v", res)
	}
	return func() mirror.Result { close(release); return <-done }
}

// Of two processes on one schema one works; the other stands by and says who works.
func TestResumeSecondDaemonStandsBy(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 120}})
	goOn := h.paused(t, nil)
	for _, wait := range []bool{false, true} {
		other := h.NewMirror(t, func(c *catalog.Config) { c.WaitForLease, c.LeaseTTL = wait, 300*time.Millisecond })
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		res := other.SweepOnce(ctx, "orders")
		cancel()
		holder := worldtest.Query[string](t, h, "SELECT holder FROM sync_runs ORDER BY id DESC LIMIT 1")
		busy, is := errors.AsType[*store.BusyError](res.Err)
		switch {
		case wait && res.Outcome != mirror.Interrupted: // the lease has 30 s to go, the context had not
			t.Errorf("waiting, then stopped: %+v", res)
		case !wait && (res.Outcome != mirror.Skipped || !is || busy.Holder != holder || busy.Left <= 0 || !errors.Is(res.Err, store.ErrBusy)):
			t.Errorf("%+v, the holder is %s", res, holder)
		}
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_runs"); n != 1 {
		t.Errorf("%d runs are on record, want the one that worked", n)
	}
	if res := goOn(); res.Outcome != mirror.Succeeded {
		t.Errorf("the first: %+v", res)
	}
	h.SyncAll(t, "orders")
	h.Equal(t, "orders")
}

// A waiting process does not wait for a lease that is being renewed.
func TestResumeWaitsForTheDeadOnly(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 120}})
	goOn := h.paused(t, func(c *catalog.Config) { c.LeaseTTL = time.Second })
	other := h.NewMirror(t, func(c *catalog.Config) { c.WaitForLease = true })
	if res := other.SweepOnce(t.Context(), "orders"); res.Outcome != mirror.Skipped {
		t.Errorf("%+v", res)
	}
	goOn()
}

// When the first dies, the second takes over once the lease has run out, and goes on where the first stopped. The
// first, should it come back to life, cannot write any more.
func TestResumeTakeover(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 200}})
	goOn := h.paused(t, func(c *catalog.Config) { c.LeaseTTL = time.Hour }) // renewed every 20 minutes: as good as dead
	h.Exec(t, "UPDATE sync_streams SET leased_until = now() + interval '400 milliseconds'")
	other := h.NewMirror(t, func(c *catalog.Config) { c.WaitForLease = true })
	began := time.Now()
	res := other.SweepOnce(t.Context(), "orders")
	if res.Outcome != mirror.Succeeded || !res.Resumed {
		t.Errorf("the taker: %+v", res)
	}
	if waited := time.Since(began); waited < 300*time.Millisecond {
		t.Errorf("it did not wait for the lease: %v", waited)
	}
	if late := goOn(); late.Outcome != mirror.Failed || !errors.Is(late.Err, store.ErrLeaseLost) {
		t.Errorf("the one that lost its lease: %+v", late)
	}
	if got := worldtest.Query[string](t, h, "SELECT string_agg(outcome, ' ' ORDER BY id) FROM sync_runs"); got != "interrupted succeeded" {
		t.Errorf("runs: %s", got)
	}
	h.Equal(t, "orders")
}
