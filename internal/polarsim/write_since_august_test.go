package polarsim

import (
	"slices"
	"testing"
)

// A product can be deleted as long as nobody has bought it.
func TestProductIsDeletedUntilItIsSold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	free := f.send("POST", "/v1/products/", `{"name":"Free","recurring_interval":"month","prices":[{"amount_type":"free"}]}`, 201)
	path := "/v1/products/" + free["id"].(string)
	link := f.send("POST", "/v1/checkout-links/", `{"payment_processor":"stripe","products":["`+free["id"].(string)+`"]}`, 201)
	if free["is_deletable"] != true {
		t.Errorf("a new product: is_deletable is %v", free["is_deletable"])
	}
	f.send("DELETE", path, "", 204)
	f.gone(path)
	f.gone("/v1/checkout-links/" + link["id"].(string))
	f.send("DELETE", path, "", 404)
	f.send("PATCH", path, `{"name":"Back"}`, 404)
	for _, p := range all(t, f.s, "/v1/products/") {
		if p["id"] == free["id"] {
			t.Error("it is listed")
		}
	}
	sold := f.send("POST", "/v1/products/", `{"name":"Sold","recurring_interval":"month","prices":[{"amount_type":"free"}]}`, 201)["id"].(string)
	customer := f.first("/v1/customers/", func(map[string]any) bool { return true })["id"].(string)
	f.send("POST", "/v1/subscriptions/", `{"product_id":"`+sold+`","customer_id":"`+customer+`"}`, 201)
	if body := f.send("DELETE", "/v1/products/"+sold, "", 409); body["error"] != "ProductNotDeletable" {
		t.Errorf("refused with %v", body)
	}
	if p := f.send("GET", "/v1/products/"+sold, "", 200); p["is_deletable"] != false {
		t.Errorf("once sold: is_deletable is %v", p["is_deletable"])
	}
	for _, o := range all(t, f.s, "/v1/orders/?limit=20&product_billing_type=recurring")[:5] {
		if p := f.send("GET", "/v1/products/"+o["product_id"].(string), "", 200); p["is_deletable"] != false {
			t.Errorf("ordered: is_deletable is %v", p["is_deletable"])
		}
	}
}

// A key that is rotated keeps its id.
func TestLicenseKeyIsRotated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.first("/v1/license-keys/", func(map[string]any) bool { return true })
	path := "/v1/license-keys/" + before["id"].(string)
	rotated := f.send("POST", path+"/rotate", "", 200)
	if rotated["id"] != before["id"] || rotated["display_key"] == before["display_key"] || rotated["key"] == before["key"] || !later(before, rotated) {
		t.Errorf("%v became %v", before, rotated)
	}
	again := f.send("POST", path+"/rotate", "", 200)
	if got := f.send("GET", path, "", 200); got["display_key"] != again["display_key"] || again["display_key"] == rotated["display_key"] {
		t.Errorf("%v after %v", got["display_key"], rotated["display_key"])
	}
	f.send("POST", "/v1/license-keys/"+unknownID+"/rotate", "", 404)
}

// What is sold by units counts them, and an event tells of a change, now or at the end of the period.
func TestSubscriptionByUnits(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	s := f.first("/v1/subscriptions/?status=active&cancel_at_period_end=false", func(s map[string]any) bool {
		return s["seats"] == nil && s["currency"] == "usd" && s["recurring_interval"] == "month"
	})
	path := "/v1/subscriptions/" + text(s["id"])
	if body := f.send("PATCH", path, `{"units":3}`, 400); body["error"] != "NotAUnitBasedSubscription" {
		t.Errorf("refused with %v", body)
	}
	s = f.send("PATCH", path, `{"product_id":"`+f.w.id(KindProduct, productUnits).String()+`"}`, 200)
	if s["units"] != 1.0 || s["amount"] != 100.0 {
		t.Errorf("%v units for %v", s["units"], s["amount"])
	}
	from := f.tick()
	s = f.send("PATCH", path, `{"units":12}`, 200)
	f.expect(from, "subscription.units_updated", "subscription.updated")
	if s["units"] != 12.0 || s["amount"] != 1160.0 { // ten at 100, two at 80
		t.Errorf("%v units for %v", s["units"], s["amount"])
	}
	m := list1(t, f.s, "/v1/events/?name=subscription.units_updated&limit=1").Items[0]["metadata"].(map[string]any)
	if m["old_units"] != 1.0 || m["new_units"] != 12.0 || m["subscription_id"] != s["id"] {
		t.Errorf("metadata %v", m)
	}
	s = f.send("PATCH", path, `{"units":20,"proration_behavior":"next_period"}`, 200)
	if pending, is := s["pending_update"].(map[string]any); !is || pending["units"] != 20.0 || s["units"] != 12.0 {
		t.Errorf("pending %v", s["pending_update"])
	}
	f.w.Advance(40 * 24 * 3600 * 1e9)
	s = f.send("GET", path, "", 200)
	if s["units"] != 20.0 || s["pending_update"] != nil {
		t.Errorf("after its period: %v units, pending %v", s["units"], s["pending_update"])
	}
	order := list1(t, f.s, "/v1/orders/?limit=1&subscription_id="+text(s["id"])).Items[0]
	if order["units"] != 20.0 || order["net_amount"] != 1800.0 {
		t.Errorf("order of %v units for %v", order["units"], order["net_amount"])
	}
}

// A subscription that is moved to Polar is told of by an event and a webhook of its own.
func TestSubscriptionIsMigrated(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	from := f.tick()
	id := f.w.Migrate("stripe", "sub_123")
	s := f.send("GET", "/v1/subscriptions/"+id, "", 200)
	if s["status"] != "active" || stampOf(t, map[string]any{"timestamp": s["started_at"]}).After(stampOf(t, map[string]any{"timestamp": s["created_at"]}).AddDate(0, -1, 0)) {
		t.Errorf("%v since %v, made %v", s["status"], s["started_at"], s["created_at"])
	}
	if names := f.names(from); !slices.Contains(names, "subscription.migrated") || slices.Contains(names, "subscription.created") {
		t.Errorf("events %v", names)
	}
	m := list1(t, f.s, "/v1/events/?name=subscription.migrated&limit=1").Items[0]["metadata"].(map[string]any)
	if m["provider"] != "stripe" || m["provider_subscription_id"] != "sub_123" || m["subscription_id"] != id {
		t.Errorf("metadata %v", m)
	}
	if sent := list1(t, f.s, "/v1/webhooks/deliveries?event_type=subscription.migrated"); sent.Pagination.TotalCount == 0 {
		t.Error("no webhook")
	}
}
