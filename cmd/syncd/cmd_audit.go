package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/audit"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/store/audits"
	"syncd/internal/terminal"
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
	report, err := org.Mirror.Audit(ctx, audit.Options{Streams: cmd.Streams, Cached: cmd.Cached, States: states, Since: cmd.Since})
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	if cmd.JSON {
		err = terminal.PrintJSON(c.stdout, struct {
			Clean bool `json:"clean"`
			audit.Report
		}{report.Clean(), report})
	} else {
		err = printAudit(c.stdout, report)
	}
	if err == nil && !report.Clean() {
		return errPartial
	}
	return err
}

func printAudit(w io.Writer, report audit.Report) error {
	var b strings.Builder
	t := terminal.Table{Head: []string{"STREAM", "AGAINST", "FINDINGS", "CHANGED SINCE", "NOTE"}, Align: "llrrl"}
	for _, c := range report.Checks {
		note := c.Note
		if c.Failed != "" {
			note = "not compared: " + c.Failed
		}
		t.Add(c.Stream, c.Against, humanize.Count(c.Findings), humanize.Count(c.Moved), note)
	}
	b.WriteString(t.Text())
	printMetrics(&b, report.Metrics)
	open := 0
	for _, f := range report.Findings {
		if f.Kind == audits.FindingMetric && f.FirstSeen.IsZero() { // in the table
			open++
			continue
		}
		what := f.Kind
		if f.Field != "" {
			what += " " + f.Field
		}
		end := "healed"
		if !f.Healed {
			end = "open"
			if !f.FirstSeen.IsZero() {
				end += " since " + f.FirstSeen.UTC().Format(time.RFC3339)
			}
			open++
		}
		fmt.Fprintf(&b, "\n%s %s: %s, mirror %q, Polar %q: %s\n  %s\n", f.Stream, f.Key, what, f.Mirror, f.Other, end, f.Evidence)
	}
	if report.Clean() {
		fmt.Fprintf(&b, "\nThe mirror agrees with Polar; %s requests.\n", humanize.Count(report.Requests))
	} else {
		fmt.Fprintf(&b, "\n%s findings, %s of them open; %s requests. They are in sync_findings.\n", humanize.Count(len(report.Findings)), humanize.Count(open), humanize.Count(report.Requests))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printMetrics shows how many figures of Polar's the mirror's rows give, and those that they do not.
func printMetrics(b *strings.Builder, list []audits.ComparedMetric) {
	if len(list) == 0 {
		return
	}
	figures := map[string]int{}
	t := terminal.Table{Head: []string{"METRIC", "EVERY", "FROM", "TO", "PERIODS", "MIRROR", "POLAR", "DIFFERENCE", "COMPUTED FROM"}, Align: "llllrrrrl"}
	for _, m := range list {
		figures[m.Verdict] += m.Periods
		if m.Verdict == "different" {
			t.Add(m.Slug, m.Interval, m.First.UTC().Format(time.DateOnly), m.Last.UTC().Format(time.DateOnly), humanize.Count(m.Periods), m.Mirror, m.Polar, m.Difference, strings.Join(m.Sources, " "))
		}
	}
	fmt.Fprintf(b, "\nMetrics of closed days and months: %s figures equal, %s explained by what Polar does not show, %s different, %s not compared.\n",
		humanize.Count(figures["equal"]), humanize.Count(figures["explained"]), humanize.Count(figures["different"]), humanize.Count(figures[""]))
	if figures["different"] > 0 {
		b.WriteString("\n" + t.Text() + "\nNothing that Polar does not show explains these: a row that they are computed from is wrong or missing. `syncd audit STREAM` finds it, or `syncd sync STREAM` reads the rows again.\n")
	}
}
