package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/store/counts"
	"syncd/internal/terminal"
)

// Verification says whether the mirror is whole as of the last sweeps. It judges by what runs have recorded, and reads no table of a
// stream; Count does.
type Verification struct {
	Whole   bool             `json:"whole"`
	Streams []VerifiedStream `json:"streams"`
	Wrong   string           `json:"looks_wrong,omitempty"` // several streams have lost everything

	counted bool // the rows of the tables, by Count
}

// VerifiedStream is the judgement of one stream.
type VerifiedStream struct {
	Stream  string    `json:"stream"`
	Verdict string    `json:"verdict"`                // whole, missing, unavailable, off
	Reason  string    `json:"reason,omitempty"`       // what is missing, or why the stream is unavailable or off
	Note    string    `json:"note,omitempty"`         // what was interrupted since the last complete sweep
	AsOf    time.Time `json:"as_of,omitzero"`         // the table held all that Polar listed at that time
	Rows    int64     `json:"rows"`                   // as each write keeps the number
	Counted *int64    `json:"counted_rows,omitempty"` // in the table; only if they were counted now
	// When a complete sweep last counted the rows of the table, and by how much the number that was kept was wrong.
	CountedAt   time.Time `json:"rows_counted_at,omitzero"`
	CorrectedBy int64     `json:"rows_corrected_by,omitempty"`

	Rejects  int64 `json:"open_rejects"`
	Suspects int64 `json:"suspects"`
	Held     int64 `json:"held_deletions"`
	HeldRun  int64 `json:"held_run,omitempty"` // to approve
}

// NewVerification judges streams by what the runs have recorded; off says why one is off.
func NewVerification(list []store.Standing, off func(stream string) string) Verification {
	report := Verification{Whole: true}
	for _, st := range list {
		v := VerifiedStream{
			Stream: st.Stream, Verdict: status.Verdict(off(st.Stream), st.Unavailable, st.Missing()), Reason: st.Missing(), Note: st.Note(), AsOf: st.CompleteAt.UTC(),
			Rows: st.Rows, CountedAt: st.Counted.UTC(), CorrectedBy: st.CorrectedBy, Rejects: st.Rejects, Suspects: st.Suspects, Held: st.Held, HeldRun: st.HeldRun,
		}
		switch v.Verdict {
		case status.Off:
			v.Reason, v.Note = off(st.Stream), ""
		case status.Unavailable:
			v.Reason = st.Unavailable
		case status.Missing:
			report.Whole = false
		}
		report.Streams = append(report.Streams, v)
	}
	return report
}

// Count has the rows of all tables counted that are judged. A stream whose table has another number than was kept is not known to be
// whole: somebody has written it past syncd.
func (r *Verification) Count(count func(stream string) (counts.Comparison, error)) error {
	r.counted = true
	for i := range r.Streams {
		s := &r.Streams[i]
		c, err := count(s.Stream)
		if err != nil {
			return err
		}
		s.Counted, s.Rows = &c.Counted, c.Kept
		if c.Difference() == 0 || s.Verdict == status.Off || s.Verdict == status.Unavailable {
			continue
		}
		why := fmt.Sprintf("its table has %s rows, and %s are known to have been written: its triggers were off, or a part of it was restored; `syncd sync %s` reads it again and corrects the number",
			humanize.Count(c.Counted), humanize.Count(c.Kept), s.Stream)
		s.Reason, s.Verdict, r.Whole = strings.TrimPrefix(s.Reason+"; "+why, "; "), status.Missing, false
	}
	return nil
}

// Print writes it as text.
func (r Verification) Print(w io.Writer) error {
	var b strings.Builder
	t := terminal.Table{Head: []string{"STREAM", "VERDICT", "AS OF", "ROWS", "REJECTS", "SUSPECTS", "HELD"}, Align: "lllrrrr"}
	if r.counted {
		t.Head, t.Align = append(t.Head, "COUNTED"), t.Align+"r"
	}
	for _, s := range r.Streams {
		asOf := "never"
		if !s.AsOf.IsZero() {
			asOf = s.AsOf.Format(time.RFC3339)
		}
		cells := []string{s.Stream, s.Verdict, asOf, humanize.Count(s.Rows), humanize.Count(s.Rejects), humanize.Count(s.Suspects), humanize.Count(s.Held)}
		if s.Counted != nil {
			cells = append(cells, humanize.Count(*s.Counted))
		}
		t.Add(cells...)
	}
	b.WriteString(t.Text())
	how := "ROWS are kept by each write, and checked by each complete sweep. `syncd verify --count` counts them now."
	if r.counted {
		how = "ROWS are kept by each write; COUNTED are the rows of the tables, counted now."
	}
	fmt.Fprintf(&b, "\n%s\n", wrapped(how+" VERDICT, REJECTS, SUSPECTS and HELD are what runs have recorded."))
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
		case s.Verdict == status.Whole && s.Note != "":
			line = "whole as of that time; " + s.Note
		case s.Verdict != status.Missing:
			continue
		}
		fmt.Fprintf(&b, "  %s: %s\n", s.Stream, line)
	}
	for _, s := range r.Streams {
		if s.CorrectedBy != 0 {
			fmt.Fprintf(&b, "  %s: the count of %s found %s than were known, and corrected the number: the table was written with its triggers off, or a part of it was restored\n",
				s.Stream, s.CountedAt.Format(time.RFC3339), status.MoreOrFewer(s.CorrectedBy))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
