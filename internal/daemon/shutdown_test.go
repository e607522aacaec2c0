package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The first signal asks the work to come to an end, and cuts it off only when its time is over.
func TestDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop, drained := make(chan struct{}), make(chan struct{})
		ctx, release := Draining(t.Context(), stop, DrainTimeout, func() { close(drained) })
		defer release()
		close(stop)
		<-drained
		began := time.Now()
		if ctx.Err() != nil {
			t.Fatal("the work is cut off at once")
		}
		<-ctx.Done()
		if took := time.Since(began); took != DrainTimeout {
			t.Errorf("cut off after %v, want %v", took, DrainTimeout)
		}
		if !errors.Is(InterruptionOr(ctx, context.Canceled), ErrInterrupted) {
			t.Error("the signal is not named as the cause")
		}
	})
}

// Work that has ended is not interrupted, and its error stays.
func TestReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, release := Interruptible(t.Context(), make(chan struct{}))
		release()
		synctest.Wait()
		failed := errors.New("failed")
		if err := InterruptionOr(ctx, failed); !errors.Is(err, failed) {
			t.Errorf("the error is %v", err)
		}
		if err := InterruptionOr(ctx, nil); err != nil {
			t.Errorf("no error became %v", err)
		}
	})
}
