package webhook

import (
	"sync"
	"time"
)

const (
	// silenceSlack is how much later than its webhook a change may be dated.
	silenceSlack = time.Minute
	// silenceFor is how long a webhook may take after the feeds have told of a change: Polar repeats a failed one after seconds
	// to minutes.
	silenceFor = 15 * time.Minute
	// silenceAgain is how long nothing more is said of it.
	silenceAgain = 24 * time.Hour
)

// silence notices when no webhook comes although Polar's feeds tell of changes. All times are of Polar's clock.
type silence struct {
	mu    sync.Mutex
	came  time.Time // the last webhook, or when it was first asked
	since time.Time // when a later change was first told of; zero: there is none
	said  time.Time
}

func (s *silence) arrived(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came, s.since = now, time.Time{}
}

// lasts tells whether it is time to say that no webhook comes. told is the newest change that feeds tell of.
func (s *silence) lasts(told, now time.Time) (since time.Time, say bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.came.IsZero() {
		s.came = now
	}
	if !told.After(s.came.Add(silenceSlack)) {
		return s.came, false
	}
	if s.since.IsZero() {
		s.since = now
	}
	if now.Sub(s.since) < silenceFor || !s.said.IsZero() && now.Sub(s.said) < silenceAgain {
		return s.came, false
	}
	s.said = now
	return s.came, true
}
