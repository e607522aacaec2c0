package catalog_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// What the real server answered about all metrics, by hour, day, week, month and year, is stored with its digits: each of the 55 metrics of each period,
// and the files of the export too. Nothing is set aside, and nothing looks like a change of the API.
func TestRecordedMetricsAreMirrored(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	server, _ := worldtest.TruthServer(t, recorded.USD)
	h := &harness{worldtest.StartRecorded(t, server)}
	by := func(intervals ...string) *catalog.Mirror {
		return h.NewMirror(t, worldtest.Both(
			worldtest.Changed("metrics", func(e *catalog.Entry) { e.Scan = scan.Metrics{Intervals: intervals} }),
			func(c *catalog.Config) {
				at := slices.IndexFunc(c.Entries, func(e catalog.Entry) bool { return e.Name == "metrics_export" })
				c.Entries[at].Scan = scan.MetricsExport{Of: "/v1/metrics/", Metrics: scan.Metrics{Intervals: intervals}}
			}))
	}
	h.Mirror = by("day", "week", "month", "year")
	h.SyncAll(t, "metrics")
	hours := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC) // a week of them was recorded
	if r := by("hour").Backfill(t.Context(), "metrics", hours, hours.AddDate(0, 0, 7)); r.Outcome != mirror.Succeeded {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	want := map[string]string{}
	for _, e := range server.Metrics {
		if interval, all := askedForAll(t, e, "/v1/metrics/"); all {
			maps.Copy(want, figuresOf(t, interval, e.Body))
		}
	}
	alikeSets(t, "metrics", h.figures(t, "metrics", "slug, type, display_name"), slices.Collect(maps.Values(want)))
	if n := worldtest.Query[int](t, h, "SELECT count(DISTINCT slug) FROM metrics"); n != 55 {
		t.Errorf("%d metrics are stored, want 55", n)
	}

	server.Found(t, "2026-04-01T00:00:00Z") // the export of days was recorded from here on
	h.Mirror = by("day", "month", "year")
	h.SyncAll(t, "metrics_export")
	want = map[string]string{}
	for _, e := range server.Metrics {
		if interval, all := askedForAll(t, e, "/v1/metrics/export"); all {
			maps.Copy(want, figuresOfFile(t, interval, e.Body))
		}
	}
	alikeSets(t, "metrics_export", h.figures(t, "metrics_export", "display_name"), slices.Collect(maps.Values(want)))
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM metrics_export e LEFT JOIN metrics m ON m.id = e.metric_id WHERE m.value IS DISTINCT FROM e.value"); n != 0 {
		t.Errorf("%d figures of the export do not belong to the same figure", n)
	}
	requireNothingOdd(t, h.Harness)
}

// recordedUntil begins the day on which the test asks for metrics.
var recordedUntil = worldtest.RecordedAt.Format(time.RFC3339)

// askedForAll tells whether an answer is one about everything, in UTC, and by what interval.
func askedForAll(t *testing.T, e recorded.Exchange, path string) (interval string, all bool) {
	t.Helper()
	at, asked, _ := strings.Cut(e.Request.Path, "?")
	query, err := url.ParseQuery(asked)
	if err != nil {
		t.Fatal(err)
	}
	return query.Get("interval"), at == path && len(query) == 3 && query.Get("start_date") != "2026-01-10" // there the first month is a part of one
}

// figuresOf are the figures of an answer as they read in the table, by interval, period and slug.
func figuresOf(t *testing.T, interval, body string) map[string]string {
	t.Helper()
	var answer struct {
		Periods []map[string]any
		Metrics map[string]struct {
			Type string
			Name string `json:"display_name"`
		}
	}
	worldtest.Decode(t, []byte(body), &answer)
	figures := map[string]string{}
	for _, p := range answer.Periods {
		start := canonical(t, "time", cell(t, p["timestamp"]))
		for slug, value := range p {
			if slug == "timestamp" || start > recordedUntil { // later ones were not asked for
				continue
			}
			about := answer.Metrics[slug]
			key := strings.Join([]string{interval, start, slug}, " ")
			figures[key] = strings.Join([]string{key, about.Type, about.Name, string(value.(json.Number))}, " ")
		}
	}
	return figures
}

// figuresOfFile are those of an export, by display names.
func figuresOfFile(t *testing.T, interval, body string) map[string]string {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader([]byte(body))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]string{}
	for _, r := range records[1:] {
		start := canonical(t, "time", r[0])
		for i, name := range records[0] {
			if i > 0 && start >= startOf[interval] && start <= recordedUntil {
				key := strings.Join([]string{interval, start, name}, " ")
				figures[key] = key + " " + r[i]
			}
		}
	}
	return figures
}

// startOf is the first period that an organization of April 2026 has, by interval.
var startOf = map[string]string{"day": "2026-04-01", "month": "2026-04-01", "year": "2026-01-01"}
