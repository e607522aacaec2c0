package main

import (
	"context"
	"fmt"
	"log/slog"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// interruptible returns a context that ends at the first signal, for work that may be dropped at any point.
func (c *command) interruptible() (ctx context.Context, release func()) {
	return daemon.Interruptible(c.ctx, c.stop)
}

// opening is how commands open an organization: somebody waits for them.
func (c *command) opening(log *slog.Logger) daemon.Opening {
	return daemon.Opening{Build: buildInfo(), Log: log, Hasty: true, Waits: c.waiting.Begin}
}

// sayWaiting says what the command waits for, in the form of the log.
func (c *command) sayWaiting(what string) {
	if c.quiet {
		return
	}
	if c.json {
		terminal.NewLog(c.logs, true, &c.level).Info(what)
		return
	}
	fmt.Fprintln(c.logs, what)
}

// open opens the organization for one command, and returns a context for its work. A signal interrupts the opening at once; later
// it asks the work to end. done closes everything.
func (c *command) open(cfg *config.Config, log *slog.Logger, migrate bool, observer mirror.Observer) (ctx context.Context, org *daemon.Organization, done func(), err error) {
	tuneMemory(1)
	ctx, release := c.interruptible()
	opening := c.opening(log)
	opening.Migrate, opening.Observer = migrate, observer
	org, err = daemon.Open(ctx, cfg, opening)
	release()
	if err != nil {
		return ctx, nil, nil, daemon.InterruptionOr(ctx, err)
	}
	ctx, release = daemon.Draining(c.ctx, c.stop, daemon.DrainTimeout, org.Mirror.Drain)
	asking, stopAsking := c.interruptible()
	return fetch.WithStop(ctx, asking), org, func() { // the question whose the token is is given up at once
		stopAsking()
		release()
		org.Close()
	}, nil
}

// withBars opens the organization for work whose runs are shown as bars until they are closed, and wait for leases: no later run
// follows, as in a daemon.
func (c *command) withBars(cfg *config.Config, log *slog.Logger, migrate bool, do func(context.Context, *daemon.Organization, *terminal.Progress) error) error {
	bars := c.newProgress(cfg)
	defer bars.Close()
	ctx, org, done, err := c.open(cfg, c.beside(cfg, log), migrate, bars)
	if err != nil {
		return err
	}
	defer done()
	bars.CountRequests(org.Client.Requests)
	org.Mirror.WaitForLease = true
	return do(ctx, org, bars)
}

// withClient makes a client of Polar without a database, for work that may be dropped at any point. More settings may be needed than
// those of Polar.
func (c *command) withClient(do func(context.Context, *config.Config, *slog.Logger, *fetch.Client) error, more ...string) error {
	cfg, log, err := c.config(append(more, config.GroupPolar)...)
	if err != nil {
		return err
	}
	return c.asking(cfg, log, do)
}

// asking is withClient for whoever has read the configuration.
func (c *command) asking(cfg *config.Config, log *slog.Logger, do func(context.Context, *config.Config, *slog.Logger, *fetch.Client) error) error {
	ctx, release := c.interruptible()
	defer release()
	client, err := daemon.NewClient(cfg, c.opening(log))
	if err != nil {
		return err
	}
	defer client.Close()
	return daemon.InterruptionOr(ctx, do(ctx, cfg, log, client))
}

// withStore opens the configured database without migrating it, for work that may be dropped at any point.
func (c *command) withStore(do func(context.Context, *config.Config, *store.Store) error) error {
	cfg, log, err := c.config(config.GroupDatabase)
	if err != nil {
		return err
	}
	ctx, release := c.interruptible()
	defer release()
	s, err := daemon.OpenStore(ctx, cfg, log)
	if err == nil {
		defer s.Close()
		err = do(ctx, cfg, s)
	}
	return daemon.InterruptionOr(ctx, err)
}

// withTables is withStore for commands that read tables: the schema must be the one that this syncd knows.
func (c *command) withTables(do func(context.Context, *config.Config, *store.Store) error) error {
	return c.withStore(func(ctx context.Context, cfg *config.Config, s *store.Store) error {
		if err := s.CheckSchema(ctx); err != nil {
			return err
		}
		return do(ctx, cfg, s)
	})
}
