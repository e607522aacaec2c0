package main

import "fmt"

type approveCmd struct {
	Number   int64        `arg:"" name:"run" help:"The run whose deletions are held back; syncd status and syncd verify name it."`
	Settings settingFlags `embed:""`
}

func (cmd *approveCmd) Run(c *command) error {
	cfg, log, err := c.config(groupDatabase, groupPolar)
	if err != nil {
		return err
	}
	ctx, e, done, err := c.engine(cfg, log, false, nil)
	if err != nil {
		return err
	}
	defer done()
	e.runner.WaitForLease = true
	results, err := e.runner.ApproveDeletions(ctx, cmd.Number)
	for _, r := range results {
		if _, err := fmt.Fprintf(c.stdout, "%s: %s, %s rows marked as deleted\n", r.Stream, outcome(r), num(r.Deleted)); err != nil {
			return err
		}
		if r.Reason != "" {
			if _, err := fmt.Fprintf(c.stdout, "  %s\n", r.Reason); err != nil {
				return err
			}
		}
	}
	if len(results) == 0 {
		return interrupted(ctx, err)
	}
	return verdict(results, err)
}
