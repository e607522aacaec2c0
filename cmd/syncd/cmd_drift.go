package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/config"
	"syncd/internal/humanize"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

type driftCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to look at; by default all."`
	All     bool     `help:"Also show acknowledged drift, and drift that Polar no longer shows."`
	Ack     bool     `help:"Acknowledge the drift that is shown: it no longer counts as open."`
	JSON    bool     `name:"json" help:"As JSON."`
	databaseFlags
}

// Help is the long description of the command.
func (cmd *driftCmd) Help() string {
	return `Drift is what Polar sends and this syncd does not know: a new field, a new value, a missing field. It fails
nothing. An object that cannot be stored because of it is kept in the table sync_rejects.

Exit code 0: none is open, or all was acknowledged; 3: some is open.`
}

// Run reports what the runs have recorded. It sends nothing to Polar.
func (cmd *driftCmd) Run(c *command) error {
	_, unknown := resolveStreams(cmd.Streams)
	_, _, err := c.config(config.GroupDatabase)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	var report driftReport
	var now time.Time
	err = c.withTables(func(ctx context.Context, _ *config.Config, s *store.Store) error {
		if now, err = s.Now(ctx); err != nil {
			return err
		}
		list, err := s.Streams().Drift(ctx, cmd.Streams...)
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.IsOpen() {
				report.Open++
			}
			if d.IsOpen() || cmd.All {
				report.Drift = append(report.Drift, newDriftEntry(d))
			}
		}
		if cmd.Ack {
			report.Acknowledged, err = s.Streams().AcknowledgeDrift(ctx, cmd.Streams...)
		}
		return err
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		err = terminal.PrintJSON(c.stdout, report)
	} else {
		err = report.print(c.stdout, now)
	}
	if err == nil && report.Open > 0 && !cmd.Ack {
		return errPartial
	}
	return err
}

type driftReport struct {
	Open         int          `json:"open"` // before this command acknowledged any
	Acknowledged int64        `json:"acknowledged,omitempty"`
	Drift        []driftEntry `json:"drift"`
}

type driftEntry struct {
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

func newDriftEntry(d store.Drift) driftEntry {
	e := driftEntry{
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

func (r driftReport) print(w io.Writer, now time.Time) error {
	var b strings.Builder
	if len(r.Drift) == 0 {
		b.WriteString("Polar answers as this syncd knows it.\n")
		_, err := io.WriteString(w, b.String())
		return err
	}
	t := terminal.Table{Head: []string{"STREAM", "WHAT", "FIELD", "VALUE", "FIRST SEEN", "LAST SEEN", "SAMPLE", "STATE"}}
	var kinds []string
	for _, d := range r.Drift {
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
