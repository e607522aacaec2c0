package tail_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/worldtest"
)

// Without an endpoint nothing tells of seats. A round counts them with one request, and asks only for those of customers whose counts
// differ: it sees a seat that is assigned, claimed or revoked, and one that is revoked and assigned anew since the last hour.
func TestTailCountsSeats(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 150, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t, "products", "customers", "members", "subscriptions", "orders", "customer_seats")
	round := func() (counted, asked int) {
		t.Helper()
		before := h.Server.RequestsByPath()
		if res, _, err := h.TailSparing(t.Context(), 100, 0); err != nil || res.Outcome != mirror.Succeeded {
			t.Fatal(res, err)
		}
		after := h.Server.RequestsByPath()
		return after["GET /v1/metrics/"] - before["GET /v1/metrics/"], after["GET /v1/customer-seats"] - before["GET /v1/customer-seats"]
	}
	quiet := func(what string) {
		t.Helper()
		if counted, asked := round(); counted != 1 || asked != 0 {
			t.Errorf("%s: %d requests for counts, %d for seats", what, counted, asked)
		}
	}
	round()
	quiet("nothing has changed")
	owners := h.Stored(t, "subscriptions", "status = 'active' AND seats > 2 AND id IN (SELECT subscription_id FROM customer_seats WHERE status = 'claimed') ORDER BY id LIMIT 3")
	seatsOf := func(owner any) []any {
		return h.Want(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/v1/customer-seats?subscription_id=%s", owner), "")["seats"].([]any)
	}
	all := h.Texts(t, "SELECT count(*)::text FROM subscriptions WHERE seats IS NOT NULL")[0]
	for i, o := range owners {
		seats := seatsOf(o["id"])
		taken := seats[slices.IndexFunc(seats, func(s any) bool { return s.(map[string]any)["status"] == "claimed" })].(map[string]any)
		if i != 1 {
			h.Want(t, http.StatusOK, http.MethodDelete, fmt.Sprint("/v1/customer-seats/", taken["id"]), "")
		}
		if i != 0 {
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/customer-seats", fmt.Sprintf(`{"subscription_id":%q,"email":"seat%d@example.com","immediate_claim":true}`, o["id"], i))
		}
	}
	counted, asked := round()
	if asked < len(owners) || asked > 4*len(owners) || counted > 40 {
		t.Errorf("three of %s subscriptions have other seats: %d requests for counts, %d for seats", all, counted, asked)
	}
	h.Equal(t, "customer_seats")
	quiet("they have been fetched")
	if covered := worldtest.Query[[]string](t, h, "SELECT covered_by FROM freshness WHERE stream = 'customer_seats'"); !slices.Equal(covered, []string{"counts"}) {
		t.Errorf("covered by %v", covered)
	}
	// A search is no part of what the question costs: else a round would put it off.
	if cost := worldtest.Query[int](t, h, "SELECT (tail->'cost'->>'counts')::int FROM sync_streams WHERE stream = 'customer_seats'"); cost != 1 {
		t.Errorf("counting costs %d requests", cost)
	}
	// What no list shows is looked for once.
	h.Exec(t, "UPDATE customer_seats SET _deleted_at = now() WHERE id = (SELECT id FROM customer_seats WHERE status = 'claimed' ORDER BY id LIMIT 1)")
	h.Exec(t, "UPDATE subscriptions SET seats = NULL WHERE id = (SELECT subscription_id FROM customer_seats WHERE _deleted_at IS NOT NULL)")
	round()
	quiet("what differs is of seats that no list shows")
}

// A search for seats takes many requests at the pace of the budget. It looks at the feeds meanwhile.
func TestSearchForSeatsHearsTheFeeds(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 100, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t, "products", "customers", "members", "subscriptions", "orders", "customer_seats")
	for range 2 {
		if _, _, err := h.TailSparing(t.Context(), 100, 0); err != nil {
			t.Fatal(err)
		}
	}
	seat := h.Stored(t, "customer_seats", "status = 'claimed' ORDER BY id LIMIT 1")[0]
	h.Want(t, http.StatusOK, http.MethodDelete, fmt.Sprint("/v1/customer-seats/", seat["id"]), "")
	id, seen := h.All(t, "/v1/customers/", nil)[0]["id"], ""
	m := h.MirrorThrough(t, meanwhile{"/v1/metrics/", new(atomic.Int64), func(n int64) {
		switch n {
		case 2: // the first of the search
			h.rename(t, id, "Heard")
		case 4:
			seen = h.nameOf(t, id)
		}
	}}, slog.New(slog.DiscardHandler))
	if _, _, err := m.TailSparing(t.Context(), 100, 1); err != nil {
		t.Fatal(err)
	}
	if seen != "Heard" {
		t.Errorf("in the midst of the search the customer is called %q", seen)
	}
	h.Equal(t, "customers", "customer_seats")
}

// Where the token may not read metrics, seats are followed by sweeps alone, and the round is none the worse.
func TestTailDoesWithoutCounts(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30, NoWebhook: true}, Mirror: worldtest.Tailing, Server: polarsim.ServerOptions{Scopes: []string{"customers:read", "subscriptions:read", "orders:read", "customer_seats:read", "products:read", "events:read"}}})
	for _, name := range []string{"subscriptions", "orders", "customer_seats"} {
		h.SweepOnce(t.Context(), name)
	}
	for range 2 {
		if res, _, err := h.TailSparing(t.Context(), 100, 0); err != nil || res.Err != nil {
			t.Fatal(res, err)
		}
	}
	if covered := worldtest.Query[[]string](t, h, "SELECT COALESCE(covered_by, '{}') FROM freshness WHERE stream = 'customer_seats'"); len(covered) > 0 {
		t.Errorf("covered by %v", covered)
	}
	if h.Server.RequestsByPath()["GET /v1/metrics/"] != 1 {
		t.Error("a token that may not read metrics asks for them more than once")
	}
}
