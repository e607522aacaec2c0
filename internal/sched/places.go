package sched

import "context"

// Places bound how many of something run at once; nil = no bound.
type Places chan struct{}

// NewPlaces makes so many places.
func NewPlaces(n int) Places { return make(Places, n) }

// Take waits for a place, and returns whether there is one to free: not where ctx ends or stop is closed first.
func (p Places) Take(ctx context.Context, stop <-chan struct{}) bool {
	if p == nil {
		return false
	}
	select {
	case p <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-stop:
	}
	return false
}

// Free gives a place back.
func (p Places) Free() { <-p }
