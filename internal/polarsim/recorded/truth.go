package recorded

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Truth is an organization with fourteen months of life, from 2025-09-25 to 2026-11-25: everything that it listed at the end, and what the server's
// metrics said about it. It is what an own computation of Polar's metrics has to agree with.
type Truth string

// The two organizations had the same life. One sold in US dollars only; the other in dollars, euros, pounds and yen, settled in dollars at the rate of
// the day.
const (
	USD Truth = "usd"
	FX  Truth = "fx"
)

// Truths are both of them.
func Truths() []Truth { return []Truth{USD, FX} }

// whole are objects that stand inside the items of one list and are items of another, by the field and the list. Where they are the same bytes, the
// file has "=" in their place.
var whole = map[string]map[string]string{
	"events":          {"customer": "customers"},
	"orders":          {"customer": "customers"},
	"subscriptions":   {"customer": "customers", "product": "products"},
	"benefit_grants":  {"customer": "customers", "benefit": "benefits"},
	"customer_meters": {"customer": "customers", "meter": "meters"},
	"license_keys":    {"customer": "customers"},
}

// Lists are the names of the lists, sorted: the names of syncd's streams. The seats, which the API lists by their owners, are in one list.
func (t Truth) Lists() ([]string, error) { return names(t.path("lists")) }

// List gives the items of a list, by the name of its stream, such as orders: all of them, in ascending order of their time.
func (t Truth) List(stream string) ([]json.RawMessage, error) {
	items, err := t.lines("lists/" + stream + ".ndjson.gz")
	if err != nil || whole[stream] == nil {
		return items, err
	}
	for field, of := range whole[stream] {
		objects, err := t.byID(of)
		if err != nil {
			return nil, err
		}
		here := []byte(`"` + field + `":"="`)
		for i, item := range items {
			before, after, short := bytes.Cut(item, here)
			if !short {
				continue
			}
			var ids map[string]any
			if err := json.Unmarshal(item, &ids); err != nil {
				return nil, fmt.Errorf("%s, %s %d: %w", t, stream, i+1, err)
			}
			id, _ := ids[field+"_id"].(string)
			if objects[id] == nil {
				return nil, fmt.Errorf("%s, %s %d: no %s %q", t, stream, i+1, field, id)
			}
			items[i] = bytes.Join([][]byte{before, []byte(`"` + field + `":`), objects[id], after}, nil)
		}
	}
	return items, nil
}

func (t Truth) byID(stream string) (map[string]json.RawMessage, error) {
	items, err := t.lines("lists/" + stream + ".ndjson.gz")
	objects := map[string]json.RawMessage{}
	for _, item := range items {
		var object struct{ ID string }
		if err := json.Unmarshal(item, &object); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", t, stream, err)
		}
		objects[object.ID] = item
	}
	return objects, err
}

// Metrics are the answers of /v1/metrics/, to requests in all intervals, some zones and with each filter; of /v1/metrics/limits; and of
// /v1/metrics/export. No headers were kept. Some answers have no totals, as these were not kept either.
func (t Truth) Metrics() ([]Exchange, error) {
	rows, err := t.lines("metrics.ndjson.gz")
	list := make([]Exchange, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row, &list[i]); err != nil {
			return nil, fmt.Errorf("metrics of %s, line %d: %w", t, i+1, err)
		}
	}
	return list, err
}

// CustomerStates are the states of all customers, as GET /v1/customers/{id}/state answers.
func (t Truth) CustomerStates() ([]json.RawMessage, error) {
	return t.lines("customer_states.ndjson.gz")
}

// Subscriptions is the whole CSV export of the subscriptions, with all columns. Only here Polar shows a subscription's net amount.
func (t Truth) Subscriptions() ([]byte, error) { return t.file("subscriptions.csv.gz") }

// HiddenSubscriptions never started: Polar lists none of them, and its metrics count them. They are not from the API, and have what metrics look at.
func (t Truth) HiddenSubscriptions() ([]json.RawMessage, error) {
	return t.lines("hidden_subscriptions.ndjson.gz")
}

func (t Truth) path(name string) string { return "truth/" + string(t) + "/" + name }

func (t Truth) lines(name string) ([]json.RawMessage, error) {
	data, err := t.file(name)
	return split(data), err
}

func (t Truth) file(name string) (data []byte, err error) {
	packed, err := files.Open("testdata/" + t.path(name))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", name, t, err)
	}
	return io.ReadAll(plain)
}
