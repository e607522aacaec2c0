package mirror_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// Entries of one time come in another order with each request: what slips from one page to the other is found all the same.
func TestTailReadsEntriesOfOneTime(t *testing.T) {
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Customers: 30}, mirror: tailing})
	h.sync(t)
	h.round(t)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	like := h.all(t, "/v1/customers/", nil)[0]
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
	h.shuffled(t, "/v1/webhooks/deliveries", deliveries)
	h.Runner = h.runner(t, tailing)
	res, err := h.Tail(t.Context(), "customers", "webhook_endpoints")
	if err != nil || res.Outcome != mirror.Succeeded {
		t.Fatal(res, err)
	}
	if n := len(h.stored(t, "customers", "id::text LIKE '00000000-%'")); n != len(deliveries) {
		t.Errorf("%d of %d customers, %d requests", n, len(deliveries), res.Requests)
	}
	if res.Requests > 50 {
		t.Errorf("%d requests for three pages", res.Requests)
	}
}
