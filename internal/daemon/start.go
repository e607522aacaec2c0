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

// AwaitDatabase opens something, and again until the database is there. What waiting does not heal it returns. away is told why it
// waits, and pause does so.
func AwaitDatabase(ctx context.Context, log *slog.Logger, away func(error), pause func(context.Context, time.Duration), open func(context.Context) error) error {
	said := ""
	for tried := 0; ; tried++ {
		err := open(ctx)
		if err == nil || ctx.Err() != nil || !pg.IsAway(err) {
			return err
		}
		away(err)
		if text := err.Error(); text != said {
			said = text
			log.WarnContext(ctx, "the database is not there: syncd asks again until it is", slog.Any("error", err))
		}
		pause(ctx, min(time.Second<<min(tried, 10), databaseMost))
	}
}

// open prepares everything up to the first run. It waits for a database that is not there yet, as for Polar.
func (d *Runner) open(ctx context.Context) error {
	return AwaitDatabase(ctx, d.Log, d.away.set, d.pause, d.tryOpen)
}

// opening is how this daemon opens its organization.
func (d *Runner) opening() Opening {
	o := Opening{Migrate: d.Migrate, Build: d.Build, Observer: d.Metrics, Requests: d.Metrics.RequestAnswered, Log: d.Log, Room: d.Beside.room}
	if d.Beside.transport != nil { // an interface that holds a nil is not nil
		o.Transport = d.Beside.transport
	}
	return o
}

func (d *Runner) tryOpen(ctx context.Context) error {
	opening := d.awaitOpening(ctx)
	defer func() {
		if opening {
			d.Beside.opening.Free()
		}
	}()
	s := d.store.Load()
	if s == nil {
		var err error
		if s, err = openStore(ctx, d.Config, d.Beside, d.Log); err != nil {
			return err
		}
		d.store.Store(s)
	}
	d.away.set(nil)
	o := d.opening()
	org, err := open(ctx, d.Config, o, d.client, s, func(ctx context.Context) error {
		if opening { // others need not wait for what this one waits for
			d.Beside.opening.Free()
			defer func() { opening = d.awaitOpening(ctx) }()
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
	if !o.Migrate { // otherwise they are up to date now
		if err := s.CheckSchema(ctx); err != nil {
			return err
		}
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
		Jobs: jobs, Location: d.Config.Timezone, Now: d.clock(ctx, s, now), Offset: d.Beside.Offset, Beside: d.Beside.sweeps, UrgentBeside: d.Beside.rounds,
		Jitter: d.Config.Jitter, Parallel: d.Config.Parallel, Log: d.Log,
	}); err != nil {
		return err
	}
	d.warnOfVersion(ctx)
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
