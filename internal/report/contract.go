package report

import (
	"fmt"
	"io"
	"strings"

	"syncd/internal/contract"
	"syncd/internal/humanize"
	"syncd/internal/terminal"
)

// Check is what a comparison of a server with the simulated Polar found.
type Check struct {
	Server    string   `json:"server"`
	Version   string   `json:"version"`
	Endpoints []string `json:"endpoints"` // that were read
	Requests  int64    `json:"requests"`
	contract.Report
}

// Print writes the differences. unseen: also what only the simulated Polar shows.
func (r Check) Print(w io.Writer, unseen bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s answered %s requests in version %s. The check read, by GET and HEAD only:\n", r.Server, humanize.Count(r.Requests), r.Version)
	for line := range strings.SplitSeq(humanize.Wrap(r.Endpoints, 118), "\n") {
		b.WriteString("  " + line + "\n")
	}
	if len(r.Differences) > 0 {
		b.WriteString("\n" + differenceTable(r.Differences))
	}
	if unseen && len(r.Unseen) > 0 {
		b.WriteString("\nThe simulated Polar has these, the server did not show them:\n\n" + differenceTable(r.Unseen))
	}
	if len(r.Uncompared) > 0 {
		b.WriteString("\nNot compared:\n")
	}
	for _, u := range r.Uncompared {
		fmt.Fprintf(&b, "  %s: %s\n", u.Stream, u.Why)
	}
	b.WriteString("\n")
	switch n := len(r.Differences); n {
	case 0:
		b.WriteString("No differences")
	case 1:
		b.WriteString("1 difference")
	default:
		fmt.Fprintf(&b, "%s differences", humanize.Count(n))
	}
	fmt.Fprintf(&b, " between the server and the simulated Polar; %d known ones (docs/simulator.md) are left out.\n", r.Known)
	if n := len(r.Unseen); n > 0 && !unseen {
		fmt.Fprintf(&b, "%s shapes exist only in the simulated Polar: an organization without such rows does not show them. --unseen lists them.\n", humanize.Count(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func differenceTable(list []contract.Difference) string {
	t := terminal.Table{Head: []string{"STREAM", "PATH", "KIND", "THERE", "HERE"}}
	for _, d := range list {
		streams := strings.Join(d.Streams, ", ")
		if len(d.Streams) > 3 {
			streams = fmt.Sprintf("%s and %d more", d.Streams[0], len(d.Streams)-1)
		}
		t.Add(streams, d.Path, d.Kind, said(d.There), said(d.Here))
	}
	return t.Text()
}

// said is a value as a cell shows it.
func said(value string) string {
	if value == "" {
		return "-"
	}
	return humanize.Line(value, 60)
}
