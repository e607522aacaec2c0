package mirror_test

import (
	"fmt"
	"net/http"
	"testing"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// The world changes between any two requests of an audit: that makes no finding.
func TestAuditWhileTheWorldMoves(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 40}})
	h.sync(t)
	customers := h.stored(t, "customers", "_deleted_at IS NULL AND type = 'individual' ORDER BY id")
	subscriptions := h.stored(t, "subscriptions", "status = 'active' ORDER BY id")
	orders := h.stored(t, "orders", "status = 'paid' AND refundable_amount > 20 ORDER BY id")
	stop, done := make(chan struct{}), make(chan struct{})
	moves := [5]func(n int, customer string) int{
		func(n int, customer string) int {
			status, _ := h.call(t, http.MethodPatch, "/v1/customers/"+customer, fmt.Sprintf(`{"name":"Name %d","email":"n%d@example.com"}`, n, n))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.call(t, http.MethodPost, "/v1/customers/", fmt.Sprintf(`{"email":"fresh%d@example.com"}`, n))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.call(t, http.MethodPatch, "/v1/subscriptions/"+subscriptions[n%len(subscriptions)]["id"].(string), fmt.Sprintf(`{"cancel_at_period_end":%t}`, n%2 == 0))
			return status
		},
		func(n int, _ string) int {
			status, _ := h.call(t, http.MethodPost, "/v1/refunds/", fmt.Sprintf(`{"order_id":"%s","reason":"other","amount":1}`, orders[n%len(orders)]["id"]))
			return status
		},
		func(n int, customer string) int {
			if n%20 != 4 {
				return 0
			}
			status, _ := h.call(t, http.MethodDelete, "/v1/customers/"+customer, "")
			return status
		},
	}
	var moved [len(moves)]int // how often each succeeded: some are refused, as that of a customer who is gone
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if status := moves[n%len(moves)](n, customers[n%len(customers)]["id"].(string)); status/100 == 2 {
				moved[n%len(moves)]++
			}
		}
	}()
	for range 3 {
		a, err := h.Audit(t.Context(), mirror.AuditOptions{States: -1})
		if err != nil {
			t.Error(err)
		}
		for _, f := range a.Findings {
			t.Errorf("found %+v", f)
		}
		for _, c := range a.Checks {
			if c.Failed != "" {
				t.Logf("%s against %s: %s", c.Stream, c.Against, c.Failed)
			}
		}
	}
	close(stop)
	<-done
	for i, n := range moved {
		if n == 0 {
			t.Errorf("move %d never succeeded: this shows nothing of it", i)
		}
	}
}
