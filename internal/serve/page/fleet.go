package page

import (
	"bytes"
	"context"
	_ "embed" // fleet.html
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"syncd/internal/humanize"
	"syncd/internal/status"
)

//go:embed fleet.html
var fleetDocument string

// Fleet serves the list of the organizations of a fleet.
type Fleet struct {
	read    func(context.Context) (status.Fleet, error)
	version string
	log     *slog.Logger
}

// NewFleet makes a page of what read returns; version is that of the program.
func NewFleet(read func(context.Context) (status.Fleet, error), version string, log *slog.Logger) *Fleet {
	return &Fleet{read, version, log}
}

// fleetView is a fleet in words.
type fleetView struct {
	status.Fleet
	CSS               template.CSS
	Program           string
	Every             int
	Refreshing, Error bool
	Mood              mood
	Headline, Summary string
	Members           []fleetRow
}

// fleetRow is an organization in words.
type fleetRow struct {
	status.Member
	Pill, Verdict string
	Current       moment
}

// ServeHTTP writes the page, as Page does.
func (p *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	fleet, err := p.read(ctx)
	v := newFleetView(fleet, err)
	v.CSS, v.Program, v.Every, v.Refreshing = template.CSS(style), p.version, every, r.URL.Query().Get("refresh") != "off"
	var body bytes.Buffer
	if err := fleetTemplate().Execute(&body, v); err != nil {
		p.log.Error("the page cannot be drawn", "error", err)
		http.Error(w, "the page cannot be drawn; /status has the same as JSON", http.StatusInternalServerError)
		return
	}
	write(w, p.log, body.Bytes(), v.Refreshing, v.Error)
}

func newFleetView(f status.Fleet, err error) fleetView {
	v := fleetView{Fleet: f}
	if err != nil {
		v.Error, v.Mood, v.Headline, v.Summary = true, bad, "The organizations cannot be listed", err.Error()
		return v
	}
	here, wrong := 0, 0
	for _, m := range f.Organizations {
		row := fleetRow{Member: m, Pill: m.State, Verdict: verdictOf(m), Current: moment{At: m.CurrentAt, Never: "not known here"}}
		if !m.CurrentAt.IsZero() {
			row.Current.Text = humanize.Span(f.Now.Sub(m.CurrentAt)) + " ago"
		}
		if m.State != status.StateElsewhere && m.State != status.StateWaiting {
			here++
		}
		if m.Problem != "" || len(m.Missing) > 0 {
			wrong++
			row.Pill = "failed"
		}
		v.Members = append(v.Members, row)
	}
	v.Headline = fmt.Sprintf("%d organizations", len(f.Organizations))
	v.Summary = fmt.Sprintf("This process runs %d of them, and nothing is wrong with these. Processes: %d.", here, f.Replicas)
	if wrong > 0 {
		v.Mood, v.Summary = look, fmt.Sprintf("This process runs %d of them; look at %d of these. Processes: %d.", here, wrong, f.Replicas)
	}
	return v
}

func verdictOf(m status.Member) string {
	switch {
	case m.Problem != "":
		return m.Problem
	case m.State == status.StateElsewhere:
		return "run by " + m.Replica
	case m.State == status.StateWaiting:
		return "waits for a process"
	case len(m.Missing) > 0:
		return "not whole: " + strings.Join(m.Missing, ", ")
	case m.First > 0:
		return "first copy"
	}
	return "whole"
}
