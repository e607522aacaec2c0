package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/http"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/tail"
)

// Beside is what organizations of one process share. The zero value is that of one which is alone.
type Beside struct {
	Connections *pg.Connections      // to the database
	Guard       string               // the statement that fails where another process may run the organization: see pg.Config
	Now         func() time.Time     // the clock of the database
	Feeds       func() time.Duration // the shortest interval of rounds of feeds; nil = none
	Offset      float64              // as in sched.Config
	Restart     func()               // is called when the configuration has changed in what only a start takes over; nil = nobody

	transport *http.Transport // to Polar; nil = one of its own
	opening   *sched.Places   // how many are opened at once
	sweeps    *sched.Places   // how many sweeps there are at once
	rounds    *sched.Places   // how many rounds of tails and of feeds
	room      *mirror.Room    // for pages on their way; nil = of its own
}

// openings is how many organizations are opened at once. Opening one is all work of the database.
const openings = 4

// NewBeside makes what organizations share that use these connections. Close ends what is not the caller's.
func NewBeside(conns *pg.Connections, now func() time.Time, feeds func() time.Duration) Beside {
	most := int(conns.Config().MaxConns)
	return Beside{
		Connections: conns, Now: now, Feeds: feeds,
		transport: fetch.NewTransport(64), opening: sched.NewPlaces(openings),
		// What waits for Polar holds a place and no connection, and most sweeps wait for their budget most of the time: with two for each
		// connection, two cores were idle half of the time. What writes pages is bounded by the connections themselves. Rounds are short, and
		// have places of their own.
		sweeps: sched.NewPlaces(4 * most), rounds: sched.NewPlaces(2 * most),
		room: mirror.NewSharedRoom(),
	}
}

// Close closes the idle connections to Polar. Nobody sends requests any more.
func (b Beside) Close() {
	if b.transport != nil {
		b.transport.CloseIdleConnections()
	}
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
	return NewDatabaseClock(ctx, shown, s.Now).Now
}

// tailJob is the job of rounds of tails. The first is due as soon as the organization is open, unless it takes its turn among others and no
// tick has come since the last round, whichever process made it. A round that failed or was cut off is none: what is known here is
// as old as the one before.
func (d *Runner) tailJob(ctx context.Context) (sched.Job, error) {
	j := sched.Job{Name: tail.Name, Spec: d.Config.TailSchedule(), Urgent: true, Run: d.runTails}
	if d.Beside.Offset == 0 {
		j.AtStart = true
		return j, nil
	}
	last, err := d.org.Store.Streams().LastRound(ctx)
	j.AtStart = !last.Ended()
	j.Last = last.StartedAt
	return j, err
}

// awaitOpening waits for a place among the organizations that are opened, and returns whether there is one to free. Whose round is most
// overdue comes first. Which that is follows from its ticks: whoever ran these organizations before may have missed those since a lease
// ago, and was at work on those from a while before that.
func (d *Runner) awaitOpening(ctx context.Context) bool {
	return d.Beside.opening.TakeAt(ctx, d.Stop, d.Beside.turn(d.Config.Tail, 2*d.Config.Lease))
}

// turn is the position of an organization among those that are opened: the first tick of its rounds that may have been missed since so
// long ago.
func (b Beside) turn(every, ago time.Duration) uint64 {
	if b.Offset == 0 || b.Now == nil || every <= 0 {
		return 0
	}
	return uint64(sched.Tick(every, b.Offset, b.Now().Add(-ago)).Add(every).UnixNano())
}

// afterOpenings is the position of what waits until all organizations are open, and their rounds go on.
const afterOpenings = math.MaxInt64

// awaitOpenings waits until no organization waits to be opened. Sweeps do: beside them 120 new organizations took two minutes to be made, and
// 35 seconds without them. Rounds do not wait, so that what is known here stays fresh.
func (d *Runner) awaitOpenings(ctx context.Context) {
	if d.Beside.opening.TakeAt(ctx, d.Stop, afterOpenings) {
		d.Beside.opening.Free()
	}
}

// showOpened shows in the metrics how an organization stands whose first round may be an interval away.
func (d *Runner) showOpened(ctx context.Context) {
	if d.Beside.Offset == 0 || !d.Beside.opening.TakeAt(ctx, d.Stop, afterOpenings) {
		return
	}
	defer d.Beside.opening.Free()
	d.showFreshness(ctx)
	d.showStandings(ctx)
}
