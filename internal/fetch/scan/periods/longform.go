package periods

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/humanize"
	"syncd/internal/rawjson"
)

// namespace makes the ids of metric rows: a period and slug have the same id in every run and schema.
var namespace = uuid.MustParse("6f7f5bd5-4a8d-5f0c-9d4c-2c1b6f0a7e11")

// Rows are the items of one window, made one after the other.
type Rows struct {
	Count int
	Items iter.Seq2[jsontext.Value, error]
}

// metricRow is an item in long form.
type metricRow struct {
	ID          uuid.UUID      `json:"id"`
	Interval    string         `json:"interval"`
	Timezone    string         `json:"timezone"`
	PeriodStart string         `json:"period_start"`
	Slug        string         `json:"slug"`
	Type        string         `json:"type,omitzero"`
	DisplayName string         `json:"display_name,omitzero"`
	Value       jsontext.Value `json:"value"`
}

// LongForm turns {"periods":[{"timestamp":t, slug: value, ...}], "metrics":{slug:{"type","display_name"}}} into one item per
// value of the wanted periods. Polar leaves out null values, so the slugs vary. New slugs appear without notice. What an answer must
// have is checked at once, so that the request can be repeated.
func LongForm(body []byte, interval string, wants func(interval string, start time.Time) bool) (came Rows, err error) {
	var answer struct {
		Periods []jsontext.Value          `json:"periods"`
		Metrics map[string]jsontext.Value `json:"metrics"`
	}
	if err := decode(body, &answer); err != nil {
		return came, fmt.Errorf("metrics: %w", err)
	}
	if answer.Periods == nil {
		return came, errors.New(`metrics without "periods"`)
	}
	about := make(map[string]metricRow, len(answer.Metrics))
	for slug, value := range answer.Metrics {
		var known struct {
			Type        string `json:"type"`
			DisplayName string `json:"display_name"`
		}
		if value.Kind() == '{' {
			if err := decode(value, &known); err != nil {
				return came, fmt.Errorf("metric %q: %w", humanize.Line(slug, 60), err)
			}
		}
		about[slug] = metricRow{Type: known.Type, DisplayName: known.DisplayName}
	}
	wanted := make([]jsontext.Value, 0, len(answer.Periods))
	for _, period := range answer.Periods {
		start := startOf(period)
		if start.IsZero() {
			return came, fmt.Errorf(`a period of the metrics without a "timestamp": %s`, humanize.Line(string(period), 80))
		}
		if !wants(interval, start) {
			continue
		}
		wanted = append(wanted, period)
		for _, err := range values(period) {
			if err != nil {
				return came, err
			}
			came.Count++
		}
	}
	came.Items = func(yield func(jsontext.Value, error) bool) {
		for _, period := range wanted {
			start := startOf(period).Format(time.RFC3339Nano)
			for value, err := range values(period) {
				row := about[value.slug]
				row.ID = uuid.NewSHA1(namespace, []byte(interval+"|"+Timezone+"|"+start+"|"+value.slug))
				row.Interval, row.Timezone, row.PeriodStart, row.Slug, row.Value = interval, Timezone, start, value.slug, value.Value
				var item jsontext.Value
				if err == nil {
					item, err = json.Marshal(row, lenient)
				}
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
	return came, nil
}

const timestamp = "timestamp"

// startOf is when a period begins; zero if it does not tell.
func startOf(period jsontext.Value) time.Time {
	at, err := time.Parse(time.RFC3339Nano, rawjson.Text(rawjson.Member(period, timestamp)))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// metricValue is the value of a metric in a period.
type metricValue struct {
	slug string
	jsontext.Value
}

// values are the metrics of a period that have a value.
func values(period jsontext.Value) iter.Seq2[metricValue, error] {
	return func(yield func(metricValue, error) bool) {
		for quoted, value := range rawjson.Members(period) {
			slug, err := rawjson.Unquote(quoted)
			if err == nil && (string(slug) == timestamp || value.Kind() == 'n') {
				continue
			}
			if !yield(metricValue{string(slug), value}, err) || err != nil {
				return
			}
		}
	}
}
