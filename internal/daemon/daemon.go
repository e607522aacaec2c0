package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"syncd/internal/config"
	"syncd/internal/feed"
	"syncd/internal/sched"
	"syncd/internal/serve"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/tail"
	"syncd/internal/webhook"
)

// Options are what a daemon is run with.
type Options struct {
	Config  *config.Config
	Shown   []config.Value // the same as it may be shown
	Sources config.Sources // to read it from again
	Migrate bool           // bring the tables up to date first
	Build   serve.Build

	Log      *slog.Logger
	LogLevel *slog.LevelVar // of Log; the configuration sets it

	Stop   <-chan struct{} // closed when work should end
	Reload <-chan struct{} // holds a signal when the configuration should be read again
}

// daemon is an organization, the scheduler that drives its runs, and the server that reports on them.
type daemon struct {
	Options
	org     *Organization
	metrics *serve.Metrics
	sched   *sched.Scheduler
	feed    *feed.Poller
	server  *serve.Server     // nil = none
	hooks   *webhook.Receiver // nil = none

	current atomic.Pointer[config.Config] // in use; Config is that of the start
	access  *access
	worked  atomic.Bool // Polar could be read from at least once
	asking  sync.Mutex  // one run at a time asks whether the token is refused
	tailed  bool        // a round of tails has been made; only the tails use it
	waits   sync.Map    // by stream, what its sweep waits for

	mu    sync.Mutex
	token config.Secret // in use
}

// Run runs the daemon until Stop is closed and the current runs have stored their current pages, or until ctx ends.
func Run(ctx context.Context, o Options) error {
	d := &daemon{Options: o, access: newAccess(), token: o.Config.AccessToken}
	d.current.Store(o.Config)
	starting, release := Interruptible(ctx, o.Stop)
	defer release()
	if err := d.open(starting); err != nil {
		return InterruptionOr(starting, err)
	}
	defer d.org.Close()
	return d.work(ctx, starting)
}

// config is the configuration in use.
func (d *daemon) config() *config.Config { return d.current.Load() }

// open prepares everything up to the first request to Polar.
func (d *daemon) open(ctx context.Context) (err error) {
	d.metrics = serve.NewMetrics(d.Build, d.Config.StreamsOn())
	if d.org, err = Open(ctx, d.Config, Opening{Migrate: d.Migrate, Build: d.Build, Observer: d.metrics, Requests: d.metrics.RequestAnswered, Log: d.Log}); err != nil {
		return err
	}
	d.metrics.AddTraffic(d.org.Client)
	defer func() {
		if err != nil {
			d.org.Close()
		}
	}()
	if err := d.org.Store.CheckSchema(ctx); err != nil {
		return err
	}
	now, err := d.org.Store.Now(ctx)
	if err != nil {
		return err
	}
	jobs, err := d.jobs(ctx, now)
	if err != nil {
		return err
	}
	if d.sched, err = sched.New(sched.Config{
		Jobs: jobs, Location: d.Config.Timezone, Now: databaseClock(ctx, d.org.Store, now),
		Jitter: d.Config.Jitter, Parallel: d.Config.Parallel, Log: d.Log,
	}); err != nil {
		return err
	}
	d.feed = feed.New(feed.Config{Every: func() time.Duration { return d.config().FeedEvery() }, Rate: d.feedRate, Ask: d.askFeeds})
	if err := errors.Join(d.listen(ctx), d.receive(ctx)); err != nil {
		return err
	}
	d.warnOfVersion(ctx)
	d.Log.Info("syncd starts", "version", d.Build.Version, "commit", d.Build.Commit, "server", d.org.Client.Server(),
		"database", pg.RedactDSN(d.Config.DatabaseURL.Reveal()), "schema", d.Config.Schema, "listen", d.address(), "webhooks", d.webhookAddress())
	return nil
}

// jobs are the sweeps of all streams that are on, the audit of metrics, and the rounds of tails. An overdue job runs at the start.
func (d *daemon) jobs(ctx context.Context, now time.Time) ([]sched.Job, error) {
	states, err := d.org.Store.Streams().Statuses(ctx, d.Config.StreamsOn())
	if err != nil {
		return nil, err
	}
	var jobs []sched.Job
	for _, st := range states {
		d.metrics.SetLastSuccess(st.Stream, st.SucceededAt)
		d.metrics.SetRows(st.Stream, st.Rows)
		spec := d.Config.ScheduleOf(st.Stream)
		overdue, err := sched.Overdue(spec, d.Config.Timezone, st.SucceededAt, now)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, sched.Job{Name: st.Stream, Spec: spec, AtStart: overdue || st.Unfinished, Run: d.sweepJob(st.Stream)})
	}
	return append(jobs, sched.Job{Name: auditJob, Spec: auditSchedule(d.Config), Run: d.auditMetrics},
		sched.Job{Name: tail.Name, Spec: d.Config.TailSchedule(), AtStart: true, Urgent: true, Run: d.runTails}), nil
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

// work runs the jobs until the first signal, and then lets the runs finish their current pages. The server outlives the
// scheduler, so that tools can watch the end.
func (d *daemon) work(ctx, starting context.Context) error {
	ctx, release := Draining(ctx, d.Stop, DrainTimeout, func() {
		d.Log.Info("shutting down: runs finish their current pages", "within", DrainTimeout)
		d.tellSupervisor(systemd.SdNotifyStopping)
		if d.server != nil {
			d.server.SetStopping()
		}
		d.sched.Drain()
		d.org.Mirror.Drain()
	})
	defer release()
	g, ctx := errgroup.WithContext(ctx)
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if d.server != nil {
		g.Go(func() error { return d.server.Run(serving) })
	}
	if d.hooks != nil { // ends at the first signal: nothing is fetched from then on, and Polar tries again later
		g.Go(func() error { return d.hooks.Run(starting) })
	}
	g.Go(func() error {
		d.followReloads(serving)
		return nil
	})
	g.Go(func() error {
		d.feedWatchdog(serving)
		return nil
	})
	d.tellSupervisor(systemd.SdNotifyReady)
	g.Go(func() error {
		defer stopServing()
		// The first signal ends this wait: no run is under way yet.
		if err := d.gainAccess(starting); err != nil {
			if starting.Err() != nil {
				return nil
			}
			return err
		}
		g.Go(func() error {
			d.keepAccess(serving)
			return nil
		})
		g.Go(func() error {
			d.feed.Run(ctx, d.Stop)
			return nil
		})
		return d.sched.Run(ctx)
	})
	err := g.Wait()
	if err == nil {
		d.Log.Info("syncd has stopped")
	}
	return err
}
