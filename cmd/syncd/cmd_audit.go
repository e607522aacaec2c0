package main

import (
	"errors"
	"time"

	"syncd/internal/audit"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/report"
)

type auditCmd struct {
	Streams []string  `arg:"" optional:"" help:"Streams to audit; by default all."`
	Cached  bool      `help:"Compare with the last exports, and request none from Polar."`
	Since   time.Time `format:"2006-01-02" placeholder:"DATE" help:"Of metrics, compare only the periods from this day on (UTC), such as 2026-03-01."`
	States  int       `default:"10" help:"How many customer states to compare, one request each; 0 for none."`
	JSON    bool      `name:"json" help:"As JSON."`
	mirrorFlags
}

// Help is the long description of the command.
func (cmd *auditCmd) Help() string {
	return `Compares the mirror with what Polar says elsewhere about the same objects: the CSV exports field by field, the number of rows,
Polar's metrics, the references between rows, the lists inside them, and a sample of customer states. Rows that differ are fetched
by id, written anew and compared again. A difference is a finding, in the table sync_findings, only if time passing between the
reads does not explain it. Findings that the fetch healed are closed there.

Polar's metrics are also computed from the mirror's rows, for each day and month that is over. That sends no request. What differs and is
not explained by what Polar does not show is a finding for each metric and its first period.

Exit code 0: all agrees; 1: unknown stream; 2: nothing could be compared; 3: there are findings, healed or open, or something
could not be compared.`
}

func (cmd *auditCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	_, wrong := resolveStreams(cmd.Streams)
	if err := errors.Join(err, wrong); err != nil {
		return usageError(err)
	}
	ctx, org, done, err := c.open(cfg, log, false, nil)
	if err != nil {
		return err
	}
	defer done()
	states := cmd.States
	if states == 0 {
		states = -1
	}
	found, err := org.Mirror.Audit(ctx, audit.Options{Streams: cmd.Streams, Cached: cmd.Cached, States: states, Since: cmd.Since})
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	if cmd.JSON {
		err = c.printJSON(struct {
			Clean bool `json:"clean"`
			audit.Report
		}{found.Clean(), found})
	} else {
		err = report.PrintAudit(c.stdout, found)
	}
	if err == nil && !found.Clean() {
		return errPartial
	}
	return err
}
