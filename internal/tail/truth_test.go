package tail_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// An object that Polar dates in the future moves neither what is claimed nor from where on new rows are looked for.
func TestTailDoesNotFollowDatesAhead(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"with an endpoint": {}, "without": {NoWebhook: true}, "with heads alone": {NoWebhook: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: world, Mirror: worldtest.Tailing})
			heads := name == "with heads alone"
			const ahead = `"2031-05-05T05:05:05.555555Z"`
			var lists []string
			for path, field := range map[string]string{"/v1/orders/": "created_at", "/v1/customers/": "created_at", "/v1/members/": "created_at", "/v1/subscriptions/": "started_at",
				"/v1/payments/": "created_at", "/v1/customer-meters/": "modified_at", "/v1/events/": "timestamp", "/v1/webhooks/deliveries": "created_at"} {
				var newest map[string]any
				for _, item := range h.All(t, path, map[string][]string{"source": {"system"}}) {
					if at, _ := item[field].(string); at != "" && (newest == nil || at > newest[field].(string)) {
						newest = item
					}
				}
				if newest != nil {
					fault := fmt.Sprintf("set:path=%s,id=%s,field=%s,value=%s", path, newest["id"], field, ahead)
					h.Fault(t, fault)
					if path != "/v1/orders/" && path != "/v1/subscriptions/" { // the simulator sorts by the date that it has
						lists = append(lists, fault)
					}
				}
			}
			h.SyncAll(t)
			look := func() {
				t.Helper()
				if wrong := h.Texts(t, "SELECT stream || ' ' || data_through FROM sync_streams WHERE data_through > '"+h.World.Now().Format(time.RFC3339Nano)+"'"); len(wrong) > 0 {
					t.Errorf("fresh through a moment that has not come: %v", wrong)
				}
				customer := h.Make(t, "/v1/customers/", fmt.Sprintf(`{"type":"individual","email":"after%d@example.com"}`, h.World.Now().UnixNano()))
				h.World.Advance(3 * time.Hour)
				h.World.Churn(3)
				h.Round(t)
				if n := len(h.Stored(t, "customers", "id = '"+customer+"'")); n != 1 {
					t.Error("a new customer was not seen")
				}
				if heads { // what else changes they do not see
					h.seen(t, "orders")
					h.seen(t, "payments")
					h.seen(t, "subscriptions")
					return
				}
				h.seen(t, "orders", "status")
				h.seen(t, "payments", "status")
				h.seen(t, "subscriptions", "status")
			}
			if heads {
				h.Fault(t, "403:path=/v1/events/")
			}
			h.Round(t)
			h.Server.ClearFaults()
			for _, fault := range lists {
				h.Fault(t, fault)
			}
			look()
			look()
			h.Server.ClearFaults()
			// What an earlier syncd took for the newest row there is.
			h.Exec(t, `UPDATE sync_streams SET tail = replace(tail::text, (tail->'newest'->>'at'), '2031-05-05T05:05:05Z')::jsonb, data_through = '2031-05-05' WHERE tail->'newest' IS NOT NULL`)
			h.Exec(t, `UPDATE sync_streams SET tail = jsonb_set(tail, '{events,at}', '"2031-05-05T05:05:05Z"') WHERE stream = 'tail'`)
			h.Exec(t, "UPDATE sync_streams SET data_through = NULL WHERE data_through > now()") // as the migration does
			h.Round(t)
			look()
		})
	}
}

// Polar was asked about a stream when it answered a question about it, or a feed that covers it did, and not else.
func TestTailPolledMeansAnswered(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"with an endpoint": {}, "without": {NoWebhook: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: world, Mirror: worldtest.Tailing})
			h.SyncAll(t)
			h.Round(t)
			polled := func() map[string]time.Time {
				fresh, err := h.Store.Streams().Freshness(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				at := map[string]time.Time{}
				for s, f := range fresh {
					at[s] = f.PolledAt
				}
				return at
			}
			if seats := polled()["customer_seats"]; seats.IsZero() == !world.NoWebhook {
				t.Errorf("customer_seats, of which deliveries alone tell: polled at %v", seats)
			}
			for _, fault := range []string{"", "", "500:path=/v1/events/", "500:path=/v1/webhooks/deliveries", "502:path=/v1/*"} {
				if h.Server.ClearFaults(); fault != "" {
					h.Fault(t, fault)
				}
				before, counts, through := polled(), h.Server.RequestsByPath(), h.Texts(t, "SELECT stream || coalesce(data_through::text, '') FROM sync_streams ORDER BY 1")
				if _, err := h.Tail(t.Context()); err != nil {
					t.Fatal(err)
				}
				after := polled()
				fresh, err := h.Store.Streams().Freshness(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				asked := map[string]bool{}
				for path, n := range h.Server.RequestsByPath() {
					asked[strings.TrimPrefix(path, "GET ")] = n > counts[path]
				}
				moved := 0
				for _, s := range catalog.Entries() {
					if after[s.Name].Equal(before[s.Name]) {
						continue
					}
					moved++
					by := fresh[s.Name].CoveredBy
					told := slices.Contains(by, "events") && !strings.Contains(fault, "events") || slices.Contains(by, "webhook deliveries") && !strings.Contains(fault, "deliveries") ||
						slices.Contains(by, "counts") && asked["/v1/metrics/"]
					if !told && !asked[s.Path] && !asked[s.Get] || strings.HasPrefix(fault, "502") {
						t.Errorf("with %q: %s counts as polled; it is covered by %q", fault, s.Name, by)
					}
				}
				if moved == 0 && !strings.HasPrefix(fault, "502") {
					t.Errorf("with %q: nothing was polled", fault)
				}
				if now := h.Texts(t, "SELECT stream || coalesce(data_through::text, '') FROM sync_streams ORDER BY 1"); strings.HasPrefix(fault, "502") && !slices.Equal(now, through) {
					t.Errorf("Polar does not answer, and claims move:\n%v\n%v", through, now)
				}
			}
		})
	}
}

// Deliveries cover a stream while an endpoint of the format raw is told of its changes, and was before the sweep.
func TestTailCoverOfDeliveries(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Tailing})
	endpoint := h.All(t, "/v1/webhooks/endpoints", nil)[0]["id"].(string)
	covered := func(stream string) bool {
		t.Helper()
		h.Round(t)
		fresh, err := h.Store.Streams().Freshness(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(fresh[stream].CoveredBy, "webhook deliveries")
	}
	h.SyncAll(t)
	if !covered("products") || !covered("customer_seats") || covered("payments") {
		t.Error("an endpoint that is told everything covers products and seats, and not payments")
	}
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/webhooks/endpoints/"+endpoint, `{"events":["product.created","order.created","order.updated"]}`)
	h.SyncAll(t)
	if covered("products") || !covered("orders") {
		t.Error("an endpoint that is not told of product.updated does not cover products; one that is told of orders does")
	}
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/webhooks/endpoints/"+endpoint, `{"format":"slack"}`)
	h.SyncAll(t, "webhook_endpoints")
	if covered("orders") {
		t.Error("messages for Slack hold no objects")
	}
}
