package sched

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"
)

// turnLasts is how long a scheduler keeps its position among others while it always has something to run.
const turnLasts = 10 * time.Minute

// lane is what waits for places of one kind, in order, and what has them. The lock of the scheduler guards it.
//
// Of several schedulers, who began to wait first comes first, until all that it has to run has run. So at a first start of many
// organizations one after the other is complete, rather than all of them at the end; an organization takes about as long as if it were
// alone. One that is not done after turnLasts goes behind those that wait then: a large one does not keep small ones waiting for hours.
type lane struct {
	places *Places
	most   int       // jobs that run at once; 0 = all
	queue  []*job    // that are due
	taken  int       // places, by jobs that run
	wish   *wish     // for a further place; nil = none
	at     uint64    // position among other schedulers; 0 = none
	since  time.Time // when it got the first place in that position; zero = none
}

func (s *Scheduler) laneOf(j *job) *lane {
	if j.Urgent {
		return &s.urgent
	}
	return &s.ordinary
}

// tick: the tick of a job has come. The caller holds the lock, as of the following functions.
func (s *Scheduler) tick(j *job, now time.Time) {
	switch {
	case j.state != idle:
		s.cfg.Log.Debug("tick skipped: the job is still running", "job", j.Name)
	case j.Urgent || s.jitter <= 0:
		s.enqueue(j)
	default:
		j.state, j.at = delayed, now.Add(rand.N(s.jitter))
	}
}

// enqueue has a job run as soon as there is a place: see start.
func (s *Scheduler) enqueue(j *job) {
	j.state = queued
	l := s.laneOf(j)
	l.queue = append(l.queue, j)
}

// start runs the first jobs of a lane for which there are places, and has its wish for another place if there are more.
func (s *Scheduler) start(l *lane) {
	for s.open && !s.stopping() && len(l.queue) > 0 && l.wish == nil && (l.most == 0 || l.taken < l.most) {
		if l.at == 0 || !l.since.IsZero() && time.Since(l.since) >= turnLasts {
			l.at, l.since = l.places.position(), time.Time{}
		}
		w := &wish{position: l.at}
		w.granted = func() bool { return s.granted(l, w) }
		if !l.places.take(w) {
			l.wish = w
			return
		}
		s.run(l)
	}
	if l.taken == 0 && len(l.queue) == 0 {
		l.at, l.since = 0, time.Time{}
	}
}

// granted runs the first job in a place that is free now. It is called without the lock.
func (s *Scheduler) granted(l *lane, w *wish) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.wish != w {
		return false
	}
	l.wish = nil
	if !s.open || len(l.queue) == 0 || s.stopping() {
		return false
	}
	s.run(l)
	s.start(l)
	return true
}

// run runs the first job of a lane, which has a place.
func (s *Scheduler) run(l *lane) {
	j := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	if l.taken++; l.since.IsZero() {
		l.since = time.Now()
	}
	j.state, j.hurries = running, s.hurries
	s.running.Go(func() {
		err := s.guarded(j)
		s.ended(l, j, err) // before the place is free: what this scheduler wishes may be the first
		l.places.Free()
	})
}

// errPanicked: the job is left to its next tick.
var errPanicked = errors.New("panicked")

func (s *Scheduler) guarded(j *job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Log.Error("job panicked", "job", j.Name, "error", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	if s.stopping() {
		return nil
	}
	return j.Run(s.ctx)
}

// ended says what becomes of a job after a run.
func (s *Scheduler) ended(l *lane, j *job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.taken--
	now := time.Now()
	again, waits := errors.AsType[*Again](err)
	switch {
	case waits:
		j.state, j.at = waiting, now.Add(again.After)
		if j.hurries != s.hurries {
			j.at = now
		}
	case err == nil:
		j.state, j.failures = idle, 0
	case errors.Is(err, errPanicked):
		j.state = idle
	default:
		j.failures++
		j.state = idle
		if wait := s.backoff(j.failures); wait < j.upcoming(now) { // the next tick does not come earlier, and the job is not off now
			j.state, j.at = failing, now.Add(wait)
			if !s.stopping() {
				s.cfg.Log.Info("job runs again soon", "job", j.Name, "failures", j.failures, "in", wait.Round(time.Millisecond))
			}
		}
	}
	s.start(l)
	s.look()
}

// close lets no further job start.
func (s *Scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	for _, l := range []*lane{&s.urgent, &s.ordinary} {
		if l.wish != nil {
			l.places.withdraw(l.wish)
			l.wish = nil
		}
		l.queue = nil
	}
}
