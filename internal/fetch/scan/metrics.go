package scan

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/fetch/scan/periods"
)

// Metrics reads Polar's metrics in UTC periods, by windows of /v1/metrics/ as long as /v1/metrics/limits allows. A window gives
// tens of thousands of items: they are made as they are taken, in pages. The position after each of its pages but the last is the
// window itself.
//
// The first window begins in the month in which the organization was created, or at the earliest date of the limits if that is
// later or the token may not read the organization. The last window ends today. The current period changes until it ends, and
// earlier ones may change too, so each scan reads everything again.
//
// Items are in long form, one per period and metric that has a value, with the digits of numbers unchanged:
//
//	{"id":"<uuid v5 of interval|timezone|period_start|slug>","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z",
//	 "slug":"revenue","type":"currency","display_name":"Revenue","value":129900}
//
// The unit follows from type: currency and currency_sub_cent are cents, percentage is a fraction, scalar a number. The path of
// the scan is that of the metrics, /v1/metrics/.
type Metrics struct {
	Intervals []string // hour, day, week, month, year

	since, until time.Time // see Between
}

// Pages implements Scan.
func (m Metrics) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		windows, none, err := m.remaining(ctx, c, path, query, from)
		yieldWindows(windows, none, err, yield, func(w periods.Window) (p Page, came periods.Rows, err error) {
			p, err = readBody(ctx, c, path, windowQuery(w, query), func(body []byte) (err error) {
				came, err = periods.LongForm(body, w.Interval, m.wants)
				return err
			})
			return p, came, err
		})
	}
}

// yieldWindows reads one window after the other. Without any it passes none on, with err; else the first page has cost the requests
// of none, too.
func yieldWindows(windows []periods.Window, none Page, err error, yield func(Page, error) bool, read func(periods.Window) (Page, periods.Rows, error)) {
	if len(windows) == 0 {
		yield(none, err)
		return
	}
	left, given := 0, 0
	for _, w := range windows {
		left += w.Periods()
	}
	for i, w := range windows {
		p, came, err := read(w)
		if i == 0 {
			p.Requests += none.Requests
		}
		p.Next = startOfWindow(w)
		if err != nil {
			yield(p, err)
			return
		}
		given += came.Count
		left -= w.Periods()
		p.TotalCount, p.MaxPage, p.Total = came.Count, 1, given+left*came.Count/w.Periods()
		if !yieldRows(p, came.Items, yield, func(last *Page) {
			if last.Done = i == len(windows)-1; !last.Done {
				last.Next = startOfWindow(windows[i+1])
			}
		}) {
			return
		}
	}
}

// remaining plans what to read from a position on. none is the page to yield where nothing is left, or where the plan failed: it
// carries the cost of the requests.
func (m Metrics) remaining(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) (windows []periods.Window, none Page, err error) {
	windows, requests, err := m.windows(ctx, c, path, query)
	none = unread(query, requests, from)
	if err != nil {
		return nil, none, err
	}
	for len(windows) > 0 && readBefore(windows[0], from) {
		windows = windows[1:]
	}
	none.Done = len(windows) == 0
	return windows, none, nil
}

func startOfWindow(w periods.Window) Cursor {
	return Cursor{Part: w.Part, Key: w.Interval, After: w.Start.Format(microLayout)}
}

// readBefore: the window had been read when the scan was at from.
func readBefore(w periods.Window, from Cursor) bool {
	if w.Part != from.Part {
		return w.Part < from.Part
	}
	return w.Start.Format(microLayout) < from.After
}

func windowQuery(w periods.Window, query url.Values) url.Values {
	query = lists.WithParameter(query, "interval")
	w.SetQuery(query)
	return query
}

const day = 24 * time.Hour

// windows plans the requests. What Polar says of a period can depend on the others of its request (an exchange rate without a
// payment is that of the nearest day), so a span of time is read by the requests of the whole that show it.
func (m Metrics) windows(ctx context.Context, c *fetch.Client, path string, query url.Values) (windows []periods.Window, requests int, err error) {
	var limits periods.Limits
	p, err := readBody(ctx, c, path+"limits", nil, func(body []byte) (err error) {
		limits, err = periods.ReadLimits(body)
		return err
	})
	if err != nil {
		return nil, p.Requests, err
	}
	since, more, err := organizationSince(ctx, c, query)
	requests = p.Requests + more
	if err != nil {
		return nil, requests, err
	}
	if windows, err = limits.Plan(m.Intervals, since, c.Now().UTC().Truncate(day)); err != nil {
		return nil, requests, broken(c, path, query, "%w", err)
	}
	return slices.DeleteFunc(windows, func(w periods.Window) bool { return !m.overlaps(w) }), requests, nil
}

// organizationSince is when the organization was created; zero if the token may not read it.
func organizationSince(ctx context.Context, c *fetch.Client, query url.Values) (since time.Time, requests int, err error) {
	p, err := c.Page(ctx, "/v1/organizations/", url.Values{"limit": {"100"}})
	if errors.Is(err, fetch.ErrScope) {
		return time.Time{}, p.Requests, nil
	}
	if err != nil {
		return time.Time{}, p.Requests, err
	}
	wanted := c.WithOrganization(query).Get("organization_id")
	for _, item := range p.Items {
		at := locate(item, "created_at")
		if wanted != "" && at.id != wanted {
			continue
		}
		if since.IsZero() || at.at.Before(since) {
			since = at.at
		}
	}
	if since.IsZero() {
		return since, p.Requests, nil
	}
	return periods.StartOf("month", since), p.Requests, nil
}

// MetricsExport reads Polar's metrics as CSV files, one for each window of a Metrics scan. Its items have the same long form, one
// per period and column that has a value:
//
//	{"id":"<uuid v5>","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z","display_name":"Revenue","value":129900}
//
// The file names metrics by display name, not by slug. Its amounts are in cents, unlike those of the other exports
// (polarsource/polar, server/polar/metrics/endpoints.py). A file is whole if it ends cleanly and has a row for every period of
// its window.
type MetricsExport struct {
	Of      string // path of the metrics: /v1/metrics/
	Metrics Metrics
}

// Pages implements Scan.
func (m MetricsExport) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		windows, none, err := m.Metrics.remaining(ctx, c, m.Of, query, from)
		yieldWindows(windows, none, err, yield, func(w periods.Window) (Page, periods.Rows, error) { return exportWindow(ctx, c, path, query, w) })
	}
}

// exportWindow reads one window into a file.
func exportWindow(ctx context.Context, c *fetch.Client, path string, query url.Values, w periods.Window) (p Page, came periods.Rows, err error) {
	file, err := c.SpoolCSV(ctx, path, windowQuery(w, query), func(r io.Reader) (err error) {
		came.Count, err = w.CountValues(r)
		return err
	})
	p = bare(fetch.Page{TotalCount: -1, Query: file.Query, RequestedAt: file.RequestedAt, Requests: file.Requests})
	if err != nil {
		return p, came, err
	}
	came.Items = func(yield func(jsontext.Value, error) bool) {
		defer file.Close() //nolint:errcheck // it was only read
		for item, err := range w.Items(file) {
			if err != nil {
				err = exportError(c, path, file.Query, err)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
	return p, came, nil
}
