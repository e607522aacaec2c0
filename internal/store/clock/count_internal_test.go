package clock

import (
	"testing"
	"time"
)

// A time is counted on from a stamp only while both clocks of the host say that it is new.
func TestCountingOnEnds(t *testing.T) {
	t.Parallel()
	got, at := time.Now(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := &Clock{at: at, got: got, told: at}
	for _, passed := range []time.Duration{0, time.Millisecond, Lasts - 1, Lasts, time.Hour} {
		counted, is := c.count(got.Add(passed))
		if want := passed < Lasts; is != want || is && counted.Sub(at) != max(passed.Truncate(time.Microsecond), time.Microsecond) {
			t.Errorf("%v later: %v, %v", passed, counted, is)
		}
	}
	asleep := got.Round(0) // the monotonic clock has stood still, and both are read without it
	for _, shown := range []time.Duration{time.Minute, -time.Minute} {
		c.got = asleep.Add(-shown)
		if counted, is := c.count(asleep); is {
			t.Errorf("the host's clock shows %v later, and it is %v", shown, counted)
		}
	}
	if counted, is := (&Clock{}).count(got); is {
		t.Errorf("%v without any stamp", counted)
	}
}

// A stamp that comes late lags behind what was counted on from the one before it. The times do not.
func TestCountingOnNeverGoesBack(t *testing.T) {
	t.Parallel()
	got, at := time.Now(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := &Clock{at: at, got: got, told: at.Add(time.Second)}
	for n := range 3 {
		if counted, is := c.count(got); !is || counted != at.Add(time.Second+time.Duration(n+1)*time.Microsecond) {
			t.Errorf("%v, %v after %v was told", counted, is, at.Add(time.Second))
		}
	}
}
