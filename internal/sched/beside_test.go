package sched

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Schedulers of one process begin apart, and one that takes over from another keeps its ticks.
func TestOffset(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		offset          float64
		starts          time.Duration
		hourly, nightly []time.Duration
	}{
		"a quarter":           {.25, 0, []time.Duration{15 * time.Minute, 75 * time.Minute, 135 * time.Minute}, []time.Duration{3*time.Hour + 15*time.Minute}},
		"half":                {.5, 0, []time.Duration{30 * time.Minute, 90 * time.Minute, 150 * time.Minute}, []time.Duration{3*time.Hour + 30*time.Minute}},
		"a quarter, later":    {.25, 50 * time.Minute, []time.Duration{75 * time.Minute, 135 * time.Minute}, []time.Duration{3*time.Hour + 15*time.Minute}},
		"none, by the start":  {0, 50 * time.Minute, []time.Duration{111 * time.Minute}, []time.Duration{3 * time.Hour}},
		"begins between both": {.9, 3*time.Hour + 10*time.Minute, nil, []time.Duration{3*time.Hour + 54*time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hourly, nightly := newRan(), newRan()
				time.Sleep(tc.starts)
				s, stop := start(t, Config{Offset: tc.offset, Jobs: []Job{{Name: "hourly", Spec: "@every 1h", Run: hourly.run}, {Name: "nightly", Spec: "0 3 * * *", Run: nightly.run}}})
				time.Sleep(time.Minute)
				if err := s.Reschedule(map[string]string{"hourly": "@every 1h", "nightly": "0 3 * * *"}, nil, 0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(max(0, 4*time.Hour-tc.starts))
				stop()
				got := hourly.times()
				if diff := cmp.Diff(tc.hourly, got[:min(len(got), len(tc.hourly))], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("hourly (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.nightly, nightly.times()); diff != "" {
					t.Errorf("nightly (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func (p *Places) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free
}

// Jobs of two schedulers share their places. The urgent ones have places of their own.
func TestPlacesBeside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		beside, urgent := NewPlaces(3), NewPlaces(1)
		for range 2 {
			took := func(d time.Duration) func(context.Context) error {
				return func(context.Context) error { time.Sleep(d); return nil }
			}
			_, stop := start(t, Config{Parallel: 2, Beside: beside, UrgentBeside: urgent, Jobs: []Job{
				{Name: "a", Spec: "@daily", AtStart: true, Run: took(time.Hour)}, {Name: "b", Spec: "@daily", AtStart: true, Run: took(time.Hour)},
				{Name: "c", Spec: "@daily", AtStart: true, Run: took(time.Hour)}, {Name: "tail", Spec: "@every 5m", AtStart: true, Urgent: true, Run: took(time.Minute)},
			}})
			defer stop()
		}
		time.Sleep(time.Second)
		if beside.left() != 0 || urgent.left() != 0 {
			t.Errorf("%d of 3 places and %d of 1 urgent place are left by 8 jobs that are due", beside.left(), urgent.left())
		}
		time.Sleep(3 * time.Hour)
		if beside.left() != 3 {
			t.Errorf("%d of 3 places are free when all jobs have run", beside.left())
		}
	})
}

// firsts runs the first sweeps of many schedulers, and tells when each was done with all of them, in order.
func firsts(t *testing.T, places *Places, schedulers int, took func(scheduler int) time.Duration) (done []time.Duration) {
	t.Helper()
	const jobs = 10
	began := time.Now()
	done = make([]time.Duration, schedulers)
	left := make([]atomic.Int32, schedulers)
	for n := range schedulers {
		left[n].Store(jobs)
		cfg := Config{Parallel: 2, Beside: places}
		for j := range jobs {
			cfg.Jobs = append(cfg.Jobs, Job{Name: fmt.Sprint(j), Spec: "@weekly", AtStart: true, Run: func(context.Context) error {
				time.Sleep(took(n))
				if left[n].Add(-1) == 0 {
					done[n] = time.Since(began)
				}
				return nil
			}})
		}
		_, stop := start(t, cfg)
		defer stop()
		synctest.Wait()
	}
	time.Sleep(100 * time.Hour)
	return done
}

// One organization after the other is done with its first sweeps: half of them at half of the time.
func TestOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for n, at := range firsts(t, NewPlaces(4), 20, func(int) time.Duration { return time.Minute }) {
			// Two at once have two places each, for five minutes.
			if want := time.Duration(n/2+1) * 5 * time.Minute; at != want {
				t.Errorf("the %d. is done after %v, want %v", n+1, at, want)
			}
		}
	})
}

// What takes long keeps others waiting for its turn, and no longer.
func TestLongOnesLetOthersGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := firsts(t, NewPlaces(2), 3, func(n int) time.Duration {
			if n == 0 {
				return 4 * time.Minute
			}
			return time.Minute
		})
		if most := turnLasts + 15*time.Minute; done[1] > most || done[2] > most || done[0] < done[2] {
			t.Errorf("done after %v", done)
		}
	})
}

// What waits for a place is no goroutine.
func TestWaitingTakesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		places, hold := NewPlaces(3), make(chan struct{})
		for range 20 {
			cfg := Config{Beside: places}
			for j := range 30 {
				cfg.Jobs = append(cfg.Jobs, Job{Name: fmt.Sprint(j), Spec: "@weekly", AtStart: true, Run: func(context.Context) error { <-hold; return nil }})
			}
			_, stop := start(t, cfg)
			defer stop()
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 20+3 {
			t.Errorf("%d goroutines for 20 schedulers of which 3 jobs run", n)
		}
		close(hold)
	})
}

// Whoever waits for a place and gives up takes none from others.
func TestPlacesAreNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		places, stop := NewPlaces(1), make(chan struct{})
		if !places.Take(t.Context(), nil) {
			t.Fatal("no place")
		}
		got := make(chan bool, 2)
		go func() { got <- places.Take(t.Context(), stop) }()
		synctest.Wait()
		go func() { got <- places.Take(t.Context(), nil) }()
		synctest.Wait()
		close(stop)
		if <-got {
			t.Error("who was told to stop has a place")
		}
		places.Free()
		if !<-got {
			t.Error("who waits has no place")
		}
		places.Free()
		if places.free != 1 || len(places.waiting) != 0 {
			t.Errorf("%d places are free, %d are waited for", places.free, len(places.waiting))
		}
	})
}

// A scheduler that takes over makes up for a tick at which nobody ran the job, also where it has come since the last run was looked up; and
// it keeps the ticks that follow.
func TestMissedTickIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		last, starts time.Duration
		want         []time.Duration
	}{
		"late in an interval, and a tick since": {17 * time.Minute, 70 * time.Minute, []time.Duration{75 * time.Minute, 135 * time.Minute}},
		"less than an interval ago":             {20 * time.Minute, 76 * time.Minute, []time.Duration{76 * time.Minute, 135 * time.Minute}},
		"none since":                            {76 * time.Minute, 80 * time.Minute, []time.Duration{135 * time.Minute, 195 * time.Minute}},
		"the clock was set back":                {5 * time.Hour, 80 * time.Minute, []time.Duration{80 * time.Minute, 135 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				job := newRan()
				last := time.Now().Add(tc.last)
				time.Sleep(tc.starts)
				_, stop := start(t, Config{Offset: .25, Jobs: []Job{{Name: "tail", Spec: "@every 1h", Last: last, Urgent: true, Run: job.run}}})
				time.Sleep(2 * time.Hour)
				stop()
				if diff := cmp.Diff(tc.want, job.times()[:2]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
