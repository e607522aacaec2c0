package ahead

import (
	"context"
	"fmt"
	"iter"
)

// Each is how much a reader may usually have on its way for itself, whether it waits or is being stored. One page is being parsed besides,
// and one has just been read.
const Each = 6

// Room is what readers may have on their way: so much each for itself, and beyond that something that they share. The reader of a large
// list takes it while the others are done, or while Postgres takes long. Nil: Each, and nothing is shared.
type Room struct {
	each  int
	spare chan struct{}
}

// NewRoom makes room, by weight.
func NewRoom(each, spare int) *Room { return &Room{each, make(chan struct{}, spare)} }

// Read reads on while pages are being stored, so that Polar and Postgres do not wait for each other. It yields all pages that
// are ready at once, up to most. How many are on their way is bounded by room; what a reader has for itself, by twice most where that
// is less. They are fewer where a page weighs more than one: that bounds the memory, and what has to be read again
// after a kill. scan gets a context of its own,
// which ends with the loop; then its goroutine has ended, too.
//
// Until the channel that free returns is closed, it waits for as many as there is room for, since whoever stores them is busy. Nil: nobody is.
//
// An error comes alone, with the value that scan yielded with it.
func Read[T any](ctx context.Context, most int, room *Room, weight func(T) int, free func() <-chan struct{}, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		outer := ctx
		ctx, stop := context.WithCancel(outer)
		if room == nil {
			room = NewRoom(Each, 0)
		}
		own := min(max(1, 2*most-2), room.each)
		r := &readAhead[T]{steps: make(chan step[T], own+cap(room.spare)), taken: make(chan struct{}, own), spare: room.spare, weight: weight}
		go func() {
			defer close(r.steps)
			r.read(ctx, scan)
		}()
		defer func() {
			stop()
			// until it is closed
			for s := range r.steps {
				r.leave(s)
			}
		}()
		for first := range r.steps {
			if !r.hand(yield, r.ready(first, most, free)) {
				return
			}
		}
		if r.cut { // the reader could not report that itself
			yield(nil, outer.Err())
		}
	}
}

// step is one value that scan yielded.
type step[T any] struct {
	page      T
	err       error
	own, lent int // its weight, by where there was room for it
}

// readAhead is the reading goroutine.
type readAhead[T any] struct {
	steps  chan step[T]
	taken  chan struct{} // weight of the pages that are on their way
	spare  chan struct{}
	weight func(T) int
	cut    bool // the context ended before a page was handed over
}

func (r *readAhead[T]) read(ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) {
	defer func() {
		if p := recover(); p != nil {
			r.give(ctx, step[T]{err: fmt.Errorf("bug in syncd: panic while reading: %v", p)}, 0)
		}
	}()
	for page, err := range scan(ctx) {
		weight := 0
		if err == nil {
			weight = min(max(1, r.weight(page)), cap(r.taken))
		}
		if !r.give(ctx, step[T]{page: page, err: err}, weight) {
			return
		}
	}
}

func (r *readAhead[T]) give(ctx context.Context, s step[T], weight int) bool {
	for range weight {
		if !r.enter(ctx, &s) {
			r.cut = true
			r.leave(s)
			return false
		}
	}
	select {
	case r.steps <- s:
		return true
	case <-ctx.Done():
		r.cut = true
		r.leave(s)
		return false
	}
}

// enter waits for room for one weight more, preferably the reader's own.
func (r *readAhead[T]) enter(ctx context.Context, s *step[T]) bool {
	select {
	case r.taken <- struct{}{}:
		s.own++
		return true
	default:
	}
	select {
	case r.taken <- struct{}{}:
		s.own++
	case r.spare <- struct{}{}:
		s.lent++
	case <-ctx.Done():
		return false
	}
	return true
}

// leave gives back the room of a page.
func (r *readAhead[T]) leave(s step[T]) {
	for range s.lent {
		<-r.spare
	}
	for range s.own {
		<-r.taken
	}
}

// hand yields pages, and then an error that follows them.
func (r *readAhead[T]) hand(yield func([]T, error) bool, steps []step[T]) bool {
	defer func() {
		for _, s := range steps {
			r.leave(s)
		}
	}()
	var pages []T
	for _, s := range steps {
		if s.err == nil {
			pages = append(pages, s.page)
		}
	}
	if len(pages) > 0 && !yield(pages, nil) {
		return false
	}
	last := steps[len(steps)-1]
	return last.err == nil || yield([]T{last.page}, last.err)
}

// ready returns what is ready after the first step, up to an error.
func (r *readAhead[T]) ready(first step[T], most int, free func() <-chan struct{}) []step[T] {
	steps := []step[T]{first}
	for len(steps) < most && steps[len(steps)-1].err == nil {
		s, is := r.next(free)
		if !is {
			break
		}
		steps = append(steps, s)
	}
	return steps
}

// next returns a step that is ready, or comes while whoever stores is busy and there is room for it.
func (r *readAhead[T]) next(free func() <-chan struct{}) (s step[T], is bool) {
	select {
	case s, is = <-r.steps:
		return s, is
	default:
	}
	if free == nil || len(r.taken) == cap(r.taken) {
		return s, false
	}
	select {
	case s, is = <-r.steps:
	case <-free():
	}
	return s, is
}

// Next reads the next page while the caller works on the last one. As with Read, scan's context ends with the loop, and so
// does its goroutine.
func Next[T any](ctx context.Context, scan func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for pages, err := range Read(ctx, 1, nil, func(T) int { return 1 }, nil, scan) {
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
