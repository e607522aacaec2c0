// Package clock tells when things happened by the clock of the database, as sync_clock keeps it.
package clock

import (
	"context"
	"fmt"
	"sync"
	"time"

	"syncd/internal/store/db"
)

// Present is the latest time by which anything can have been dated, as an SQL expression. What seems to be later was dated
// by another clock, such as that of a host which was wrong, and says nothing about what came first.
const Present = `(SELECT GREATEST(c.at, t.now) FROM sync_clock c, (SELECT clock_timestamp() AS now) t)`

// Stamp is the time by sync_clock: later than any it gave before, to whichever process, also when the clock of the
// database was set back meanwhile. Requests are dated by it, so that of two replies it is known which was asked for later.
func Stamp(ctx context.Context, q *db.Queries) (time.Time, error) {
	stamp, err := stamp(ctx, q, time.Time{})
	return stamp.At, err
}

// stamp is later than what was told, too.
func stamp(ctx context.Context, q *db.Queries, told time.Time) (db.ClockStampRow, error) {
	stamp, err := q.ClockStamp(ctx, told)
	if err != nil {
		return stamp, fmt.Errorf("read the clock: %w", err)
	}
	return stamp, nil
}

// Now is the time by the clock of the database, which may have been set back since it was last asked for.
func Now(ctx context.Context, q *db.Queries) (time.Time, error) {
	now, err := q.ClockNow(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the clock: %w", err)
	}
	return now, nil
}

// Lasts is for how long a stamp may be counted on from.
const Lasts = 200 * time.Millisecond

// Clock dates the requests of one process. It spares a round trip to the database where they leave one right after the other: a time
// is then the last stamp and what has passed since it came, by the monotonic clock. So it is later than that stamp, and not later
// than what a new one would be, unless the clock of the database is set back meanwhile. Then the next stamp is dated after it all the same:
// of what one process asks for one after the other, the later has the later time.
type Clock struct {
	q    *db.Queries
	mu   sync.Mutex
	at   time.Time // the last stamp; zero = none that may be counted on from
	got  time.Time // when it came, by the host
	told time.Time // the latest time that was given
}

// New makes a Clock.
func New(q *db.Queries) *Clock { return &Clock{q: q} }

// Stamp is a new stamp, which is later than all times that the Clock had given when it was asked for: see the function.
func (c *Clock) Stamp(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	told := c.told
	c.mu.Unlock()
	stamp, err := stamp(ctx, c.q, told)
	if err != nil {
		return time.Time{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.got = stamp.At, time.Now()
	if stamp.Behind { // stamps go on slower than the time of the host
		c.at = time.Time{}
	}
	c.told = later(c.told, stamp.At)
	return stamp.At, nil
}

// Time counts on from the last stamp, or takes a new one where that came too long ago.
func (c *Clock) Time(ctx context.Context) (time.Time, error) {
	if at, is := c.count(time.Now()); is {
		return at, nil
	}
	return c.Stamp(ctx)
}

// count counts on from the last stamp. The monotonic clock of a host stands still while the host sleeps, and its other clock may be
// set, so both have to agree that the stamp is new. A stamp may have been on its way while times were counted on from the one before it,
// and then lags behind them: so each time is later than those before, whichever stamp they came from.
func (c *Clock) count(now time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed, shown := now.Sub(c.got), now.Round(0).Sub(c.got.Round(0))
	if c.at.IsZero() || passed >= Lasts || shown < 0 || shown >= Lasts {
		return time.Time{}, false
	}
	c.told = later(c.at.Add(passed.Truncate(time.Microsecond)), c.told.Add(time.Microsecond))
	return c.told, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
