package sched

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a scheduler inside a bubble; stop ends it and waits.
func start(t *testing.T, cfg Config) (s *Scheduler, stop func()) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

// ran collects when a job ran, relative to the start of the bubble.
type ran struct {
	began time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func newRan() *ran { return &ran{began: time.Now()} }

func (r *ran) run(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.began))
	return nil
}

func (r *ran) times() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Duration(nil), r.at...)
}

func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hourly, nightly, never := newRan(), newRan(), newRan()
		paris, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		_, stop := start(t, Config{Location: paris, Jobs: []Job{
			{Name: "hourly", Spec: "@every 1h", Run: hourly.run},
			{Name: "nightly", Spec: "0 3 * * *", Run: nightly.run}, // the bubble begins at midnight UTC
			{Name: "never", Spec: Off, AtStart: true, Run: never.run},
		}})
		time.Sleep(3*time.Hour + time.Minute)
		stop()
		want := map[string][]time.Duration{"hourly": {time.Hour, 2 * time.Hour, 3 * time.Hour}, "nightly": {2 * time.Hour}, "never": nil}
		got := map[string][]time.Duration{"hourly": hourly.times(), "nightly": nightly.times(), "never": never.times()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestAtStartRunsOnceWithoutJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRan()
		_, stop := start(t, Config{Jitter: time.Minute, Jobs: []Job{{Name: "a", Spec: "@every 1h", AtStart: true, Run: r.run}}})
		time.Sleep(time.Hour + 2*time.Minute)
		stop()
		at := r.times()
		if len(at) != 2 || at[0] != 0 {
			t.Fatalf("runs at %v, want the first at once and one an hour later", at)
		}
		if at[1] < time.Hour || at[1] >= time.Hour+time.Minute {
			t.Errorf("second run at %v, want it within a minute after 1h", at[1])
		}
	})
}

func TestJitterSpreadsAndEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRan()
		var jobs []Job
		for _, name := range strings.Fields("a b c d e f g h") {
			jobs = append(jobs, Job{Name: name, Spec: "@every 1h", Run: r.run})
		}
		_, stop := start(t, Config{Jitter: 10 * time.Minute, Jobs: jobs})
		time.Sleep(time.Hour + 10*time.Minute)
		at := r.times()
		if len(at) != len(jobs) {
			t.Fatalf("%d runs, want %d", len(at), len(jobs))
		}
		if at[0] == at[len(at)-1] {
			t.Errorf("all runs at %v", at[0])
		}
		time.Sleep(50*time.Minute + time.Second) // in the middle of the second jitter
		before := time.Now()
		stop()
		if waited := time.Since(before); waited != 0 {
			t.Errorf("stopping waited %v for jitter", waited)
		}
	})
}

func TestNoOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRan()
		var running, most atomic.Int32
		_, stop := start(t, Config{Jobs: []Job{{Name: "slow", Spec: "@every 1m", Run: func(ctx context.Context) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(150 * time.Second)
			return r.run(ctx)
		}}}})
		time.Sleep(10*time.Minute + time.Second)
		stop()
		if most.Load() != 1 {
			t.Errorf("%d runs at once", most.Load())
		}
		// From 1m to 3m30s; the ticks of 2m and 3m are skipped, and so on.
		if diff := cmp.Diff([]time.Duration{210 * time.Second, 390 * time.Second, 570 * time.Second}, r.times()[:3]); diff != "" {
			t.Errorf("ends of runs (-want +got):\n%s", diff)
		}
	})
}

func TestRetrySoon(t *testing.T) {
	for _, tc := range []struct {
		name, spec string
		fail       int
		min, max   []time.Duration // bounds of the waits between the runs
	}{
		{"doubling up to the maximum", "@daily", 4,
			[]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second},
			[]time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 60 * time.Second}},
		{"never later than the next tick", "@every 5s", 3,
			[]time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second},
			[]time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRan()
				s, stop := start(t, Config{RetryMin: 10 * time.Second, RetryMax: time.Minute, Jobs: []Job{
					{Name: "a", Spec: tc.spec, AtStart: true, Run: func(ctx context.Context) error {
						if err := r.run(ctx); err != nil {
							return err
						}
						if len(r.times()) <= tc.fail {
							return errors.New("failed")
						}
						return nil
					}},
				}})
				synctest.Wait()
				if next := s.Upcoming()["a"]; time.Until(next) > tc.max[0] {
					t.Errorf("the retry is due at %v, want it within %v", next, tc.max[0])
				}
				time.Sleep(4 * time.Minute)
				stop()
				at := r.times()
				if len(at) <= tc.fail {
					t.Fatalf("runs at %v, want at least %d", at, tc.fail+1)
				}
				for i := range tc.min {
					if wait := at[i+1] - at[i]; wait < tc.min[i] || wait > tc.max[i] {
						t.Errorf("wait %d is %v, want %v to %v", i+1, wait, tc.min[i], tc.max[i])
					}
				}
				if tc.spec == "@daily" && len(at) != tc.fail+1 {
					t.Errorf("%d runs, want none after the one that succeeded", len(at))
				}
			})
		})
	}
}

func TestPanicEndsTheRunAndNotTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRan()
		var out bytes.Buffer
		_, stop := start(t, Config{Log: slog.New(slog.NewTextHandler(&out, nil)), Jobs: []Job{{Name: "brittle", Spec: "@every 1m", Run: func(ctx context.Context) error {
			if err := r.run(ctx); err != nil {
				return err
			}
			panic("boom")
		}}}})
		time.Sleep(3*time.Minute + time.Second)
		stop()
		if n := len(r.times()); n != 3 {
			t.Errorf("%d runs, want 3: a panic must not keep the job from running again", n)
		}
		if log := out.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "job=brittle") {
			t.Errorf("the log does not name the panic and the job:\n%s", log)
		}
	})
}

func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most, runs atomic.Int32
		var jobs []Job
		for _, name := range strings.Fields("a b c d e f g") {
			jobs = append(jobs, Job{Name: name, Spec: "@daily", AtStart: true, Run: func(context.Context) error {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				time.Sleep(time.Second)
				runs.Add(1)
				return nil
			}})
		}
		_, stop := start(t, Config{Parallel: 3, Jobs: jobs})
		time.Sleep(time.Minute)
		stop()
		if most.Load() != 3 || runs.Load() != 7 {
			t.Errorf("%d at once, %d runs, want 3 and 7", most.Load(), runs.Load())
		}
	})
}

func TestStopAndDrain(t *testing.T) {
	for _, tc := range []struct {
		name string
		stop func(*Scheduler, context.CancelFunc)
		want time.Duration // from the request to the return of Run
	}{
		{"the end of the context reaches the job", func(_ *Scheduler, cancel context.CancelFunc) { cancel() }, 0},
		{"draining lets the job end by itself", func(s *Scheduler, _ context.CancelFunc) { s.Drain(); s.Drain() }, 40 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waiting := newRan()
				s, err := New(Config{Parallel: 1, Jobs: []Job{
					{Name: "a", Spec: "@daily", AtStart: true, Run: func(ctx context.Context) error {
						select {
						case <-time.After(time.Minute):
							return nil
						case <-ctx.Done():
							return ctx.Err()
						}
					}},
					{Name: "late", Spec: "@every 10s", Run: waiting.run}, // waits for the one slot
				}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var asked time.Time
				go func() {
					time.Sleep(20 * time.Second)
					asked = time.Now()
					tc.stop(s, cancel)
				}()
				if err := s.Run(ctx); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(asked); waited != tc.want {
					t.Errorf("Run returned after %v, want %v", waited, tc.want)
				}
				if n := len(waiting.times()); n != 0 {
					t.Errorf("%d runs of a job that waited for its turn, want none", n)
				}
				if err := s.Run(ctx); err == nil {
					t.Error("a second Run did not fail")
				}
			})
		})
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Jitter: -1, RetryMin: time.Minute, RetryMax: time.Second, Jobs: []Job{
		{Name: "a", Spec: "@daily"}, {Name: "a", Spec: "* * *"}, {Name: "c", Spec: "TZ=Mars"},
	}})
	for _, want := range []string{"jitter", "retry", "job a is there twice", "job a: schedule", "job c: schedule"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to name %q", err, want)
		}
	}
}

func TestUrgentJobsWaitForNobodyAndSoonRunsAJobOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tail, swept := newRan(), newRan()
		made := make(chan *Scheduler, 1)
		s, stop := start(t, Config{Jitter: 30 * time.Minute, Parallel: 1, Jobs: []Job{
			{Name: "long", Spec: "@every 1000h", AtStart: true, Run: func(ctx context.Context) error {
				<-ctx.Done()
				return nil
			}},
			{Name: "tail", Spec: "@every 1h", Urgent: true, Run: func(ctx context.Context) error {
				if len(tail.times()) == 0 {
					if s := <-made; !s.RunSoon("orders") || s.RunSoon("nothing") {
						t.Error("Soon does not know the jobs")
					}
				}
				return tail.run(ctx)
			}},
			{Name: "orders", Spec: "@every 1000h", Urgent: true, Run: swept.run},
		}})
		made <- s
		time.Sleep(2*time.Hour + time.Minute)
		stop()
		want := map[string][]time.Duration{"tail": {time.Hour, 2 * time.Hour}, "orders": {time.Hour}}
		got := map[string][]time.Duration{"tail": tail.times(), "orders": swept.times()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// Schedules change while the scheduler runs: sooner, off and on again; a wrong one changes nothing.
func TestReschedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newRan(), newRan()
		s, stop := start(t, Config{Jobs: []Job{{Name: "a", Spec: "@every 1h", Run: a.run}, {Name: "b", Spec: Off, AtStart: true, Run: b.run}}})
		defer stop()
		time.Sleep(90 * time.Minute)
		if err := s.Reschedule(map[string]string{"a": "@every 10m", "b": "nonsense"}, nil, 0); err == nil {
			t.Error("a wrong schedule is accepted")
		}
		time.Sleep(time.Hour) // a ran at 2h
		if err := s.Reschedule(map[string]string{"a": Off, "b": "@every 10m"}, nil, 0); err != nil {
			t.Error(err)
		}
		if next := s.Upcoming(); len(next) != 1 || next["b"].IsZero() || s.RunSoon("a") {
			t.Errorf("next %v", next)
		}
		time.Sleep(25 * time.Minute)
		if diff := cmp.Diff([]time.Duration{time.Hour, 2 * time.Hour}, a.times()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]time.Duration{160 * time.Minute, 170 * time.Minute}, b.times()); diff != "" {
			t.Error(diff)
		}
	})
}

// A job that was off runs at its tick, and not at the start, also where it gets its schedule before the scheduler runs.
func TestRescheduleBeforeTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRan()
		s, err := New(Config{Jobs: []Job{{Name: "a", Spec: Off, AtStart: true, Run: a.run}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Reschedule(map[string]string{"a": "@every 1h"}, nil, 0); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 90*time.Minute)
		defer stop()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{time.Hour}, a.times()); diff != "" {
			t.Error(diff)
		}
	})
}

// A job that waits for something comes again when it said, with no failure counted and its place given to others.
func TestAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits, other := newRan(), newRan()
		s, stop := start(t, Config{Parallel: 1, RetryMin: 40 * time.Minute, RetryMax: 40 * time.Minute, Jobs: []Job{
			{Name: "waits", Spec: "@every 1h", AtStart: true, Run: func(ctx context.Context) error {
				if err := waits.run(ctx); err != nil || len(waits.times()) > 2 {
					return err
				}
				return &Again{After: 40 * time.Second, For: "a lease"}
			}},
			{Name: "other", Spec: "@every 1m", Run: other.run},
		}})
		synctest.Wait()
		if next := s.Upcoming()["waits"]; time.Until(next) > 40*time.Second {
			t.Errorf("it is due at %v", next)
		}
		time.Sleep(59 * time.Minute)
		stop()
		if diff := cmp.Diff([]time.Duration{0, 40 * time.Second, 80 * time.Second}, waits.times()); diff != "" {
			t.Error(diff)
		}
		if n := len(other.times()); n != 59 && n != 58 {
			t.Errorf("the other job ran %d times, want 59", n)
		}
	})
}

// What waits for something runs at once when it is told that it may be there, also if it has just found out that it is not.
func TestHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRan()
		s, stop := start(t, Config{Jobs: []Job{{Name: "waits", Spec: "@daily", AtStart: true, Run: func(ctx context.Context) error {
			if err := r.run(ctx); err != nil {
				return err
			}
			time.Sleep(time.Second)
			return &Again{After: time.Hour, For: "a parent"}
		}}}})
		defer stop()
		time.Sleep(time.Minute)
		s.Hurry()
		time.Sleep(500 * time.Millisecond)
		s.Hurry()
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]time.Duration{0, time.Minute, time.Minute + time.Second}, r.times()); diff != "" {
			t.Error(diff)
		}
	})
}
