package polarsim

import (
	"math"
	"slices"
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

// untold is the end of a job that waits for a stopped worker.
const untold = Time(math.MaxInt64)

// workerDone is when the worker finishes a job that is enqueued now.
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

// SetFeedLag delays events and webhook deliveries of later writes, each by a random time up to lag.
func (w *World) SetFeedLag(lag time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker.lag = Time(lag.Microseconds())
}

// StopWorker stops the worker: later writes show in neither events nor deliveries until StartWorker.
func (w *World) StopWorker() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	w.worker.stopped = true
}

// StartWorker starts the worker again, with the jobs that have piled up.
func (w *World) StartWorker() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker.stopped = false
	w.version++
	w.hooks.outbox.signal()
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

// FinishWork lets the worker do at once all that is enqueued, and later jobs without delay.
func (w *World) FinishWork() {
	w.SetFeedLag(0)
	w.StartWorker()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	for i := range w.journal.live {
		n := &w.journal.live[i]
		n.shown = min(n.shown, w.now)
	}
	for i := range w.hooks.deliveries {
		d := &w.hooks.deliveries[i]
		d.at, d.shown = min(d.at, w.now), min(d.shown, w.now)
	}
}

// OwesEvents tells whether events wait for the worker: they will be listed, with their own time, though nothing changes any more.
func (w *World) OwesEvents() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.ContainsFunc(w.journal.live, func(n note) bool { return n.shown > w.now })
}
