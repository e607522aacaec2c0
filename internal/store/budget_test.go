package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// Three processes that take what they can get have all of the rate together, and not a token more; a pause stops all of them.
func TestBudgetSharedByProcesses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	const rate, burst, step, steps = 100.0, 5, 20 * time.Millisecond, 8
	var processes []*store.Store
	var pools []interface{ Reset() }
	for range 3 {
		s := open(t, dsn, "polar")
		processes, pools = append(processes, s), append(pools, s.Pool())
	}
	now, taken := time.Now().Truncate(time.Microsecond), 0
	for i := range steps {
		pgtest.StopClock(t, dsn, now.Add(time.Duration(i)*step), pools...)
		var wg sync.WaitGroup
		var sum atomic.Int64
		for i, s := range processes {
			wg.Go(func() {
				for empty := 0; empty < 3 && sum.Load() < 1000; { // for one that waits, tokens are kept from the others
					grant, err := s.Budget().Take(t.Context(), store.BudgetAsk{
						Holder: fmt.Sprint("process ", i), Want: 2, Priority: 2, Rate: rate, Burst: burst,
						Budget: store.Budget{PerMinute: 6000, Pace: 6000, Used: 7, Requests: []int64{1, 2, 3, 4}, Paused: time.Second},
					})
					if err != nil {
						t.Error(err)
						return
					}
					sum.Add(int64(grant.Tokens))
					if grant.Tokens == 0 {
						empty++
					}
				}
			})
		}
		wg.Wait()
		taken += int(sum.Load())
		if most := burst + i*int(rate*step.Seconds()); taken != most {
			t.Errorf("%d tokens after %v, want %d", taken, time.Duration(i)*step, most)
		}
	}
	s := open(t, dsn, "polar")
	if err := s.Budget().Pause(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.Budget().Pause(t.Context(), time.Second); err != nil { // does not shorten it
		t.Fatal(err)
	}
	grant, err := s.Budget().Take(t.Context(), store.BudgetAsk{Holder: "another", Want: 1, Rate: rate, Burst: burst, Budget: store.Budget{Requests: []int64{0, 0, 0, 0}}})
	if err != nil || grant.Tokens != 0 || grant.Pause < 58*time.Second || grant.Sharers != 4 {
		t.Errorf("in a pause: %+v, %v", grant, err)
	}
	list, pause, err := s.Budget().Holders(t.Context())
	if err != nil || len(list) != 4 || pause < 55*time.Second {
		t.Fatalf("%+v, %v, %v", list, pause, err)
	}
	if b := list[1]; b.Holder != "process 0" || b.Age > time.Minute || b.PerMinute != 6000 || b.Used != 7 || b.Requests[3] != 4 || b.Paused != time.Second {
		t.Errorf("%+v", b)
	}
}
