package fetch

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Polar counts requests in fixed windows of 60 s and per organization. A token that it has not seen for 300 s is first
// counted in a smaller bucket, 60 requests a minute, until one request has been authenticated
// (polarsource/polar, server/polar/rate_limit.py).
const (
	window = 60 * time.Second
	// spread is by how much requests that left evenly may arrive closer together.
	spread = 100 * time.Millisecond
	// recognized is how long a token stays known, less a margin.
	recognized = 290 * time.Second
)

// limiter lets requests through one by one: the first of a cold client alone, all within the budget, and none while
// Polar has asked for a pause.
type limiter struct {
	next     http.RoundTripper
	bucket   *rate.Limiter // nil = no budget
	maxPause time.Duration

	rateLimited atomic.Int64

	mu          sync.Mutex
	leader      chan struct{} // closed when the request that warms up is over; nil while there is none
	warmUntil   time.Time
	pausedUntil time.Time
	paused      time.Duration // sum of the pauses
}

func newLimiter(perMinute int, maxPause time.Duration, next http.RoundTripper) *limiter {
	l := &limiter{next: next, maxPause: maxPause}
	if perMinute > 0 {
		// With a full bucket of b and a refill of r, less than b + 60r requests leave in 60 s.
		burst := max(1, perMinute/50)
		perWindow := float64(perMinute-burst+1) / (window + spread).Seconds()
		l.bucket = rate.NewLimiter(rate.Limit(perWindow), burst)
	}
	return l
}

func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	lead, err := l.turn(req.Context())
	if err != nil {
		return nil, err
	}
	sent := time.Now()
	status, wait := 0, time.Duration(0)
	defer func() { l.done(lead, sent, status, wait) }()
	resp, err := l.next.RoundTrip(req)
	if err == nil {
		status, wait = resp.StatusCode, retryAfter(resp)
	}
	return resp, err
}

// turn waits until a request may leave. If lead is true it leaves alone, and the others wait for its end.
func (l *limiter) turn(ctx context.Context) (lead bool, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		l.mu.Lock()
		now := time.Now()
		if leader := l.leader; leader != nil {
			l.mu.Unlock()
			select {
			case <-leader:
			case <-ctx.Done():
			}
			continue
		}
		if pause := l.pausedUntil.Sub(now); pause > 0 {
			l.mu.Unlock()
			sleep(ctx, pause)
			continue
		}
		delay := time.Duration(0)
		if l.bucket != nil {
			reservation := l.bucket.ReserveN(now, 1)
			if delay = reservation.DelayFrom(now); delay > 0 {
				l.mu.Unlock()
				if !sleep(ctx, delay) {
					reservation.Cancel()
					continue
				}
				l.mu.Lock()
				if l.leader != nil || l.pausedUntil.After(time.Now()) {
					// The gate fell meanwhile. The token is spent: kept through a pause it would come on top of those
					// that gather during it.
					l.mu.Unlock()
					continue
				}
			}
		}
		if lead = time.Now().After(l.warmUntil); lead {
			l.leader = make(chan struct{})
		}
		l.mu.Unlock()
		return lead, nil
	}
}

// done notes what an answer says about the limits. Status 0 is no answer at all.
func (l *limiter) done(lead bool, sent time.Time, status int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lead {
		close(l.leader)
		l.leader = nil
	}
	switch {
	case status == http.StatusTooManyRequests:
		l.rateLimited.Add(1)
		if wait <= 0 {
			wait = window
		}
		wait = min(wait, l.maxPause)
		// Clients that were stopped together should not come back together.
		l.pause(wait + rand.N(wait/20+time.Millisecond))
	case status != 0 && status != http.StatusUnauthorized && status < 500:
		l.warmUntil = sent.Add(recognized)
	}
}

// pause keeps every request back for d from now.
func (l *limiter) pause(d time.Duration) {
	now := time.Now()
	from, until := l.pausedUntil, now.Add(d)
	if from.Before(now) {
		from = now
	}
	if until.After(from) {
		l.paused += until.Sub(from)
		l.pausedUntil = until
	}
}

// pausedTime is the sum of the pauses that 429s have caused so far.
func (l *limiter) pausedTime() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paused
}

// sleep waits for d, and tells whether it was not interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
