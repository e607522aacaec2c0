package report_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"syncd/internal/report"
	"syncd/internal/status"
)

// Whatever a status tells, it fits a terminal of 80 columns, and leaves nothing of the reasons out.
func TestStatusFitsATerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	old := now.Add(-47 * time.Hour)
	reason := strings.Repeat("the token may not read /v1/orders/: ", 10) + "add the scope orders:read"
	r := status.Report{
		Schema: "polar", Organization: "1dbfc517-0bbf-4301-9ba8-555ca42b9737", AnsweredAt: old, Drift: 1234, Findings: 12,
		Tails: status.Round{Outcome: "failed", Reason: reason, StartedAt: old, Interval: "5m"},
		Streams: []status.Stream{
			{Stream: "organization_access_tokens", Outcome: "interrupted", Reason: reason, StartedAt: old, CompleteAt: old, CurrentAt: old, NextAt: now.Add(47 * time.Hour), Rows: 123_456_789, Held: 3, HeldRun: 4, Missing: "run 4 holds them back"},
			{Stream: "orders", Outcome: "succeeded", Rows: 1, StartedAt: now, CompleteAt: now},
			{Stream: "events", Off: "off by default"},
		},
		Uncovered: []string{"customer_seats", "organization_access_tokens", "webhook_endpoints", "subscriptions"},
		Feeds:     []status.Feed{{Feed: "deliveries", Lag: 3600}},
		Emptied:   []string{"orders", "products"},
		Budget: &status.Budget{PausedSeconds: 30, Processes: []status.Process{{Process: "a-host-with-a-long-name.example.com/1234567/ABCDEFGH", AskedAt: old, Budget: 250, Pace: 100, Used: 99,
			Requests: map[string]int64{"sweep": 1_234_567}}}},
	}
	r.Judge()
	var b strings.Builder
	if err := report.PrintStatus(&b, r, now); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	said := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"organization_access_tokens 123,456,789 interrupted 47h 47h 47h 47h", "orders 1 whole 0s", "events 0 off", "1 of 3 streams are not known to be whole",
		"- organization_access_tokens, interrupted: " + reason, "last round 47 h 00 min ago, failed, 0 requests Polar last", "The last round of tails failed: " + reason, "approve-deletions 4", "See what they are: `syncd drift`",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it lacks %q:\n%s", want, b.String())
		}
	}
}
