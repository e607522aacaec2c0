package audits_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/store/audits"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A key that customer_state() does not know is told apart from a value that is another, and what only the mirror has is none.
func TestStatesDifferInValuesOrInKeys(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	id := uuid.MustParse("11111111-1111-4111-8111-111111111111")
	if _, err := pool.Exec(t.Context(), `
		WITH c AS (INSERT INTO customers (id, email, metadata, _hash, _requested_at) VALUES ($1, 'a@example.com', '{"plan": "a"}', 'x', now()))
		INSERT INTO subscriptions (id, customer_id, status, amount, seats, metadata, _hash, _requested_at) VALUES ($1, $1, 'active', 500, 3, '{}', 'x', now())`, id); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := pool.QueryRow(t.Context(), "SELECT customer_state($1)::text", id).Scan(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, `"seats": 3`) || !strings.Contains(text, `"units": null`) {
		t.Errorf("a state has no seats and units: %s", text)
	}
	for change, want := range map[string]struct{ values, keys string }{
		"":                                    {"", ""},
		`"email": "a > "was": 1, "email": "b`: {"email", "was"},
		`"seats": 3 > "price_id": 1`:          {"", ""},
		`"seats": 3 > "seats": 4`:             {"active_subscriptions[].seats", ""},
		`"amount": 500 > "amount": 500.0`:     {"", ""},
		`"units": null > "cubes": null`:       {"", "active_subscriptions[].cubes"},
		`"plan": "a" > "plan": "a", "b": 1`:   {"metadata", ""},
		`"active_meters": [] > "active_meters": [{"id": "x"}]`: {"active_meters", ""},
	} {
		old, fresh, _ := strings.Cut(change, " > ")
		if !strings.Contains(text, old) {
			t.Errorf("%s has no %s", text, old)
		}
		d, err := audits.New(pool).CompareState(t.Context(), id, json.RawMessage(strings.Replace(text, old, fresh, 1)))
		if err != nil || strings.Join(d.Values, " ") != want.values || strings.Join(d.Keys, " ") != want.keys {
			t.Errorf("%s: values %q and keys %q (%v), want %q and %q", change, d.Values, d.Keys, err, want.values, want.keys)
		}
	}
	if d, err := audits.New(pool).CompareState(t.Context(), uuid.New(), json.RawMessage(`{}`)); err != nil || !slices.Equal(d.Values, []string{""}) {
		t.Errorf("no such customer: %q, %v", d.Values, err)
	}
}

// The states of the real server have no key that customer_state() lacks.
func TestRealStatesHaveTheKeysOfOurs(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Migrated(t))
	id := uuid.MustParse("11111111-1111-4111-8111-111111111111")
	if _, err := pool.Exec(t.Context(), `
		WITH c AS (INSERT INTO customers (id, _hash, _requested_at) VALUES ($1, 'x', now())),
		s AS (INSERT INTO subscriptions (id, customer_id, status, _hash, _requested_at) VALUES ($1, $1, 'active', 'x', now())),
		m AS (INSERT INTO subscription_meters (subscription_id, id, _position, _hash, _requested_at) VALUES ($1, $1, 0, 'x', now())),
		g AS (INSERT INTO benefit_grants (id, customer_id, is_granted, _hash, _requested_at) VALUES ($1, $1, true, 'x', now()))
		INSERT INTO customer_meters (id, customer_id, _hash, _requested_at) VALUES ($1, $1, 'x', now())`, id); err != nil {
		t.Fatal(err)
	}
	states, err := recorded.States()
	if err != nil || len(states) == 0 {
		t.Fatalf("%d states, %v", len(states), err)
	}
	for _, state := range states {
		// Of each list one element is enough to compare the keys with those of ours, which has one element everywhere.
		var is map[string]any
		if err := json.Unmarshal(state, &is); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"active_subscriptions", "granted_benefits", "active_meters"} {
			for _, item := range is[name].([]any) {
				is[name] = []any{item}
				if meters, has := item.(map[string]any)["meters"].([]any); has {
					item.(map[string]any)["meters"] = meters[:min(1, len(meters))]
				}
				one, err := json.Marshal(is)
				if err != nil {
					t.Fatal(err)
				}
				d, err := audits.New(pool).CompareState(t.Context(), id, one)
				if err != nil || len(d.Keys) > 0 {
					t.Errorf("%v lacks %q (%v)", is["id"], d.Keys, err)
				}
			}
		}
	}
}
