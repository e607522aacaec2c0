package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
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
	bars := newProgress(c)
	defer bars.close()
	ctx, org, done, err := c.open(cfg, bars.logger(c, cfg, log), cmd.Migrate, bars)
	if err != nil {
		return err
	}
	defer done()
	org.Mirror.WaitForLease = true // no later run follows, as in a daemon
	results, err := org.Mirror.Sync(ctx, cmd.Streams...)
	bars.close()
	if len(results) == 0 {
		return daemon.InterruptionOr(ctx, err)
	}
	if err := printResults(c.stdout, results); err != nil {
		return err
	}
	if said := printDrift(ctx, c.stdout, org.Store); err == nil && ctx.Err() == nil { // else that is why
		err = said
	}
	return exitOf(results, err)
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

// printResults shows the outcome of each stream, and the reason where it is not whole.
func printResults(w io.Writer, results []mirror.Result) error {
	var b strings.Builder
	t := table{head: []string{"STREAM", "ROWS", "PAGES", "REQUESTS", "INSERTED", "UPDATED", "REJECTED", "TIME", "OUTCOME"}, align: "lrrrrrrr"}
	var sum mirror.Result
	for _, r := range results {
		t.add(r.Stream, humanize.Count(r.Distinct), humanize.Count(r.Pages), humanize.Count(r.Requests), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Rejected), humanize.Elapsed(r.Duration), outcomeText(r))
		sum.Distinct += r.Distinct
		sum.Pages += r.Pages
		sum.Requests += r.Requests
		sum.Inserted += r.Inserted
		sum.Updated += r.Updated
		sum.Rejected += r.Rejected
	}
	t.add("", humanize.Count(sum.Distinct), humanize.Count(sum.Pages), humanize.Count(sum.Requests), humanize.Count(sum.Inserted), humanize.Count(sum.Updated), humanize.Count(sum.Rejected), "", "")
	b.WriteString(t.text())
	for _, r := range results {
		if r.Outcome != mirror.Succeeded && !r.Unavailable {
			fmt.Fprintf(&b, "\n%s: %s\n", r.Stream, r.Reason)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func outcomeText(r mirror.Result) string {
	if r.Unavailable {
		return "unavailable to this token"
	}
	return string(r.Outcome)
}
