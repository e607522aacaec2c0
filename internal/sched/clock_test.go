package sched

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The clock is set while the scheduler runs: what goes by intervals is not moved, and what goes by the clock follows it.
func TestClockIsSetWhileTheSchedulerRuns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at, by  time.Duration // when the clock is set, and by how much; the bubble begins at midnight
		nightly []time.Duration
	}{
		"a day back":               {4 * time.Hour, -24 * time.Hour, []time.Duration{3 * time.Hour, 27 * time.Hour, 51 * time.Hour}},
		"a month back":             {4 * time.Hour, -31 * 24 * time.Hour, []time.Duration{3 * time.Hour, 27 * time.Hour, 51 * time.Hour}},
		"an hour back, before":     {2 * time.Hour, -time.Hour, []time.Duration{4 * time.Hour, 28 * time.Hour, 52 * time.Hour}},
		"an hour back, after":      {3*time.Hour + 30*time.Minute, -time.Hour, []time.Duration{3 * time.Hour, 28 * time.Hour, 52 * time.Hour}},
		"a second back, after":     {3*time.Hour + 500*time.Millisecond, -time.Second, []time.Duration{3 * time.Hour, 27*time.Hour + time.Second, 51*time.Hour + time.Second}},
		"an hour ahead, over it":   {2*time.Hour + 10*time.Minute + 10*time.Second, time.Hour, []time.Duration{2*time.Hour + 10*time.Minute + 50*time.Second, 26 * time.Hour, 50 * time.Hour}},
		"a day ahead":              {2*time.Hour + 10*time.Minute + 10*time.Second, 24 * time.Hour, []time.Duration{2*time.Hour + 10*time.Minute + 50*time.Second, 27 * time.Hour, 51 * time.Hour}},
		"a minute ahead, as hosts": {time.Minute, time.Minute, []time.Duration{3*time.Hour - time.Minute, 27*time.Hour - time.Minute, 51*time.Hour - time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				every, nightly := newRan(), newRan()
				var offset atomic.Int64
				s, stop := start(t, Config{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }, Jobs: []Job{
					{Name: "every", Spec: "@every 50s", Run: every.run}, {Name: "nightly", Spec: "0 3 * * *", Run: nightly.run},
				}})
				time.Sleep(tc.at)
				offset.Store(int64(tc.by))
				time.Sleep(52*time.Hour + time.Minute - tc.at)
				if next := s.Upcoming()["nightly"].Sub(time.Now().Add(tc.by)); next <= 0 || next > 24*time.Hour {
					t.Errorf("the next run is due in %v", next)
				}
				stop()
				if n, want := len(every.times()), int((52*time.Hour+time.Minute)/(50*time.Second)); n != want {
					t.Errorf("%d runs every 50 s, want %d", n, want)
				}
				if diff := cmp.Diff(tc.nightly, nightly.times()); diff != "" {
					t.Errorf("nightly runs (-want +got):\n%s", diff)
				}
			})
		})
	}
}
