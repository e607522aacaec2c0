package main

import (
	"context"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/report"
	"syncd/internal/status"
	"syncd/internal/store"
)

type statusCmd struct {
	Check bool `help:"Exit code 3 if something is missing, as verify judges."`
	JSON  bool `name:"json" help:"As JSON."`
	databaseFlags
	streamFlags
	scheduleFlags
}

func (cmd *statusCmd) Run(c *command) error {
	var state status.Report
	var now time.Time
	err := c.withTables(func(ctx context.Context, cfg *config.Config, s *store.Store) (err error) {
		if now, err = s.Now(ctx); err != nil {
			return err
		}
		state, err = daemon.ReadStatus(ctx, s, cfg, func(st store.StreamStatus) time.Time { return daemon.NextRun(cfg, st, now) })
		return err
	})
	if err != nil {
		return err
	}
	whole := state.CountMissing() == 0
	if cmd.JSON {
		err = c.printJSON(struct {
			Whole bool `json:"whole"` // as verify judges
			status.Report
		}{whole, state})
	} else {
		err = report.PrintStatus(c.stdout, state, now)
	}
	if err == nil && cmd.Check && !whole {
		return errPartial
	}
	return err
}
