package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/audit"
	"syncd/internal/humanize"
	"syncd/internal/store/audits"
	"syncd/internal/terminal"
)

// PrintAudit writes what an audit compared and found.
func PrintAudit(w io.Writer, report audit.Report) error {
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
