package daemon

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/config"
	"syncd/internal/polarsim"
	"syncd/internal/sched"
	"syncd/internal/worldtest"
)

// A thousand organizations are spread over their interval: no twentieth of it has many more than another.
func TestOrganizationsAreSpread(t *testing.T) {
	t.Parallel()
	var parts [20]int
	for n := range 1000 {
		at := OffsetOf(fmt.Sprintf("org_%04d", n))
		if at <= 0 || at > 1 {
			t.Fatalf("offset %v", at)
		}
		parts[min(19, int(at*20))]++
	}
	for i, n := range parts {
		if n < 25 || n > 80 {
			t.Errorf("%d of 1000 are in part %d of 20", n, i)
		}
	}
}

// After a takeover, the organizations are opened in the order in which the process that was killed would have made their rounds, beginning
// with those that it was at work on: of those that were due a lease before, one may not have ended. What can wait comes after all of them.
func TestOpeningsGoByAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const every, lease = 45 * time.Second, 30 * time.Second
		time.Sleep(7 * time.Second)
		places := sched.NewPlaces(0)
		killed := time.Now()
		due := map[int]time.Time{}
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		time.Sleep(lease)
		begin := func(n int, position func(*Runner) bool) {
			d := &Runner{Options: Options{Beside: Beside{opening: places, Now: time.Now, Offset: OffsetOf(fmt.Sprintf("org_%04d", n))}, Config: &config.Config{Tail: every, Lease: lease}}}
			due[n] = sched.Tick(every, d.Beside.Offset, killed.Add(-lease)).Add(every)
			all.Go(func() {
				if !position(d) {
					return
				}
				mu.Lock()
				order = append(order, n)
				mu.Unlock()
				places.Free()
			})
		}
		ctx := t.Context()
		begin(1000, func(d *Runner) bool { return d.Beside.opening.TakeAt(ctx, nil, afterOpenings) })
		for n := range 50 {
			begin(n, func(d *Runner) bool { return d.awaitOpening(ctx) })
		}
		synctest.Wait()
		places.Free()
		all.Wait()
		if len(order) != 51 || order[50] != 1000 {
			t.Fatalf("opened: %v", order)
		}
		if order = order[:50]; !slices.IsSortedFunc(order, func(a, b int) int { return due[a].Compare(due[b]) }) {
			t.Errorf("not by when they were due: %v", order)
		}
	})
}

// A round that did not come to its end is made at once by whoever takes over, and one that did is not.
func TestRoundsCutOffAreMadeAgain(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 1}})
	d := &Runner{Options: Options{Beside: Beside{Offset: .5}, Config: &config.Config{Tail: time.Hour}}, org: &Organization{Store: h.Store}}
	for _, c := range []struct {
		outcome string
		atStart bool
	}{{"", true}, {"'succeeded'", false}, {"NULL", true}, {"'partial'", false}, {"'interrupted'", true}, {"'failed'", true}} {
		if c.outcome != "" {
			h.Exec(t, "INSERT INTO sync_runs (stream, kind, holder, stamped_at, outcome, finished_at) SELECT 'tail', 'tail', '', now(), o, CASE WHEN o IS NOT NULL THEN now() END FROM (VALUES ("+c.outcome+"::text)) v(o)")
		}
		job, err := d.tailJob(t.Context())
		if err != nil || job.AtStart != c.atStart || c.outcome != "" && job.Last.IsZero() {
			t.Errorf("after a round that ended %q: at once %v, last %v, %v", c.outcome, job.AtStart, job.Last, err)
		}
	}
}
