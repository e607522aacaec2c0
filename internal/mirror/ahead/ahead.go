package ahead

import (
	"context"
	"fmt"
	"iter"
)

// Read reads on while pages are being stored, so that Polar and Postgres do not wait for each other. It yields all pages that
// are ready at once, up to most. At most twice as many are on their way, and fewer where a page weighs more than one: that bounds
// the memory, and what has to be read again after a kill. scan gets a context of its own, which ends with the loop; then its
// goroutine has ended, too.
//
// An error comes alone, with the value that scan yielded with it.
func Read[T any](ctx context.Context, most int, weight func(T) int, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		outer := ctx
		ctx, stop := context.WithCancel(outer)
		room := max(1, 2*most-2) // besides one that is being parsed, and one that has just been read
		r := &readAhead[T]{steps: make(chan step[T], room), taken: make(chan struct{}, room), weight: weight}
		go func() {
			defer close(r.steps)
			r.read(ctx, scan)
		}()
		defer func() {
			stop()
			// until it is closed
			for range r.steps {
			}
		}()
		for first := range r.steps {
			steps := r.ready(first, most)
			var pages []T
			for _, s := range steps {
				if s.err == nil {
					pages = append(pages, s.page)
				}
			}
			if len(pages) > 0 && !yield(pages, nil) {
				return
			}
			for _, s := range steps {
				if s.err != nil && !yield([]T{s.page}, s.err) {
					return
				}
				for range s.weight {
					<-r.taken
				}
			}
		}
		if r.cut { // the reader could not report that itself
			yield(nil, outer.Err())
		}
	}
}

// step is one value that scan yielded.
type step[T any] struct {
	page   T
	err    error
	weight int
}

// readAhead is the reading goroutine.
type readAhead[T any] struct {
	steps  chan step[T]
	taken  chan struct{} // weight of the pages that are on their way
	weight func(T) int
	cut    bool // the context ended before a page was handed over
}

func (r *readAhead[T]) read(ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) {
	defer func() {
		if p := recover(); p != nil {
			r.give(ctx, step[T]{err: fmt.Errorf("bug in syncd: panic while reading: %v", p)})
		}
	}()
	for page, err := range scan(ctx) {
		s := step[T]{page: page, err: err}
		if err == nil {
			s.weight = min(max(1, r.weight(page)), cap(r.taken))
		}
		if !r.give(ctx, s) {
			return
		}
	}
}

func (r *readAhead[T]) give(ctx context.Context, s step[T]) bool {
	for range s.weight {
		select {
		case r.taken <- struct{}{}:
		case <-ctx.Done():
			r.cut = true
			return false
		}
	}
	select {
	case r.steps <- s:
		return true
	case <-ctx.Done():
		r.cut = true
		return false
	}
}

// ready returns what is ready after the first step, up to an error.
func (r *readAhead[T]) ready(first step[T], most int) []step[T] {
	steps := []step[T]{first}
	for first.err == nil && len(steps) < most {
		select {
		case s, open := <-r.steps:
			if !open {
				return steps
			}
			if steps = append(steps, s); s.err != nil {
				return steps
			}
		default:
			return steps
		}
	}
	return steps
}

// Next reads the next page while the caller works on the last one. As with Read, scan's context ends with the loop, and so
// does its goroutine.
func Next[T any](ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for pages, err := range Read(ctx, 1, func(T) int { return 1 }, scan) {
			var page T
			if len(pages) > 0 {
				page = pages[0]
			}
			if !yield(page, err) {
				return
			}
		}
	}
}
