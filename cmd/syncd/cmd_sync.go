package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/cost"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/report"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

type syncCmd struct {
	Streams []string      `arg:"" optional:"" help:"Streams to sync, even if they are off; by default all that are on."`
	For     time.Duration `placeholder:"DURATION" help:"For cron and serverless: read only what is due by its schedule, and stop cleanly after this time, such as 50s, whatever the number of organizations. The next call goes on from there. Exit code 0: all is whole; 3: there is more."`
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
	if cmd.For > 0 && c.timeUp == nil { // opening the database takes of the time, too, and so do several organizations
		c.timeUp = c.after(cmd.For)
	}
	return c.withBars(cfg, log, cmd.Migrate, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) error {
		defer daemon.DrainAt(c.timeUp, func() { c.timeIsUp.Store(true); org.Mirror.Drain() })()
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
		done := report.NewSync(cmd.words(), results, c.timeIsUp.Load(), bars.At)
		if ctx.Err() == nil {
			err = errors.Join(err, judge(ctx, done, org.Store, names))
		}
		if err := c.report(cmd.outputFlags, done, done.Print); err != nil {
			return err
		}
		return cmd.exit(c, done, results, err)
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
func (cmd *syncCmd) exit(c *command, done *report.Sync, results []mirror.Result, err error) error {
	switch {
	case c.interrupted() && !done.Whole:
		return &exitError{exitInterrupted, errors.New(done.Interruption())}
	case err == nil && !done.Whole:
		return errPartial
	}
	return exitOf(results, err)
}

// judge adds what the database knows of the streams now.
func judge(ctx context.Context, done *report.Sync, s *store.Store, names []string) error {
	list, err := s.Streams().Standings(ctx, names)
	if err != nil {
		return err
	}
	open, err := s.Streams().OpenDrift(ctx)
	if err == nil {
		done.Judge(list, open.Total())
	}
	return err
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
