package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
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
	round := newRound(res, fresh)
	if err := c.report(cmd.outputFlags, round, round.print); err != nil {
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

// round is what a round of tails did.
type round struct {
	terminal.Run
	Pending  map[string]int64  `json:"pending,omitempty"`   // changes that are still to be fetched, by stream
	SweepDue map[string]string `json:"sweep_due,omitempty"` // why a stream should be swept

	took time.Duration
}

func newRound(res mirror.Result, fresh map[string]store.Freshness) round {
	r := round{Run: terminal.NewRun(res), Pending: map[string]int64{}, SweepDue: map[string]string{}, took: res.Duration}
	for name, f := range fresh {
		if f.Pending > 0 {
			r.Pending[name] = f.Pending
		}
		if f.SweepDue != "" {
			r.SweepDue[name] = f.SweepDue
		}
	}
	return r
}

func (r round) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s requests, %s rows inserted, %s updated, %s marked as deleted\n",
		r.Outcome, humanize.Elapsed(r.took), humanize.Count(r.Requests), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Deleted))
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n", r.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Pending)) {
		fmt.Fprintf(&b, "%s: %s changes are pending\n", name, humanize.Count(r.Pending[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(r.SweepDue)) {
		fmt.Fprintf(&b, "%s: a sweep is due (%s): run `syncd sync %s`, or let the daemon do it\n", name, r.SweepDue[name], name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
