package status

import (
	"fmt"
	"strings"
	"time"

	"syncd/internal/humanize"
)

// Severity says how bad a problem is.
type Severity string

const (
	Broken    Severity = "broken"    // data are missing or stand still
	Attention Severity = "attention" // somebody should look, and the mirror goes on
)

// Problem is something that is wrong, and what to do about it.
type Problem struct {
	Severity Severity `json:"severity"`
	Stream   string   `json:"stream,omitempty"` // "" = it concerns all
	What     string   `json:"what"`
	Do       string   `json:"do"`
	Command  string   `json:"command,omitempty"` // that helps, or says more
}

// Judge sets Problems to what the rest of the report tells, the worst first. What passes by itself at a first sync is none.
func (r *Report) Judge() {
	found := append(r.ofPolar(), r.ofStreams()...)
	found = append(found, r.ofData()...)
	r.Problems = nil
	for _, severity := range []Severity{Broken, Attention} {
		for _, p := range found {
			if p.Severity == severity {
				r.Problems = append(r.Problems, p)
			}
		}
	}
}

// silence is how long Polar may be silent while tails ask it every minute or so.
const silence = 10 * time.Minute

// WarnDays is how many days before the end of a version of Polar's API somebody should look.
const WarnDays = 45

// ofPolar are problems with reading from Polar.
func (r *Report) ofPolar() (found []Problem) {
	switch {
	case r.Polar != "":
		found = append(found, Problem{Severity: Broken, What: r.Polar, Do: "syncd asks again every minute, and goes on by itself. A token is replaced in its file, without a restart."})
	case r.Tails.Interval != "off" && !r.AnsweredAt.IsZero() && r.AnsweredAgo > silence && !r.Tails.StartedAt.IsZero():
		found = append(found, Problem{Severity: Broken, What: "Polar last answered " + humanize.Span(r.AnsweredAgo) + " ago.", Do: "Look whether a daemon runs, and at Polar's status page. syncd goes on by itself.", Command: "syncd health --ready"})
	case r.Tails.Outcome == "failed":
		found = append(found, Problem{Severity: Attention, What: "The last round of tails failed: " + r.Tails.Reason, Do: "The next round tries again."})
	}
	if v := r.Version; v != nil && (v.Retired != "" || v.DaysLeft != nil && *v.DaysLeft < WarnDays) {
		what := fmt.Sprintf("Polar serves version %s of its API until about %s.", v.Version, v.EndsAt.Format(time.DateOnly))
		if v.Retired != "" {
			what = fmt.Sprintf("Polar has retired version %s of its API, so syncd uses %s.", v.Retired, v.Version)
		}
		found = append(found, Problem{Severity: Attention, What: what, Do: "Set polar_version to a newer one, or upgrade syncd."})
	}
	if b := r.Budget; b != nil {
		for _, p := range b.Processes {
			if p.Pace < p.Budget {
				found = append(found, Problem{Severity: Attention, What: fmt.Sprintf("Polar refuses requests, so syncd sends %d a minute instead of %d.", p.Pace, p.Budget),
					Do: "Another client uses up the limit: slow it down, or lower requests_per_minute."})
				break
			}
		}
	}
	return found
}

// ofStreams are tables that are not whole, and what keeps them from it.
func (r *Report) ofStreams() (found []Problem) {
	for _, s := range r.Streams {
		p := Problem{Severity: Broken, Stream: s.Stream, What: s.Missing}
		switch {
		case s.Verdict() == Whole && s.RowsCorrectedBy != 0:
			p.Severity = Attention
			p.What = fmt.Sprintf("Its table had %s than was known: the last sweep corrected the number.", MoreOrFewer(s.RowsCorrectedBy))
			p.Do = "Somebody has written the table with its triggers off, or restored a part of it. Find out who; the sweep has read it again."
		case s.Verdict() != Missing || s.IsFirst():
			continue
		case s.Held > 0:
			p.Severity = Attention
			p.What = fmt.Sprintf("%s rows are no longer listed. Their deletion is held back until somebody approves it.", humanize.Count(s.Held))
			p.Do = "See what would be marked; without --dry-run it is done."
			p.Command = fmt.Sprintf("syncd approve-deletions %d --dry-run", s.HeldRun)
		case s.Rejects > 0:
			p.What = fmt.Sprintf("%s objects could not be stored.", humanize.Count(s.Rejects))
			p.Do = "They are kept in sync_rejects, with the reason, and tried again in every sweep. Upgrade syncd, or report it."
			p.Command = fmt.Sprintf("SELECT reason, count(*) FROM polar_sync.sync_rejects WHERE stream = '%s' AND resolved_at IS NULL GROUP BY 1", s.Stream)
			if r.Schema != "" {
				p.Command = strings.Replace(p.Command, "polar_sync", r.Schema+"_sync", 1)
			}
		default:
			p.Do, p.Command = "The next sweep reads it again. To read it now:", "syncd sync "+s.Stream
		}
		found = append(found, p)
	}
	if len(r.Emptied) > 1 {
		found = append(found, Problem{Severity: Broken, What: "These lists lost everything within a day: " + strings.Join(r.Emptied, ", ") + ". Nothing was marked as deleted.",
			Do: "Ask Polar whether the organization is blocked."})
	}
	return found
}

// ofData is what Polar tells late or otherwise than expected.
func (r *Report) ofData() (found []Problem) {
	for _, f := range r.Feeds {
		if f.StandsStill {
			found = append(found, Problem{Severity: Attention, What: fmt.Sprintf("Polar's feed of %s tells of nothing, while lists show %s new rows.", f.Feed, humanize.Count(f.Untold)),
				Do: "Polar's workers are behind. Nothing is lost: what only this feed shows comes late, or with the next sweep."})
		}
	}
	if r.Drift > 0 {
		found = append(found, Problem{Severity: Attention, What: fmt.Sprintf("Polar sends %s that this syncd does not know.", humanize.Plural(r.Drift, "thing", "things")),
			Do: "Nothing is lost: unknown fields are kept in _extra. See what they are:", Command: "syncd drift"})
	}
	if r.Findings > 0 {
		found = append(found, Problem{Severity: Attention, What: fmt.Sprintf("Audits found %s that differ from a second source.", humanize.Plural(r.Findings, "thing", "things")),
			Do: "They are in sync_findings. Compare once more:", Command: "syncd audit"})
	}
	return found
}

// IsFirst tells whether the stream has not been read whole yet, and nothing has gone wrong.
func (s Stream) IsFirst() bool {
	return s.CompleteAt.IsZero() && (s.Outcome == "never" || s.Outcome == "running" || s.Outcome == "skipped" || s.Outcome == "interrupted")
}

// State is a stream in a word: the verdict, but for a first copy that has not gone wrong.
func (s Stream) State() string {
	verdict := s.Verdict()
	switch {
	case verdict != Missing && verdict != Whole:
	case s.IsFirst() && s.Outcome == "running":
		return "filling"
	case s.IsFirst():
		return "waiting"
	}
	return verdict
}
