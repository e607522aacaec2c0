package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/humanize"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// Drift is what Polar sends and this syncd does not know.
type Drift struct {
	Open         int          `json:"open"` // before this command acknowledged any
	Acknowledged int64        `json:"acknowledged,omitempty"`
	Entries      []DriftEntry `json:"drift"`
}

// DriftEntry is one difference.
type DriftEntry struct {
	Stream         string    `json:"stream"`
	Kind           string    `json:"kind"`
	Field          string    `json:"field"`
	Value          string    `json:"value,omitempty"`
	SampleID       string    `json:"sample_id,omitempty"`
	FirstSeen      time.Time `json:"first_seen"`
	LastSeen       time.Time `json:"last_seen"`
	Runs           int64     `json:"runs"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
	Over           bool      `json:"over,omitempty"` // Polar no longer shows it
	Remedy         string    `json:"remedy"`
}

// NewDriftEntry is a difference, with what to do about it.
func NewDriftEntry(d store.Drift) DriftEntry {
	e := DriftEntry{
		Stream: d.Stream, Kind: d.Kind, Field: d.Field, Value: d.Value, FirstSeen: d.FirstSeen.UTC(), LastSeen: d.LastSeen.UTC(),
		Runs: d.Runs, AcknowledgedAt: d.AcknowledgedAt, Over: d.Over, Remedy: driftRemedies[d.Kind],
	}
	if d.Sample != uuid.Nil {
		e.SampleID = d.Sample.String()
	}
	return e
}

// driftRemedies say what to do about each kind.
var driftRemedies = map[string]string{
	item.NewField:     "nothing is lost: the field is kept in _extra. A newer syncd may have a column for it.",
	item.MissingField: "the column is null in rows read since. Check what uses it; a newer syncd may know why.",
	item.OtherType:    "an object whose column cannot hold the value is in sync_rejects. Upgrade syncd, or report it with the sample.",
	item.NewValue:     "the value is stored. Add it to queries that list the values.",
	item.OtherVersion: "Polar answers in another version of its API. Set polar_version, or upgrade syncd.",
}

// Print writes it as text.
func (r Drift) Print(w io.Writer, now time.Time) error {
	var b strings.Builder
	if len(r.Entries) == 0 {
		b.WriteString("Polar answers as this syncd knows it.\n")
		_, err := io.WriteString(w, b.String())
		return err
	}
	t := terminal.Table{Head: []string{"STREAM", "WHAT", "FIELD", "VALUE", "FIRST SEEN", "LAST SEEN", "SAMPLE", "STATE"}}
	var kinds []string
	for _, d := range r.Entries {
		state := "open"
		switch {
		case d.Over:
			state = "over"
		case !d.AcknowledgedAt.IsZero():
			state = "acknowledged"
		}
		t.Add(d.Stream, strings.ReplaceAll(d.Kind, "_", " "), d.Field, d.Value, humanize.Ago(d.FirstSeen, now), humanize.Ago(d.LastSeen, now), d.SampleID, state)
		kinds = append(kinds, d.Kind)
	}
	b.WriteString(t.Text() + "\n")
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		fmt.Fprintf(&b, "%s: %s\n", strings.ReplaceAll(kind, "_", " "), driftRemedies[kind])
	}
	switch {
	case r.Acknowledged > 0:
		fmt.Fprintf(&b, "\n%s acknowledged.\n", humanize.Count(r.Acknowledged))
	case r.Open > 0:
		b.WriteString("\nOnce you have dealt with it: syncd drift --ack\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
