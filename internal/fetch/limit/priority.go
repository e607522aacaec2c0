package limit

import (
	"context"
	"slices"
)

// Priority says which requests go first when the budget does not suffice for all that wait.
//
// Among waiting requests the best priority goes first, and within one the order of arrival decides. Every tenth turn belongs to
// the request that has waited longest, whatever its priority. So a flood of refreshes leaves a tenth of the budget to the rest,
// and a request with n older ones before it goes after 10n+10 turns at the latest.
type Priority int

// The priorities, best first.
const (
	PriorityRefresh Priority = iota // somebody waits for one object
	PriorityTail                    // keeps the mirror fresh
	PrioritySweep                   // reads a list from end to end; the default
	PriorityExport                  // heavy for Polar, and never urgent
	priorities
)

// Priorities lists them, best first.
func Priorities() []Priority {
	return []Priority{PriorityRefresh, PriorityTail, PrioritySweep, PriorityExport}
}

// String is the name of a priority in metrics.
func (p Priority) String() string {
	return [priorities]string{"refresh", "tail", "sweep", "export"}[max(0, min(p, priorities-1))]
}

type priorityKey struct{}

// WithPriority returns a context whose requests wait for the budget with this priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, max(0, min(p, priorities-1)))
}

func priorityOf(ctx context.Context) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return p
	}
	return PrioritySweep
}

// fairTurn: every fairTurn-th turn belongs to the request that has waited longest.
const fairTurn = 10

// waiter is a request that waits for its turn.
type waiter struct {
	priority Priority
	wake     chan struct{} // holds one signal: something has changed, look again
}

// queue holds the waiters in order of arrival.
type queue struct {
	waiting []*waiter
	turns   int // turns given so far
}

func (q *queue) add(w *waiter) { q.waiting = append(q.waiting, w) }

func (q *queue) remove(w *waiter) {
	if i := slices.Index(q.waiting, w); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// best is the waiter whose turn is next; nil if nobody waits.
func (q *queue) best() *waiter {
	switch {
	case len(q.waiting) == 0:
		return nil
	case q.turns%fairTurn == fairTurn-1:
		return q.waiting[0]
	}
	return slices.MinFunc(q.waiting, func(a, b *waiter) int { return int(a.priority - b.priority) })
}

// rouse wakes the waiter whose turn is next.
func (q *queue) rouse() {
	if w := q.best(); w != nil {
		w.rouse()
	}
}

// rouseAll wakes all waiters.
func (q *queue) rouseAll() {
	for _, w := range q.waiting {
		w.rouse()
	}
}

func (w *waiter) rouse() {
	select {
	case w.wake <- struct{}{}:
	// It has a signal already.
	default:
	}
}
