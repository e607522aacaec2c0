package recorded

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEverythingRecordedIsRead(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func() ([]Exchange, error){"errors": Errors, "gets": Gets} {
		list, err := read()
		if err != nil || len(list) < 30 {
			t.Errorf("%s: %d answers, %v", name, len(list), err)
		}
		for _, e := range list {
			if e.Request.Method == "" || e.Request.Path == "" || e.Request.Authorization == "" || e.Status == 0 {
				t.Errorf("%s: %s has a field missing: %+v", name, e.Request, e)
			}
		}
	}
	lists, err := Lists()
	if err != nil || len(lists) < 20 {
		t.Errorf("%d lists, %v", len(lists), err)
	}
	for _, name := range lists {
		items, err := List(name)
		objects(t, name, items, err)
	}
	states, err := States()
	objects(t, "states", states, err)
	exports, err := Exports()
	if err != nil || len(exports) != 4 {
		t.Errorf("exports %v, %v", exports, err)
	}
	for _, name := range exports {
		if csv, err := Export(name); err != nil || bytes.Count(csv, []byte("\n")) < 2 {
			t.Errorf("export %s: %d bytes, %v", name, len(csv), err)
		}
	}
}

// Both organizations are there as a whole, and nothing in their items is left short.
func TestTruthIsWhole(t *testing.T) {
	t.Parallel()
	for _, truth := range Truths() {
		known, err := truth.Lists()
		if err != nil || len(known) < 20 {
			t.Errorf("%s: %d lists, %v", truth, len(known), err)
		}
		counts := map[string]int{}
		for _, name := range known {
			items, err := truth.List(name)
			if err != nil {
				t.Error(err)
			}
			counts[name] = len(items)
			for i, item := range items {
				if !json.Valid(item) || bytes.Contains(item, []byte(`":"="`)) {
					t.Errorf("%s: %s %d is short: %s", truth, name, i+1, item)
				}
			}
		}
		for name, want := range map[string]int{"orders": 913, "subscriptions": 111, "checkouts": 180, "customers": 59, "payments": 909, "customer_seats": 16} {
			if counts[name] != want {
				t.Errorf("%s: %d %s, want %d", truth, counts[name], name, want)
			}
		}
		answers, err := truth.Metrics()
		if err != nil || len(answers) < 8 {
			t.Errorf("%s: %d answers of metrics, %v", truth, len(answers), err)
		}
		hidden, err := truth.HiddenSubscriptions()
		objects(t, "hidden subscriptions", hidden, err)
		if csv, err := truth.Subscriptions(); err != nil || bytes.Count(csv, []byte("\r\n")) != 112 {
			t.Errorf("%s: %d bytes of subscriptions, %v", truth, len(csv), err)
		}
	}
}

func objects(t *testing.T, name string, items []json.RawMessage, err error) {
	t.Helper()
	if err != nil || len(items) == 0 {
		t.Errorf("%s: %d items, %v", name, len(items), err)
	}
	for i, item := range items {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(item, &object); err != nil {
			t.Errorf("%s, item %d: %v", name, i+1, err)
		}
	}
}
