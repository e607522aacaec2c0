package polarsim

import (
	"sync"
	"time"
)

// Windows and the limit for tokens not recognized yet, as upstream (polarsource/polar, server/polar/rate_limit.py).
const (
	window        = 60 * time.Second
	knownFor      = 300 * time.Second
	pendingPerMin = 60
)

// limiter is the fixed-window limiter of asgi-ratelimit: a window starts with its first request; requests refused do not lengthen it. All tokens
// of an organization share one bucket; a token not seen for five minutes counts in one of its own until it has been recognized.
type limiter struct {
	perMinute int // 0: no limit
	now       func() time.Time
	mu        sync.Mutex
	buckets   map[string]*bucket
	known     map[string]time.Time // until when a token is recognized
}

type bucket struct {
	ends time.Time
	left int
}

// allow counts a request. token is "" for one without credentials.
func (l *limiter) allow(token string) bool {
	if l.perMinute <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	key, limit := "organization", l.perMinute
	switch {
	case token == "":
		key = "address"
	case !now.Before(l.known[token]):
		key, limit = "token "+token, pendingPerMin
	}
	b := l.buckets[key]
	if b == nil || !now.Before(b.ends) {
		b = &bucket{ends: now.Add(window), left: limit}
		if l.buckets == nil {
			l.buckets = map[string]*bucket{}
		}
		l.buckets[key] = b
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

// recognize notes that a token was accepted.
func (l *limiter) recognize(token string) {
	if l.perMinute <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[string]time.Time{}
	}
	l.known[token] = l.now().Add(knownFor)
}
