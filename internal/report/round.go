package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// Round is what a round of tails did.
type Round struct {
	terminal.Run
	Pending  map[string]int64  `json:"pending,omitempty"`   // changes that are still to be fetched, by stream
	SweepDue map[string]string `json:"sweep_due,omitempty"` // why a stream should be swept

	took time.Duration
}

// NewRound is a round, and what it left to do.
func NewRound(res mirror.Result, fresh map[string]store.Freshness) Round {
	r := Round{Run: terminal.NewRun(res), Pending: map[string]int64{}, SweepDue: map[string]string{}, took: res.Duration}
	for name, f := range fresh {
		if f.Pending > 0 {
			r.Pending[name] = f.Pending
		}
		if f.SweepDue != "" {
			r.SweepDue[name] = f.SweepDue
		}
	}
	return r
}

// Print writes it.
func (r Round) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s requests, %s rows inserted, %s updated, %s marked as deleted\n",
		r.Outcome, humanize.Elapsed(r.took), humanize.Count(r.Requests), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Deleted))
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n", r.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Pending)) {
		fmt.Fprintf(&b, "%s: %s changes are pending\n", name, humanize.Count(r.Pending[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(r.SweepDue)) {
		fmt.Fprintf(&b, "%s: a sweep is due (%s): run `syncd sync %s`, or let the daemon do it\n", name, r.SweepDue[name], name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
