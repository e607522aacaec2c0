package catalog_test

import (
	"testing"

	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// A discount that was deleted is still shown by what it was used for: it is there, and marked once its own sweep has asked.
func TestDeletedDiscountIsKnown(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t)
	h.Equal(t)
	if n := worldtest.Query[int](t, h, `SELECT count(*) FROM (SELECT discount_id FROM orders UNION SELECT discount_id FROM subscriptions UNION SELECT discount_id FROM checkout_links) used
		WHERE discount_id NOT IN (SELECT id FROM discounts)`); n > 0 {
		t.Errorf("%d discounts are used and not there", n)
	}
	h.SyncAll(t, "discounts")
	live := worldtest.Query[int](t, h, "SELECT count(*) FROM discounts WHERE _deleted_at IS NULL")
	gone := worldtest.Query[int](t, h, "SELECT count(*) FROM discounts WHERE _deleted_at IS NOT NULL")
	if want := len(h.All(t, "/v1/discounts/", nil)); live != want || gone == 0 {
		t.Errorf("%d discounts are live and %d gone, the API has %d", live, gone, want)
	}
	if n := len(h.Stored(t, "sync_drift", "true")); n > 0 {
		t.Errorf("drift: %v", h.Stored(t, "sync_drift", "true"))
	}
}

// What a buyer disputes is found by customer, though Polar sends the customer's id inside a copy only; what opens a checkout is nowhere.
func TestDisputesAndCheckouts(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "customers", "products", "discounts", "disputes", "refunds", "checkouts")
	h.Equal(t, "disputes", "refunds", "checkouts")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM disputes d JOIN customers c ON c.id = d.customer_id"); n == 0 || n != len(h.Stored(t, "disputes", "true")) {
		t.Errorf("%d disputes have a customer", n)
	}
	for _, item := range h.All(t, "/v1/checkouts/", nil)[:5] {
		if n := worldtest.Query[int](t, h, "SELECT count(*) FROM checkouts c WHERE c::text LIKE '%' || $1 || '%'", item["client_secret"]); n > 0 {
			t.Errorf("the secret of checkout %s is stored", item["id"])
		}
	}
	if drift := h.Stored(t, "sync_drift", "true"); len(drift) > 0 {
		t.Errorf("drift: %v", drift)
	}
}
