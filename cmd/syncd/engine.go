package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store"
)

// drainTimeout is how long runs may take to finish the page in hand after the first signal. Closing what is left comes
// on top; all of it stays within 10 s.
const drainTimeout = 7 * time.Second

// engine is what syncs: Polar, Postgres, and the runner between them.
type engine struct {
	client *fetch.Client
	store  *store.Store
	runner *mirror.Runner
}

// openStore connects to the database, and migrates it if that is wanted.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger, migrate bool) (*store.Store, error) {
	s, err := store.Open(ctx, store.Config{
		DSN:      cfg.DatabaseURL.Reveal(),
		Schema:   cfg.Schema,
		MaxConns: int32(store.Connections(cfg.Parallel)),
		Log:      log,
	})
	switch {
	case store.IsStore(err):
		return nil, err
	case err != nil:
		return nil, usage(err)
	}
	if !migrate {
		return s, nil
	}
	applied, err := s.Migrate(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	if len(applied) > 0 {
		log.Info("schema migrated", "schema", cfg.Schema, "migrations", len(applied), "last", applied[len(applied)-1])
	}
	return s, nil
}

// newClient makes the client of Polar. It sends nothing.
func newClient(cfg *config.Config, log *slog.Logger) (*fetch.Client, error) {
	client, err := fetch.New(fetch.Config{
		Server:            cfg.Server,
		Token:             cfg.AccessToken.Reveal(),
		Version:           cfg.PolarVersion,
		OrganizationID:    cfg.OrganizationID,
		RequestsPerMinute: cfg.RequestsPerMinute,
		Patience:          cfg.Patience,
		UserAgent:         "syncd/" + buildInfo().Version + " (mirror of Polar billing data into Postgres)",
		Log:               log,
	})
	if err != nil {
		return nil, usage(err)
	}
	return client, nil
}

// openEngine makes everything ready to sync, without a request to Polar.
func openEngine(ctx context.Context, cfg *config.Config, log *slog.Logger, migrate bool, watch mirror.Observer) (*engine, error) {
	tuneMemory()
	client, err := newClient(cfg, log)
	if err != nil {
		return nil, err
	}
	s, err := openStore(ctx, cfg, log, migrate)
	if err != nil {
		client.Close()
		return nil, err
	}
	if fits := s.Pool().Streams(); fits < cfg.Parallel {
		log.Warn("pool_max_conns is too small for the streams to be read at once: fewer are", "pool_max_conns", s.Pool().Config().MaxConns,
			"parallel", fits, "instead_of", cfg.Parallel, "which_needs", store.Connections(cfg.Parallel))
		cfg.Parallel = fits
	}
	runner, err := mirror.New(mirror.Config{
		Client: client, Store: s, Off: cfg.StreamsOff, Retention: cfg.Retention(), Parallel: cfg.Parallel, OrganizationID: cfg.OrganizationID, LeaseTTL: cfg.Lease, Log: log, Observer: watch,
	})
	if err != nil {
		s.Close()
		client.Close()
		return nil, err
	}
	return &engine{client, s, runner}, nil
}

func (e *engine) close() {
	e.store.Close()
	e.client.Close()
}

// interruptible returns a context that ends at the first signal, for work that may be dropped at any point.
func (c *command) interruptible() (ctx context.Context, release func()) {
	return c.draining(0, func() {})
}

// draining returns a context for work that drain asks to come to an end. drain is called at the first signal; what
// then still works after the given time is cut off, as it is by a second signal.
func (c *command) draining(within time.Duration, drain func()) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.stop:
		case <-ctx.Done():
			return
		}
		drain()
		timer := time.NewTimer(within)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-watched }
}

// engine opens an engine for one command, and gives its work a context: a signal breaks the opening off at once, and then
// asks the work to come to an end. done closes everything.
func (c *command) engine(cfg *config.Config, log *slog.Logger, migrate bool, watch mirror.Observer) (ctx context.Context, e *engine, done func(), err error) {
	ctx, release := c.interruptible()
	e, err = openEngine(ctx, cfg, log, migrate, watch)
	release()
	if err != nil {
		return ctx, nil, nil, interrupted(ctx, err)
	}
	ctx, release = c.draining(drainTimeout, e.runner.Drain)
	return ctx, e, func() {
		release()
		e.close()
	}, nil
}

var errInterrupted = errors.New("interrupted by a signal")

// interrupted puts the signal in place of the errors that follow from it. ctx may have been released since.
func interrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}
