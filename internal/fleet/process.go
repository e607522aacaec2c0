package fleet

import (
	"context"
	"errors"
	"log/slog"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/serve"
	"syncd/internal/serve/otlp"
	"syncd/internal/store/pg"
)

// Options are what a process is run with.
type Options struct {
	Config  *config.Config
	Shown   []config.Value // the same as it may be shown
	Sources config.Sources // to read it from again
	// Organizations are those of a fleet, whose Config is what they have in common; nil = Config is that of the only one.
	Organizations []string
	Migrate       bool // bring the tables up to date first
	Build         serve.Build

	Log      *slog.Logger
	LogLevel *slog.LevelVar // of Log; the configuration sets it

	Stop   <-chan struct{} // closed when work should end
	Reload <-chan struct{} // holds a signal when the configuration should be read again
}

// work is what a process does until it is told to stop.
type work interface {
	run(ctx context.Context) error
	drain()                            // no further run starts, and the current ones store their current pages
	followReloads(ctx context.Context) // until it ends
	answers()                          // returns unless the work hangs
	listen(ctx context.Context) error  // binds what it listens on beside the server
	shown() serve.Config               // what the server shows of it
	about() []any                      // what the log says of it at the start
	close()
}

// process is some work, and what reports on it.
type process struct {
	Options
	work
	metrics *serve.Metrics
	server  *serve.Server // nil = none
}

// Run runs a process until Stop is closed and the current runs have stored their current pages, or until ctx ends.
func Run(ctx context.Context, o Options) (err error) {
	p := &process{Options: o}
	if o.Organizations != nil {
		p.work, err = newMany(p, o.Organizations)
	} else {
		p.work, err = newSingle(p)
	}
	if err != nil {
		return err
	}
	defer p.close()
	sender, err := otlp.Start(ctx, p.metrics.Registry(), p.Build.Version, p.Log)
	if err != nil {
		return config.Problems{err}
	}
	defer sender.Close(ctx)
	if err := errors.Join(p.serve(ctx), p.listen(ctx)); err != nil {
		return err
	}
	p.Log.Info("syncd starts", append([]any{"version", p.Build.Version, "commit", p.Build.Commit,
		"database", pg.RedactDSN(p.Config.DatabaseURL.Reveal()), "listen", p.address()}, p.about()...)...)
	return p.live(ctx)
}

// serve binds the address of health, readiness, metrics and status, if one is configured.
func (p *process) serve(ctx context.Context) (err error) {
	if p.Config.Listen == "" {
		return nil
	}
	c := p.shown()
	c.Addr, c.Metrics, c.Log = p.Config.Listen, p.metrics, p.Log
	p.server, err = serve.Listen(ctx, c)
	return err
}

// address is where the server listens.
func (p *process) address() string {
	if p.server == nil {
		return "off"
	}
	return p.server.Addr()
}

// live serves health and metrics while the work is done. The server outlives the work, so that tools can watch the beginning and the
// end.
func (p *process) live(ctx context.Context) error {
	ctx, release := daemon.Draining(ctx, p.Stop, daemon.DrainTimeout, func() {
		p.Log.Info("shutting down: runs finish their current pages", "within", daemon.DrainTimeout)
		p.tellSupervisor(systemd.SdNotifyStopping)
		if p.server != nil {
			p.server.SetStopping()
		}
		p.drain()
	})
	defer release()
	g, ctx := errgroup.WithContext(ctx)
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if p.server != nil {
		g.Go(func() error { return p.server.Run(serving) })
	}
	g.Go(func() error {
		p.feedWatchdog(serving)
		return nil
	})
	g.Go(func() error {
		p.followReloads(serving)
		return nil
	})
	p.tellSupervisor(systemd.SdNotifyReady)
	g.Go(func() error {
		defer stopServing()
		return p.run(ctx)
	})
	err := g.Wait()
	if err == nil {
		p.Log.Info("syncd has stopped")
	}
	return err
}
