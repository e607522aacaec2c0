package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"time"

	"syncd/internal/sched"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// Beside is what organizations of one process share. The zero value is that of one which is alone.
type Beside struct {
	Connections *pg.Connections      // to the database
	Transport   http.RoundTripper    // to Polar
	Now         func() time.Time     // the clock of the database
	Opening     *sched.Places        // how many are opened at once
	Sweeps      *sched.Places        // how many sweeps there are at once
	Rounds      *sched.Places        // how many rounds of tails and of feeds
	Feeds       func() time.Duration // the shortest interval of rounds of feeds; nil = none
	Offset      float64              // as in sched.Config
	Restart     func()               // is called when the configuration has changed in what only a start takes over; nil = nobody
}

// OffsetOf spreads organizations over the intervals of their schedules, by their names.
func OffsetOf(name string) float64 {
	sum := sha256.Sum256([]byte(name))
	return (float64(binary.BigEndian.Uint32(sum[:])) + 1) / (1 << 32)
}

// feedEvery is how often the feeds are asked: as configured, and not more often than the process allows each.
func (d *Runner) feedEvery() time.Duration {
	every := d.config().FeedEvery()
	if every == 0 || d.Beside.Feeds == nil {
		return every
	}
	return max(every, d.Beside.Feeds())
}

// clock is the clock that schedules go by.
func (d *Runner) clock(ctx context.Context, s *store.Store, shown time.Time) func() time.Time {
	if d.Beside.Now != nil {
		return d.Beside.Now
	}
	return databaseClock(ctx, s, shown)
}

// roundOverdue tells whether a round of tails is due as soon as the organization is open: always, unless it takes its turn among others
// and the last round, whichever process made it, is not an interval ago.
func (d *Runner) roundOverdue(ctx context.Context, now time.Time) (bool, error) {
	if d.Beside.Offset == 0 {
		return true, nil
	}
	last, err := d.org.Store.Streams().LastRound(ctx)
	return now.Sub(last.StartedAt) >= d.Config.Tail || last.StartedAt.After(now), err
}
