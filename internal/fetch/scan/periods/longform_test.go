package periods

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch/lists"
)

func TestLongForm(t *testing.T) {
	t.Parallel()
	items, err := allItems([]byte(`{"periods":[
		{"timestamp":"2026-10-15T00:00:00Z","revenue":129900,"churn_rate":0.10000000000000001,"costs":1e-7,"orders":null},
		{"timestamp":"2026-10-16T02:00:00+02:00","brand \"new\"":123456789012345678901234567890}],
		"totals":{"revenue":129900},"metrics":{"revenue":{"slug":"revenue","display_name":"Revenue \u00e9","type":"currency"},"churn_rate":null}}`), "day")
	if err != nil {
		t.Fatal(err)
	}
	id := func(key string) string { return uuid.NewSHA1(namespace, []byte(key)).String() }
	want := []string{
		`{"id":"` + id("day|UTC|2026-10-15T00:00:00Z|revenue") + `","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z","slug":"revenue","type":"currency","display_name":"Revenue é","value":129900}`,
		`{"id":"` + id("day|UTC|2026-10-15T00:00:00Z|churn_rate") + `","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z","slug":"churn_rate","value":0.10000000000000001}`,
		`{"id":"` + id("day|UTC|2026-10-15T00:00:00Z|costs") + `","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z","slug":"costs","value":1e-7}`,
		`{"id":"` + id(`day|UTC|2026-10-16T00:00:00Z|brand "new"`) + `","interval":"day","timezone":"UTC","period_start":"2026-10-16T00:00:00Z","slug":"brand \"new\"","value":123456789012345678901234567890}`,
	}
	if len(items) != len(want) {
		t.Fatalf("%d items: %s", len(items), items)
	}
	for i := range want {
		if string(items[i]) != want[i] {
			t.Errorf("item %d is\n%s, want\n%s", i, items[i], want[i])
		}
	}
	// Rows are found again by this id: it may never change.
	if got := id("day|UTC|2026-10-15T00:00:00Z|revenue"); got != "5c182805-1418-5732-a452-d271c8901d4b" {
		t.Errorf("id %s", got)
	}
	for _, wrong := range []string{`{}`, `[]`, `{"periods":null}`, `{"periods":[{"revenue":1}]}`, `{"periods":[1]}`, `{"periods":[{"timestamp":"today"}]}`, `{"periods":[],"metrics":{"x":{"type":7}}}`} {
		if items, err := allItems([]byte(wrong), "day"); err == nil {
			t.Errorf("%s gives %s", wrong, items)
		}
	}
}

func all(string, time.Time) bool { return true }

// allItems takes all items. What is wrong is known before the first.
func allItems(body []byte, interval string) (items []jsontext.Value, err error) {
	came, err := LongForm(body, interval, all)
	if err != nil {
		return nil, err
	}
	for item, err := range came.Items {
		if err != nil {
			return nil, fmt.Errorf("after %d items were taken: %w", len(items), err)
		}
		items = append(items, item)
	}
	if len(items) != came.Count {
		return nil, fmt.Errorf("%d items, but %d were counted", len(items), came.Count)
	}
	return items, nil
}

func FuzzLongForm(f *testing.F) {
	f.Add([]byte(`{"periods":[{"timestamp":"2026-01-01T00:00:00Z","revenue":1.50,"x":null}],"totals":{},"metrics":{"revenue":{"slug":"revenue","type":"currency","display_name":"Revenue"}}}`))
	f.Add([]byte(`{"periods":[{"timestamp":"2026-01-01"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		came, err := LongForm(body, "day", all)
		if err != nil {
			return
		}
		for item, err := range came.Items {
			if err != nil || !item.IsValid(lenient, jsontext.AllowDuplicateNames(true)) || lists.ID(item) == "" {
				t.Errorf("item %q, %v", item, err)
			}
		}
	})
}
