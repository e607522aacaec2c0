package catalog_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror/streams"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	named := func(name, optIn string) catalog.Entry {
		return catalog.Entry{Stream: streams.Stream{Name: name}, OptIn: optIn}
	}
	methods := named("payment_methods", "one request each")
	methods.Scan, methods.Parents = scan.Nested{}, []streams.Parent{{Stream: "customers", Column: "customer_id"}}
	streams := []catalog.Entry{named("customers", ""), named("orders", ""), named("events", "many"), methods}
	for text, want := range map[string]string{
		"default":                  "customers orders",
		"all":                      "customers events orders payment_methods",
		"+events":                  "customers events orders",
		"+events,-orders":          "customers events",
		"-orders":                  "customers",
		"orders":                   "orders",
		"orders, customers":        "customers orders",
		"default,+payment_methods": "customers orders payment_methods",
		"all,-payment_methods":     "customers events orders",
		"all,-default,+customers":  "customers", // and payment_methods goes with none of it: see below
		"none,+orders":             "orders",
	} {
		if strings.HasPrefix(text, "all,-default") {
			text += ",-events,-payment_methods"
		}
		off, err := catalog.Select(text, streams)
		var on []string
		for _, s := range streams {
			if !off[s.Name] {
				on = append(on, s.Name)
			}
		}
		slices.Sort(on)
		if err != nil || strings.Join(on, " ") != want {
			t.Errorf("%s: %v, %v; want %s", text, on, err, want)
		}
	}
	for text, want := range map[string]string{
		"+event":                      `did you mean "events"`,
		"order":                       `did you mean "orders"`,
		"defaullt":                    `did you mean "default"`,
		"zzzzz":                       `"zzzzz"`,
		"+payment_methods,-customers": "payment_methods is read for each row of customers, which is off",
		"none":                        "no stream is on",
		"":                            "no stream is on",
	} {
		if off, err := catalog.Select(text, streams); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, off: %v", text, err, slices.Collect(maps.Keys(off)))
		}
	}
	if _, err := catalog.Select("default", catalog.Entries()); err != nil {
		t.Error(err)
	}
}
