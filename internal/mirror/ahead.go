package mirror

import (
	"context"
	"fmt"
	"iter"

	"syncd/internal/fetch"
)

// ahead reads the next page while the last one is being stored, so that Polar
// and Postgres do not wait for each other. One page is in hand and one on its
// way: that bounds the memory. scan is given a context of its own, which ends
// with the loop, and its goroutine has ended when the loop has.
func ahead(ctx context.Context, scan func(context.Context) iter.Seq2[fetch.Page, error]) iter.Seq2[fetch.Page, error] {
	type step struct {
		page fetch.Page
		err  error
	}
	return func(yield func(fetch.Page, error) bool) {
		outer := ctx
		ctx, stop := context.WithCancel(outer)
		steps := make(chan step)
		go func() {
			defer close(steps)
			give := func(s step) bool {
				select {
				case steps <- s:
					return true
				case <-ctx.Done():
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
		over := false
		for s := range steps {
			over = s.err != nil || s.page.Done
			if !yield(s.page, s.err) {
				return
			}
		}
		if !over && outer.Err() != nil { // the reader could no longer say so itself
			yield(fetch.Page{}, outer.Err())
		}
	}
}
