package mirror

import (
	"context"
	"fmt"
	"iter"
)

// ahead reads the next page while the last one is being stored, so that Polar
// and Postgres do not wait for each other. One page is in hand and one on its
// way: that bounds the memory, and what is read again after a kill. scan is
// given a context of its own, which ends with the loop, and its goroutine has
// ended when the loop has.
func ahead[T any](ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	type step struct {
		page T
		err  error
	}
	return func(yield func(T, error) bool) {
		outer := ctx
		ctx, stop := context.WithCancel(outer)
		steps := make(chan step)
		cut := false // the context ended before a page could be handed over
		go func() {
			defer close(steps)
			give := func(s step) bool {
				select {
				case steps <- s:
					return true
				case <-ctx.Done():
					cut = true
					return false
				}
			}
			defer func() {
				if p := recover(); p != nil {
					give(step{err: fmt.Errorf("bug in syncd: panic while reading: %v", p)})
				}
			}()
			for page, err := range scan(ctx) {
				if !give(step{page, err}) {
					return
				}
			}
		}()
		defer func() {
			stop()
			for range steps { // until it is closed
			}
		}()
		for s := range steps {
			if !yield(s.page, s.err) {
				return
			}
		}
		if cut { // the reader could no longer say so itself
			yield(*new(T), outer.Err())
		}
	}
}
