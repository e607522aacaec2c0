package check

import (
	"errors"
	"fmt"
	"strings"

	"syncd/internal/fetch"
	"syncd/internal/store/pg"
)

// State is how a check ended.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warn" // syncd works, and somebody should know this
	Fail State = "fail" // syncd cannot work
)

// Line is the result of one check.
type Line struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
	// Streams are those that are not mirrored because of this.
	Streams []string `json:"streams,omitempty"`
}

// lines are the results of checks that belong together.
type lines []Line

func (l *lines) add(name string, state State, remedy, format string, args ...any) {
	*l = append(*l, Line{Name: name, State: state, Found: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (l *lines) fail(name string, err error) { *l = append(*l, failed(name, err)) }

// Report is the result of all checks.
type Report struct {
	Lines  []Line  `json:"checks"`
	Scopes []Scope `json:"scopes,omitempty"`
}

// Scope is a scope, and what needs it.
type Scope struct {
	Name    string   `json:"scope"`
	Streams []string `json:"streams"`
	Lacking bool     `json:"lacking"`
}

// Failed: a check failed.
func (r Report) Failed() bool {
	for _, l := range r.Lines {
		if l.State == Fail {
			return true
		}
	}
	return false
}

// CostsStreams: some streams are not mirrored.
func (r Report) CostsStreams() bool {
	for _, l := range r.Lines {
		if len(l.Streams) > 0 {
			return true
		}
	}
	return false
}

// Text is the report for people: a line for each check, and one with the remedy under those that need it.
func (r Report) Text() string {
	const names = 12
	var b strings.Builder
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%-4s  %-*s  %s\n", l.State, names, l.Name, l.Found)
		if l.Remedy != "" {
			fmt.Fprintf(&b, "      %-*s  -> %s\n", names, "", l.Remedy)
		}
	}
	return b.String()
}

// failed is the line of an error, whose remedy is apart where it is known.
func failed(name string, err error) Line {
	line := Line{Name: name, State: Fail, Found: err.Error()}
	var polar *fetch.Error
	var database *pg.Error
	remedy := ""
	switch {
	case errors.As(err, &polar):
		remedy = polar.Remedy
	case errors.As(err, &database):
		remedy = database.Remedy
	}
	for _, sep := range []string{"; ", ": "} {
		if found, is := strings.CutSuffix(line.Found, sep+remedy); is && remedy != "" {
			line.Found, line.Remedy = found, remedy
		}
	}
	line.Found = strings.Join(strings.Fields(line.Found), " ")
	return line
}
