package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// Verification says whether the mirror is whole as of the last sweeps.
type Verification struct {
	Whole   bool             `json:"whole"`
	Streams []VerifiedStream `json:"streams"`
	Wrong   string           `json:"looks_wrong,omitempty"` // several streams have lost everything
}

// VerifiedStream is the judgement of one stream.
type VerifiedStream struct {
	Stream   string    `json:"stream"`
	Verdict  string    `json:"verdict"`          // whole, missing, unavailable, off
	Reason   string    `json:"reason,omitempty"` // what is missing, or why the stream is unavailable or off
	Note     string    `json:"note,omitempty"`   // what was interrupted since the last complete sweep
	AsOf     time.Time `json:"as_of,omitzero"`   // the table held all that Polar listed at that time
	Rows     int64     `json:"rows"`
	Rejects  int64     `json:"open_rejects"`
	Suspects int64     `json:"suspects"`
	Held     int64     `json:"held_deletions"`
	HeldRun  int64     `json:"held_run,omitempty"` // to approve
}

// NewVerification judges streams by what the runs have recorded; off says why one is off.
func NewVerification(list []store.Standing, off func(stream string) string) Verification {
	report := Verification{Whole: true}
	for _, st := range list {
		v := VerifiedStream{
			Stream: st.Stream, Verdict: "whole", Reason: st.Missing(), Note: st.Note(), AsOf: st.CompleteAt.UTC(),
			Rows: st.Rows, Rejects: st.Rejects, Suspects: st.Suspects, Held: st.Held, HeldRun: st.HeldRun,
		}
		switch {
		case off(st.Stream) != "":
			v.Verdict, v.Reason, v.Note = "off", off(st.Stream), ""
		case st.Unavailable != "":
			v.Verdict, v.Reason = "unavailable", st.Unavailable
		case v.Reason != "":
			v.Verdict, report.Whole = "missing", false
		}
		report.Streams = append(report.Streams, v)
	}
	return report
}

// Print writes it as text.
func (r Verification) Print(w io.Writer) error {
	var b strings.Builder
	t := terminal.Table{Head: []string{"STREAM", "VERDICT", "AS OF", "ROWS", "REJECTS", "SUSPECTS", "HELD"}, Align: "lllrrrr"}
	for _, s := range r.Streams {
		asOf := "never"
		if !s.AsOf.IsZero() {
			asOf = s.AsOf.Format(time.RFC3339)
		}
		t.Add(s.Stream, s.Verdict, asOf, humanize.Count(s.Rows), humanize.Count(s.Rejects), humanize.Count(s.Suspects), humanize.Count(s.Held))
	}
	b.WriteString(t.Text())
	answer := "The mirror is whole as of these times."
	if !r.Whole {
		answer = "The mirror is not known to be whole:"
	}
	fmt.Fprintf(&b, "\n%s\n", answer)
	if r.Wrong != "" {
		fmt.Fprintf(&b, "  %s\n", r.Wrong)
	}
	for _, s := range r.Streams {
		line := s.Reason
		switch {
		case s.Verdict == "whole" && s.Note != "":
			line = "whole as of that time; " + s.Note
		case s.Verdict != "missing":
			continue
		}
		fmt.Fprintf(&b, "  %s: %s\n", s.Stream, line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
