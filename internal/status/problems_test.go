package status

import (
	"strings"
	"testing"
	"time"
)

// Each thing that is wrong is told once, with what to do, the worst first; a first copy under way is not wrong.
func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	days := 3
	whole := Stream{Stream: "orders", Outcome: "succeeded", CompleteAt: now}
	for name, test := range map[string]struct {
		report Report
		want   []string // parts of the problems, in order; none: all is well
	}{
		"well":            {Report{Streams: []Stream{whole}}, nil},
		"first copy":      {Report{Streams: []Stream{{Stream: "orders", Outcome: "running", Missing: "never swept"}, {Stream: "events", Outcome: "never", Missing: "never swept"}}}, nil},
		"off":             {Report{Streams: []Stream{{Stream: "events", Off: "streams", Outcome: "failed", Missing: "run 1 failed: no"}}}, nil},
		"refused":         {Report{Streams: []Stream{{Stream: "events", Unavailable: "scope", Outcome: "skipped"}}}, nil},
		"first copy fell": {Report{Streams: []Stream{{Stream: "orders", Outcome: "failed", Missing: "run 1 failed: no"}}}, []string{"broken orders run 1 failed: no syncd sync orders"}},
		"held": {Report{Streams: []Stream{{Stream: "orders", CompleteAt: now, Missing: "x", Held: 1200, HeldRun: 42}}},
			[]string{"attention orders 1,200 rows are no longer listed. syncd approve-deletions 42 --dry-run"}},
		"rejects":  {Report{Schema: "billing", Streams: []Stream{{Stream: "orders", CompleteAt: now, Missing: "x", Rejects: 2}}}, []string{"broken orders 2 objects FROM billing_sync.sync_rejects WHERE stream = 'orders'"}},
		"token":    {Report{Polar: "POLAR_ACCESS_TOKEN was refused"}, []string{"broken POLAR_ACCESS_TOKEN was refused"}},
		"silent":   {Report{AnsweredAt: now, AnsweredAgo: time.Hour, Tails: Round{Interval: "1m", StartedAt: now}}, []string{"broken Polar last answered 1 h 00 min ago"}},
		"round":    {Report{Tails: Round{Interval: "1m", Outcome: "failed", Reason: "502"}}, []string{"attention tails failed: 502"}},
		"no tails": {Report{AnsweredAt: now, AnsweredAgo: time.Hour, Tails: Round{Interval: "off", StartedAt: now}}, nil},
		"version":  {Report{Version: &Version{Version: "2026-10", Known: true, EndsAt: now, DaysLeft: &days}}, []string{"attention version 2026-10 of its API until about 2026-11-01"}},
		"retired":  {Report{Version: &Version{Version: "2026-10", Retired: "2026-04"}}, []string{"attention retired version 2026-04"}},
		"slowed":   {Report{Budget: &Budget{Processes: []Process{{Pace: 30, Budget: 250}, {Pace: 30, Budget: 250}}}}, []string{"attention 30 a minute instead of 250"}},
		"emptied":  {Report{Emptied: []string{"orders", "products"}}, []string{"broken orders, products Nothing was marked"}},
		"order": {Report{Drift: 2, Findings: 1, Feeds: []Feed{{Feed: "events", StandsStill: true, Untold: 3}}, Polar: "away"},
			[]string{"broken away", "attention feed of events 3 new rows", "attention 2 things syncd drift", "attention 1 thing syncd audit"}},
	} {
		test.report.Judge()
		if got := test.report.Problems; len(got) != len(test.want) {
			t.Errorf("%s: %+v, want %d problems", name, got, len(test.want))
			continue
		}
		for i, p := range test.report.Problems {
			text := strings.Join([]string{string(p.Severity), p.Stream, p.What, p.Command}, " ")
			for part := range strings.FieldsSeq(test.want[i]) {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %q lacks %q", name, text, part)
				}
			}
			if p.Do == "" {
				t.Errorf("%s: %q says not what to do", name, p.What)
			}
		}
	}
}
