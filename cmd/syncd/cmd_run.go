package main

import (
	"syncd/internal/config"
	"syncd/internal/fleet"
)

type runCmd struct {
	Migrate bool `default:"true" negatable:"" help:"Bring the tables up to date first."`
	daemonFlags
}

func (cmd *runCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar, config.GroupWebhooks)
	if err != nil {
		return err
	}
	tuneMemory()
	return fleet.Run(c.ctx, fleet.Options{
		Config: cfg, Shown: c.shown, Sources: c.sources, Migrate: cmd.Migrate, Build: buildInfo(),
		Log: log, LogLevel: &c.level, Stop: c.stop, Reload: c.reload,
	})
}
