package tail

import (
	"errors"
	"testing"

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
