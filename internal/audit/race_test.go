package audit_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"syncd/internal/audit"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// movesBetween any two requests of an audit: enough that each kind of move comes between the pages of a list.
const movesBetween = 3

// before does something ahead of each request, one at a time.
func before(do func()) http.RoundTripper {
	var mu sync.Mutex
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		do()
		mu.Unlock()
		return http.DefaultTransport.RoundTrip(req)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The world changes between any two requests of an audit: that makes no finding.
func TestAuditWhileTheWorldMoves(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 40}})
	h.SyncAll(t)
	customers := h.Stored(t, "customers", "_deleted_at IS NULL AND type = 'individual' ORDER BY id")
	subscriptions := h.Stored(t, "subscriptions", "status = 'active' ORDER BY id")
	orders := h.Stored(t, "orders", "status = 'paid' AND refundable_amount > 20 ORDER BY id")
	moves := [5]func(n int, customer string) int{
		func(n int, customer string) int {
			status, _ := h.Call(t, http.MethodPatch, "/v1/customers/"+customer, fmt.Sprintf(`{"name":"Name %d","email":"n%d@example.com"}`, n, n))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.Call(t, http.MethodPost, "/v1/customers/", fmt.Sprintf(`{"email":"fresh%d@example.com"}`, n))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.Call(t, http.MethodPatch, "/v1/subscriptions/"+subscriptions[n%len(subscriptions)]["id"].(string), fmt.Sprintf(`{"cancel_at_period_end":%t}`, n%2 == 0))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.Call(t, http.MethodPost, "/v1/refunds/", fmt.Sprintf(`{"order_id":"%s","reason":"other","amount":1}`, orders[n%len(orders)]["id"]))
			return status
		},
		func(n int, customer string) int {
			if n%20 != 4 {
				return 0
			}
			status, _ := h.Call(t, http.MethodDelete, "/v1/customers/"+customer, "")
			return status
		},
	}
	var moved [len(moves)]int // how often each succeeded: some are refused, as that of a customer who is gone
	n := 0
	r := h.MirrorThrough(t, before(func() {
		for range movesBetween {
			if status := moves[n%len(moves)](n, customers[n%len(customers)]["id"].(string)); status/100 == 2 {
				moved[n%len(moves)]++
			}
			n++
		}
	}), slog.New(slog.DiscardHandler))
	for range 3 {
		a, err := r.Audit(t.Context(), audit.Options{States: -1})
		if err != nil {
			t.Error(err)
		}
		for _, f := range a.Findings {
			t.Errorf("found %+v", f)
		}
		t.Logf("%d moves, %d requests", n, a.Requests)
		for _, c := range a.Checks {
			if c.Failed != "" {
				t.Logf("%s against %s: %s", c.Stream, c.Against, c.Failed)
			}
		}
	}
	for i, n := range moved {
		if n == 0 {
			t.Errorf("move %d never succeeded: this shows nothing of it", i)
		}
	}
}
