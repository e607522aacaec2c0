package limit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Polar counts requests per organization in fixed windows of 60 s. It first counts a token that it has not seen for 300 s in a
// smaller bucket, 60 requests a minute, until one request has been authenticated (polarsource/polar, server/polar/rate_limit.py).
const (
	// Window is the length of one of Polar's windows.
	Window = 60 * time.Second
	// spread: requests that left evenly may arrive closer together by window/spread.
	spread = 600
	// recognized is how many windows a token stays known, less a margin.
	recognized = 4.8
)

// Limiter lets requests through one by one, within the budget and in order of priority, and none while Polar demands a pause. The
// first request of a cold client leaves alone. So does the first after a pause: one request finds out that a window is used up,
// and not all of them.
//
// No goroutine serves the queue. The waiter whose turn is next keeps the time. The others sleep until somebody who leaves, or who
// changes what they wait for, wakes them.
type Limiter struct {
	window   time.Duration
	maxPause time.Duration
	log      *slog.Logger

	mu          sync.Mutex
	queue       queue
	bucket      *rate.Limiter // nil = no budget
	shared      *shared       // nil = the budget is that of this process alone
	alone       bool          // a request that leaves alone is on its way
	probe       bool          // the next request goes alone: a pause has ended
	warmUntil   time.Time
	phase       phase
	pace        pace
	pausedUntil time.Time
	paused      time.Duration // sum of the pauses
	used        usage
	sent        [priorities]int64
	rateLimited int64

	patience time.Duration // how long requests wait in an outage; 0 = not at all
	backoff  func(attempt int) time.Duration
	down     outage
	failures int       // requests that failed in an outage under way, since the start
	answered time.Time // when Polar last answered anything; zero = never
}

// Config says how much may be sent, and how long requests wait. Fill in every field but PerMinute and Patience.
type Config struct {
	PerMinute int                             // no window holds more requests; 0 or less = unlimited
	Window    time.Duration                   // of Polar
	MaxPause  time.Duration                   // caps the pause that a refusal demands
	Patience  time.Duration                   // with a Polar that is away; 0 = failed requests do not wait for it
	Backoff   func(attempt int) time.Duration // the wait before the next attempt to reach a Polar that is away
	Log       *slog.Logger
}

// New makes a Limiter.
func New(cfg Config) *Limiter {
	l := &Limiter{window: cfg.Window, maxPause: cfg.MaxPause, log: cfg.Log, patience: cfg.Patience, backoff: cfg.Backoff}
	l.used.window = cfg.Window
	l.pace = newPace(max(0, cfg.PerMinute), cfg.Window)
	if l.pace.budget > 0 {
		limit, burst := bucketOf(l.pace.now, l.window, 0)
		l.bucket = rate.NewLimiter(limit, burst)
	}
	return l
}

// bucketOf is a token bucket from which at most n requests leave in any window. A full bucket of b tokens and a refill of r a
// second give b + r*window - 1. late is how long after it was given a token may be used.
func bucketOf(n int, window, late time.Duration) (rate.Limit, int) {
	burst := max(1, n/60)
	return rate.Limit(float64(n-burst+1) / (window + window/spread + late).Seconds()), burst
}

// Outcome is what an attempt tells about the limits.
type Outcome int

// The outcomes.
const (
	Silent   Outcome = iota // no answer
	Answered                // an answer that does not tell whether the limits let the attempt through
	Granted                 // the limits let it through
	Refused                 // the limits refused it
)

// Answer is the outcome of an attempt.
type Answer struct {
	Outcome Outcome
	Wait    time.Duration // that the answer demands; 0 = none
	Away    error         // why Polar gave no answer; nil where it gave one, or where nobody waits for it any more
}

// Verdict is what an answer means for the attempts that follow.
type Verdict struct {
	Waits   bool // the attempt failed in an outage, so the next one waits for its end
	Lasting bool // the outage was under way already, so the failure says nothing about the request
}

// forever is a wait that only a wake-up ends.
const forever = time.Duration(1<<63 - 1)

// WaitTurn waits until a request may leave. If lead is true it leaves alone, and the others wait for its outcome.
func (l *Limiter) WaitTurn(ctx context.Context) (lead bool, err error) {
	w := &waiter{priority: priorityOf(ctx), wake: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	failures := l.failures
	l.queue.add(w)
	defer func() {
		l.queue.remove(w)
		l.queue.rouse()
	}()
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		now, wait, taken := time.Now(), forever, false
		l.tell(ctx, now)
		if err := l.worn(ctx, now, failures); err != nil {
			return false, err
		}
		if l.queue.best() == w {
			if wait = l.gate(now); wait <= 0 {
				wait, taken = l.token(ctx, now, w.priority)
			}
		}
		if taken {
			break
		}
		wait = l.watch(ctx, now, wait)
		l.mu.Unlock()
		w.sleep(ctx, wait)
		l.mu.Lock()
	}
	now := time.Now()
	l.queue.turns++
	l.sent[w.priority]++
	l.used.add(now, 1)
	if lead = l.probe || now.After(l.warmUntil); lead {
		l.alone, l.probe = true, false
	}
	return lead, nil
}

// gate is how long no request at all may leave.
func (l *Limiter) gate(now time.Time) time.Duration {
	if l.alone || l.shared != nil && l.shared.asking {
		return forever
	}
	return max(l.pausedUntil.Sub(now), l.down.until.Sub(now))
}

// token takes a token for the next request, or returns when to try again.
func (l *Limiter) token(ctx context.Context, now time.Time, p Priority) (wait time.Duration, taken bool) {
	if l.bucket == nil {
		return 0, true
	}
	if l.pace.recover(now) {
		l.setPace(ctx, now)
	}
	if l.shared != nil {
		if wait, taken, settled := l.sharedToken(ctx, now, p); settled {
			return wait, taken
		}
	}
	reservation := l.bucket.ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// setPace applies a changed pace, and logs when it leaves or reaches the budget.
func (l *Limiter) setPace(ctx context.Context, now time.Time) {
	limit, burst := bucketOf(l.pace.now, l.window, 0)
	l.bucket.SetLimitAt(now, limit)
	l.bucket.SetBurstAt(now, burst)
	log := l.log.With(slog.Int("requests_per_minute", l.pace.now), slog.Int("budget", l.pace.budget))
	switch {
	case l.pace.now == l.pace.budget:
		log.InfoContext(ctx, "Polar accepts requests again: back to the whole budget")
	case !l.pace.told:
		l.pace.told = true
		log.WarnContext(ctx, "Polar refuses requests although syncd has sent fewer than its budget: another client uses up the limit of the organization, or Polar has restricted it; syncd slows down, and speeds up again step by step")
	}
	l.pace.told = l.pace.now < l.pace.budget
}

// EndTurn learns from the outcome of an attempt: an answer tells about the limits, no answer tells about Polar. Every turn must
// end with it. lead is what WaitTurn returned; sent is when the attempt was sent.
func (l *Limiter) EndTurn(ctx context.Context, lead bool, sent time.Time, a Answer) (v Verdict) {
	now, wait := time.Now(), a.Wait
	l.mu.Lock()
	if lead {
		l.alone = false
	}
	if a.Away != nil {
		v = l.fail(ctx, sent, now, a.Away, wait)
	} else if a.Outcome != Silent {
		l.back(ctx, now)
	}
	pause := time.Duration(0)
	switch a.Outcome {
	case Refused:
		l.rateLimited++
		if wait <= 0 {
			wait = l.window
		}
		used := l.used.total(now)
		l.used.add(now, -1) // it was not let through
		if l.pace.refuse(now, used-1) {
			l.setPace(ctx, now)
		}
		pause = l.phase.refuse(sent, now, min(wait, l.maxPause))
		l.pause(now, pause)
	case Granted:
		l.warmUntil = sent.Add(time.Duration(recognized * float64(l.window)))
		l.phase.granted(sent, now)
	}
	l.queue.rouse()
	l.mu.Unlock()
	if pause > 0 && l.shared != nil {
		l.sharePause(ctx, pause)
	}
	return v
}

// pause keeps every request back for d from now.
func (l *Limiter) pause(now time.Time, d time.Duration) {
	from, until := l.pausedUntil, now.Add(d)
	if from.Before(now) {
		from = now
	}
	if until.After(from) {
		l.paused += until.Sub(from)
		l.pausedUntil, l.probe = until, true
	}
}

// sleep waits for d, a wake-up, or the end of the context.
func (w *waiter) sleep(ctx context.Context, d time.Duration) {
	var timer <-chan time.Time
	if d < forever {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-w.wake:
	case <-ctx.Done():
	}
}
