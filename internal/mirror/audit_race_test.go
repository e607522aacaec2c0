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
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			switch customer := customers[n%len(customers)]["id"].(string); n % 5 {
			case 0:
				h.call(t, http.MethodPatch, "/v1/customers/"+customer, fmt.Sprintf(`{"name":"Name %d","email":"n%d@example.com"}`, n, n))
			case 1:
				h.call(t, http.MethodPost, "/v1/customers/", fmt.Sprintf(`{"email":"fresh%d@example.com"}`, n))
			case 2:
				h.call(t, http.MethodPatch, "/v1/subscriptions/"+subscriptions[n%len(subscriptions)]["id"].(string), fmt.Sprintf(`{"cancel_at_period_end":%t}`, n%2 == 0))
			case 3:
				h.call(t, http.MethodPost, "/v1/refunds/", fmt.Sprintf(`{"order_id":"%s","reason":"other","amount":1}`, orders[n%len(orders)]["id"]))
			case 4:
				if n%20 == 4 {
					h.call(t, http.MethodDelete, "/v1/customers/"+customer, "")
				}
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
}
