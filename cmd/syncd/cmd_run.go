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
	needed := []string{config.GroupDatabase, config.GroupPolar, config.GroupWebhooks}
	all, err := c.sources.Organizations()
	if err != nil {
		return err
	}
	if c.sources.Selected() != "" {
		all = nil
	}
	if all != nil { // each needs these, and is read by itself
		needed = nil
	}
	cfg, log, err := c.config(needed...)
	if err != nil {
		return err
	}
	tuneMemory(len(all))
	return fleet.Run(c.ctx, fleet.Options{
		Config: cfg, Shown: c.shown, Sources: c.sources, Organizations: all, Migrate: cmd.Migrate, Build: buildInfo(),
		Log: log, LogLevel: &c.level, Stop: c.stop, Reload: c.reload,
	})
}
