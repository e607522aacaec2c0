package main

import (
	"context"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/report"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

type statusCmd struct {
	JSON bool `name:"json" help:"As JSON."`
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
	switch {
	case err != nil:
		return err
	case cmd.JSON:
		return terminal.PrintJSON(c.stdout, state)
	}
	return report.PrintStatus(c.stdout, state, now)
}
