package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
)

type tailCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to follow; by default all that are on."`
	Migrate bool     `default:"true" negatable:"" help:"Bring the tables up to date first."`
	mirrorFlags
}

// Run makes one round of tails, as the daemon does every few minutes.
func (cmd *tailCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	_, unknown := resolveStreams(cmd.Streams)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	ctx, org, done, err := c.open(cfg, log, cmd.Migrate, nil)
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
	if err := printRound(c.stdout, res, fresh); err != nil {
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

func printRound(w io.Writer, res mirror.Result, fresh map[string]store.Freshness) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s requests, %s rows inserted, %s updated, %s marked as deleted\n",
		res.Outcome, humanize.Elapsed(res.Duration), humanize.Count(res.Requests), humanize.Count(res.Inserted), humanize.Count(res.Updated), humanize.Count(res.Deleted))
	if res.Reason != "" {
		fmt.Fprintf(&b, "%s\n", res.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		f := fresh[name]
		if f.Pending > 0 {
			fmt.Fprintf(&b, "%s: %s changes are pending\n", name, humanize.Count(f.Pending))
		}
		if f.SweepDue != "" {
			fmt.Fprintf(&b, "%s: a sweep is due (%s): run `syncd sync %s`, or let the daemon do it\n", name, f.SweepDue, name)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
