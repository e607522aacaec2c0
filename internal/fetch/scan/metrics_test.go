package scan

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/scan/periods"
)

// fakeMetrics answers windows with one metric per period, whose value tells which days were asked for.
type fakeMetrics struct {
	t         *testing.T
	limits    string
	created   string // of the organization; empty = 403
	asked     []string
	failAfter int
	more      string // members of each period
}

const metricsLimitsBody = `{"min_date":"2023-01-01","intervals":{"hour":{"min_days":0,"max_days":7},"day":{"min_days":0,"max_days":366},
	"week":{"min_days":14,"max_days":371},"month":{"min_days":60,"max_days":1460},"year":{"min_days":366,"max_days":3650}}}`

func (f *fakeMetrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch r.URL.Path {
	case "/v1/metrics/limits":
		inprocess.Reply(w, 200, "application/json", f.limits)
	case "/v1/organizations/":
		if f.created == "" {
			inprocess.Reply(w, 403, "application/json", `{"error":"insufficient_scope"}`)
			return
		}
		inprocess.Reply(w, 200, "application/json", fmt.Sprintf(`{"items":[{"id":"org","created_at":%q}],"pagination":{"total_count":1,"max_page":1}}`, f.created))
	case "/v1/metrics/":
		f.asked = append(f.asked, fmt.Sprintf("%s %s..%s", query.Get("interval"), query.Get("start_date"), query.Get("end_date")))
		if f.failAfter > 0 && len(f.asked) > f.failAfter {
			inprocess.Reply(w, 422, "application/json", `{"error":"PolarRequestValidationError","detail":[]}`)
			return
		}
		start, err := time.Parse(time.DateOnly, query.Get("start_date"))
		end, err2 := time.Parse(time.DateOnly, query.Get("end_date"))
		if err != nil || err2 != nil || query.Get("timezone") != "UTC" {
			f.t.Errorf("asked %s", r.URL)
		}
		var given []string
		for at := periods.StartOf(query.Get("interval"), start); !at.After(end); {
			given = append(given, fmt.Sprintf(`{"timestamp":%q,"revenue":1.500,"orders":null%s}`, at.Format(time.RFC3339), f.more))
			switch query.Get("interval") {
			case "year":
				at = at.AddDate(1, 0, 0)
			case "month":
				at = at.AddDate(0, 1, 0)
			case "week":
				at = at.AddDate(0, 0, 7)
			case "day":
				at = at.AddDate(0, 0, 1)
			default:
				at = at.Add(time.Hour)
			}
		}
		inprocess.Reply(w, 200, "application/json", `{"periods":[`+strings.Join(given, ",")+`],"totals":{"revenue":1},"metrics":{"revenue":{"slug":"revenue","display_name":"Revenue","type":"currency"},"orders":null}}`)
	default:
		inprocess.Reply(w, 404, "application/json", `{"detail":"Not Found"}`)
	}
}

func (f *fakeMetrics) client(t *testing.T, today string) *fetch.Client {
	now, err := time.Parse(time.RFC3339, today)
	if err != nil {
		t.Fatal(err)
	}
	return fetchtest.InProcess(t, f.ServeHTTP, func(cfg *fetch.Config) { cfg.Now = func() time.Time { return now } })
}

func TestMetricsWindows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		interval, created, today string
		want                     []string
	}{
		{"day", "2026-01-20T10:00:00Z", "2026-10-15T23:59:59Z", []string{"2026-01-01..2026-10-15"}},
		{"day", "2024-05-20T10:00:00Z", "2026-10-15T12:00:00Z", []string{"2024-05-01..2025-05-02", "2025-05-03..2026-05-04", "2026-05-05..2026-10-15"}},
		{"day", "2026-10-15T01:00:00Z", "2026-10-15T12:00:00Z", []string{"2026-10-01..2026-10-15"}},
		{"day", "2020-05-20T10:00:00Z", "2023-01-02T12:00:00Z", []string{"2023-01-01..2023-01-02"}},
		{"day", "", "2023-01-02T12:00:00Z", []string{"2023-01-01..2023-01-02"}},
		{"day", "2026-10-15T01:00:00Z", "2026-10-16T01:00:00+02:00", []string{"2026-10-01..2026-10-15"}},
		{"day", "2030-01-01T00:00:00Z", "2026-10-15T12:00:00Z", nil},
		{"month", "2024-05-20T10:00:00Z", "2026-10-15T12:00:00Z", []string{"2024-05-01..2026-10-15"}},
		{"month", "", "2027-03-15T12:00:00Z", []string{"2023-01-01..2026-12-31", "2027-01-01..2027-03-15"}},
		{"month", "", "2027-01-15T12:00:00Z", []string{"2023-01-01..2026-12-31", "2026-11-01..2027-01-15"}}, // at least 60 days
		{"month", "2026-10-02T00:00:00Z", "2026-10-15T12:00:00Z", []string{"2026-10-01..2026-10-15"}},
		{"week", "", "2023-02-15T12:00:00Z", []string{"2023-01-01..2023-02-15"}},
		{"week", "", "2024-01-09T12:00:00Z", []string{"2023-01-01..2024-01-07", "2023-12-25..2024-01-09"}},
		{"year", "", "2026-10-15T12:00:00Z", []string{"2023-01-01..2026-10-15"}},
		{"hour", "2026-10-01T00:00:00Z", "2026-10-15T12:00:00Z", []string{"2026-10-01..2026-10-08", "2026-10-09..2026-10-15"}},
	} {
		t.Run(test.interval+" "+test.created+" "+test.today, func(t *testing.T) {
			t.Parallel()
			f := &fakeMetrics{t: t, limits: metricsLimitsBody, created: test.created}
			got := collect(Metrics{Intervals: []string{test.interval}}.Pages(background(), f.client(t, test.today), "/v1/metrics/", nil, Cursor{}))
			got.complete(t, nil)
			var want []string
			for _, w := range test.want {
				want = append(want, test.interval+" "+w)
			}
			if strings.Join(f.asked, ",") != strings.Join(want, ",") {
				t.Errorf("asked %q, want %q", f.asked, want)
			}
			if len(got.pages) != max(1, len(want)) || got.pages[0].Requests < 2 {
				t.Errorf("%d pages, the first with %d requests", len(got.pages), got.pages[0].Requests)
			}
			if last := got.pages[len(got.pages)-1]; len(want) > 0 && last.Total != got.items {
				t.Errorf("%d items expected at the end, %d came", last.Total, got.items)
			}
		})
	}
}

func TestMetricsResume(t *testing.T) {
	t.Parallel()
	scan := Metrics{Intervals: []string{"day", "month"}}
	whole := &fakeMetrics{t: t, limits: metricsLimitsBody}
	want := collect(scan.Pages(background(), whole.client(t, "2026-10-15T12:00:00Z"), "/v1/metrics/", nil, Cursor{}))
	want.complete(t, nil)
	for stop := 1; stop < len(want.pages); stop++ {
		f := &fakeMetrics{t: t, limits: metricsLimitsBody, failAfter: stop}
		first := collect(scan.Pages(background(), f.client(t, "2026-10-15T12:00:00Z"), "/v1/metrics/", nil, Cursor{}))
		if !errors.Is(first.err, fetch.ErrContract) || len(first.pages) != stop+1 {
			t.Fatalf("%v after %d pages", first.err, len(first.pages))
		}
		f.failAfter, f.asked = 0, nil
		rest := collect(scan.Pages(background(), f.client(t, "2026-10-16T12:00:00Z"), "/v1/metrics/", nil, first.pages[stop].Next))
		rest.complete(t, nil)
		if len(f.asked) != len(want.pages)-stop {
			t.Errorf("asked %q after the first %d", f.asked, stop)
		}
		for id := range want.ids {
			if first.ids[id]+rest.ids[id] == 0 {
				t.Fatalf("stopped after %d: %s is missing", stop, id)
			}
		}
	}
}

// A window of a thousand rows does not become one page, which would be in memory as a whole in several forms.
func TestMetricsWindowComesInPages(t *testing.T) {
	t.Parallel()
	f := &fakeMetrics{t: t, limits: metricsLimitsBody, more: `,"a":1,"b":2`}
	scan := Metrics{Intervals: []string{"day"}}
	got := collect(scan.Pages(background(), f.client(t, "2024-06-15T12:00:00Z"), "/v1/metrics/", nil, Cursor{}))
	got.complete(t, nil)
	if len(f.asked) != 2 {
		t.Fatalf("asked %q, want two windows", f.asked)
	}
	requests := 0
	var next []string
	for i, p := range got.pages {
		if len(p.Items) > pageRows {
			t.Errorf("page %d has %d rows", i, len(p.Items))
		}
		if last := i == len(got.pages)-1; p.Done != last {
			t.Errorf("page %d of %d: done is %v", i, len(got.pages), p.Done)
		}
		requests += p.Requests
		next = append(next, p.Next.After[:10])
	}
	if requests != 4 || got.items != (367+165)*3 {
		t.Errorf("%d requests for %d items", requests, got.items)
	}
	// Within a window one goes on from its start, after its last page from the next one.
	if want := "2023-01-01 2024-01-03 2024-01-03"; strings.Join(next, " ") != want {
		t.Errorf("one goes on from %q, want %s", next, want)
	}
	f.asked = nil
	rest := collect(scan.Pages(background(), f.client(t, "2024-06-15T12:00:00Z"), "/v1/metrics/", nil, got.pages[0].Next))
	if rest.complete(t, nil); rest.items != got.items || len(f.asked) != 2 {
		t.Errorf("stopped within the first window, %d of %d items came by asking %q", rest.items, got.items, f.asked)
	}
}

func TestMetricsRefused(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]error{
		`{"min_date":"2023-01-01","intervals":{"hour":{"min_days":0,"max_days":7}}}`: fetch.ErrContract,
		`{"min_date":"soon","intervals":{}}`:                                         fetch.ErrContract,
		`{"min_date":"2023-01-01","interv`:                                           fetch.ErrTransient,
		`[]`:                                                                         fetch.ErrContract,
	} {
		f := &fakeMetrics{t: t, limits: limits}
		got := collect(Metrics{Intervals: []string{"day"}}.Pages(background(), f.client(t, "2026-10-15T12:00:00Z"), "/v1/metrics/", nil, Cursor{}))
		if !errors.Is(got.err, want) || len(f.asked) != 0 || len(got.pages) != 1 || got.pages[0].Requests == 0 {
			t.Errorf("%s: %v", limits, got.err)
		}
	}
}
