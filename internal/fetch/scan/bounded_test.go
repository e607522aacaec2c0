package scan

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/scan/periods"
	"syncd/internal/rawjson"
)

func TestBoundedKeyset(t *testing.T) {
	t.Parallel()
	since, until := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)
	var asked []url.Values
	body := `{"items":[{"id":"a","created_at":"2024-01-01T00:00:00Z"},{"id":"b","created_at":"2024-01-31T23:59:59.999999Z"}],"pagination":{"total_count":2,"max_page":1}}`
	c := fetchtest.OverNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		inprocess.Reply(w, 200, "application/json", body)
	})
	scan := Keyset{Sort: "created_at", After: "created_after", Before: "created_before"}.Between(since, until)
	for page, err := range scan.Pages(background(), c, "/v1/orders/", nil, Cursor{}) {
		if err != nil || !page.Done || len(page.Items) != 2 {
			t.Errorf("%+v, %v", page, err)
		}
	}
	n, err := scan.(Counter).Count(background(), c, "/v1/orders/", nil)
	if err != nil || n.Total != 2 || len(asked) != 2 {
		t.Errorf("%+v, %v", n, err)
	}
	for _, q := range asked { // both filters are exclusive: the first instant belongs to the span, the last does not
		if q.Get("created_after") != "2023-12-31T23:59:59.999999Z" || q.Get("created_before") != "2024-02-01T00:00:00.000000Z" {
			t.Errorf("asked %v", q)
		}
	}
	// A server that does not know the filter would lead out of the span.
	body = strings.Replace(body, "2024-01-31T23:59:59.999999Z", "2024-02-01T00:00:00Z", 1)
	for _, err := range scan.Pages(background(), c, "/v1/orders/", nil, Cursor{}) {
		if err == nil || !strings.Contains(err.Error(), "does not apply the filter created_before") {
			t.Errorf("%v", err)
		}
	}
}

// A part of a period must not be stored as the period.
func TestBoundedMetricsReadsWholePeriods(t *testing.T) {
	t.Parallel()
	date := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, test := range map[string]struct {
		interval, since, until string
		asked                  []string
		first, last            string
	}{
		"days":            {"day", "2026-01-07", "2026-01-09", []string{"2026-01-06 2026-03-20"}, "2026-01-07", "2026-01-08"},
		"one day":         {"day", "2026-01-05", "2026-01-06", []string{"2025-01-04 2026-01-05"}, "2026-01-05", "2026-01-05"},
		"days in pieces":  {"day", "2024-01-01", "2025-01-05", []string{"2023-01-01 2024-01-02", "2024-01-03 2025-01-03", "2025-01-04 2026-01-05"}, "2024-01-01", "2025-01-04"},
		"part of a month": {"month", "2026-01-10", "2026-02-02", []string{"2023-01-01 2026-03-20"}, "2026-01-01", "2026-02-01"},
		"whole months":    {"month", "2026-01-01", "2026-02-01", []string{"2023-01-01 2026-03-20"}, "2026-01-01", "2026-01-01"},
		"week":            {"week", "2026-01-08", "2026-01-09", []string{"2025-01-13 2026-01-18"}, "2026-01-05", "2026-01-05"},
		"year":            {"year", "2025-05-01", "2025-06-01", []string{"2023-01-01 2026-03-20"}, "2025-01-01", "2025-01-01"},
		"under way":       {"month", "2026-03-01", "2026-04-01", []string{"2023-01-01 2026-03-20"}, "2026-03-01", "2026-03-01"},
		"to come":         {"day", "2026-04-01", "2026-05-01", nil, "", ""},
		"before Polar":    {"day", "2020-01-01", "2023-01-03", []string{"2023-01-01 2024-01-02"}, "2023-01-01", "2023-01-02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			c := fetchtest.InProcess(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v1/metrics/limits":
					inprocess.Reply(w, 200, "application/json", `{"min_date":"2023-01-01","intervals":{"day":{"min_days":0,"max_days":366},"week":{"min_days":14,"max_days":371},"month":{"min_days":60,"max_days":1460},"year":{"min_days":366,"max_days":3650}}}`)
				case "/v1/organizations/":
					inprocess.Reply(w, 200, "application/json", `{"items":[{"id":"o","created_at":"2022-05-05T00:00:00Z"}],"pagination":{"total_count":1,"max_page":1}}`)
				default:
					q := r.URL.Query()
					asked = append(asked, q.Get("start_date")+" "+q.Get("end_date"))
					var given []string
					for start := periods.StartOf(test.interval, date(q.Get("start_date"))); !start.After(date(q.Get("end_date"))); start = periods.Next(test.interval, start) {
						given = append(given, `{"timestamp":"`+start.Format(time.RFC3339)+`","orders":1}`)
					}
					inprocess.Reply(w, 200, "application/json", `{"periods":[`+strings.Join(given, ",")+`],"metrics":{}}`)
				}
			}, func(cfg *fetch.Config) { cfg.Now = func() time.Time { return date("2026-03-20").Add(13 * time.Hour) } })
			var starts []string
			for page, err := range (Metrics{Intervals: []string{test.interval}}).Between(date(test.since), date(test.until)).Pages(background(), c, "/v1/metrics/", nil, Cursor{}) {
				if err != nil {
					t.Error(err)
				}
				for _, row := range page.Items {
					starts = append(starts, rawjson.Text(rawjson.Member(row, "period_start"))[:len(time.DateOnly)])
				}
			}
			if !slices.Equal(asked, test.asked) {
				t.Errorf("asked %q, want %q", asked, test.asked)
			}
			if first, last := slices.Min(append(starts, "x")), slices.Max(append(starts, "")); test.first != "" && (first != test.first || last != test.last) || test.first == "" && starts != nil {
				t.Errorf("the periods are from %s to %s, want %s to %s", first, last, test.first, test.last)
			}
		})
	}
}

func TestBoundedWindows(t *testing.T) {
	t.Parallel()
	for name, days := range map[string][2]int{"busy": {30, 33}, "quiet": {60, 70}, "none": {150, 160}, "beginning": {-10, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(events(2000))
			since, until := epoch.AddDate(0, 0, days[0]), epoch.AddDate(0, 0, days[1])
			want := 0
			for _, row := range f.rows {
				if !row.at.Before(since) && row.at.Before(until) {
					want++
				}
			}
			w, ok := eventWindows.Between(since, until).(Windows)
			if !ok {
				t.Fatal("another scan")
			}
			got := f.scan(t, w, Cursor{})
			if last := got.pages[len(got.pages)-1]; got.err != nil || got.items != want || last.Whole != want || !last.Done {
				t.Errorf("%v: %d rows of %d, %d in all", got.err, got.items, want, last.Whole)
			}
			for _, q := range f.requests {
				if q.Get("end_timestamp") > until.Add(windowMargin).Format(time.RFC3339) {
					t.Errorf("asked beyond the span: %v", q)
				}
			}
		})
	}
}
