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
		yieldWindows(windows, none, err, yield, func(w metricsWindow) (Page, windowRows, error) { return w.export(ctx, c, path, query) })
	}
}

// export reads one window into a file.
func (w metricsWindow) export(ctx context.Context, c *fetch.Client, path string, query url.Values) (p Page, came windowRows, err error) {
	file, err := c.SpoolCSV(ctx, path, w.query(query), func(r io.Reader) error {
		came.count = 0
		periods := map[time.Time]bool{}
		for row, err := range w.records(r) {
			if err != nil {
				return err
			}
			periods[row.start] = true
			for range row.values() {
				came.count++
			}
		}
		return w.complete(periods)
	})
	p = bare(fetch.Page{TotalCount: -1, Query: file.Query, RequestedAt: file.RequestedAt, Requests: file.Requests})
	if err != nil {
		return p, came, err
	}
	came.rows = func(yield func(jsontext.Value, error) bool) {
		defer file.Close() //nolint:errcheck // it was only read
		for row, err := range w.records(file) {
			if err != nil {
				yield(nil, exportError(c, path, file.Query, err))
				return
			}
			for name, value := range row.values() {
				if !yield(w.item(row.start, name, value), nil) {
					return
				}
			}
		}
	}
	return p, came, nil
}

// metricsRecord is a line of the file: a period.
type metricsRecord struct {
	start  time.Time
	names  []string // of its fields
	fields [][]byte
	at     int // which of them is the time
}

// values are the fields that have one, with the display name of the metric.
func (r metricsRecord) values() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i, name := range r.names {
			if i != r.at && len(r.fields[i]) > 0 && !yield(name, r.fields[i]) {
				return
			}
		}
	}
}

// records reads a file. A record is valid until the next one is read.
func (w metricsWindow) records(file io.Reader) iter.Seq2[metricsRecord, error] {
	return func(yield func(metricsRecord, error) bool) {
		t := sheet.New(file, sheet.Shape{Columns: []sheet.Column{{Name: "period_start", Headers: []string{"Timestamp"}, Kind: sheet.Time}}, Key: [][]string{{"period_start"}}})
		if err := t.ReadHeader(); err != nil {
			yield(metricsRecord{}, err)
			return
		}
		r := metricsRecord{names: t.ColumnNames(), at: t.ColumnIndex("period_start")}
		for {
			var err error
			if r.fields, err = t.ReadRecord(); errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				var ok bool
				if r.start, ok = sheet.ParseTime(string(r.fields[r.at])); !ok {
					err = fmt.Errorf("%w: %q is no time of a period", sheet.ErrBroken, humanize.Line(string(r.fields[r.at]), 60))
				}
				r.start = r.start.UTC()
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// item is a value in long form.
func (w metricsWindow) item(start time.Time, name string, value []byte) jsontext.Value {
	begin := start.Format(time.RFC3339Nano)
	b := append([]byte(`{"id":`), sheet.AppendText(nil, sheet.UUID("metrics", w.interval, metricsTimezone, begin, name))...)
	b = append(sheet.AppendText(append(b, `,"interval":`...), w.interval), `,"timezone":`...)
	b = append(sheet.AppendText(b, metricsTimezone), `,"period_start":`...)
	b = append(sheet.AppendText(b, begin), `,"display_name":`...)
	b = append(sheet.AppendText(b, name), ',')
	return append(sheet.AppendField(b, "value", sheet.Number, value), '}')
}

// complete: a file has a row for every period of the window.
func (w metricsWindow) complete(periods map[time.Time]bool) error {
	for start := startOfPeriod(w.interval, w.start); !start.After(w.end); start = nextPeriod(w.interval, start) {
		if !periods[start] {
			return fmt.Errorf("%w: no row for the %s of %s: it was cut short: %w", sheet.ErrBroken, w.interval, start.Format(time.DateOnly), io.ErrUnexpectedEOF)
		}
	}
	return nil
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
