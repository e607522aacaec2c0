package daemon

import (
	"context"
	"sync"
	"time"
)

const (
	// clockLasts is how long the clock of the database is counted on from what it showed.
	clockLasts = 10 * time.Second
	// clockWait is how long an answer of the database is waited for.
	clockWait = time.Second
	// clockPause is how long a database that has not answered is left alone; it doubles each time, up to clockMost.
	clockPause, clockMost = 10 * time.Second, 5 * time.Minute
	// clockSlack: a clock that shows less than this before what was counted runs otherwise than the one of this host, or is that of
	// another server. Beyond it, somebody has set it back, and schedules follow.
	clockSlack = time.Minute
)

// DatabaseClock is the clock of the database, which schedules go by: hosts differ, and a host may be wrong. It counts on from what the
// database has shown lately. One caller at a time asks the database, for a second at most; the others go on with what is counted. A
// database that does not answer is asked again after a pause. The clock stands still rather than go back, unless that of the database was
// set back.
type DatabaseClock struct {
	ctx context.Context
	ask func(context.Context) (time.Time, error)

	mu     sync.Mutex
	shown  time.Time // what the database showed
	read   time.Time // when it did, by this host
	last   time.Time // what Now has returned
	next   time.Time // when the database is asked again
	failed int       // since it answered
	asking bool
}

// NewDatabaseClock makes a clock. shown is what the database has just shown.
func NewDatabaseClock(ctx context.Context, shown time.Time, ask func(context.Context) (time.Time, error)) *DatabaseClock {
	now := time.Now()
	return &DatabaseClock{ctx: context.WithoutCancel(ctx), ask: ask, shown: shown, read: now, last: shown, next: now.Add(clockLasts)}
}

// Now is what the clock shows.
func (c *DatabaseClock) Now() time.Time {
	c.mu.Lock()
	if due := !time.Now().Before(c.next); due && !c.asking {
		c.asking = true
		c.mu.Unlock()
		at, err := c.showing()
		c.mu.Lock()
		c.asking = false
		c.note(at, time.Now(), err)
	}
	defer c.mu.Unlock()
	return c.counted(time.Now())
}

func (c *DatabaseClock) showing() (time.Time, error) {
	ctx, cancel := context.WithTimeout(c.ctx, clockWait)
	defer cancel()
	return c.ask(ctx)
}

// note takes over an answer. The caller holds the lock.
func (c *DatabaseClock) note(at, now time.Time, err error) {
	if err != nil {
		c.next = now.Add(min(clockPause<<min(c.failed, 10), clockMost))
		c.failed++
		return
	}
	if c.last.Sub(at) > clockSlack {
		c.last = at
	}
	c.shown, c.read, c.next, c.failed = at, now, now.Add(clockLasts), 0
}

// counted is what the database showed and the time since. The caller holds the lock.
func (c *DatabaseClock) counted(now time.Time) time.Time {
	if at := c.shown.Add(now.Sub(c.read)); at.After(c.last) {
		c.last = at
	}
	return c.last
}
