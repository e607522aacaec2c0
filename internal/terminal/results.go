package terminal

import (
	"fmt"
	"io"
	"strings"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/token"
)

// Run is the outcome of a run for other programs.
type Run struct {
	Stream      string `json:"stream"`
	Kind        string `json:"kind"`
	Outcome     string `json:"outcome"`
	Reason      string `json:"reason,omitempty"`
	Run         int64  `json:"run,omitempty"` // in sync_runs
	Resumed     bool   `json:"resumed,omitempty"`
	Unavailable bool   `json:"unavailable,omitempty"`
	Rows        int64  `json:"rows"`              // different ones
	Total       *int   `json:"of_rows,omitempty"` // by Polar's count
	Pages       int64  `json:"pages"`
	Requests    int64  `json:"requests"`
	Inserted    int64  `json:"inserted"`
	Updated     int64  `json:"updated"`
	Unchanged   int64  `json:"unchanged"`
	Deleted     int    `json:"deleted"` // marked so
	Rejected    int64  `json:"rejected"`
	Duration    int64  `json:"duration_ms"`
}

// NewRun is a result for other programs.
func NewRun(r mirror.Result) Run {
	run := Run{
		Stream: r.Stream, Kind: r.Kind, Outcome: string(r.Outcome), Reason: r.Reason, Run: r.RunID, Resumed: r.Resumed, Unavailable: r.Unavailable,
		Rows: rowsOf(r), Pages: r.Pages, Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Unchanged: r.Unchanged,
		Deleted: r.Deleted, Rejected: r.Rejected, Duration: r.Duration.Milliseconds(),
	}
	if r.Total >= 0 && r.RunID > 0 {
		run.Total = &r.Total
	}
	return run
}

// NewRuns are results for other programs.
func NewRuns(results []mirror.Result) []Run {
	runs := make([]Run, len(results))
	for i, r := range results {
		runs[i] = NewRun(r)
	}
	return runs
}

// rowsOf counts the different rows of a run; of one that was not read to the end it is known only how many came.
func rowsOf(r mirror.Result) int64 {
	if r.Distinct > 0 {
		return int64(r.Distinct)
	}
	return r.Read
}

// PrintResults shows the outcome of each stream that was begun, and the reason where it is not whole.
func PrintResults(w io.Writer, results []mirror.Result) error {
	var b strings.Builder
	t := Table{Head: []string{"STREAM", "ROWS", "PAGES", "REQUESTS", "INSERTED", "UPDATED", "REJECTED", "TIME", "OUTCOME"}, Align: "lrrrrrrr"}
	var sum mirror.Result
	var rows, requests int64
	for _, r := range results {
		if r.Outcome == mirror.Interrupted && r.RunID == 0 {
			continue
		}
		t.Add(r.Stream, humanize.Count(rowsOf(r)), humanize.Count(r.Pages), humanize.Count(r.Requests), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Rejected), humanize.Elapsed(r.Duration), OutcomeText(r))
		rows += rowsOf(r)
		requests += r.Requests
		sum.Add(r.Counts)
	}
	t.Add("", humanize.Count(rows), humanize.Count(sum.Pages), humanize.Count(requests), humanize.Count(sum.Inserted), humanize.Count(sum.Updated), humanize.Count(sum.Rejected), "", "")
	b.WriteString(t.Text())
	for _, r := range results {
		if _, lacks := token.Lacked(r.Reason); r.Outcome != mirror.Succeeded && r.Outcome != mirror.Interrupted && !r.Unavailable && !lacks {
			fmt.Fprintf(&b, "\n%s: %s\n", r.Stream, r.Reason)
		}
	}
	if lacks := token.SumReasons(func(yield func(stream, reason string)) {
		for _, r := range results {
			yield(r.Stream, r.Reason)
		}
	}); lacks != "" {
		fmt.Fprintf(&b, "\n%s\n", lacks)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// GoesOn says where the next run of streams that were interrupted goes on: "at page 40 of 206 of payments; 14 streams are to be
// read". It is empty if none was.
func GoesOn(results []mirror.Result, at func(stream string) (rows, total int)) string {
	const named = 3
	var begun []string
	unbegun := 0
	for _, r := range results {
		if r.Outcome != mirror.Interrupted {
			continue
		}
		switch rows, total := at(r.Stream); {
		case r.RunID == 0 || rows == 0:
			unbegun++
		case total > 0:
			pages := pagesOf(total)
			begun = append(begun, fmt.Sprintf("at page %s of %s of %s", humanize.Count(min(rows/pageRows+1, pages)), humanize.Count(pages), r.Stream))
		default:
			begun = append(begun, fmt.Sprintf("after %s rows of %s", humanize.Count(rows), r.Stream))
		}
	}
	if more := len(begun) - named; more > 0 {
		begun = append(begun[:named], fmt.Sprintf("with %d more", more))
	}
	said := strings.Join(begun, ", ")
	switch {
	case unbegun > 0 && said == "":
		return "with " + humanize.Plural(unbegun, "stream", "streams")
	case unbegun > 0:
		return said + "; " + humanize.Plural(unbegun, "stream is not begun", "streams are not begun")
	}
	return said
}

// OutcomeText is the outcome of a run in words.
func OutcomeText(r mirror.Result) string {
	if r.Unavailable {
		return "unavailable to this token"
	}
	return string(r.Outcome)
}
