package tail_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// Entries of one time come in another order with each request: what slips from one page to the other is found all the same.
func TestTailReadsEntriesOfOneTime(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	h.World.Advance(3 * time.Second) // later than the sweep without a doubt: a Date tells Polar's time to two seconds
	now := h.World.Now().UTC().Format(time.RFC3339Nano)
	like := h.All(t, "/v1/customers/", nil)[0]
	deliveries := make([]map[string]any, 220)
	for i := range deliveries {
		customer := maps.Clone(like)
		customer["id"], customer["external_id"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", i), nil
		payload, err := json.Marshal(map[string]any{"type": "customer.created", "timestamp": now, "data": customer})
		if err != nil {
			t.Fatal(err)
		}
		deliveries[i] = map[string]any{"id": fmt.Sprintf("10000000-0000-4000-8000-%012d", i), "created_at": now, "webhook_event": map[string]any{
			"id": fmt.Sprintf("20000000-0000-4000-8000-%012d", i), "payload": string(payload)}}
	}
	h.Shuffled(t, "/v1/webhooks/deliveries", deliveries)
	h.Mirror = h.NewMirror(t, worldtest.Tailing)
	res, err := h.Tail(t.Context(), "customers", "webhook_endpoints")
	if err != nil || res.Outcome != mirror.Succeeded {
		t.Fatal(res, err)
	}
	if n := len(h.Stored(t, "customers", "id::text LIKE '00000000-%'")); n != len(deliveries) {
		t.Errorf("%d of %d customers, %d requests", n, len(deliveries), res.Requests)
	}
	if res.Requests > 50 {
		t.Errorf("%d requests for three pages", res.Requests)
	}
}

// After a long time without a round, or very many changes, the feeds of a large organization are read piece by piece; only
// what is not worth it is left to the sweeps.
func TestTailReadsLongFeedsInPieces(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	due := func() string {
		return worldtest.Query[string](t, h, "SELECT coalesce(string_agg(stream || ': ' || sweep_due, '; ' ORDER BY stream), '') FROM sync_streams WHERE sweep_due LIKE '%events since%' OR sweep_due LIKE '%deliveries since%'")
	}
	// A large organization, by what is here: its sweeps would cost 2000 requests.
	h.Exec(t, "INSERT INTO refunds (id, _hash, _requested_at) SELECT gen_random_uuid(), '', now() FROM generate_series(1, 200000)")
	h.Fault(t, "clamp:path=/v1/webhooks/deliveries,value=5")
	h.Fault(t, "clamp:path=/v1/events/,value=5")
	h.World.Churn(250)
	before := h.Server.RequestsByPath()
	h.Round(t)
	after := h.Server.RequestsByPath()
	for _, path := range []string{"GET /v1/webhooks/deliveries", "GET /v1/events/"} {
		if n := after[path] - before[path]; n <= 60 {
			t.Errorf("%s: %d requests: the feed is too short for several pieces", path, n)
		}
	}
	if why := due(); why != "" {
		t.Error(why)
	}
	h.seen(t, "orders", "status", "refunded_amount")
	h.seen(t, "subscriptions", "status", "canceled_at", "ended_at")
	h.World.Churn(1500)
	h.Round(t)
	if why := due(); why == "" {
		t.Error("more than a round reads of a feed, and no sweep is due")
	}
	h.Server.ClearFaults()
	h.SyncAll(t, "subscriptions", "orders")
	if strings.Contains(due(), "orders: ") {
		t.Errorf("after the sweep: %s", due())
	}
}

// A payload that comes late may be of an object that is gone, while the delivery that says so comes later still. What a complete
// sweep, begun after the payload was made, did not bring is asked for, and not taken from the payload.
func TestTailAsksForWhatASweepDidNotBring(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Tailing})
	h.Make(t, "/v1/webhooks/endpoints", `{"url":"https://hooks.example.com/","format":"raw","events":["customer.created","customer.deleted"]}`)
	h.SyncAll(t)
	h.Round(t)
	id := h.Make(t, "/v1/customers/", `{"email":"came-and-went@example.com"}`)
	h.World.StopWorker()
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+id, "")
	h.World.Advance(time.Minute)
	h.SyncAll(t)
	h.Round(t)
	if rows := h.Stored(t, "customers", "id = '"+id+"' AND _deleted_at IS NULL"); len(rows) != 0 {
		t.Errorf("a customer who is gone came back: %v", rows)
	}
	h.Equal(t, "customers")
}
