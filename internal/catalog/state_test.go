package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// stateOf is what the mirror says of a customer's state; nil for null.
func (h *harness) stateOf(t *testing.T, function, key string) map[string]any {
	t.Helper()
	text := worldtest.Query[*string](t, h, "SELECT "+function+"($1)::text", key)
	if text == nil {
		return nil
	}
	var state map[string]any
	worldtest.Decode(t, []byte(*text), &state)
	return state
}

// sameState compares an answer of the state endpoint with the mirror's, key by key. What is let pass: the order of keys;
// the text of numbers and times that are the same number or time; the order of subscriptions and grants, which Polar reads
// without one; and price_id of a subscription, which the endpoint sends undocumented and which is no column.
func sameState(t *testing.T, what string, got, want map[string]any) {
	t.Helper()
	for _, state := range []map[string]any{got, want} {
		for _, list := range []string{"active_subscriptions", "granted_benefits", "active_meters"} {
			items, ok := state[list].([]any)
			if !ok {
				t.Errorf("%s: %s is %v, no list", what, list, state[list])
				return
			}
			slices.SortFunc(items, func(a, b any) int {
				return strings.Compare(a.(map[string]any)["id"].(string), b.(map[string]any)["id"].(string))
			})
			for _, item := range items {
				if list == "active_subscriptions" {
					delete(item.(map[string]any), "price_id")
				}
			}
		}
	}
	for key, w := range want {
		if g, is := got[key]; !is || !worldtest.Alike(g, w) {
			a, _ := json.Marshal(g)
			b, _ := json.Marshal(w)
			t.Errorf("%s: %s\n is %s\nnot %s", what, key, a, b)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d keys, the API has %d", what, len(got), len(want))
	}
}

// For every customer there ever was, the mirror answers what Polar answers.
func TestCustomerStateIsThatOfTheAPI(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 120}, Server: polarsim.ServerOptions{FreshState: true}})
	seen := map[string]int{} // kinds of customers met
	streams, grants := stateStreams(t, h)

	// Kinds that a small world may lack.
	bare := h.Make(t, "/v1/customers/", `{"email":"bare@example.com","external_id":"reused"}`)
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+bare, "")
	h.Make(t, "/v1/customers/", `{"email":"again@example.com","external_id":"reused","metadata":{"Plan":"a","plan":1.50,"n":1}}`)
	team := h.Make(t, "/v1/customers/", `{"type":"team","email":"team@example.com","name":"Team","external_id":"team-1"}`)
	units := h.First(t, "/v1/products/", nil, func(p map[string]any) bool { return strings.Contains(fmt.Sprint(p["prices"]), "unit_based") })
	plain := h.First(t, "/v1/subscriptions/", url.Values{"status": {"active"}}, func(s map[string]any) bool {
		return s["seats"] == nil && s["currency"] == "usd" && s["cancel_at_period_end"] == false && s["customer"].(map[string]any)["deleted_at"] == nil
	})
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+plain["id"].(string), fmt.Sprintf(`{"product_id":%q}`, units["id"]))
	for _, s := range h.All(t, "/v1/subscriptions/", url.Values{"status": {"active"}}) {
		if s["cancel_at_period_end"] == false {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+s["id"].(string), `{"cancel_at_period_end":true}`)
			break
		}
	}
	h.SyncAll(t, streams...)
	gone := append(h.Remove(t, 1), bare)
	h.SyncAll(t, streams...)

	for _, c := range h.All(t, "/v1/customers/", nil) {
		id := c["id"].(string)
		var want map[string]any
		status, body := h.Call(t, http.MethodGet, "/v1/customers/"+id+"/state", "")
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		worldtest.Decode(t, body, &want)
		count(seen, want)
		if !grants {
			want["granted_benefits"] = []any{}
		}
		sameState(t, id, h.stateOf(t, "customer_state", id), want)
		if external, ok := c["external_id"].(string); ok {
			sameState(t, external, h.stateOf(t, "customer_state_external", external), want)
		}
		// Text for text, but for the order of keys and the digits of numbers, times are as Polar writes them.
		if got := h.stateOf(t, "customer_state", id); got["created_at"] != want["created_at"] || got["modified_at"] != want["modified_at"] {
			t.Errorf("%s: times are %v and %v, not %v and %v", id, got["created_at"], got["modified_at"], want["created_at"], want["modified_at"])
		}
	}
	for _, id := range append(gone, "00000000-0000-4000-8000-000000000000") {
		if status, _ := h.Call(t, http.MethodGet, "/v1/customers/"+id+"/state", ""); status != http.StatusNotFound || h.stateOf(t, "customer_state", id) != nil {
			t.Errorf("%s, which is gone: Polar answers %d, the mirror %v", id, status, h.stateOf(t, "customer_state", id))
		}
	}
	if h.stateOf(t, "customer_state_external", "nobody") != nil {
		t.Error("a state of nobody")
	}
	if h.stateOf(t, "customer_state", team)["type"] != "team" {
		t.Error("the team is none")
	}
	for _, kind := range []string{"individual", "team", "nothing", "active", "trialing", "cancels", "meters", "subscription meters", "seats", "units", "grants"} {
		if seen[kind] == 0 {
			t.Errorf("no customer of the kind %q was compared: %v", kind, seen)
		}
	}
}

// stateStreams are the streams that a state is made of, and whether the grants are among them.
func stateStreams(t *testing.T, h *harness) (names []string, grants bool) {
	t.Helper()
	for _, name := range []string{"customers", "meters", "customer_meters", "products", "subscriptions", "benefits", "benefit_grants"} {
		if slices.Contains(h.Names(), name) {
			names, grants = append(names, name), name == "benefit_grants"
		}
	}
	return names, grants
}

func count(seen map[string]int, state map[string]any) {
	seen[state["type"].(string)]++
	subscriptions, meters, grants := state["active_subscriptions"].([]any), state["active_meters"].([]any), state["granted_benefits"].([]any)
	for _, s := range subscriptions {
		s := s.(map[string]any)
		seen[s["status"].(string)]++
		if s["cancel_at_period_end"] == true {
			seen["cancels"]++
		}
		for _, name := range []string{"seats", "units"} {
			if s[name] != nil {
				seen[name]++
			}
		}
		seen["subscription meters"] += len(s["meters"].([]any))
	}
	seen["meters"] += len(meters)
	seen["grants"] += len(grants)
	if len(subscriptions)+len(meters)+len(grants) == 0 {
		seen["nothing"]++
	}
}

// Subscriptions in trouble are not part of the state, meters of archived kinds are.
func TestCustomerStateLeavesOutWhatIsPastDue(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "subscriptions", "meters", "customer_meters")
	of := worldtest.Query[string](t, h, "SELECT customer_id::text FROM subscriptions WHERE status = 'active' LIMIT 1")
	live := func() int { return len(h.stateOf(t, "customer_state", of)["active_subscriptions"].([]any)) }
	was := live()
	for _, status := range []string{"past_due", "canceled", "paused", "unpaid", "incomplete"} {
		h.Exec(t, "UPDATE subscriptions SET status = $2 WHERE customer_id = $1", of, status)
		if was == 0 || live() != 0 {
			t.Errorf("%s: %d subscriptions, %d before", status, live(), was)
		}
	}
	archived := worldtest.Query[string](t, h, "SELECT u.customer_id::text FROM customer_meters u JOIN meters m ON m.id = u.meter_id JOIN customers c ON c.id = u.customer_id WHERE m.archived_at IS NOT NULL AND c._deleted_at IS NULL LIMIT 1")
	if n := len(h.stateOf(t, "customer_state", archived)["active_meters"].([]any)); n != worldtest.Query[int](t, h, "SELECT count(*) FROM customer_meters WHERE customer_id = $1", archived) {
		t.Errorf("%d meters", n)
	}
	// The session's time zone and search_path change nothing.
	conn, err := h.Store.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	want := h.stateOf(t, "customer_state", archived)["created_at"]
	for _, set := range []string{"SET TimeZone = 'Asia/Tokyo'", "SET search_path = ''"} {
		if _, err := conn.Exec(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	if err := conn.QueryRow(t.Context(), "SELECT polar.customer_state($1)->>'created_at'", archived).Scan(&got); err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if err := conn.Conn().Close(t.Context()); err != nil { // nobody else gets it so
		t.Fatal(err)
	}
}

// Grants that were taken back, or that never came about, are not part of the state.
func TestCustomerStateShowsWhatIsGranted(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers")
	of := worldtest.Query[string](t, h, "SELECT id::text FROM customers WHERE _deleted_at IS NULL LIMIT 1")
	const benefit = "7d9dd918-502a-4a86-889f-185200a68f7f"
	h.Exec(t, `INSERT INTO benefits (id, type, metadata, _deleted_at, _hash, _requested_at) VALUES ($1, 'meter_credit', '{"Plan": 1.50}', now(), 'x', now())`, benefit)
	for id, sql := range map[string]string{
		"11111111-1111-4111-8111-111111111111": "true, false, NULL",
		"22222222-2222-4222-8222-222222222222": "false, true, NULL",
		"33333333-3333-4333-8333-333333333333": "false, false, NULL",
		"44444444-4444-4444-8444-444444444444": "true, false, now()",
	} {
		h.Exec(t, `INSERT INTO benefit_grants (is_granted, is_revoked, _deleted_at, id, customer_id, benefit_id, created_at, granted_at, properties, _hash, _requested_at)
			VALUES (`+sql+`, $1, $2, $3, '2026-01-02T03:04:05.120000Z', '2026-01-02T03:04:05Z', '{"units": 5}', 'x', now())`, id, of, benefit)
	}
	want := `[{"id": "11111111-1111-4111-8111-111111111111", "benefit_id": "` + benefit + `", "created_at": "2026-01-02T03:04:05.120000Z", "granted_at": "2026-01-02T03:04:05Z", ` +
		`"properties": {"units": 5}, "modified_at": null, "benefit_type": "meter_credit", "benefit_metadata": {"Plan": 1.50}}]`
	if got := worldtest.Query[string](t, h, "SELECT (customer_state($1) -> 'granted_benefits')::text", of); got != want {
		t.Errorf("%s\nnot %s", got, want)
	}
}
