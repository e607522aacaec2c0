package polarsim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/polarsim/recorded"
)

// writtenAs is how a value is written: with a fraction or not, by whether it is zero, whole, or neither.
func writtenAs(number string) string {
	written := "int"
	if strings.ContainsAny(number, ".eE") {
		written = "float"
	}
	var value float64
	_, _ = fmt.Sscan(number, &value) // no number: zero
	switch {
	case value == 0:
		return "zero as " + written
	case value == float64(int64(value)):
		return "whole as " + written
	}
	return "fraction as " + written
}

// metricForms are the forms in which values are written, by where they stand and their metric.
type metricForms map[string]map[string]bool

func (f metricForms) note(where, slug, number string) {
	if f[where+slug] == nil {
		f[where+slug] = map[string]bool{}
	}
	f[where+slug][writtenAs(number)] = true
}

// answer notes an answer of /v1/metrics/, and gives the keys of its first period and of its totals, in order, and what it says of metrics.
func (f metricForms) answer(t *testing.T, body string) (keys, totals []string, about map[string]any) {
	t.Helper()
	var a struct {
		Periods []json.RawMessage
		Totals  json.RawMessage
		Metrics map[string]any
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatal(err)
	}
	for i, period := range a.Periods {
		all := f.object(t, "in a period ", period)
		if i == 0 {
			keys = all
		}
		if !slices.Equal(keys, all) {
			t.Errorf("period %d has other keys: %v", i+1, all)
		}
	}
	if a.Totals != nil {
		totals = f.object(t, "in all ", a.Totals)
	}
	return keys, totals, a.Metrics
}

func (f metricForms) object(t *testing.T, where string, object json.RawMessage) (keys []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return keys
		}
		key, is := token.(string)
		if !is {
			continue
		}
		keys = append(keys, key)
		if token, err = d.Token(); err != nil {
			t.Fatal(err)
		}
		if number, is := token.(json.Number); is {
			f.note(where, key, number.String())
		} else if text, is := token.(string); !is || key != "timestamp" || !strings.HasSuffix(text, "Z") {
			t.Errorf("%s%s is %v", where, key, token)
		}
	}
}

// file notes a CSV export, by the display names, and gives its header.
func (f metricForms) file(t *testing.T, body string) []string {
	t.Helper()
	if strings.Count(body, "\n") != strings.Count(body, "\r\n") {
		t.Error("a record does not end with CR LF")
	}
	records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[1:] {
		if !strings.HasSuffix(r[0], "+00:00") {
			t.Errorf("a time is written as %s", r[0])
		}
		for i := range r[1:] {
			f.note("exported ", records[0][i+1], r[i+1])
		}
	}
	return records[0]
}

// What the simulator answers about metrics has the keys of what was recorded, in that order, and writes each value as a value of its kind was recorded:
// where Polar writes 5.0 or 0, so does it. What Polar writes of the metrics themselves and of limits is the same, byte for byte.
func TestMetricsAreWrittenAsRecorded(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 3, Customers: 60, Now: DefaultNow}), ServerOptions{})
	want, got := metricForms{}, metricForms{}
	ask := func(target string) string {
		_, query, _ := strings.Cut(target, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		for name, kind := range map[string]Kind{"product_id": KindProduct, "customer_id": KindCustomer} {
			if values.Has(name) {
				values.Set(name, s.world.id(kind, 0).String())
			}
		}
		res, body := do(t, s, "GET", strings.TrimSuffix(target, query)+values.Encode(), "", "Polar-Version", recordedVersion)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", target, res.StatusCode, body)
		}
		return body
	}
	for _, truth := range recorded.Truths() {
		answers, err := truth.Metrics()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range answers {
			target := e.Request.Path
			switch {
			case strings.HasSuffix(target, "/limits"):
				if body := ask(target); body != e.Body {
					t.Errorf("%s: %s\nrecorded %s", target, body, e.Body)
				}
			case strings.Contains(target, "/export"):
				if diff := cmp.Diff(want.file(t, e.Body), got.file(t, ask(target))); diff != "" {
					t.Errorf("%s (-recorded +made):\n%s", target, diff)
				}
			default:
				keys, totals, about := want.answer(t, e.Body)
				if totals == nil {
					totals = keys[1:]
				}
				madeKeys, madeTotals, madeAbout := got.answer(t, ask(target))
				if diff := cmp.Diff([]any{keys, totals, about}, []any{madeKeys, madeTotals, madeAbout}); diff != "" {
					t.Errorf("%s (-recorded +made):\n%s", target, diff)
				}
			}
		}
	}
	for _, interval := range []string{"month", "day"} { // where the world lives
		got.answer(t, ask("/v1/metrics/?start_date=2025-11-01&end_date=2026-10-15&interval="+interval))
	}
	compared := 0
	for place, forms := range got {
		for form := range forms {
			kind, _, _ := strings.Cut(form, " as ")
			if !want[place][kind+" as int"] && !want[place][kind+" as float"] {
				continue // no such value was recorded
			}
			compared++
			if !want[place][form] {
				t.Errorf("%s: %s, recorded otherwise", place, form)
			}
		}
	}
	if compared < 250 {
		t.Errorf("only %d forms were compared", compared)
	}
	t.Logf("%d forms in %d places", compared, len(got))
}
