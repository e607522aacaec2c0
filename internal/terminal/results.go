package terminal

import (
	"fmt"
	"io"
	"strings"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
)

// PrintResults shows the outcome of each stream, and the reason where it is not whole.
func PrintResults(w io.Writer, results []mirror.Result) error {
	var b strings.Builder
	t := Table{Head: []string{"STREAM", "ROWS", "PAGES", "REQUESTS", "INSERTED", "UPDATED", "REJECTED", "TIME", "OUTCOME"}, Align: "lrrrrrrr"}
	var sum mirror.Result
	for _, r := range results {
		t.Add(r.Stream, humanize.Count(r.Distinct), humanize.Count(r.Pages), humanize.Count(r.Requests), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Rejected), humanize.Elapsed(r.Duration), OutcomeText(r))
		sum.Distinct += r.Distinct
		sum.Pages += r.Pages
		sum.Requests += r.Requests
		sum.Inserted += r.Inserted
		sum.Updated += r.Updated
		sum.Rejected += r.Rejected
	}
	t.Add("", humanize.Count(sum.Distinct), humanize.Count(sum.Pages), humanize.Count(sum.Requests), humanize.Count(sum.Inserted), humanize.Count(sum.Updated), humanize.Count(sum.Rejected), "", "")
	b.WriteString(t.Text())
	for _, r := range results {
		if r.Outcome != mirror.Succeeded && !r.Unavailable {
			fmt.Fprintf(&b, "\n%s: %s\n", r.Stream, r.Reason)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// OutcomeText is the outcome of a run in words.
func OutcomeText(r mirror.Result) string {
	if r.Unavailable {
		return "unavailable to this token"
	}
	return string(r.Outcome)
}
