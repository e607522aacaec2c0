package page

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/status"
)

// view is a report in words, as the document needs it.
type view struct {
	status.Report
	CSS        template.CSS
	Program    string // its version
	Every      int
	Refreshing bool

	Error                    bool // the report could not be read
	Mood                     mood
	Title, Headline, Summary string
	First                    *bar // of the first copy
	Tiles                    []tile
	Strip                    []tick // rounds, the oldest first
	StripLabel               string
	Rows                     []row
	Off                      string // streams that are off
	LastRuns                 []run
	Processes                []process
}

// mood is a colour.
type mood string

const (
	good  mood = ""
	first mood = "first"
	look  mood = "look"
	bad   mood = "bad"
	wrote mood = "wrote" // of a round that changed something
)

// moment is a time as it is shown.
type moment struct {
	At          time.Time
	Text, Never string
}

// bar is how far something has come. Max is 0 where the end is not known.
type bar struct {
	Value, Max int64
	Text       string
}

// tile is a fact that one sees at a glance.
type tile struct {
	Name, Value, Note string
	Mood              mood
	Bar               *bar
}

// tick is a round of tails.
type tick struct {
	Mood  mood
	Title string
}

// row is a stream.
type row struct {
	status.Stream
	Next, Note string
	Bar        *bar // of the sweep under way
}

// Sweeping tells whether there is a bar.
func (r row) Sweeping() bool { return r.Bar != nil }

// run is a run with how long it took.
type run struct {
	status.Run
	Took string
}

// process is a process with its part of the budget.
type process struct {
	status.Process
	Bar *bar
}

// Ago is how long ago something was, or what is said if it never was.
func (v view) Ago(at time.Time, never string) moment {
	return moment{at, humanize.Ago(at, v.Now), never}
}

func newView(r status.Report, err error) view {
	v := view{Report: r, Mood: good}
	if err != nil {
		v.Error, v.Mood = true, bad
		v.Title, v.Headline = "syncd: no status", "The status cannot be read."
		v.Summary = err.Error() + ". syncd tries again by itself; /readyz says what it lacks."
		return v
	}
	v.addStreams()
	v.judge()
	v.addTiles()
	v.addRounds()
	for _, r := range r.Runs {
		took := ""
		switch {
		case !r.FinishedAt.IsZero():
			took = humanize.Elapsed(r.FinishedAt.Sub(r.StartedAt))
		case r.Outcome == "running":
			took = humanize.Span(v.Now.Sub(r.StartedAt))
		}
		v.LastRuns = append(v.LastRuns, run{r, took})
	}
	if r.Budget != nil {
		for _, p := range r.Budget.Processes {
			v.Processes = append(v.Processes, process{p, usage(p.Used, p.Pace)})
		}
	}
	return v
}

func usage(used, of int64) *bar {
	if of <= 0 {
		return &bar{0, 1, humanize.Count(used) + ", without a limit"}
	}
	return &bar{min(used, of), of, humanize.Count(used) + " of " + humanize.Count(of)}
}

// addStreams makes a row of each stream that is on.
func (v *view) addStreams() {
	var off []string
	for _, s := range v.Streams {
		if s.Off != "" {
			off = append(off, s.Stream)
			continue
		}
		r := row{Stream: s, Next: humanize.Until(s.NextAt, v.Now)}
		if s.Schedule == "off" {
			r.Next = "by hand"
		}
		if s.Sweep != nil && s.Outcome == "running" {
			r.Next, r.Bar = "under way", sweepBar(s.Sweep)
		}
		var notes []string
		for _, note := range []struct{ before, text string }{{"", s.Unavailable}, {"", s.Missing}, {"waits for ", s.WaitsFor}, {"a sweep is due: ", s.SweepDue}} {
			if note.text != "" && (note.text != s.Missing || !s.IsFirst()) {
				notes = append(notes, note.before+note.text)
			}
		}
		if s.Pending > 0 {
			notes = append(notes, humanize.Count(s.Pending)+" changes are to be fetched")
		}
		r.Note = strings.Join(notes, "; ")
		v.Rows = append(v.Rows, r)
	}
	v.Off = strings.Join(off, ", ")
}

func sweepBar(s *status.Sweep) *bar {
	if s.Total == 0 {
		return &bar{Text: humanize.Count(s.Rows) + " rows so far"}
	}
	b := &bar{min(s.Rows, s.Total), s.Total, humanize.Count(min(s.Rows, s.Total)) + " of " + humanize.Count(s.Total) + " rows"}
	if s.Left > 0 {
		b.Text += ", about " + humanize.Span(time.Duration(s.Left*float64(time.Second))) + " left"
	}
	return b
}

// judge says how the whole stands.
func (v *view) judge() {
	whole, copies, known := int64(0), int64(0), int64(0)
	for _, r := range v.Rows {
		switch r.State() {
		case "unavailable":
			continue
		case "whole":
			whole++
		case "filling", "waiting":
			copies++
		}
		known++
	}
	v.Summary = fmt.Sprintf("%d of %d streams are whole.", whole, known)
	if at, slowest := v.oldest(); slowest != "" {
		v.Summary += fmt.Sprintf(" Those that tails follow are current as of %s or later.", humanize.Ago(at, v.Now))
	}
	broken := 0
	for _, p := range v.Problems {
		if p.Severity == status.Broken {
			broken++
		}
	}
	switch n := len(v.Problems); {
	case broken > 0 && broken < n:
		v.Mood, v.Headline = bad, humanize.Plural(broken, "thing is wrong, and ", "things are wrong, and ")+humanize.Plural(n-broken, "needs a look.", "need a look.")
	case broken > 0:
		v.Mood, v.Headline = bad, humanize.Plural(broken, "thing is wrong.", "things are wrong.")
	case copies > 0:
		v.Mood, v.Headline = first, "The first copy is under way."
		v.First = &bar{whole, known, v.Summary}
	case n > 0:
		v.Mood, v.Headline = look, humanize.Plural(n, "thing needs a look.", "things need a look.")
	default:
		v.Headline = "All is well."
	}
	v.Title = "syncd: " + strings.ToLower(v.Headline[:1]) + strings.TrimSuffix(v.Headline[1:], ".")
}

// oldest is the stream that is current to the earliest moment, among those that tails follow.
func (v *view) oldest() (at time.Time, stream string) {
	for _, r := range v.Rows {
		if len(r.CoveredBy) > 0 && r.State() == "whole" && (stream == "" || r.CurrentAt.Before(at)) {
			at, stream = r.CurrentAt, r.Stream.Stream
		}
	}
	return at, stream
}

// addTiles picks what one looks for first.
func (v *view) addTiles() {
	rows, rejects, held := int64(0), int64(0), int64(0)
	for _, r := range v.Rows {
		rows, rejects, held = rows+r.Rows, rejects+r.Rejects, held+r.Held
	}
	current := tile{Name: "Current as of", Value: "the last sweeps"}
	if at, slowest := v.oldest(); slowest != "" {
		current.Value, current.Note = humanize.Ago(at, v.Now), "oldest of those that tails follow: "+slowest
	} else if v.Mood == first {
		current.Value = "not yet"
	}
	polar := tile{Name: "Polar last answered", Value: "not yet"}
	if !v.AnsweredAt.IsZero() {
		polar.Value = humanize.Span(v.AnsweredAgo) + " ago"
	}
	if v.Version != nil {
		polar.Note = "version " + v.Version.Version
	}
	round := tile{Name: "Next round of tails", Value: "off"}
	if v.Tails.Interval != "off" {
		round.Value, round.Note = humanize.Until(v.Tails.NextAt, v.Now), "every "+v.Tails.Interval
	}
	v.Tiles = []tile{current, round, polar, v.budgetTile(), {Name: "Rows", Value: humanize.Count(rows), Note: "in " + humanize.Plural(len(v.Rows), "table", "tables")}}
	for _, check := range []struct {
		name string
		n    int64
		mood mood
	}{{"Not stored", rejects, bad}, {"Deletions held back", held, look}, {"Drift", v.Drift, look}, {"Findings of audits", v.Findings, look}} {
		t := tile{Name: check.name, Value: "none"}
		if check.n > 0 {
			t.Value, t.Mood = humanize.Count(check.n), check.mood
		}
		v.Tiles = append(v.Tiles, t)
	}
}

// budgetTile is what all processes together have used.
func (v *view) budgetTile() tile {
	t := tile{Name: "Requests in the last minute", Value: "none"}
	if v.Budget == nil {
		return t
	}
	used, of := int64(0), int64(0)
	for _, p := range v.Budget.Processes {
		used += p.Used
		if of == 0 || p.Pace < of {
			of = p.Pace
		}
	}
	t.Bar = usage(used, of)
	t.Value = t.Bar.Text
	if v.Budget.PausedSeconds > 0 {
		t.Mood, t.Note = look, "paused for another "+humanize.Span(time.Duration(v.Budget.PausedSeconds*float64(time.Second)))+": Polar refused (429)"
	}
	return t
}

// addRounds makes a strip of the last rounds, the newest at the right.
func (v *view) addRounds() {
	failed, changed := 0, 0
	for _, r := range v.Rounds {
		rows := r.Inserted + r.Updated
		t := tick{Mood: good, Title: fmt.Sprintf("%s, %s: %s, %s requests, %s rows new or changed", r.Kind, r.StartedAt.Format("15:04:05"), r.Outcome, humanize.Count(r.Requests), humanize.Count(rows))}
		switch {
		case r.Outcome == "running":
			t.Mood = first
		case r.Outcome == "failed":
			t.Mood, failed = bad, failed+1
		case r.Outcome != "succeeded":
			t.Mood = look
		case rows > 0:
			t.Mood, changed = wrote, changed+1
		}
		if r.Reason != "" {
			t.Title += ": " + humanize.Line(r.Reason, 200)
		}
		v.Strip = append(v.Strip, t)
	}
	slices.Reverse(v.Strip)
	if n := len(v.Rounds); n > 0 {
		v.StripLabel = fmt.Sprintf("The last one began %s and made %s requests. Of the last %d, %d found changes and %d failed.",
			humanize.Ago(v.Rounds[0].StartedAt, v.Now), humanize.Count(v.Rounds[0].Requests), n, changed, failed)
	}
}
