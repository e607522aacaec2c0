package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/cost"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

type syncCmd struct {
	Streams []string      `arg:"" optional:"" help:"Streams to sync, even if they are off; by default all that are on."`
	For     time.Duration `placeholder:"DURATION" help:"For cron and serverless: read only what is due by its schedule, and stop cleanly after this time, such as 50s. The next call goes on from there. Exit code 0: all is whole; 3: there is more."`
	Migrate bool          `default:"true" negatable:"" help:"Bring the tables up to date first."`
	outputFlags
	mirrorFlags
}

func (cmd *syncCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	names, unknown := resolveStreams(cmd.Streams)
	if cmd.For < 0 {
		unknown = errors.Join(unknown, fmt.Errorf("--for %s is no time to work in: write it as 50s or 10m", cmd.For))
	}
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	if len(cmd.Streams) == 0 {
		names = cfg.StreamsOn()
	}
	var timeUp <-chan time.Time // opening the database takes of the time, too
	if cmd.For > 0 {
		timeUp = c.after(cmd.For)
	}
	return c.withBars(cfg, log, cmd.Migrate, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) error {
		var late atomic.Bool
		defer daemon.DrainAt(timeUp, func() { late.Store(true); org.Mirror.Drain() })()
		chosen := names
		if cmd.For > 0 {
			var err error
			if chosen, err = dueOf(ctx, cfg, org.Store, names); err != nil {
				return err
			}
		}
		results, err := syncStreams(ctx, org, bars, chosen)
		if len(results) == 0 && len(chosen) > 0 {
			return daemon.InterruptionOr(ctx, err)
		}
		done := synced{command: cmd.words(), Streams: terminal.NewRuns(results), results: results, late: late.Load(), GoesOn: terminal.GoesOn(results, bars.At)}
		if ctx.Err() == nil {
			err = errors.Join(err, done.judge(ctx, org.Store, names))
		}
		if err := c.report(cmd.outputFlags, done, done.print); err != nil {
			return err
		}
		return cmd.exit(c, done, err)
	})
}

// words are the command as it was called, without its flags but one.
func (cmd *syncCmd) words() string {
	words := "syncd sync"
	if cmd.For > 0 {
		words += " --for " + humanize.Interval(cmd.For)
	}
	return strings.Join(append([]string{words}, cmd.Streams...), " ")
}

// exit tells how it ended.
func (cmd *syncCmd) exit(c *command, done synced, err error) error {
	switch {
	case c.interrupted():
		said := "Interrupted. What was read is kept"
		if done.GoesOn != "" {
			said += ": `" + done.command + "` goes on " + done.GoesOn
		}
		return &exitError{exitInterrupted, errors.New(said + ".")}
	case err == nil && !done.Whole:
		return errPartial
	}
	return exitOf(done.results, err)
}

// dueOf are those of the streams that are due.
func dueOf(ctx context.Context, cfg *config.Config, s *store.Store, names []string) ([]string, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Streams().Statuses(ctx, names)
	return daemon.Due(cfg, list, now), err
}

// syncStreams reads the streams, and lets the progress know what they will cost.
func syncStreams(ctx context.Context, org *daemon.Organization, bars *terminal.Progress, names []string) ([]mirror.Result, error) {
	defer bars.Close()
	if len(names) == 0 {
		return nil, nil
	}
	bars.Expect(len(names))
	if bars.Estimates() {
		estimating, stop := context.WithCancel(ctx)
		estimated := make(chan struct{})
		go func() {
			defer close(estimated)
			expectCosts(estimating, org, bars, names)
		}()
		defer func() { stop(); <-estimated }()
	}
	return org.Mirror.Sync(ctx, names...)
}

// expectCosts tells the progress what the last sweep of each stream cost. Where there was none, Polar is asked for counts. An
// estimate that fails is left out.
func expectCosts(ctx context.Context, org *daemon.Organization, bars *terminal.Progress, names []string) {
	select {
	case <-bars.Started(): // else the first requests would go by a token that is not known to be good
	case <-ctx.Done():
		return
	}
	costs, unknown := map[string]int{}, []string{}
	for _, name := range names {
		if n, _, err := org.Store.Runs().SweepCost(ctx, name); err == nil && n > 0 {
			costs[name] = int(n)
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		if list, err := cost.Sweeps(ctx, org.Mirror.Engine, unknown...); err == nil {
			for _, s := range list {
				costs[s.Stream] = s.Requests
			}
		}
	}
	bars.ExpectRequests(costs)
}

// synced is what a sync did.
type synced struct {
	Whole     bool           `json:"whole"` // all chosen streams, as `syncd verify` judges them
	Streams   []terminal.Run `json:"streams"`
	GoesOn    string         `json:"goes_on,omitempty"`   // where the next call goes on with what was interrupted
	NotWhole  []string       `json:"not_whole,omitempty"` // streams
	OpenDrift int64          `json:"open_drift,omitempty"`

	command string
	results []mirror.Result
	late    bool // the time was up
}

// judge adds what the database knows of the streams now.
func (done *synced) judge(ctx context.Context, s *store.Store, names []string) error {
	list, err := s.Streams().Standings(ctx, names)
	if err != nil {
		return err
	}
	for _, st := range list {
		if st.Missing() != "" {
			done.NotWhole = append(done.NotWhole, st.Stream)
		}
	}
	done.Whole = len(done.NotWhole) == 0 && done.GoesOn == ""
	open, err := s.Streams().OpenDrift(ctx)
	done.OpenDrift = open.Total()
	return err
}

func (done *synced) print(w io.Writer) error {
	var b strings.Builder
	if len(done.results) > 0 {
		if err := terminal.PrintResults(&b, done.results); err != nil {
			return err
		}
	} else {
		b.WriteString("Nothing is due.\n")
	}
	switch {
	case done.late && done.GoesOn != "":
		fmt.Fprintf(&b, "\nThe time is up: `%s` goes on %s.\n", done.command, done.GoesOn)
	case len(done.results) == 0 && len(done.NotWhole) > 0:
		fmt.Fprintf(&b, "Not whole: %s: `syncd verify` says why.\n", strings.Join(done.NotWhole, ", "))
	}
	if line := driftLine(done.OpenDrift); line != "" {
		b.WriteString("\n" + line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
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
