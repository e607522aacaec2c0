package daemon

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"syncd/internal/humanize"
	"syncd/internal/terminal"
	"syncd/internal/token"
)

// Print writes the plan for people.
func (r Plan) Print(w io.Writer) error {
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
		t.Add(s.Stream, rows, requests, fmt.Sprintf("%.1f", s.Minutes), s.Swept(), fmt.Sprintf("%.1f", s.PerHour), percent(s.Share), s.Described)
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
func proposalYAML(p *Proposal) string {
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
