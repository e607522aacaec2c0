package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/status"
	"syncd/internal/terminal"
)

// PrintStatus shows the state of every stream, and then what concerns all of them.
func PrintStatus(w io.Writer, r status.Report, now time.Time) error {
	var b strings.Builder
	organization := r.Organization
	if organization == "" {
		organization = "none yet"
	}
	fmt.Fprintf(&b, "Schema %s, organization %s\n\n", r.Schema, organization)
	t := terminal.Table{Head: []string{"STREAM", "ROWS", "LAST RUN", "OUTCOME", "COMPLETE AS OF", "DATA THROUGH", "POLLED", "NEXT RUN", "REASON"}, Align: "lr"}
	for _, s := range r.Streams {
		next := humanize.Until(s.NextAt, now)
		if s.Schedule == sched.Off || s.Off != "" {
			next = "off"
		}
		if s.Off != "" {
			s.Outcome, s.Reason = "off", s.Off
		}
		t.Add(s.Stream, humanize.Count(s.Rows), humanize.Ago(s.StartedAt, now), s.Outcome, humanize.Ago(s.CompleteAt, now), humanize.Ago(s.DataThrough, now), humanize.Ago(s.PolledAt, now), next, shorten(s.Reason, 80))
	}
	b.WriteString(t.Text())
	fmt.Fprintf(&b, "\n%s\n%s\n%s\n", roundLine(r.Tails, now), answerLine(r), versionLine(r.Version))
	for _, s := range r.Streams {
		if s.Held == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s: run %d holds %s deletions back: see sync_suspects, and `syncd approve-deletions %d` if they are right\n", s.Stream, s.HeldRun, humanize.Count(s.Held), s.HeldRun)
	}
	if len(r.Uncovered) > 0 {
		fmt.Fprintf(&b, "\nChanges of %s show with the next sweep and not before. Where something would show them sooner, `syncd plan` names it.\n", strings.Join(r.Uncovered, ", "))
	}
	for _, f := range r.Feeds {
		if line := feedLine(f, now); line != "" {
			fmt.Fprintf(&b, "\n%s\n", line)
		}
	}
	if line := DriftLine(r.Drift); line != "" {
		fmt.Fprintf(&b, "\n%s\n", line)
	}
	if r.Findings > 0 {
		fmt.Fprintf(&b, "\n%s findings of audits are open: see sync_findings, or run `syncd audit`\n", humanize.Count(int(r.Findings)))
	}
	if wrong := mirror.LooksWrong(r.Emptied); wrong != "" {
		fmt.Fprintf(&b, "\n%s\n", wrong)
	}
	b.WriteString(budgetText(r.Budget, now))
	_, err := io.WriteString(w, b.String())
	return err
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
		text += ": " + shorten(r.Reason, 200)
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

// shorten fits a reason into a line; --json has all of it.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
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
	b.WriteString("\n")
	t := terminal.Table{Head: []string{"REQUESTS OF", "LAST", "A MINUTE", "USED", "LEFT", "REFRESH", "TAIL", "SWEEP", "EXPORT", "429", "PAUSED"}, Align: "llrrrrrrrrr"}
	slowed := false
	for _, p := range r.Processes {
		t.Add(p.Process, humanize.Ago(p.AskedAt, now), humanize.Count(p.Pace), humanize.Count(p.Used), humanize.Count(p.Left),
			humanize.Count(p.Requests["refresh"]), humanize.Count(p.Requests["tail"]), humanize.Count(p.Requests["sweep"]), humanize.Count(p.Requests["export"]),
			humanize.Count(p.RateLimited), humanize.Elapsed(time.Duration(p.PausedSeconds*float64(time.Second))))
		slowed = slowed || p.Pace < p.Budget
	}
	b.WriteString(t.Text())
	if slowed {
		fmt.Fprintln(&b, "\nSlowed down: Polar refuses requests although syncd sends fewer than the budget. Another client uses up the limit of the organization, or Polar has restricted it.")
	}
	if r.PausedSeconds > 0 {
		fmt.Fprintf(&b, "\nPaused for another %s: Polar has refused a request (429).\n", humanize.Span(time.Duration(r.PausedSeconds*float64(time.Second))))
	}
	return b.String()
}
