package worldtest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/item"
	"syncd/internal/store/counts"
)

// Equal demands that the mirror holds what the API shows, field by field, children included, and nothing else. Of customers who are
// erased, as Polar has anonymized them, it demands what an erasure leaves. The kept numbers of rows are those of the tables.
func (h *Harness) Equal(t *testing.T, names ...string) {
	t.Helper()
	stream, differences := h.Unequal(t, names...)
	for _, d := range differences {
		t.Error(d)
	}
	if stream != "" {
		t.Logf("stopped comparing after %s", stream)
	}
	for _, s := range catalog.Entries() {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		if c, err := counts.New(h.Database()).Compare(t.Context(), s.Name); err != nil || c.Difference() != 0 {
			t.Errorf("%s has %d rows, kept as %d; %v", s.Name, c.Counted, c.Kept, err)
		}
	}
}

// Unequal tells in what the first stream differs from what the API shows, and its name; "" where none does.
func (h *Harness) Unequal(t *testing.T, names ...string) (stream string, differences []string) {
	t.Helper()
	for _, s := range catalog.Entries() {
		if s.Optional || s.Name == "metrics" || s.Name == "events" && !h.Metrics || strings.HasSuffix(s.Name, "_export") || (len(names) > 0 && !slices.Contains(names, s.Name)) {
			continue
		}
		// A copy of what Polar no longer lists stands in for it until the stream's own sweep has asked for it by id.
		if d := h.Differences(t, s, h.Upstream(t, s), "NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = '"+s.Name+"' AND c.id = t.id AND c.resolved_at IS NULL)"); len(d) > 0 {
			return s.Name, d
		}
	}
	return "", nil
}

// Differences tells in what the live rows of a stream for which where is true are not what the API gave, field by field,
// children included.
func (h *Harness) Differences(t *testing.T, s catalog.Entry, want []map[string]any, where string) (all []string) {
	t.Helper()
	differ := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, item := range want {
		Conceal(item, s.Shape().SecretFields())
	}
	got := map[any]map[string]any{}
	for _, row := range h.Stored(t, s.Name, "_deleted_at IS NULL AND ("+where+")") {
		got[row["id"]] = row
	}
	if len(got) != len(want) {
		differ("%s: %d rows, the API has %d", s.Name, len(got), len(want))
	}
	erased, cleared := h.erased(t, s.Name)
	children := map[string]map[any][]map[string]any{}
	for _, c := range s.Children {
		children[c.Field] = map[any][]map[string]any{}
		for _, row := range h.Stored(t, c.Name, "_removed_at IS NULL ORDER BY _position") {
			children[c.Field][row[c.Parent]] = append(children[c.Field][row[c.Parent]], row)
		}
	}
	for _, item := range want {
		id := item["id"]
		row := got[id]
		if row == nil {
			differ("%s %v is missing", s.Name, id)
			continue
		}
		for _, c := range s.Children {
			list, _ := item[c.Field].([]any)
			rows := children[c.Field][id]
			if len(list) != len(rows) {
				differ("%s %v: %d %s, the API has %d", s.Name, id, len(rows), c.Name, len(list))
				continue
			}
			for i, el := range list {
				element := el.(map[string]any)
				if c.OnlyKey {
					element = map[string]any{"id": element["id"]}
				}
				if c.Key != "id" {
					element[c.Key] = element["id"]
					delete(element, "id")
				}
				delete(rows[i], c.Parent)
				if _, is := element[c.Parent]; is {
					rows[i][c.Parent] = element[c.Parent] // its own field of that name is checked nowhere else
				}
				all = append(all, unlike(fmt.Sprintf("%s %v %s", s.Name, id, c.Name), without(element, c.Embedded), rows[i])...)
			}
			delete(item, c.Field)
		}
		unfold(s.Inside, item, row)
		for column, field := range s.Lifted {
			if inside, ok := item[field].(map[string]any); ok {
				item[column] = inside["id"]
			}
		}
		if item = without(item, s.Embedded); erased[id] {
			uncleared(item, row, cleared)
		}
		all = append(all, unlike(fmt.Sprintf("%s %v", s.Name, id), item, row)...)
	}
	return all
}

// unfold makes fields of the object of the members of the one inside it that are columns, and of that one what is left of it.
func unfold(in item.Inside, object, row map[string]any) {
	members, is := object[in.Field].(map[string]any)
	if in.Field == "" || !is {
		return
	}
	for _, column := range in.Columns {
		if value, sent := members[column]; sent && value != in.Null {
			object[column] = value
		}
		delete(members, column)
	}
	if extra, _ := row["_extra"].(map[string]any); len(members) == 0 && extra[in.Field] == nil {
		delete(object, in.Field)
	}
}

// Conceal leaves out the fields of these names, at any depth, except in what the organization made up itself.
func Conceal(v any, names []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			switch {
			case slices.Contains(names, name):
				delete(v, name)
			case name != "meta" && !strings.HasSuffix(name, "metadata") && name != "custom_field_data":
				Conceal(value, names)
			}
		}
	case []any:
		for _, value := range v {
			Conceal(value, names)
		}
	}
}

func without(item map[string]any, names []string) map[string]any {
	for _, n := range names {
		delete(item, n)
	}
	return item
}

// unlike tells in what a row is not what an API object says: a field without a column is in _extra, null is NULL.
func unlike(what string, item, row map[string]any) (all []string) {
	extra, _ := row["_extra"].(map[string]any)
	for name, want := range item {
		got, is := row[name]
		if !is {
			if got, is = extra[name]; !is {
				all = append(all, fmt.Sprintf("%s: %s is nowhere", what, name))
			}
		}
		if !Alike(got, want) {
			all = append(all, fmt.Sprintf("%s: %s is %v, the API has %v", what, name, got, want))
		}
		delete(row, name)
	}
	for name, got := range row {
		if name[0] != '_' && got != nil {
			all = append(all, fmt.Sprintf("%s: %s is %v, the API has no such field", what, name, got))
		}
	}
	return all
}

// Alike compares JSON values: numbers by value, times by instant, "0.50" in a decimal column by value.
func Alike(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k, v := range w {
			if !Alike(g[k], v) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i, v := range w {
			if !Alike(g[i], v) {
				return false
			}
		}
		return true
	case json.Number:
		return number(got, w.String())
	case string:
		if g, ok := got.(string); ok {
			if g == w {
				return true
			}
			a, err1 := time.Parse(time.RFC3339Nano, g)
			b, err2 := time.Parse(time.RFC3339Nano, w)
			return err1 == nil && err2 == nil && a.Equal(b)
		}
		return number(got, w) // unit_amount: digits in a string, numeric in the table
	}
	return reflect.DeepEqual(got, want)
}

func number(got any, want string) bool {
	g, ok := got.(json.Number)
	if !ok {
		return false
	}
	a, ok1 := new(big.Rat).SetString(g.String())
	b, ok2 := new(big.Rat).SetString(want)
	return ok1 && ok2 && a.Cmp(b) == 0
}
