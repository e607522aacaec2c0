package budget_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/budget"
	"syncd/internal/store/pg"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A process that has ended no longer holds the others to its pace, and one that lives does.
func TestBudgetOfAProcessThatHasEnded(t *testing.T) {
	t.Parallel()
	shared := budget.New(pgtest.Pool(t, pgtest.Migrated(t)))
	take := func(holder string, burst int) int {
		t.Helper()
		grant, err := shared.Take(t.Context(), budget.Ask{Holder: holder, Want: burst, Priority: 2, Rate: 1e6, Burst: burst, Budget: budget.Budget{Requests: []int64{0, 0, 0, 0}}})
		if err != nil {
			t.Fatal(err)
		}
		return grant.Tokens
	}
	take("slow", 2)
	if n := take("other", 50); n > 2 {
		t.Errorf("%d tokens beside a process that would let 2 gather", n)
	}
	if err := shared.Leave(t.Context(), "slow"); err != nil {
		t.Fatal(err)
	}
	if n := take("other", 50); n <= 2 {
		t.Errorf("%d tokens after it has ended", n)
	}
	if list, _, err := shared.Holders(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
}

// Three processes that take what they can get have all of the rate together, and not a token more; a pause stops all of them.
func TestBudgetSharedByProcesses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	const rate, burst, step, steps = 100.0, 5, 20 * time.Millisecond, 8
	var processes []*pg.Pool
	var pools []interface{ Reset() }
	for range 3 {
		pool := pgtest.Pool(t, dsn)
		processes, pools = append(processes, pool), append(pools, pool)
	}
	now, taken := time.Now().Truncate(time.Microsecond), 0
	for i := range steps {
		pgtest.StopClock(t, dsn, now.Add(time.Duration(i)*step), pools...)
		var wg sync.WaitGroup
		var sum atomic.Int64
		for i, pool := range processes {
			wg.Go(func() {
				for empty := 0; empty < 3 && sum.Load() < 1000; { // for one that waits, tokens are kept from the others
					grant, err := budget.New(pool).Take(t.Context(), budget.Ask{
						Holder: fmt.Sprint("process ", i), Want: 2, Priority: 2, Rate: rate, Burst: burst,
						Budget: budget.Budget{PerMinute: 6000, Pace: 6000, Used: 7, Requests: []int64{1, 2, 3, 4}, Paused: time.Second},
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
	pool := pgtest.Pool(t, dsn)
	if err := budget.New(pool).Pause(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := budget.New(pool).Pause(t.Context(), time.Second); err != nil { // does not shorten it
		t.Fatal(err)
	}
	grant, err := budget.New(pool).Take(t.Context(), budget.Ask{Holder: "another", Want: 1, Rate: rate, Burst: burst, Budget: budget.Budget{Requests: []int64{0, 0, 0, 0}}})
	if err != nil || grant.Tokens != 0 || grant.Pause < 58*time.Second || grant.Sharers != 4 {
		t.Errorf("in a pause: %+v, %v", grant, err)
	}
	list, pause, err := budget.New(pool).Holders(t.Context())
	if err != nil || len(list) != 4 || pause < 55*time.Second {
		t.Fatalf("%+v, %v, %v", list, pause, err)
	}
	if b := list[1]; b.Holder != "process 0" || b.Age > time.Minute || b.PerMinute != 6000 || b.Used != 7 || b.Requests[3] != 4 || b.Paused != time.Second {
		t.Errorf("%+v", b)
	}
}

// Tokens, pauses and other processes of before do not keep requests back after the clock was set back.
func TestBudgetSurvivesTheSettingBackOfTheClock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool := pgtest.Pool(t, dsn)
	ask := budget.Ask{Holder: "me", Want: 2, Priority: 2, Rate: 1000, Burst: 2, Budget: budget.Budget{Requests: []int64{0, 0, 0, 0}}}
	take := func(holder string, want bool) {
		t.Helper()
		ask.Holder = holder
		for range 50 {
			grant, err := budget.New(pool).Take(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			if got := grant.Tokens > 0; got == want {
				return
			}
		}
		t.Errorf("%s: tokens, want them: %v", holder, want)
	}
	take("me", true)
	if err := budget.New(pool).Pause(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	take("dead", false) // it waits for tokens, and never comes again
	pgtest.SetClock(t, dsn, -time.Hour, pool)
	take("me", true)
	take("me", true) // the bucket is filled again
	grant, err := budget.New(pool).Take(t.Context(), ask)
	if err != nil || grant.Sharers != 1 {
		t.Errorf("%d share the budget (%v), want 1: the other asked before", grant.Sharers, err)
	}
	if err := budget.New(pool).Pause(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	take("me", false)
	if _, pause, err := budget.New(pool).Holders(t.Context()); err != nil || pause <= 0 || pause > time.Minute {
		t.Errorf("a pause of %v (%v), want one of a minute", pause, err)
	}
}
