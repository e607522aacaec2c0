package polarsim

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEventWindows(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 60})
	s := NewServer(w, ServerOptions{StableTies: true})
	seconds := NewServer(w, ServerOptions{StableTies: true, WholeSeconds: true})
	events := all(t, s, "/v1/events/?sorting=timestamp")
	if len(events) < 1000 {
		t.Fatalf("%d events", len(events))
	}
	for i := 1; i < len(events); i++ {
		a, b := stampOf(t, events[i-1]), stampOf(t, events[i])
		if b.Truncate(time.Millisecond).Before(a.Truncate(time.Millisecond)) {
			t.Fatalf("%s after %s", b, a)
		}
	}
	i := slices.IndexFunc(events, func(e map[string]any) bool { return stampOf(t, e).Nanosecond()/1000%1000 > 500 })
	at := stampOf(t, events[i])
	after := func(h *Server, bound time.Time) map[string]any {
		p := list1(t, h, "/v1/events/?sorting=timestamp&limit=100&start_timestamp="+bound.Format(time.RFC3339Nano))
		for _, e := range p.Items {
			if e["id"] == events[i]["id"] {
				return e
			}
		}
		return nil
	}
	if after(s, at.Add(-time.Microsecond)) != nil {
		t.Error("a bound less than the event by a microsecond of its millisecond shows it: the store has no microseconds")
	}
	if after(s, at.Add(-time.Millisecond)) == nil {
		t.Error("not shown after the millisecond before")
	}
	if cut := at.Truncate(time.Second); after(seconds, cut.Add(time.Nanosecond)) == nil && at.Nanosecond() >= int(time.Millisecond) {
		t.Error("the bound is not cut to seconds")
	}
}

func TestEventFilters(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 60})
	s := NewServer(w, ServerOptions{StableTies: true})
	events := all(t, s, "/v1/events/?sorting=timestamp")
	past := list1(t, s, "/v1/events/?limit=100&page=9999")
	if past.Pagination.TotalCount != 0 || past.Pagination.MaxPage != 0 || len(past.Items) != 0 {
		t.Errorf("past the end: %+v", past.Pagination)
	}
	for query, accept := range map[string]func(e map[string]any) bool{
		"source=system":                    func(e map[string]any) bool { return e["source"] == "system" },
		"source=user&depth=0":              func(e map[string]any) bool { return e["source"] == "user" && e["parent_id"] == nil },
		"name=order.paid&name=api.request": func(e map[string]any) bool { return e["name"] == "order.paid" || e["name"] == "api.request" },
		"sorting=-timestamp&metadata[route]=/health": func(e map[string]any) bool {
			return e["metadata"].(map[string]any)["route"] == "/health"
		},
	} {
		got := all(t, s, "/v1/events/?"+query)
		want := 0
		for _, e := range events {
			if accept(e) {
				want++
			}
		}
		if len(got) != want || want == 0 || slices.ContainsFunc(got, func(e map[string]any) bool { return !accept(e) }) {
			t.Errorf("%s: %d events, not %d", query, len(got), want)
		}
	}
	parents := 0
	for _, e := range events {
		if e["child_count"] == 0.0 {
			continue
		}
		parents++
		if below := all(t, s, "/v1/events/?parent_id="+text(e["id"])); float64(len(below)) != e["child_count"] {
			t.Errorf("%v children, %d found", e["child_count"], len(below))
		}
		if parents == 1 {
			_, body := do(t, s, "GET", "/v1/events/"+text(e["id"]), "")
			if !strings.Contains(body, `"child_count":0`) {
				t.Errorf("children counted by id: %s", body)
			}
		}
	}
	if parents == 0 {
		t.Error("no event has children")
	}
	s.AddFault(Fault{Kind: "missing", Value: "2", Path: "/v1/events/"})
	if p := list1(t, s, "/v1/events/?limit=50&page=2"); len(p.Items) != 48 || p.Pagination.TotalCount != len(events) {
		t.Errorf("short page: %d items, %d in total", len(p.Items), p.Pagination.TotalCount)
	}
}

func stampOf(t testing.TB, e map[string]any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text(e["timestamp"]))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// feed reads the events of a world's system while it changes.
type feed struct{ fixture }

func newFeed(t *testing.T) feed {
	w := NewWorld(Options{Seed: 11, Customers: 90})
	return feed{fixture{t, w, NewServer(w, ServerOptions{StableTies: true})}}
}

// since is the bound that shows what happens from now on.
func (f feed) since() string { return f.w.Now().Add(-time.Second).UTC().Format(time.RFC3339) }

func (f feed) tick() string { f.w.Advance(time.Minute); return f.since() }

func (f feed) names(from string) []string {
	var got []string
	for _, e := range all(f.T, f.s, "/v1/events/?source=system&sorting=timestamp&start_timestamp="+from) {
		got = append(got, text(e["name"]))
	}
	return got
}

func (f feed) expect(from string, want ...string) {
	f.Helper()
	got := f.names(from)
	for _, name := range want {
		if !slices.Contains(got, name) {
			f.Errorf("no %s among %v", name, got)
		}
	}
}

// What writes do shows in the feed, with the ids; what Polar has no event for does not.
func TestEventsOfWrites(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	from := f.since()
	c := f.send("POST", "/v1/customers/", `{"email":"feed@example.com","name":"Feed"}`, 201)
	f.expect(from, "customer.created")
	page := list1(t, f.s, "/v1/events/?name=customer.created&limit=1")
	if m := page.Items[0]["metadata"].(map[string]any); m["customer_id"] != c["id"] || m["customer_email"] != "feed@example.com" {
		t.Errorf("metadata: %v", m)
	}
	from = f.tick()
	f.send("PATCH", "/v1/customers/"+text(c["id"]), `{"name":"Renamed"}`, 200)
	f.expect(from, "customer.updated")
	if m := list1(t, f.s, "/v1/events/?name=customer.created&limit=1").Items[0]["metadata"].(map[string]any); m["customer_name"] != "Feed" {
		t.Errorf("an event changed with its customer: %v", m)
	}
	from = f.tick()
	f.send("DELETE", "/v1/customers/"+text(c["id"]), "", 204)
	f.expect(from, "customer.deleted")

	s := f.first("/v1/subscriptions/?status=active&cancel_at_period_end=false", func(s map[string]any) bool {
		return s["seats"] == nil && s["customer"].(map[string]any)["deleted_at"] == nil && s["pending_update"] == nil
	})
	path := "/v1/subscriptions/" + text(s["id"])
	from = f.tick()
	f.send("PATCH", path, `{"cancel_at_period_end":true}`, 200)
	f.expect(from, "subscription.canceled")
	from = f.tick()
	f.send("PATCH", path, `{"cancel_at_period_end":false}`, 200)
	f.expect(from, "subscription.uncanceled")
	from = f.tick()
	f.send("DELETE", path, "", 200)
	f.expect(from, "subscription.revoked")

	p := f.first("/v1/products/", func(map[string]any) bool { return true })
	f.w.Advance(time.Hour)
	before := len(f.names("2020-01-01T00:00:00Z"))
	f.send("PATCH", "/v1/products/"+text(p["id"]), `{"name":"Another name"}`, 200)
	o := f.first("/v1/orders/?status=paid", func(map[string]any) bool { return true })
	f.send("PATCH", "/v1/orders/"+text(o["id"]), `{"billing_name":"Nobody told"}`, 200)
	if n := len(f.names("2020-01-01T00:00:00Z")); n != before {
		t.Errorf("%d events of products and billing names", n-before)
	}

}

// What time brings shows in the feed too, every paid order among it, and what lags is not there yet.
func TestEventsOfTime(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	from := f.since()
	for range 5 {
		f.w.Advance(8 * 24 * time.Hour)
	}
	f.w.Churn(150)
	f.expect(from, "order.paid", "balance.order", "subscription.cycled", "subscription.created", "subscription.revoked", "benefit.granted", "benefit.revoked", "customer.created",
		"customer.updated", "order.refunded", "balance.refund", "checkout.created", "meter.reset", "subscription.past_due")
	paid := map[string]bool{}
	for _, e := range all(t, f.s, "/v1/events/?name=order.paid") {
		paid[text(e["metadata"].(map[string]any)["order_id"])] = true
	}
	for _, o := range all(t, f.s, "/v1/orders/?status=paid&status=refunded&status=partially_refunded") {
		if !paid[text(o["id"])] {
			t.Errorf("no order.paid for %s", o["id"])
		}
	}
	if users := list1(t, f.s, "/v1/events/?source=user&start_timestamp="+url.QueryEscape(from)); users.Pagination.TotalCount == 0 {
		t.Error("nothing used")
	}
	total := list1(t, f.s, "/v1/events/").Pagination.TotalCount
	f.s.AddFault(Fault{Kind: "lag", For: 24 * time.Hour})
	if lagging := list1(t, f.s, "/v1/events/").Pagination.TotalCount; lagging >= total {
		t.Errorf("%d events although they lag, %d before", lagging, total)
	}
}
