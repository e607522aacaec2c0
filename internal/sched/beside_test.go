package sched

import (
	"context"
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
		if len(beside) != 3 || len(urgent) != 1 {
			t.Errorf("%d of 3 places and %d of 1 urgent place are taken by 8 jobs that are due", len(beside), len(urgent))
		}
		time.Sleep(3 * time.Hour)
		if len(beside) != 0 {
			t.Errorf("%d places are taken when all jobs have run", len(beside))
		}
	})
}
