package webhook

import (
	"context"
	"log/slog"
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

// Silence notices when no webhook of an organization comes although Polar's feeds tell of changes. All times are of Polar's clock. The zero
// value has been asked nothing.
type Silence struct {
	mu    sync.Mutex
	came  time.Time // the last webhook, or when it was first asked
	since time.Time // when a later change was first told of; zero: there is none
	said  time.Time
}

// Arrived: a webhook with a valid signature has come, to this process or another.
func (s *Silence) Arrived(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came, s.since = now, time.Time{}
}

// Told passes on the newest change that Polar's feeds have told of. If no webhook comes although there are changes, the log says so.
func (s *Silence) Told(ctx context.Context, log *slog.Logger, at, now time.Time) {
	if since, say := s.lasts(at, now); say {
		log.WarnContext(ctx, "no webhook arrives although Polar tells of changes: look at the endpoint at Polar, whether it is enabled, where it sends to, and which events",
			"since", since.UTC().Format(time.RFC3339), "newest_change", at.UTC().Format(time.RFC3339))
	}
}

// lasts tells whether it is time to say that no webhook comes. told is the newest change that feeds tell of.
func (s *Silence) lasts(told, now time.Time) (since time.Time, say bool) {
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
