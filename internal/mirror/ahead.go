package mirror

import (
	"context"
	"fmt"
	"iter"
)

// ahead reads on while what was read is being stored, so that Polar and
// Postgres do not wait for each other, and gives all pages that are ready at
// once, up to most. As many again may have been read meanwhile: that bounds the
// memory, and what is read again after a kill. scan is given a context of its own,
// which ends with the loop, and its goroutine has ended when the loop has.
//
// An error comes by itself, with what scan gave along with it.
func ahead[T any](ctx context.Context, most int, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		outer := ctx
		ctx, stop := context.WithCancel(outer)
		r := &readAhead[T]{steps: make(chan step[T], most-1)} // and one in its hand
		go func() {
			defer close(r.steps)
			r.read(ctx, scan)
		}()
		defer func() {
			stop()
			for range r.steps { // until it is closed
			}
		}()
		for first := range r.steps {
			pages, last := []T{first.page}, first
			for more := true; more && last.err == nil && len(pages) < most; {
				select {
				case s, open := <-r.steps:
					if more = open; open {
						last = s
						if s.err == nil {
							pages = append(pages, s.page)
						}
					}
				default:
					more = false
				}
			}
			if first.err == nil && !yield(pages, nil) {
				return
			}
			if last.err != nil && !yield([]T{last.page}, last.err) {
				return
			}
		}
		if r.cut { // the reader could no longer say so itself
			yield(nil, outer.Err())
		}
	}
}

type step[T any] struct {
	page T
	err  error
}

// readAhead is the goroutine that reads.
type readAhead[T any] struct {
	steps chan step[T]
	cut   bool // the context ended before a page could be handed over
}

func (r *readAhead[T]) read(ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) {
	defer func() {
		if p := recover(); p != nil {
			r.give(ctx, step[T]{err: fmt.Errorf("bug in syncd: panic while reading: %v", p)})
		}
	}()
	for page, err := range scan(ctx) {
		if !r.give(ctx, step[T]{page, err}) {
			return
		}
	}
}

func (r *readAhead[T]) give(ctx context.Context, s step[T]) bool {
	select {
	case r.steps <- s:
		return true
	case <-ctx.Done():
		r.cut = true
		return false
	}
}
