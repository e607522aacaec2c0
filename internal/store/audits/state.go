package audits

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// StateDifference is how Polar's state of a customer differs from the mirror's own function.
type StateDifference struct {
	Values []string // paths whose values differ: active_subscriptions[].amount; the empty path if the mirror has no such customer
	Keys   []string // paths that only Polar's state has
}

// CompareState compares a given state of a customer with the mirror's own function. Polar lists subscriptions and grants in no
// order, so order does not count; nor does the text of equal numbers and times. Keys that only the mirror has are no difference:
// older versions of the API lack some. price_id is left out: Polar sends it without documenting it, and it is no column.
func (a Audits) CompareState(ctx context.Context, id uuid.UUID, state json.RawMessage) (StateDifference, error) {
	var d StateDifference
	var text *string
	if err := a.pool.QueryRow(ctx, `SELECT customer_state($1)::text`, id).Scan(&text); err != nil {
		return d, audited("customers", err)
	}
	if text == nil {
		d.Values = []string{""}
		return d, nil
	}
	here, err := stateOf([]byte(*text))
	if err != nil {
		return d, err
	}
	there, err := stateOf(state)
	if err != nil {
		return d, err
	}
	d.compare("", here, there)
	for _, paths := range []*[]string{&d.Values, &d.Keys} {
		slices.Sort(*paths)
		*paths = slices.Compact(*paths)
	}
	return d, nil
}

// compare goes through Polar's state. Below metadata, and other objects whose keys the organization makes up, a missing key is a
// difference like any other.
func (d *StateDifference) compare(path string, here, there any) {
	switch y := there.(type) {
	case map[string]any:
		x, ok := here.(map[string]any)
		if !ok {
			break
		}
		for k, v := range y {
			below := strings.TrimPrefix(path+"."+k, ".")
			other, is := x[k]
			switch {
			case !is:
				d.Keys = append(d.Keys, below)
			case ownWords(k):
				if !alike(other, v) {
					d.Values = append(d.Values, below)
				}
			default:
				d.compare(below, other, v)
			}
		}
		return
	case []any:
		x, ok := here.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range y {
			d.compare(path+"[]", x[i], y[i])
		}
		return
	}
	if !alike(here, there) {
		d.Values = append(d.Values, path)
	}
}

// ownWords: the organization chooses the keys of this object.
func ownWords(name string) bool {
	return strings.HasSuffix(name, "metadata") || name == "custom_field_data" || name == "properties"
}

func stateOf(body []byte) (state map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&state); err != nil {
		return nil, fmt.Errorf("state of a customer: %w", err)
	}
	for _, name := range []string{"active_subscriptions", "granted_benefits", "active_meters"} {
		list, ok := state[name].([]any)
		if !ok {
			continue
		}
		byID(list)
		for _, item := range list {
			if object, ok := item.(map[string]any); ok {
				delete(object, "price_id")
				if meters, ok := object["meters"].([]any); ok {
					byID(meters)
				}
			}
		}
	}
	return state, nil
}

// byID sorts objects by their ids.
func byID(list []any) {
	id := func(v any) string {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		text, ok := object["id"].(string)
		if !ok {
			return ""
		}
		return text
	}
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(id(a), id(b)) })
}

// alike compares JSON values: numbers by value, texts that are times by the moment.
func alike(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if other, is := y[k]; !is || !alike(v, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, alike)
	case json.Number:
		y, ok := b.(json.Number)
		if !ok {
			return false
		}
		m, ok1 := new(big.Rat).SetString(x.String())
		n, ok2 := new(big.Rat).SetString(y.String())
		return ok1 && ok2 && m.Cmp(n) == 0
	case string:
		y, ok := b.(string)
		if !ok || x == y {
			return ok
		}
		m, err1 := time.Parse(time.RFC3339Nano, x)
		n, err2 := time.Parse(time.RFC3339Nano, y)
		return err1 == nil && err2 == nil && m.Equal(n)
	}
	return a == b
}
