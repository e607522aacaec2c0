package mirror_test

import "testing"

// A discount that was deleted is still shown by what it was used for: it is there, and marked once its own sweep has asked.
func TestDeletedDiscountIsKnown(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.sync(t)
	h.equal(t)
	if n := query[int](t, h, `SELECT count(*) FROM (SELECT discount_id FROM orders UNION SELECT discount_id FROM subscriptions UNION SELECT discount_id FROM checkout_links) used
		WHERE discount_id NOT IN (SELECT id FROM discounts)`); n > 0 {
		t.Errorf("%d discounts are used and not there", n)
	}
	h.sync(t, "discounts")
	live := query[int](t, h, "SELECT count(*) FROM discounts WHERE _deleted_at IS NULL")
	gone := query[int](t, h, "SELECT count(*) FROM discounts WHERE _deleted_at IS NOT NULL")
	if want := len(h.all(t, "/v1/discounts/", nil)); live != want || gone == 0 {
		t.Errorf("%d discounts are live and %d gone, the API has %d", live, gone, want)
	}
	if n := len(h.stored(t, "sync_drift", "true")); n > 0 {
		t.Errorf("drift: %v", h.stored(t, "sync_drift", "true"))
	}
}
