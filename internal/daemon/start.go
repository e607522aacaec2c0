package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"syncd/internal/sched"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// reason is why something does not work yet; nil when it does.
type reason struct {
	mu  sync.Mutex
	err error
}

func (r *reason) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *reason) get() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

var (
	errNotConnected = errors.New("not connected yet")
	errNotOpen      = errors.New("the runs are being prepared")
)

// databaseMost is the longest wait before the database is asked again.
const databaseMost = 15 * time.Second

// open prepares everything up to the first run. It waits for a database that is not there yet, as for Polar.
func (d *Runner) open(ctx context.Context) error {
	said := ""
	for tried := 0; ; tried++ {
		err := d.tryOpen(ctx)
		if err == nil || ctx.Err() != nil || !errors.Is(err, pg.ErrUnreachable) && !pg.IsLost(err) {
			return err
		}
		d.away.set(err)
		if text := err.Error(); text != said {
			said = text
			d.Log.WarnContext(ctx, "the database is not there: syncd asks again until it is", slog.Any("error", err))
		}
		d.pause(ctx, min(time.Second<<min(tried, 10), databaseMost))
	}
}

// opening is how this daemon opens its organization.
func (d *Runner) opening() Opening {
	return Opening{Migrate: d.Migrate, Build: d.Build, Observer: d.Metrics, Requests: d.Metrics.RequestAnswered, Transport: d.Beside.Transport, Log: d.Log}
}

func (d *Runner) tryOpen(ctx context.Context) error {
	opening := d.Beside.Opening.Take(ctx, d.Stop)
	defer func() {
		if opening {
			d.Beside.Opening.Free()
		}
	}()
	s := d.store.Load()
	if s == nil {
		var err error
		if s, err = openStore(ctx, d.Config, d.Beside.Connections, d.Log); err != nil {
			return err
		}
		d.store.Store(s)
	}
	d.away.set(nil)
	o := d.opening()
	org, err := open(ctx, d.Config, o, d.client, s, func(ctx context.Context) error {
		if opening { // others need not wait for what this one waits for
			d.Beside.Opening.Free()
			defer func() { opening = d.Beside.Opening.Take(ctx, d.Stop) }()
		}
		return d.gainAccess(ctx, func(ctx context.Context) error {
			with := *d.Config
			with.AccessToken = d.tokenInUse()
			return checkToken(ctx, &with, o, s)
		})
	})
	if err != nil {
		return err
	}
	if err := s.CheckSchema(ctx); err != nil {
		return err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	d.org = org
	jobs, err := d.jobs(ctx, now)
	if err != nil {
		return err
	}
	if d.sched, err = sched.New(sched.Config{
		Jobs: jobs, Location: d.Config.Timezone, Now: d.clock(ctx, s, now), Offset: d.Beside.Offset, Beside: d.Beside.Sweeps, UrgentBeside: d.Beside.Rounds,
		Jitter: d.Config.Jitter, Parallel: d.Config.Parallel, Log: d.Log,
	}); err != nil {
		return err
	}
	d.warnOfVersion(ctx)
	if d.Beside.Offset != 0 { // its first round may be an interval away
		d.showFreshness(ctx)
		d.showStandings(ctx)
	}
	close(d.opened)
	return nil
}

// IsOpen: the daemon has all that it needs for its runs.
func (d *Runner) IsOpen() bool {
	select {
	case <-d.opened:
		return true
	default:
		return false
	}
}

// Close closes what open has opened.
func (d *Runner) Close() {
	if d.org != nil {
		d.org.Mirror.LeaveBudget()
	}
	if s := d.store.Load(); s != nil {
		s.Close()
	}
	d.client.Close()
}

// starting is what the daemon still waits for.
func (d *Runner) starting(ctx context.Context) error {
	for _, ask := range []func(context.Context) error{d.CheckDatabase, d.CheckPolar, d.CheckSchema} {
		if err := ask(ctx); err != nil {
			return fmt.Errorf("syncd is starting: %w", err)
		}
	}
	return errors.New("syncd is starting")
}

// CheckDatabase asks whether the database answers, or says why there is none yet.
func (d *Runner) CheckDatabase(ctx context.Context) error {
	return d.withStore(func(s *store.Store) error { return s.Ping(ctx) })
}

// CheckSchema asks whether the tables are those of this syncd, likewise, and whether what reads them has been made: status is there from
// then on.
func (d *Runner) CheckSchema(ctx context.Context) error {
	err := d.withStore(func(s *store.Store) error { return s.CheckSchema(ctx) })
	if err == nil && !d.IsOpen() {
		return errNotOpen
	}
	return err
}

func (d *Runner) withStore(ask func(*store.Store) error) error {
	if err := d.away.get(); err != nil {
		return err
	}
	return ask(d.store.Load())
}

// databaseClock is the clock of the database, which schedules go by: hosts differ, and a host may be wrong. If the database does
// not answer, it is the last time of that clock plus the time elapsed since.
func databaseClock(ctx context.Context, s *store.Store, shown time.Time) func() time.Time {
	var mu sync.Mutex
	read := time.Now()
	ctx = context.WithoutCancel(ctx)
	return func() time.Time {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		now, err := s.Now(ctx)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			return shown.Add(time.Since(read))
		}
		shown, read = now, time.Now()
		return now
	}
}
