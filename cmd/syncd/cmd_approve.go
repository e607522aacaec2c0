package main

import (
	"fmt"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/terminal"
)

type approveCmd struct {
	Number int64 `arg:"" name:"run" help:"The run whose deletions are held back; syncd status and syncd verify show its number."`
	DryRun bool  `help:"Only show what would be marked and what that costs; send no request to Polar."`
	mirrorFlags
}

func (cmd *approveCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	if err != nil {
		return err
	}
	ctx, org, done, err := c.open(cfg, log, false, nil)
	if err != nil {
		return err
	}
	defer done()
	plan, err := org.Mirror.PlanApproval(ctx, cmd.Number)
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	for _, a := range plan {
		if _, err := fmt.Fprintf(c.stdout, "%s: to mark %s rows as deleted, %s\n", a.Stream, humanize.Count(a.Rows), a.DescribeCost(org.Client.Budget().Pace)); err != nil {
			return err
		}
	}
	if cmd.DryRun {
		return nil
	}
	org.Mirror.WaitForLease = true
	results, err := org.Mirror.ApproveDeletions(ctx, cmd.Number)
	for _, r := range results {
		if _, err := fmt.Fprintf(c.stdout, "%s: %s, %s rows marked as deleted, %s requests\n", r.Stream, terminal.OutcomeText(r), humanize.Count(r.Deleted), humanize.Count(r.Requests)); err != nil {
			return err
		}
		if r.Reason != "" {
			if _, err := fmt.Fprintf(c.stdout, "  %s\n", r.Reason); err != nil {
				return err
			}
		}
	}
	if len(results) == 0 {
		return daemon.InterruptionOr(ctx, err)
	}
	return exitOf(results, err)
}
