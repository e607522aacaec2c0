package main

import (
	"errors"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/mirror"
	"syncd/internal/report"
)

type tailCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to follow; by default all that are on."`
	Migrate bool     `default:"true" negatable:"" help:"Bring the tables up to date first."`
	outputFlags
	mirrorFlags
}

// Run makes one round of tails, as the daemon does every few minutes.
func (cmd *tailCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	_, unknown := resolveStreams(cmd.Streams)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	ctx, org, done, err := c.open(cfg, c.beside(cfg, log), cmd.Migrate, nil)
	if err != nil {
		return err
	}
	defer done()
	org.Mirror.WaitForLease = true
	if err := org.Mirror.CheckAccess(ctx); err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	res, err := org.Mirror.Tail(ctx, cmd.Streams...)
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	fresh, err := org.Store.Streams().Freshness(ctx)
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	round := report.NewRound(res, fresh)
	if err := c.report(cmd.outputFlags, round, round.Print); err != nil {
		return err
	}
	switch res.Outcome {
	case mirror.Succeeded:
		return nil
	case mirror.Partial:
		return errPartial
	}
	return daemon.InterruptionOr(ctx, res.Err)
}
