package daemon

import (
	"errors"
	"testing"
	"testing/synctest"
)

// Jobs wait while Polar cannot be read from, also when that was possible before, and end with the daemon.
func TestJobsWaitUntilPolarCanBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAccess(), make(chan struct{})
		answers := make(chan bool, 1)
		wait := func() {
			go func() { answers <- a.waitUntilGranted(t.Context(), stop) }()
			synctest.Wait()
		}
		if wait(); len(answers) > 0 {
			t.Error("a job begins before Polar was asked")
		}
		a.note(nil, "")
		if !<-answers {
			t.Error("a job is not let go on")
		}
		if wait(); !<-answers {
			t.Error("a job waits although Polar can be read from")
		}
		a.note(errors.New("refused"), "auth")
		if wait(); len(answers) > 0 {
			t.Error("a job begins although the token is refused")
		}
		close(stop)
		if <-answers {
			t.Error("a job begins although the daemon ends")
		}
	})
}
