package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/serve"
	"syncd/internal/serve/page"
)

// againAfter is how long an organization that cannot be run waits until it is tried again.
const againAfter = time.Minute

// member is an organization that this process runs.
type member struct {
	m        *many
	name     string
	guard    string // see leases.Guard
	log      *slog.Logger
	gauges   *serve.Member
	ctx      context.Context // ends when its lease is over
	stopping context.Context // ends when it should end
	stop     context.CancelFunc
	reloads  chan struct{}

	mu      sync.Mutex
	config  *config.Config // nil = it could not be read
	current *daemon.Runner // nil = none
	page    *page.Page     // of current
	problem error          // why there is none
}

func newMember(ctx context.Context, m *many, name, guard string) *member {
	stopping, stop := context.WithCancel(ctx)
	return &member{m: m, name: name, guard: guard, log: m.p.Log.With("organization", name), gauges: m.gauges.Add(name), ctx: ctx, stopping: stopping, stop: stop, reloads: make(chan struct{}, 1)}
}

// run runs the organization until it is stopped. What it fails with is logged, and tried again: others go on meanwhile.
func (o *member) run() {
	defer o.stop()
	defer o.m.gauges.Remove(o.name)
	o.log.InfoContext(o.ctx, "this process runs the organization")
	for {
		err := o.once()
		if o.stopping.Err() != nil {
			o.log.InfoContext(o.ctx, "this process runs the organization no more")
			return
		}
		o.set(nil, err)
		if err == nil { // it is to be started anew
			continue
		}
		o.log.ErrorContext(o.ctx, "the organization cannot be run: syncd tries again in a minute, and when its configuration changes", slog.Any("error", err))
		timer := time.NewTimer(againAfter)
		select {
		case <-timer.C:
		case <-o.reloads:
		case <-o.stopping.Done():
		}
		timer.Stop()
	}
}

// once runs the organization by the configuration of this moment, until it is stopped or its configuration needs another start.
func (o *member) once() error {
	sources := o.m.p.Sources.Of(o.name)
	cfg, shown, err := sources.Load(config.GroupDatabase, config.GroupPolar)
	if err != nil {
		return err
	}
	if cfg.DatabaseURL != o.m.p.Config.DatabaseURL {
		return errors.New("another database_url than that of the process: restart the process")
	}
	stop, restart := context.WithCancel(o.stopping)
	defer restart()
	cfg.WebhookListen = ""
	cfg.Lease = o.m.believed() // of its streams: who takes over need not wait for those
	beside := o.m.beside
	beside.Guard, beside.Offset, beside.Restart = o.guard, daemon.OffsetOf(o.name), restart
	runner, err := daemon.New(daemon.Options{
		Config: cfg, Shown: shown, Sources: sources, Migrate: o.m.p.Migrate, Build: o.m.p.Build, Metrics: o.gauges,
		Log: o.log, Stop: stop.Done(), Beside: beside, Hooked: o.m.hooks != nil,
	})
	if err != nil {
		return err
	}
	defer runner.Close()
	o.gauges.AddTraffic(runner.Client())
	o.set(cfg, nil)
	o.setRunner(runner)
	defer o.setRunner(nil)
	ctx, release := daemon.Draining(o.ctx, stop.Done(), daemon.DrainTimeout, runner.Drain)
	defer release()
	following, unfollow := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { runner.FollowReloads(following, o.reloads) })
	defer followed.Wait()
	defer unfollow()
	return runner.Run(ctx)
}

func (o *member) reload() {
	select {
	case o.reloads <- struct{}{}:
	default:
	}
}

func (o *member) set(cfg *config.Config, problem error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cfg != nil {
		o.config = cfg
	}
	o.problem = problem
}

func (o *member) setRunner(r *daemon.Runner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current, o.page = r, nil; r != nil {
		o.page = page.New(r.Report, o.m.p.Build.Version, o.log)
	}
}

func (o *member) runner() *daemon.Runner {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.current
}
