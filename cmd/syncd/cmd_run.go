package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/serve"
	"syncd/internal/store"
)

type runCmd struct {
	Migrate bool `default:"true" negatable:"" help:"Bring the tables up to date first."`
	daemonFlags
}

func (cmd *runCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	if err != nil {
		return err
	}
	d := &daemonProcess{cfg: cfg, log: log, sources: c.sources, shown: c.shown, level: &c.level, stop: c.stop, access: newAccess(), token: cfg.AccessToken}
	d.current.Store(cfg)
	starting, release := c.interruptible()
	defer release()
	if err := d.open(starting, cmd.Migrate); err != nil {
		return interrupted(starting, err)
	}
	defer d.engine.close()
	return d.run(c, starting)
}

// daemonProcess is the engine, the scheduler that drives it, and the server that reports on it.
type daemonProcess struct {
	cfg     *config.Config
	log     *slog.Logger
	engine  *engine
	metrics *serve.Metrics
	sched   *sched.Scheduler
	server  *serve.Server // nil = none

	access *access
	worked atomic.Bool     // Polar could be read from once
	asking sync.Mutex      // one run at a time asks whether the token is refused
	stop   <-chan struct{} // closed when work should come to an end

	// What the configuration is read from, and what of it is in use: cfg is that of the start.
	sources config.Sources
	level   *slog.LevelVar
	current atomic.Pointer[config.Config]
	shown   []config.Value

	tailed bool     // a round has been made; used by the tails alone
	await  sync.Map // by stream, what its sweep waits for

	mu    sync.Mutex
	token config.Secret // in use
}

// config is the configuration in use.
func (d *daemonProcess) config() *config.Config { return d.current.Load() }

// open makes everything but the first request to Polar.
func (d *daemonProcess) open(ctx context.Context, migrate bool) (err error) {
	build := buildInfo()
	d.metrics = serve.NewMetrics(build, d.cfg.StreamsOn())
	if d.engine, err = openEngine(ctx, d.cfg, d.log, migrate, d.metrics); err != nil {
		return err
	}
	d.metrics.Count(d.engine.client)
	defer func() {
		if err != nil {
			d.engine.close()
		}
	}()
	if err := d.engine.store.CheckSchema(ctx); err != nil {
		return err
	}
	states, err := d.engine.store.Streams(ctx, d.cfg.StreamsOn())
	if err != nil {
		return err
	}
	now, err := d.engine.store.Now(ctx)
	if err != nil {
		return err
	}
	cfg := sched.Config{Location: d.cfg.Timezone, Now: d.now(ctx, now), Jitter: d.cfg.Jitter, Parallel: d.cfg.Parallel, Log: d.log}
	for _, st := range states {
		d.metrics.SetLastSuccess(st.Stream, st.SucceededAt)
		d.metrics.SetRows(st.Stream, st.Rows)
		spec := d.cfg.ScheduleOf(st.Stream)
		overdue, err := sched.Overdue(spec, d.cfg.Timezone, st.SucceededAt, now)
		if err != nil {
			return err
		}
		cfg.Jobs = append(cfg.Jobs, sched.Job{Name: st.Stream, Spec: spec, AtStart: overdue || st.Unfinished, Run: d.job(st.Stream)})
	}
	cfg.Jobs = append(cfg.Jobs, sched.Job{Name: mirror.TailStream, Spec: d.cfg.TailSchedule(), AtStart: true, Urgent: true, Run: d.tail})
	if d.sched, err = sched.New(cfg); err != nil {
		return err
	}
	if d.cfg.Listen != "" {
		d.server, err = serve.Listen(ctx, serve.Config{
			Addr: d.cfg.Listen,
			Ready: []serve.Check{
				{Name: "database", Ask: d.engine.store.Ping},
				{Name: "schema", Ask: d.engine.store.CheckSchema},
				{Name: "polar", Ask: d.polarAnswers, Note: d.lastAnswer},
			},
			Status:  d.status,
			Metrics: d.metrics,
			Log:     d.log,
		})
		if err != nil {
			return err
		}
	}
	d.warnOfVersion(ctx)
	d.log.Info("syncd starts", "version", build.Version, "commit", build.Commit, "server", d.engine.client.Server(),
		"database", store.RedactDSN(d.cfg.DatabaseURL.Reveal()), "schema", d.cfg.Schema, "listen", d.addr())
	return nil
}

// now is the clock of the database, by which schedules go: hosts differ, and a host may be wrong. Where the database does not
// answer, it is what that clock showed last and the time that has passed.
func (d *daemonProcess) now(ctx context.Context, shown time.Time) func() time.Time {
	var mu sync.Mutex
	read := time.Now()
	ctx = context.WithoutCancel(ctx)
	return func() time.Time {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		now, err := d.engine.store.Now(ctx)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			return shown.Add(time.Since(read))
		}
		shown, read = now, time.Now()
		return now
	}
}

func (d *daemonProcess) addr() string {
	if d.server == nil {
		return "off"
	}
	return d.server.Addr()
}

// run works until the first signal, then lets the runs finish the page in hand. The server outlives the scheduler, so
// that the end can be watched.
func (d *daemonProcess) run(c *command, starting context.Context) error {
	ctx, release := c.draining(drainTimeout, func() {
		d.log.Info("shutting down: the pages in hand are finished", "within", drainTimeout)
		if d.server != nil {
			d.server.Stopping()
		}
		d.sched.Drain()
		d.engine.runner.Drain()
	})
	defer release()
	g, ctx := errgroup.WithContext(ctx)
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if d.server != nil {
		g.Go(func() error { return d.server.Run(serving) })
	}
	g.Go(func() error {
		d.reloads(serving, c.reload)
		return nil
	})
	g.Go(func() error {
		defer stopServing()
		// Waiting for Polar ends with the first signal already: no run is under way.
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
		return d.sched.Run(ctx)
	})
	err := g.Wait()
	if err == nil {
		d.log.Info("syncd has stopped")
	}
	return err
}

// job is one run of a stream. Only what failed is tried again soon: reading a whole stream again because some of its
// items cannot be stored, or because rows came and went meanwhile, would cost the same again for little.
func (d *daemonProcess) job(stream string) func(context.Context) error {
	var w waiting
	return func(ctx context.Context) error {
		switch swept, err := d.ready(ctx, stream, &w); {
		case err != nil:
			return err
		case swept:
			return nil
		}
		var res mirror.Result
		for again := true; again; again = shuts(res.Err) && !res.Unavailable && d.refused(ctx, res.Err) {
			if !d.access.wait(ctx, d.stop) {
				return nil
			}
			res = d.engine.runner.Once(ctx, stream)
		}
		if busy, is := errors.AsType[*store.BusyError](res.Err); is {
			return d.busy(ctx, stream, &w, busy)
		}
		d.waits(stream, &w, "")
		d.freshness(ctx)
		if n, err := d.engine.store.Count(ctx, stream); err == nil { // else the run has told
			d.metrics.SetRows(stream, n)
		}
		if res.Outcome == mirror.Failed && !errors.Is(res.Err, fetch.ErrScope) {
			return res.Err
		}
		return nil
	}
}

// tail is one round of tails; it brings sweeps forward that the tails want.
func (d *daemonProcess) tail(ctx context.Context) error {
	var res mirror.Result
	for again := true; again; again = shuts(res.Err) && d.refused(ctx, res.Err) {
		if !d.access.wait(ctx, d.stop) {
			return nil
		}
		var err error
		if res, err = d.engine.runner.Tail(ctx); err != nil {
			return err
		}
	}
	if busy, is := errors.AsType[*store.BusyError](res.Err); !is {
		d.tailed = true
	} else if !d.tailed { // most likely of the process before this one, which died
		return &sched.Again{After: busy.Left + leaseMargin, For: "the lease of " + busy.Holder}
	}
	d.freshness(ctx)
	due, err := d.engine.store.SweepsDue(ctx)
	if err != nil {
		return err
	}
	for stream, reason := range due {
		if d.sched.Soon(stream) {
			d.log.InfoContext(ctx, "a sweep is brought forward", "stream", stream, "reason", reason)
		}
	}
	if res.Outcome == mirror.Failed {
		return res.Err
	}
	return nil
}

// warnDays is how long before the end of a version it is warned of.
const warnDays = 45

// warnOfVersion tells in time that the version that is asked for ends.
func (d *daemonProcess) warnOfVersion(ctx context.Context) {
	v, known := fetch.FindVersion(d.cfg.PolarVersion)
	if left := v.DaysLeft(d.engine.client.Now()); known && left < warnDays {
		d.log.WarnContext(ctx, "Polar retires the version of its API that is configured: set polar_version to a newer one, or upgrade syncd; until then its current one is used when that day comes",
			"polar_version", v.Name, "ends", v.Ends.Format(time.DateOnly), "days_left", left)
	}
}

// freshness brings the gauges up to date. Where that fails, the next run does it.
func (d *daemonProcess) freshness(ctx context.Context) {
	fresh, err := d.engine.store.Freshness(ctx)
	if err != nil {
		d.log.WarnContext(ctx, "the metrics do not tell how fresh the streams are", "error", err)
	}
	for stream, f := range fresh {
		d.metrics.SetFreshness(stream, f.DataThrough, f.PolledAt, f.Pending)
	}
	feeds, err := d.engine.store.Feeds(ctx)
	if err != nil {
		d.log.WarnContext(ctx, "the metrics do not tell how late the feeds are", "error", err)
	}
	for _, f := range feeds {
		d.metrics.SetFeed(f.Name, f.Lag, f.StandsStill)
	}
}

// silence is for how long Polar may be silent before the daemon is not ready: three rounds of tails, and at least five
// minutes, in which a request is repeated and a pause of the limit ends. Without tails nobody asks often enough to tell.
func silence(c *config.Config) time.Duration {
	if c.Tail <= 0 {
		return 0
	}
	return max(3*c.Tail, 5*time.Minute)
}

// polarAnswers tells why Polar cannot be read from, by what this process knows and by when it last answered any.
func (d *daemonProcess) polarAnswers(ctx context.Context) error {
	if err := d.polarError(); err != nil {
		return err
	}
	most := silence(d.config())
	at, ago, err := d.engine.store.LastAnswer(ctx)
	switch {
	case err != nil:
		return err
	case most > 0 && ago > most:
		return fmt.Errorf("Polar last answered %s ago, at %s; not ready after %s without an answer", humanize.Span(ago), at.Format(time.RFC3339), humanize.Span(most))
	}
	return nil
}

// lastAnswer is said where all is well.
func (d *daemonProcess) lastAnswer(ctx context.Context) string {
	if at, ago, err := d.engine.store.LastAnswer(ctx); err == nil && !at.IsZero() {
		return "last answered " + humanize.Span(ago) + " ago, at " + at.Format(time.RFC3339)
	}
	return ""
}

func (d *daemonProcess) polarError() error { return d.access.problem() }

func (d *daemonProcess) status(ctx context.Context) (any, error) {
	upcoming := d.sched.Upcoming()
	report, err := readStatus(ctx, d.engine.store, d.config(), func(st store.StreamStatus) time.Time { return upcoming[st.Stream].UTC() })
	if problem := d.polarError(); problem != nil {
		report.Polar = problem.Error()
	}
	for i, s := range report.Streams {
		if what, is := d.await.Load(s.Stream); is {
			report.Streams[i].WaitsFor, _ = what.(string)
		}
	}
	return report, err
}
