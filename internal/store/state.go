package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"
)

// SameState compares the state of a customer by the mirror's own function with the one given. Polar lists subscriptions and
// grants in no order, so order tells nothing; neither does the text of equal numbers and times. price_id is left out: Polar
// sends it without documenting it, and it is no column.
func (a Audit) SameState(ctx context.Context, id uuid.UUID, state json.RawMessage) (bool, error) {
	var text *string
	if err := a.s.pool.QueryRow(ctx, `SELECT customer_state($1)::text`, id).Scan(&text); err != nil {
		return false, audited("customers", err)
	}
	if text == nil {
		return false, nil
	}
	here, err := stateOf([]byte(*text))
	if err != nil {
		return false, err
	}
	there, err := stateOf(state)
	if err != nil {
		return false, err
	}
	return alike(here, there), nil
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
