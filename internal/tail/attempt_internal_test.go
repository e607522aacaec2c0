package tail

import (
	"errors"
	"testing"
	"time"

	"syncd/internal/mirror"
)

// A search that looks at the feeds meanwhile attempts something within an attempt: that it ends well does not hide that the other failed.
func TestAttemptWithinAnAttempt(t *testing.T) {
	t.Parallel()
	inner, outer := errors.New("inner"), errors.New("outer")
	for _, last := range []error{nil, outer} {
		s := &stream{run: &mirror.Run{}}
		s.attempt(func() error {
			s.attempt(func() error { return inner })
			return last
		})
		if !errors.Is(s.err, inner) {
			t.Errorf("the inner attempt failed and the outer one ended with %v: %v", last, s.err)
		}
	}
}

// A probe keeps its turn however long the round lasts, whether a sweep asked last, or the probe itself.
func TestTurnsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	swept := begun.Add(-time.Hour)
	for _, lasted := range []time.Duration{0, 2 * time.Hour} {
		s := &stream{round: &round{begun: begun, read: time.Now().Add(-lasted)}}
		s.at.Complete = time.Hour
		if at := s.lastAsked(Whole{}); !at.Equal(swept) {
			t.Errorf("after %v: swept at %v, the turn is that of %v", lasted, swept, at)
		}
		s.at.asked(swept.Add(time.Minute), Whole{}.Name(), 1)
		if at := s.lastAsked(Whole{}); !at.Equal(swept.Add(time.Minute)) {
			t.Errorf("after %v: asked at %v, the turn is that of %v", lasted, swept.Add(time.Minute), at)
		}
	}
}
