package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

type syncCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to sync, even if they are off; by default all that are on."`
	Migrate bool     `default:"true" negatable:"" help:"Bring the tables up to date first."`
	mirrorFlags
}

func (cmd *syncCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	_, unknown := resolveStreams(cmd.Streams)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	return c.withBars(cfg, log, cmd.Migrate, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) error {
		results, err := org.Mirror.Sync(ctx, cmd.Streams...)
		bars.Close()
		if len(results) == 0 {
			return daemon.InterruptionOr(ctx, err)
		}
		if err := terminal.PrintResults(c.stdout, results); err != nil {
			return err
		}
		if said := printDrift(ctx, c.stdout, org.Store); err == nil && ctx.Err() == nil { // else that is why
			err = said
		}
		return exitOf(results, err)
	})
}

// printDrift says that somebody should look at the drift.
func printDrift(ctx context.Context, w io.Writer, s *store.Store) error {
	open, err := s.Streams().OpenDrift(ctx)
	if err != nil {
		return err
	}
	if line := driftLine(open.Total()); line != "" {
		_, err := fmt.Fprintf(w, "\n%s\n", line)
		return err
	}
	return nil
}

// resolveStreams checks names of streams before anything is opened.
func resolveStreams(names []string) ([]string, error) {
	return mirror.PickStreams(catalog.Names(), names...)
}

// exitOf returns the error that the results amount to, with its exit code.
func exitOf(results []mirror.Result, err error) error {
	whole, stored := 0, 0
	for _, r := range results {
		if r.IsWhole() {
			whole++
		}
		if r.Pages > 0 {
			stored++
		}
	}
	switch {
	case err != nil && stored > 0:
		return &exitError{exitPartial, err}
	case err != nil:
		return err
	case whole < len(results):
		return errPartial
	}
	return nil
}
