package main

import (
	"context"
	"errors"
	"time"

	"syncd/internal/config"
	"syncd/internal/report"
	"syncd/internal/store"
)

type driftCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to look at; by default all."`
	All     bool     `help:"Also show acknowledged drift, and drift that Polar no longer shows."`
	Ack     bool     `help:"Acknowledge the drift that is shown: it no longer counts as open."`
	JSON    bool     `name:"json" help:"As JSON."`
	databaseFlags
}

// Help is the long description of the command.
func (cmd *driftCmd) Help() string {
	return `Drift is what Polar sends and this syncd does not know: a new field, a new value, a missing field. It fails
nothing. An object that cannot be stored because of it is kept in the table sync_rejects.

Exit code 0: none is open, or all was acknowledged; 3: some is open.`
}

// Run reports what the runs have recorded. It sends nothing to Polar.
func (cmd *driftCmd) Run(c *command) error {
	_, unknown := resolveStreams(cmd.Streams)
	_, _, err := c.config(config.GroupDatabase)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	var found report.Drift
	var now time.Time
	err = c.withTables(func(ctx context.Context, _ *config.Config, s *store.Store) error {
		if now, err = s.Now(ctx); err != nil {
			return err
		}
		list, err := s.Streams().Drift(ctx, cmd.Streams...)
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.IsOpen() {
				found.Open++
			}
			if d.IsOpen() || cmd.All {
				found.Entries = append(found.Entries, report.NewDriftEntry(d))
			}
		}
		if cmd.Ack {
			found.Acknowledged, err = s.Streams().AcknowledgeDrift(ctx, cmd.Streams...)
		}
		return err
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		err = c.printJSON(found)
	} else {
		err = found.Print(c.stdout, now)
	}
	if err == nil && found.Open > 0 && !cmd.Ack {
		return errPartial
	}
	return err
}
