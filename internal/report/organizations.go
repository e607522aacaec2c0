package report

import (
	"io"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/terminal"
)

// Organizations are those of a configuration, as far as their tables tell.
type Organizations []Organization

// Organization is one of them.
type Organization struct {
	Name         string    `json:"organization_name"`
	Schema       string    `json:"schema"`
	Server       string    `json:"server"`
	Organization string    `json:"organization,omitempty"`    // its id at Polar; "" = nothing was read yet
	DataThrough  time.Time `json:"data_through,omitzero"`     // of the stream that is furthest behind
	Verdict      string    `json:"verdict"`                   // whole, missing, empty, unknown
	Problem      string    `json:"problem,omitempty"`         // why it is unknown
	Missing      []string  `json:"missing_streams,omitempty"` // that are not known to be whole
}

// Print writes them as a table.
func (list Organizations) Print(w io.Writer) error {
	t := terminal.Table{Head: []string{"NAME", "SCHEMA", "SERVER", "ORGANIZATION", "DATA THROUGH", "VERDICT"}}
	for _, o := range list {
		through, verdict := "never", o.Verdict
		if !o.DataThrough.IsZero() {
			through = o.DataThrough.UTC().Format(time.RFC3339)
		}
		switch {
		case o.Problem != "":
			verdict += ": " + humanize.Line(o.Problem, 100)
		case len(o.Missing) > 0:
			verdict += ": " + humanize.Some(o.Missing)
		}
		t.Add(o.Name, o.Schema, o.Server, said(o.Organization), through, verdict)
	}
	return t.Print(w)
}
