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
	"syncd/internal/fetch"
	"syncd/internal/sched"
	"syncd/internal/serve"
	"syncd/internal/serve/otlp"
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
	client  *fetch.Client
	metrics *serve.Metrics
	feed    *feed.Poller
	server  *serve.Server     // nil = none
	hooks   *webhook.Receiver // nil = none

	store  atomic.Pointer[store.Store] // nil before the database was reached
	away   reason                      // why it was not reached yet
	opened chan struct{}               // closed when org and sched are there
	org    *Organization
	sched  *sched.Scheduler

	current atomic.Pointer[config.Config] // in use; Config is that of the start
	access  *access
	worked  atomic.Bool // Polar could be read from at least once
	asking  sync.Mutex  // one run at a time asks whether the token is refused
	turns   sched.Turns // of streams that nothing else keeps fresh; only the tails use it
	tailed  bool        // a round of tails has been made; only the tails use it
	waits   sync.Map    // by stream, what its sweep waits for
	rows    sync.Map    // by stream, how many rows its table had when they were last counted

	mu    sync.Mutex
	token config.Secret // in use
}

// Run runs the daemon until Stop is closed and the current runs have stored their current pages, or until ctx ends.
func Run(ctx context.Context, o Options) (err error) {
	d := &daemon{Options: o, opened: make(chan struct{}), access: newAccess(), token: o.Config.AccessToken, metrics: serve.NewMetrics(o.Build, o.Config.StreamsOn())}
	d.current.Store(o.Config)
	d.away.set(errNotConnected)
	if d.client, err = NewClient(o.Config, d.opening()); err != nil {
		return err
	}
	defer d.close()
	d.metrics.AddTraffic(d.client)
	sender, err := otlp.Start(ctx, d.metrics.Registry(), d.Build.Version, d.Log)
	if err != nil {
		return config.Problems{err}
	}
	defer sender.Close(ctx)
	d.feed = feed.New(feed.Config{Every: func() time.Duration { return d.config().FeedEvery() }, Rate: d.feedRate, Ask: d.askFeeds})
	if err := errors.Join(d.listen(ctx), d.receive(ctx)); err != nil {
		return err
	}
	d.Log.Info("syncd starts", "version", d.Build.Version, "commit", d.Build.Commit, "server", d.client.Server(),
		"database", pg.RedactDSN(d.Config.DatabaseURL.Reveal()), "schema", d.Config.Schema, "listen", d.address(), "webhooks", d.webhookAddress())
	return d.live(ctx)
}

// live serves health and metrics while the daemon opens what it needs, and works. The server outlives the work, so that tools can
// watch the beginning and the end.
func (d *daemon) live(ctx context.Context) error {
	ctx, release := Draining(ctx, d.Stop, DrainTimeout, func() {
		d.Log.Info("shutting down: runs finish their current pages", "within", DrainTimeout)
		d.tellSupervisor(systemd.SdNotifyStopping)
		if d.server != nil {
			d.server.SetStopping()
		}
		if d.isOpen() {
			d.sched.Drain()
			d.org.Mirror.Drain()
		}
	})
	defer release()
	g, ctx := errgroup.WithContext(ctx)
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if d.server != nil {
		g.Go(func() error { return d.server.Run(serving) })
	}
	g.Go(func() error {
		d.feedWatchdog(serving)
		return nil
	})
	g.Go(func() error {
		d.followReloads(serving)
		return nil
	})
	d.tellSupervisor(systemd.SdNotifyReady)
	g.Go(func() error {
		defer stopServing()
		starting, release := Interruptible(ctx, d.Stop)
		defer release()
		if err := d.open(starting); err != nil {
			return endOr(starting, err)
		}
		return d.work(ctx, starting, serving)
	})
	err := g.Wait()
	if err == nil {
		d.Log.Info("syncd has stopped")
	}
	return err
}

// endOr is nil where the first signal has ended a wait, else the error.
func endOr(starting context.Context, err error) error {
	if starting.Err() != nil {
		return nil
	}
	return err
}

// config is the configuration in use.
func (d *daemon) config() *config.Config { return d.current.Load() }

// jobs are the sweeps of all streams that are on, the audit of metrics, and the rounds of tails. An overdue job runs at the start.
func (d *daemon) jobs(ctx context.Context, now time.Time) ([]sched.Job, error) {
	states, err := d.org.Store.Streams().Statuses(ctx, d.Config.StreamsOn())
	if err != nil {
		return nil, err
	}
	var jobs []sched.Job
	for _, st := range states {
		d.metrics.SetLastSuccess(st.Stream, st.SucceededAt)
		d.setRows(st.Stream, st.Rows)
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

// work runs the jobs until they are told to end.
func (d *daemon) work(ctx, starting, serving context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	keeping, stop := context.WithCancel(serving)
	defer stop()
	if d.hooks != nil { // ends at the first signal: nothing is fetched from then on, and Polar tries again later
		g.Go(func() error { return d.hooks.Run(starting) })
	}
	g.Go(func() error {
		defer stop()
		// The first signal ends this wait: no run is under way yet.
		if err := d.gainAccess(starting, d.org.Mirror.CheckAccess); err != nil {
			return endOr(starting, err)
		}
		g.Go(func() error {
			d.keepAccess(keeping)
			return nil
		})
		g.Go(func() error {
			d.feed.Run(ctx, d.Stop)
			return nil
		})
		return d.sched.Run(ctx)
	})
	return g.Wait()
}
