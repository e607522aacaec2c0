package report_test

import (
	"strings"
	"testing"
	"time"

	"syncd/internal/report"
	"syncd/internal/store/counts"
)

// A verification says what its numbers of rows rest on. Where a count finds another one than was kept, the stream is not whole.
func TestVerifyCounts(t *testing.T) {
	t.Parallel()
	swept := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		stream  report.VerifiedStream
		counted int64 // negative: not
		whole   bool
		want    string
	}{
		"kept":      {report.VerifiedStream{Verdict: "whole"}, -1, true, "ROWS are kept by each write, and checked by each complete sweep"},
		"counted":   {report.VerifiedStream{Verdict: "whole"}, 7, true, "COUNTED are the rows of the tables, counted now"},
		"less":      {report.VerifiedStream{Verdict: "whole"}, 5, false, "orders: its table has 5 rows, and 7 are known to have been written"},
		"both":      {report.VerifiedStream{Verdict: "whole"}, 5, false, "SUSPECTS HELD COUNTED orders missing never 7 0 0 0 5 "},
		"off":       {report.VerifiedStream{Verdict: "off"}, 5, true, "orders off"},
		"corrected": {report.VerifiedStream{Verdict: "whole", CountedAt: swept, CorrectedBy: 2}, -1, true, "the count of 2026-11-26T08:00:00Z found 2 rows more than were known"},
		"too many":  {report.VerifiedStream{Verdict: "whole", CountedAt: swept, CorrectedBy: -1}, -1, true, "found 1 row fewer than were known"},
	} {
		test.stream.Stream, test.stream.Rows = "orders", 7
		v := report.Verification{Whole: true, Streams: []report.VerifiedStream{test.stream}}
		if test.counted >= 0 {
			if err := v.Count(func(string) (counts.Comparison, error) { return counts.Comparison{Counted: test.counted, Kept: 7}, nil }); err != nil {
				t.Fatal(err)
			}
		}
		var b strings.Builder
		if err := v.Print(&b); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(strings.Fields(b.String()), " "); v.Whole != test.whole || !strings.Contains(said, test.want) {
			t.Errorf("%s: whole: %v, said:\n%s\nwant: %s", name, v.Whole, b.String(), test.want)
		}
	}
}
