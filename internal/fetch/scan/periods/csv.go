package periods

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/scan/sheet"
	"syncd/internal/humanize"
)

// record is a line of a file: a period.
type record struct {
	Start  time.Time
	names  []string // of its fields
	fields [][]byte
	at     int // which of them is the time
}

// values are the fields that have one, with the display name of the metric.
func (r record) values() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i, name := range r.names {
			if i != r.at && len(r.fields[i]) > 0 && !yield(name, r.fields[i]) {
				return
			}
		}
	}
}

// records reads a file of metrics. A record is valid until the next one is read.
func records(file io.Reader) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		t := sheet.New(file, sheet.Shape{Columns: []sheet.Column{{Name: "period_start", Headers: []string{"Timestamp"}, Kind: sheet.Time}}, Key: [][]string{{"period_start"}}})
		if err := t.ReadHeader(); err != nil {
			yield(record{}, err)
			return
		}
		r := record{names: t.ColumnNames(), at: t.ColumnIndex("period_start")}
		for {
			var err error
			if r.fields, err = t.ReadRecord(); errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				var ok bool
				if r.Start, ok = sheet.ParseTime(string(r.fields[r.at])); !ok {
					err = fmt.Errorf("%w: %q is no time of a period", sheet.ErrBroken, humanize.Line(string(r.fields[r.at]), 60))
				}
				r.Start = r.Start.UTC()
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// CountValues counts the values of a file, and proves that it has a row for every period of the window.
func (w Window) CountValues(file io.Reader) (n int, err error) {
	came := map[time.Time]bool{}
	for row, err := range records(file) {
		if err != nil {
			return n, err
		}
		came[row.Start] = true
		for range row.values() {
			n++
		}
	}
	for start := StartOf(w.Interval, w.Start); !start.After(w.End); start = Next(w.Interval, start) {
		if !came[start] {
			return n, fmt.Errorf("%w: no row for the %s of %s: it was cut short: %w", sheet.ErrBroken, w.Interval, start.Format(time.DateOnly), io.ErrUnexpectedEOF)
		}
	}
	return n, nil
}

// Items makes an item in long form of each value of a file.
func (w Window) Items(file io.Reader) iter.Seq2[jsontext.Value, error] {
	return func(yield func(jsontext.Value, error) bool) {
		for row, err := range records(file) {
			if err != nil {
				yield(nil, err)
				return
			}
			for name, value := range row.values() {
				if !yield(w.item(row.Start, name, value), nil) {
					return
				}
			}
		}
	}
}

func (w Window) item(start time.Time, name string, value []byte) jsontext.Value {
	begin := start.Format(time.RFC3339Nano)
	b := append([]byte(`{"id":`), sheet.AppendText(nil, sheet.UUID("metrics", w.Interval, Timezone, begin, name))...)
	b = append(sheet.AppendText(append(b, `,"interval":`...), w.Interval), `,"timezone":`...)
	b = append(sheet.AppendText(b, Timezone), `,"period_start":`...)
	b = append(sheet.AppendText(b, begin), `,"display_name":`...)
	b = append(sheet.AppendText(b, name), ',')
	return append(sheet.AppendField(b, "value", sheet.Number, value), '}')
}
