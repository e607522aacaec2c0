package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/status"
	"syncd/internal/terminal"
	"syncd/internal/token"
)

// width is how wide a status is: that of the narrowest terminal in use.
const width = 80

// PrintStatus shows the state of every stream, and then what concerns all of them. No line is wider than width.
func PrintStatus(w io.Writer, r status.Report, v Verification, now time.Time) error {
	judged := map[string]VerifiedStream{}
	for _, s := range v.Streams {
		judged[s.Stream] = s
	}
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
		t.Add(s.Stream, humanize.Count(s.Rows), state(s, judged[s.Stream]), humanize.Age(s.StartedAt, now), humanize.Age(s.CurrentAt, now), humanize.Age(s.CompleteAt, now), next)
	}
	lines := []string{
		roundLine(r.Tails, now), answerLine(r), versionLine(r.Version), "", verdict(v),
	}
	if lacks := token.SumReasons(func(yield func(stream, reason string)) {
		for _, s := range r.Streams {
			yield(s.Stream, s.Reason)
		}
	}); lacks != "" {
		lines = append(lines, lacks)
	}
	for _, s := range r.Streams {
		j := judged[s.Stream]
		if why := cmp.Or(s.Reason, j.Reason); (j.Verdict == "missing" || j.Verdict == "whole") && s.Outcome != "never" && why != "" {
			lines = append(lines, fmt.Sprintf("- %s, %s: %s", s.Stream, state(s, judged[s.Stream]), why))
		}
	}
	lines = append(lines, concerns(r, now)...)
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
func verdict(v Verification) string {
	missing := 0
	for _, s := range v.Streams {
		if s.Verdict == "missing" {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Sprintf("%d of %d streams are not known to be whole: `syncd verify` says more.", missing, len(v.Streams))
	}
	return "All streams that are on are whole as of their last sweeps."
}

// state is a stream in a word: how its last run ended, unless that succeeded.
func state(s status.Stream, v VerifiedStream) string {
	switch {
	case v.Verdict == "off" || v.Verdict == "unavailable":
		return v.Verdict
	case slices.Contains([]string{"never", "running", "partial", "failed", "interrupted"}, s.Outcome):
		return s.Outcome
	}
	return v.Verdict
}

// concerns is what somebody should look at, apart from streams that are not whole.
func concerns(r status.Report, now time.Time) (lines []string) {
	for _, s := range r.Streams {
		if s.Held > 0 {
			lines = append(lines, fmt.Sprintf("%s: run %d holds %s deletions back: see sync_suspects, and `syncd approve-deletions %d` if they are right", s.Stream, s.HeldRun, humanize.Count(s.Held), s.HeldRun))
		}
	}
	if len(r.Uncovered) > 0 {
		lines = append(lines, fmt.Sprintf("Changes of %s show with the next sweep and not before. Where something would show them sooner, `syncd plan` names it.", strings.Join(r.Uncovered, ", ")))
	}
	for _, f := range r.Feeds {
		lines = append(lines, feedLine(f, now))
	}
	lines = append(lines, DriftLine(r.Drift))
	if r.Findings > 0 {
		lines = append(lines, fmt.Sprintf("%s findings of audits are open: see sync_findings, or run `syncd audit`", humanize.Count(int(r.Findings))))
	}
	lines = append(lines, mirror.LooksWrong(r.Emptied))
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
func roundLine(r status.Round, now time.Time) string {
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
	if r.Reason != "" {
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
func feedLine(f status.Feed, now time.Time) string {
	lag := time.Duration(f.Lag * float64(time.Second))
	switch {
	case f.StandsStill:
		return fmt.Sprintf("Polar's feed of %s stands still: it has told of nothing since %s, while lists show %s new rows. Changes that only this feed shows are seen when it goes on, or by the next sweep.",
			f.Feed, humanize.Ago(f.ToldThrough, now), humanize.Count(f.Untold))
	case lag > lateFeed:
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
	slowed := false
	for _, p := range r.Processes {
		b.WriteString(wrapped(fmt.Sprintf("- %s, %s: %s a minute, %s used, %s left; %s refresh, %s tail, %s sweep, %s export; %s refused (429), paused for %s", p.Process, humanize.Ago(p.AskedAt, now),
			humanize.Count(p.Pace), humanize.Count(p.Used), humanize.Count(p.Left), humanize.Count(p.Requests["refresh"]), humanize.Count(p.Requests["tail"]),
			humanize.Count(p.Requests["sweep"]), humanize.Count(p.Requests["export"]), humanize.Count(p.RateLimited), humanize.Elapsed(time.Duration(p.PausedSeconds*float64(time.Second))))) + "\n")
		slowed = slowed || p.Pace < p.Budget
	}
	if slowed {
		b.WriteString("\n" + wrapped("Slowed down: Polar refuses requests although syncd sends fewer than the budget. Another client uses up the limit of the organization, or Polar has restricted it.") + "\n")
	}
	if r.PausedSeconds > 0 {
		fmt.Fprintf(&b, "\nPaused for another %s: Polar has refused a request (429).\n", humanize.Span(time.Duration(r.PausedSeconds*float64(time.Second))))
	}
	return b.String()
}
