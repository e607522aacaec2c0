package webhook

import (
	"sync"
	"time"

	"syncd/internal/store/tails"
)

// queue keeps what webhooks have named until it is fetched, each object once. It never holds more than most.
type queue struct {
	most int

	mu      sync.Mutex
	waiting map[object]named
	filled  chan struct{} // holds a signal when something waits
}

// object is what one webhook names, however often it changes.
type object struct{ stream, filter, value string }

// named is the newest change of an object, and when the first webhook that named it came.
type named struct {
	change tails.Changed
	came   time.Time
}

func newQueue(most int) *queue {
	return &queue{most: most, waiting: map[object]named{}, filled: make(chan struct{}, 1)}
}

// add returns how many objects found no room. One that waits already takes none.
func (q *queue) add(list []named) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range list {
		o := object{n.change.Stream, n.change.Filter, n.change.Value}
		waits, is := q.waiting[o]
		if !is && len(q.waiting) >= q.most {
			dropped++
			continue
		}
		if is && waits.came.Before(n.came) {
			n.came = waits.came
		}
		if is && waits.change.At.After(n.change.At) {
			n.change = waits.change
		}
		q.waiting[o] = n
	}
	if len(q.waiting) > 0 {
		select {
		case q.filled <- struct{}{}:
		default:
		}
	}
	return dropped
}

// take empties the queue.
func (q *queue) take() (list []named) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range q.waiting {
		list = append(list, n)
	}
	clear(q.waiting)
	return list
}

// length is how many objects wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
