package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan/sheet"
	"syncd/internal/humanize"
)

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
		yieldWindows(windows, none, err, yield, func(w metricsWindow) (Page, error) { return w.export(ctx, c, path, query) })
	}
}

// export reads one window. It has few periods, so they are kept in memory.
func (w metricsWindow) export(ctx context.Context, c *fetch.Client, path string, query url.Values) (Page, error) {
	var items []jsontext.Value
	file, err := c.SpoolCSV(ctx, path, w.query(query), func(r io.Reader) (err error) {
		items, err = w.rows(r)
		return err
	})
	p := bare(fetch.Page{TotalCount: -1, Query: file.Query, RequestedAt: file.RequestedAt, Requests: file.Requests})
	if err != nil {
		return p, err
	}
	p.Items, p.TotalCount, p.MaxPage = items, len(items), 1
	return p, file.Close()
}

// rows turns a file into long form.
func (w metricsWindow) rows(r io.Reader) (items []jsontext.Value, err error) {
	t := sheet.New(r, sheet.Shape{Columns: []sheet.Column{{Name: "period_start", Headers: []string{"Timestamp"}, Kind: sheet.Time}}, Key: [][]string{{"period_start"}}})
	if err := t.ReadHeader(); err != nil {
		return nil, err
	}
	at, periods := t.ColumnIndex("period_start"), map[time.Time]bool{}
	for {
		record, err := t.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		start, ok := sheet.ParseTime(string(record[at]))
		if !ok {
			return nil, fmt.Errorf("%w: %q is no time of a period", sheet.ErrBroken, humanize.Line(string(record[at]), 60))
		}
		start = start.UTC()
		periods[start] = true
		for i, name := range t.ColumnNames() {
			if i == at || len(record[i]) == 0 {
				continue
			}
			begin := start.Format(time.RFC3339Nano)
			b := append([]byte(`{"id":`), sheet.AppendText(nil, sheet.UUID("metrics", w.interval, metricsTimezone, begin, name))...)
			b = append(sheet.AppendText(append(b, `,"interval":`...), w.interval), `,"timezone":`...)
			b = append(sheet.AppendText(b, metricsTimezone), `,"period_start":`...)
			b = append(sheet.AppendText(b, begin), `,"display_name":`...)
			b = append(sheet.AppendText(b, name), ',')
			b = sheet.AppendField(b, "value", sheet.Number, record[i])
			items = append(items, append(b, '}'))
		}
	}
	for start := startOfPeriod(w.interval, w.start); !start.After(w.end); start = nextPeriod(w.interval, start) {
		if !periods[start] {
			return nil, fmt.Errorf("%w: no row for the %s of %s: it was cut short: %w", sheet.ErrBroken, w.interval, start.Format(time.DateOnly), io.ErrUnexpectedEOF)
		}
	}
	return items, nil
}

// nextPeriod is the start of the period after the one that begins at start.
func nextPeriod(interval string, start time.Time) time.Time {
	switch interval {
	case "hour":
		return start.Add(time.Hour)
	case "week":
		return start.AddDate(0, 0, 7)
	case "month":
		return start.AddDate(0, 1, 0)
	case "year":
		return start.AddDate(1, 0, 0)
	}
	return start.AddDate(0, 0, 1)
}
