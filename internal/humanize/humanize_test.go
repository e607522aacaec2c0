package humanize_test

import (
	"testing"
	"time"

	"syncd/internal/humanize"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for got, want := range map[string]string{
		humanize.Elapsed(250 * time.Millisecond):            "250 ms",
		humanize.Elapsed(2500 * time.Millisecond):           "2.5 s",
		humanize.Elapsed(90*time.Second + time.Millisecond): "1 min 30 s",
		humanize.Span(-time.Second):                         "0 s",
		humanize.Span(59 * time.Second):                     "59 s",
		humanize.Span(16*time.Minute + 59*time.Second):      "16 min",
		humanize.Span(47*time.Hour + 5*time.Minute):         "47 h 05 min",
		humanize.Span(50 * time.Hour):                       "2 d",
		humanize.Ago(now.Add(-time.Minute), now):            "1 min ago",
		humanize.Ago(time.Time{}, now):                      "",
		humanize.Until(now.Add(time.Hour), now):             "in 1 h 00 min",
		humanize.Until(now, now):                            "due",
		humanize.Until(time.Time{}, now) + "-":              "-",
		humanize.Age(now.Add(-59*time.Second), now):         "59s",
		humanize.Age(now.Add(-47*time.Hour), now):           "47h",
		humanize.Age(now.Add(-50*time.Hour), now):           "2d",
		humanize.Age(time.Time{}, now):                      "-",
		humanize.Interval(5 * time.Minute):                  "5m",
		humanize.Interval(26*time.Hour + 30*time.Second):    "26h30s",
		humanize.Interval(0):                                "0s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := humanize.Count(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"":                       nil,
		"one two\nthree":         {"one", "two", "three"},
		"seven77\neight888":      {"seven77", "eight888"},
		"longer-than-that\na bc": {"longer-than-that", "a", "bc"},
	} {
		if got := humanize.Wrap(words, 8); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}
