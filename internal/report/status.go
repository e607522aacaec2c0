package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/sched"
	"syncd/internal/status"
	"syncd/internal/terminal"
	"syncd/internal/token"
)

// width is how wide a status is: that of the narrowest terminal in use.
const width = 80

// PrintStatus shows the state of every stream, and then what concerns all of them. No line is wider than width.
func PrintStatus(w io.Writer, r status.Report, now time.Time) error {
	organization := cmp.Or(r.Organization, "none yet")
	t := terminal.Table{Head: []string{"STREAM", "ROWS", "STATE", "RAN", "FRESH", "SWEPT", "NEXT"}, Align: "lrlrrrr"}
	for _, s := range r.Streams {
		next := "due"
		switch {
		case s.Schedule == sched.Off || s.Off != "":
			next = "off"
		case s.NextAt.After(now):
			next = humanize.Age(now, s.NextAt)
		}
		t.Add(s.Stream, humanize.Count(s.Rows), state(s), humanize.Age(s.StartedAt, now), humanize.Age(s.CurrentAt, now), humanize.Age(s.CompleteAt, now), next)
	}
	lines := []string{
		roundLine(r, now), answerLine(r), versionLine(r.Version), "", verdict(r),
	}
	if lacks := token.SumReasons(func(yield func(stream, reason string)) {
		for _, s := range r.Streams {
			yield(s.Stream, s.Reason)
		}
	}); lacks != "" {
		lines = append(lines, lacks)
	}
	told := map[string]bool{}
	for _, p := range r.Problems {
		told[p.Stream] = true
		lines = append(lines, problemLine(p))
	}
	for _, s := range r.Streams {
		why := s.Reason
		if why == "" && !told[s.Stream] {
			why = s.Missing
		}
		if v := s.Verdict(); (v == status.Missing || v == status.Whole) && s.Outcome != "never" && !isTold(r, s.Stream, why) {
			lines = append(lines, fmt.Sprintf("- %s, %s: %s", s.Stream, state(s), why))
		}
	}
	lines = append(lines, concerns(r)...)
	var b strings.Builder
	fmt.Fprintf(&b, "Schema %s, organization %s\n\n%s", r.Schema, organization, t.Text())
	b.WriteString("Ages: RAN, of the last run; FRESH, of the newest change that is surely here;\nSWEPT, of the last full read. NEXT is when the next one begins.\n\n")
	for _, line := range lines {
		b.WriteString(wrapped(line) + "\n")
	}
	b.WriteString(budgetText(r.Budget, now))
	_, err := io.WriteString(w, b.String())
	return err
}

// verdict is what `syncd verify` would say.
func verdict(r status.Report) string {
	if missing := r.CountMissing(); missing > 0 {
		return fmt.Sprintf("%d of %d streams are not known to be whole: `syncd verify` says more.", missing, len(r.Streams))
	}
	return "All streams that are on are whole as of their last sweeps."
}

// isTold: a problem of the stream (or of all) says it, or there is nothing to say.
func isTold(r status.Report, stream, reason string) bool {
	return reason == "" || slices.ContainsFunc(r.Problems, func(p status.Problem) bool { return p.Stream == stream && strings.Contains(p.What, reason) })
}

// problemLine is a problem and what to do, as an item of a list.
func problemLine(p status.Problem) string {
	line := "- "
	if p.Stream != "" {
		line += p.Stream + ": "
	}
	line += strings.TrimSuffix(p.What, ".") + ". " + p.Do
	if p.Command != "" {
		line += " `" + p.Command + "`"
	}
	return line
}

// state is a stream in a word: how its last run ended, unless that succeeded.
func state(s status.Stream) string {
	verdict := s.Verdict()
	if (verdict == status.Missing || verdict == status.Whole) && slices.Contains([]string{"never", "running", "partial", "failed", "interrupted"}, s.Outcome) {
		return s.Outcome
	}
	return verdict
}

// concerns is what one should know, and is no problem.
func concerns(r status.Report) (lines []string) {
	if len(r.Uncovered) > 0 {
		lines = append(lines, fmt.Sprintf("Changes of %s show with the next sweep and not before. Where something would show them sooner, `syncd plan` names it.", strings.Join(r.Uncovered, ", ")))
	}
	for _, f := range r.Feeds {
		lines = append(lines, feedLine(f))
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

// wrapped puts a long line into several; those of a list are set in.
func wrapped(line string) string {
	if line == "" {
		return ""
	}
	indent := ""
	if strings.HasPrefix(line, "- ") {
		indent = "  "
	}
	return strings.ReplaceAll(humanize.Wrap(strings.Fields(line), width-len(indent)), "\n", "\n"+indent)
}

// versionLine describes the version of the API.
func versionLine(r *status.Version) string {
	if r == nil {
		return "Polar-Version: not asked yet"
	}
	text := "Polar-Version " + r.Version
	switch {
	case !r.Known:
		text += ", which this syncd does not know: upgrade it"
	case *r.DaysLeft < 0:
		text += ", which Polar may retire any day"
	default:
		text += fmt.Sprintf(", served until about %s: %d days left", r.EndsAt.Format(time.DateOnly), *r.DaysLeft)
	}
	if r.Retired != "" {
		text += "; Polar has retired the configured " + r.Retired + ": set polar_version"
	}
	return text
}

// DriftLine says that somebody should look at the drift; "" = there is none.
func DriftLine(open int64) string {
	switch open {
	case 0:
		return ""
	case 1:
		return "Polar sends something that this syncd does not know: see `syncd drift`"
	}
	return fmt.Sprintf("Polar sends %s things that this syncd does not know: see `syncd drift`", humanize.Count(open))
}

// roundLine describes the last round of tails.
func roundLine(report status.Report, now time.Time) string {
	r := report.Tails
	every := "Tails (every " + r.Interval + ")"
	switch {
	case r.Interval == "off":
		every = "Tails (off)"
	case r.Feeds != "":
		every = "Tails (every " + r.Interval + ", feeds every " + r.Feeds + ")"
	}
	if r.StartedAt.IsZero() {
		return every + ": no round yet"
	}
	text := fmt.Sprintf("%s: last round %s, %s, %s requests", every, humanize.Ago(r.StartedAt, now), r.Outcome, humanize.Count(r.Requests))
	if !isTold(report, "", r.Reason) {
		text += ": " + r.Reason
	}
	return text
}

// answerLine says when Polar last answered.
func answerLine(r status.Report) string {
	if r.AnsweredAt.IsZero() {
		return "Polar has not answered yet"
	}
	return "Polar last answered " + humanize.Span(r.AnsweredAgo) + " ago"
}

// lateFeed is the shortest lag that is reported: Polar's workers always take some seconds.
const lateFeed = time.Minute

// feedLine says what is wrong with a feed; "" = nothing.
func feedLine(f status.Feed) string {
	lag := time.Duration(f.Lag * float64(time.Second))
	if !f.StandsStill && lag > lateFeed {
		return fmt.Sprintf("Polar's feed of %s is late: it shows changes %s or more after they happened. The streams that it covers are fresh only up to that much earlier.", f.Feed, humanize.Span(lag))
	}
	return ""
}

// budgetText is the request budget that the processes on one schema share.
func budgetText(r *status.Budget, now time.Time) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nRequests of each process, since its start:\n")
	for _, p := range r.Processes {
		b.WriteString(wrapped(fmt.Sprintf("- %s, %s: %s a minute, %s used, %s left; %s refresh, %s tail, %s sweep, %s export; %s refused (429), paused for %s", p.Process, humanize.Ago(p.AskedAt, now),
			humanize.Count(p.Pace), humanize.Count(p.Used), humanize.Count(p.Left), humanize.Count(p.Requests["refresh"]), humanize.Count(p.Requests["tail"]),
			humanize.Count(p.Requests["sweep"]), humanize.Count(p.Requests["export"]), humanize.Count(p.RateLimited), humanize.Elapsed(time.Duration(p.PausedSeconds*float64(time.Second))))) + "\n")
	}
	if r.PausedSeconds > 0 {
		fmt.Fprintf(&b, "\nPaused for another %s: Polar has refused a request (429).\n", humanize.Span(time.Duration(r.PausedSeconds*float64(time.Second))))
	}
	return b.String()
}
