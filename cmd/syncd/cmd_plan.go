package main

import (
	"context"
	"errors"
	"log/slog"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store"
)

type planCmd struct {
	JSON bool `name:"json" help:"As JSON."`
	mirrorFlags
	scheduleFlags
	WebhookListen *string
}

// Run asks Polar for the counts that the costs depend on. It needs no database and writes nothing. With a database it shares the
// budget of running processes, and counts the rows whose children cost a request each.
func (cmd *planCmd) Run(c *command) error {
	return c.withClient(func(ctx context.Context, cfg *config.Config, log *slog.Logger, client *fetch.Client) error {
		return cmd.plan(ctx, c, cfg, log, client)
	})
}

func (cmd *planCmd) plan(ctx context.Context, c *command, cfg *config.Config, log *slog.Logger, client *fetch.Client) error {
	var s *store.Store
	var err error
	if cfg.DatabaseURL != "" {
		if s, err = daemon.OpenStore(ctx, cfg, log); err == nil {
			defer s.Close()
			err = s.CheckSchema(ctx)
		}
		if err != nil && ctx.Err() == nil {
			log.Info("planning without the database", "reason", err)
			s = nil
		}
	}
	m, err := catalog.New(catalog.Config{Config: mirror.Config{Client: client, Store: s, Off: cfg.StreamsOff, Retention: cfg.Retention(), KeepHistory: cfg.KeepHistory(), Parallel: cfg.Parallel, Log: log}})
	if err != nil {
		return err
	}
	if s != nil {
		defer m.LeaveBudget()
	}
	forecast, err := m.Plan(ctx, daemon.SparedForProbes(cfg, client))
	if err != nil {
		return err
	}
	plan, err := daemon.MakePlan(cfg, forecast, client)
	if err != nil {
		return err
	}
	if cmd.JSON {
		err = c.printJSON(plan)
	} else {
		err = plan.Print(c.stdout)
	}
	if err == nil && !plan.Possible {
		err = usageError(errors.New("the budget does not suffice for this configuration: " + plan.Problem))
	}
	return err
}
