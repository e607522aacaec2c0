package report

import (
	"fmt"
	"io"
	"strings"

	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// Sync is what a sync did.
type Sync struct {
	Whole     bool           `json:"whole"` // all chosen streams, as `syncd verify` judges them
	Streams   []terminal.Run `json:"streams"`
	GoesOn    string         `json:"goes_on,omitempty"`   // where the next call goes on with what was interrupted
	NotWhole  []string       `json:"not_whole,omitempty"` // streams
	OpenDrift int64          `json:"open_drift,omitempty"`

	command string
	results []mirror.Result
	late    bool
}

// NewSync is what the results amount to. late: the time was up. at tells how far each stream has come.
func NewSync(command string, results []mirror.Result, late bool, at func(stream string) (rows, total int)) *Sync {
	return &Sync{Streams: terminal.NewRuns(results), GoesOn: terminal.GoesOn(results, at), command: command, results: results, late: late}
}

// Judge adds what the database knows of the streams afterwards.
func (r *Sync) Judge(standings []store.Standing, drift int64) {
	for _, st := range standings {
		if st.Missing() != "" {
			r.NotWhole = append(r.NotWhole, st.Stream)
		}
	}
	r.Whole, r.OpenDrift = len(r.NotWhole) == 0 && r.GoesOn == "", drift
}

// Print writes the outcome of each stream, and what is still to be done.
func (r *Sync) Print(w io.Writer) error {
	var b strings.Builder
	if len(r.results) > 0 {
		if err := terminal.PrintResults(&b, r.results); err != nil {
			return err
		}
	} else {
		b.WriteString("Nothing is due.\n")
	}
	switch {
	case r.late && r.GoesOn != "":
		fmt.Fprintf(&b, "\nThe time is up: `%s` goes on %s.\n", r.command, r.GoesOn)
	case len(r.results) == 0 && len(r.NotWhole) > 0:
		fmt.Fprintf(&b, "Not whole: %s: `syncd verify` says why.\n", strings.Join(r.NotWhole, ", "))
	}
	if line := DriftLine(r.OpenDrift); line != "" {
		b.WriteString("\n" + line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Interruption says what a signal has left.
func (r *Sync) Interruption() string {
	said := "Interrupted. What was read is kept"
	if r.GoesOn != "" {
		said += ": `" + r.command + "` goes on " + r.GoesOn
	}
	return said + "."
}
