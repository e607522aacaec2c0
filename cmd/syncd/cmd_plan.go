package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
	"syncd/internal/token"
)

type planCmd struct {
	JSON bool `name:"json" help:"As JSON."`
	mirrorFlags
	scheduleFlags
	WebhookListen *string
}

// Run asks Polar for the counts that the costs depend on. It needs no database and writes nothing. With a database it shares the
// budget of running processes, and counts the rows whose children cost a request each.
func (cmd *planCmd) Run(c *command) error {
	return c.withClient(func(ctx context.Context, cfg *config.Config, log *slog.Logger, client *fetch.Client) error {
		return cmd.plan(ctx, c.stdout, cfg, log, client)
	})
}

func (cmd *planCmd) plan(ctx context.Context, stdout io.Writer, cfg *config.Config, log *slog.Logger, client *fetch.Client) error {
	var s *store.Store
	var err error
	if cfg.DatabaseURL != "" {
		if s, err = daemon.OpenStore(ctx, cfg, log); err == nil {
			defer s.Close()
			err = s.CheckSchema(ctx)
		}
		if err != nil && ctx.Err() == nil {
			log.Info("planning without the database", "reason", err)
			s = nil
		}
	}
	m, err := catalog.New(catalog.Config{Config: mirror.Config{Client: client, Store: s, Off: cfg.StreamsOff, Retention: cfg.Retention(), KeepHistory: cfg.KeepHistory(), Parallel: cfg.Parallel, Log: log}})
	if err != nil {
		return err
	}
	if s != nil {
		defer m.LeaveBudget()
	}
	costs, err := m.Plan(ctx)
	if err != nil {
		return err
	}
	plan, err := daemon.MakePlan(cfg, costs, client)
	if err != nil {
		return err
	}
	if cmd.JSON {
		err = terminal.PrintJSON(stdout, plan)
	} else {
		err = printPlan(stdout, plan)
	}
	if err == nil && !plan.Possible {
		err = usageError(errors.New("the budget does not suffice for this configuration: " + plan.Problem))
	}
	return err
}

func printPlan(w io.Writer, r daemon.Plan) error {
	var b strings.Builder
	t := terminal.Table{Head: []string{"STREAM", "ROWS", "REQUESTS", "MINUTES", "SWEPT", "REQUESTS/H", "OF LIMIT", "FRESH WITHIN"}, Align: "lrrrlrrl"}
	for _, s := range r.Streams {
		rows, requests := "", humanize.Count(s.Requests)
		if s.Rows != nil {
			rows = humanize.Count(*s.Rows)
		}
		if s.AtMost {
			requests = "<= " + requests
		}
		t.Add(s.Stream, rows, requests, fmt.Sprintf("%.1f", s.Minutes), s.Schedule, fmt.Sprintf("%.1f", s.PerHour), percent(s.Share), s.Described)
	}
	if r.Tail != nil {
		t.Add("(tails)", "", "<= "+humanize.Count(r.Tail.Requests), "", "@every "+r.Tail.Every, fmt.Sprintf("%.1f", r.Tail.PerHour), percent(r.Tail.Share), "")
	}
	if r.Feed != nil {
		t.Add("(feeds)", "", "1", "", "@every "+r.Feed.Quiet, fmt.Sprintf("%.1f", r.Feed.PerHour), percent(r.Feed.Share), "")
	}
	t.Add("", humanize.Count(r.Rows), humanize.Count(r.SweepRequests), fmt.Sprintf("%.1f", r.SweepMinutes), "", fmt.Sprintf("%.1f", r.PerHour), percent(r.Share), "")
	b.WriteString(t.Text())
	pace := fmt.Sprintf("at %d requests a minute", r.Budget)
	if r.Budget == 0 {
		pace = "without a budget"
	}
	fmt.Fprintf(&b, "\nA first sync: %s requests, %.1f minutes %s, of the %d that Polar allows by default.\nThis plan took %d requests.\n",
		humanize.Count(r.FirstRequests), r.FirstMinutes, pace, r.Limit, r.Probes)
	if r.Webhooks != nil {
		b.WriteString("\n" + r.Webhooks.Described() + "\n")
	}
	if lacks := token.SumReasons(func(yield func(stream, reason string)) {
		for _, s := range r.Streams {
			yield(s.Stream, s.Refused)
		}
	}); lacks != "" {
		b.WriteString("\n" + lacks + "\n")
	}
	if r.Proposal != nil {
		b.WriteString("\nThis fits the budget:\n\n" + proposalYAML(r.Proposal))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// proposalYAML is a proposal as lines of the configuration file.
func proposalYAML(p *daemon.Proposal) string {
	var b strings.Builder
	if p.Budget > 0 {
		fmt.Fprintf(&b, "requests_per_minute: %d # if Polar allows the organization that many\n", p.Budget)
	}
	if p.Tail != "" {
		fmt.Fprintf(&b, "tail: %s\n", p.Tail)
	}
	if p.Feed != "" {
		fmt.Fprintf(&b, "feed: %s\n", p.Feed)
	}
	if len(p.Schedules) > 0 {
		b.WriteString("streams:\n")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Schedules)) {
		fmt.Fprintf(&b, "  %s:\n    schedule: %q\n", name, p.Schedules[name])
	}
	return b.String()
}

// percent writes a share, 0.123 as 12.3 %.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
