package daemon

import (
	"context"
	"errors"
	"time"
)

// DrainTimeout is how long runs may take to finish their current pages after the first signal. Closing everything else comes on
// top; together it stays within 10 s.
const DrainTimeout = 7 * time.Second

// ErrInterrupted is the cause of a context that the first signal has ended.
var ErrInterrupted = errors.New("interrupted by a signal")

// Interruptible returns a context that ends when stop is closed, for work that may be dropped at any point.
func Interruptible(ctx context.Context, stop <-chan struct{}) (interruptible context.Context, release func()) {
	return Draining(ctx, stop, 0, func() {})
}

// Draining returns a context for work that ends when drain asks it to. It calls drain when stop is closed. It ends work that
// still runs after the given time, or when ctx ends. release waits for the watching goroutine.
func Draining(ctx context.Context, stop <-chan struct{}, within time.Duration, drain func()) (draining context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-stop:
		case <-ctx.Done():
			return
		}
		drain()
		timer := time.NewTimer(within)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(ErrInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-watched }
}

// DrainAt calls drain when at is received from. release waits for the watching goroutine; then drain is not called any more.
func DrainAt(at <-chan time.Time, drain func()) (release func()) {
	released, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-at:
			drain()
		case <-released:
		}
	}()
	return func() { close(released); <-watched }
}

// InterruptionOr returns the signal that ended ctx, in place of the error that followed from it. ctx may have been released
// since.
func InterruptionOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}
