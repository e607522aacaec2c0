package stand

import "time"

// Mark is the newest time in a list that goes by time.
type Mark struct {
	At   time.Time `json:"at"`   // by Polar's clock
	Seen time.Time `json:"seen"` // when it was first seen, by the database's clock
}

// IsZero: nothing has been seen yet.
func (m Mark) IsZero() bool { return m.At.IsZero() }

// Reach moves the mark to a newer time. A time later than its request moves nothing: Polar has dated the row wrongly, or by a
// clock ahead of the database's, and then the row comes again. now is by the clock of the database.
func (m *Mark) Reach(at, asked, now time.Time) {
	if at.After(m.At) && !at.After(asked) {
		*m = Mark{at, now}
	}
}

// Since is where to read on: from before the mark, as long as rows with earlier dates may still show.
func (m Mark) Since(now time.Time, overlap time.Duration) time.Time {
	if now.Sub(m.Seen) > overlap+overlap/100 {
		return m.At
	}
	return m.At.Add(-overlap)
}

// Begin clears a mark in the future: an earlier syncd took it from an object that Polar dates in the future.
func (m *Mark) Begin(now time.Time) {
	if m.At.After(now) {
		*m = Mark{}
	}
}

// Until sets times in the future to now: they came from a clock that was set back since.
func Until(now time.Time, times ...*time.Time) {
	for _, t := range times {
		if t.After(now) {
			*t = now
		}
	}
}
