package sched

import (
	"context"
	"slices"
	"sync"
)

// Places bound how many of something run at once; nil = no bound. Who waits for a place is an entry in a list, and needs no goroutine.
type Places struct {
	mu      sync.Mutex
	free    int
	last    uint64  // the last position that was given
	waiting []*wish // in order of their positions
}

// wish is that of somebody who waits for a place.
type wish struct {
	position uint64
	// granted takes the place over; false if it is not wanted any more. It is called once, without a lock, by whoever frees a place.
	granted func() bool
}

// NewPlaces makes so many places.
func NewPlaces(n int) *Places { return &Places{free: n} }

// position is one behind all that were given before.
func (p *Places) position() uint64 {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return p.last
}

// take takes a place at once, if one is free. Otherwise the wish is granted later: those of an earlier position first.
func (p *Places) take(w *wish) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free > 0 {
		p.free--
		return true
	}
	at, _ := slices.BinarySearchFunc(p.waiting, w.position+1, func(w *wish, position uint64) int {
		if w.position < position {
			return -1
		}
		return 1
	})
	p.waiting = slices.Insert(p.waiting, at, w)
	return false
}

// withdraw takes a wish back; false if it has been granted.
func (p *Places) withdraw(w *wish) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.waiting, w)
	if at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
	}
	return at >= 0
}

// Take waits for a place, and returns whether there is one to free: not where ctx ends or stop is closed first.
func (p *Places) Take(ctx context.Context, stop <-chan struct{}) bool {
	return p.TakeAt(ctx, stop, p.position())
}

// TakeAt does so in a position that the caller has chosen. Places whose positions are chosen are not taken by Take, nor by schedulers.
func (p *Places) TakeAt(ctx context.Context, stop <-chan struct{}, position uint64) bool {
	if p == nil {
		return false
	}
	granted := make(chan struct{})
	w := &wish{position: position, granted: func() bool { close(granted); return true }}
	if p.take(w) {
		return true
	}
	select {
	case <-granted:
		return true
	case <-ctx.Done():
	case <-stop:
	}
	if !p.withdraw(w) {
		p.Free()
	}
	return false
}

// Free gives a place back, to the first who waits for one.
func (p *Places) Free() {
	if p == nil {
		return
	}
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			p.free++
			p.mu.Unlock()
			return
		}
		w := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.mu.Unlock()
		if w.granted() {
			return
		}
	}
}
