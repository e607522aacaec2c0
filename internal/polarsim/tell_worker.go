package polarsim

import (
	"math"
	"time"
)

// worker is the process that writes events and webhook deliveries: upstream both are jobs in a queue, which is late under load and stands still
// when nobody works on it (polarsource/polar, server/polar/worker). The rows that they tell of show at once. What happened before the world was made
// has long been told.
type worker struct {
	lag     Time
	stopped bool
	jobs    uint64 // so far: each draws its own lag
}

// untold is when a job is done that waits for a worker which stands still.
const untold = Time(math.MaxInt64)

// workerDone is when the worker will have done a job that is enqueued now.
func (w *World) workerDone() Time {
	if w.worker.stopped {
		return untold
	}
	if w.worker.lag == 0 {
		return w.now
	}
	w.worker.jobs++
	return w.now + Time(mix(w.seed^w.worker.jobs<<8)%uint64(w.worker.lag))
}

// SetFeedLag makes what is written from now on show up to so late in events and webhook deliveries.
func (w *World) SetFeedLag(lag time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker.lag = Time(lag.Microseconds())
}

// StopWorker has neither event nor delivery show of what happens from now on, until StartWorker.
func (w *World) StopWorker() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	w.worker.stopped = true
}

// StartWorker has the worker begin with what has piled up.
func (w *World) StartWorker() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker.stopped = false
	w.version++
	for i := range w.journal.live {
		if n := &w.journal.live[i]; n.shown == untold {
			n.shown = w.workerDone()
		}
	}
	for i := range w.hooks.deliveries {
		if d := &w.hooks.deliveries[i]; d.shown == untold {
			d.at = w.workerDone()
			d.shown = d.at
		}
	}
}
