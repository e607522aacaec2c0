package tail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/uuid"

	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store/tails"
	"syncd/internal/worldtest"
)

// Where no feed tells what came and went, the export does: customers that are gone are asked for by id, and no sweep is due.
func TestTailTakesACensusOfCustomers(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 400, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	h.Fault(t, "403:path=/v1/events/")
	h.Round(t)
	customers := h.Stored(t, "customers", "_deleted_at IS NULL AND type = 'individual' ORDER BY id")
	gone, renamed := customers[0]["id"].(string), customers[1]["id"].(string)
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+gone, "")
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+renamed, `{"name":"Somebody Else"}`)
	res := h.Round(t)
	h.Tombstone(t, "customers", gone)
	h.Equal(t, "customers")
	if res.Requests > 20 || res.Deleted != 1 {
		t.Errorf("%d requests, %d deleted", res.Requests, res.Deleted)
	}
	if due := h.due(t); slices.Contains(due, "customers") {
		t.Errorf("sweeps due: %v", due)
	}

	// It is taken once an hour: what goes on in between is left to the sweep, and so is all where the export cannot be read.
	for i, c := range customers[2:4] {
		exports := h.Server.RequestsByPath()["GET /v1/customers/export"]
		h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+c["id"].(string), "")
		h.Round(t)
		if due := h.due(t); !slices.Contains(due, "customers") {
			t.Errorf("sweeps due: %v", due)
		}
		if len(h.Stored(t, "customers", "id = '"+c["id"].(string)+"' AND _deleted_at IS NULL")) != 1 {
			t.Error("deleted by a tail on the strength of a count")
		}
		if n := h.Server.RequestsByPath()["GET /v1/customers/export"] - exports; n > []int{0, 3}[i] { // a cut one is tried again
			t.Errorf("%d exports", n)
		}
		h.SyncAll(t, "customers")
		h.Tombstone(t, "customers", c["id"].(string))
		h.Exec(t, "UPDATE sync_streams SET tail = tail #- '{asked,census}' WHERE stream = 'customers'")
		h.Round(t) // takes the count that later ones are compared with
		h.Fault(t, "rows:path=/v1/customers/export,value=10")
	}
}

// More events than a sweep costs are not read: the export tells which orders they were about.
func TestTailTakesACensusOfOrders(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 300, Orders: 1500, NoWebhook: true}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	order := h.First(t, "/v1/orders/", url.Values{"status": {"paid"}}, func(o map[string]any) bool {
		return fmt.Sprint(o["refundable_amount"]) != "0" && o["created_at"].(string) < "2026-01"
	})["id"].(string)
	h.Make(t, "/v1/refunds/", fmt.Sprintf(`{"order_id":%q,"reason":"other","amount":1}`, order))
	h.Exec(t, "DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE created_at < '2026-01-01' AND id <> $1 ORDER BY id LIMIT 1)", uuid.MustParse(order))
	h.Exec(t, "UPDATE sync_streams SET complete_at = complete_at - interval '9 years' WHERE stream = 'customers'") // the feed is read from as far back as that
	before := h.Server.RequestsByPath()
	res := h.Round(t)
	if n := h.Server.RequestsByPath()["GET /v1/orders/export"] - before["GET /v1/orders/export"]; n != 1 {
		t.Fatalf("%d exports; %d requests", n, res.Requests)
	}
	h.Equal(t, "orders")
	if due := h.due(t); slices.Contains(due, "orders") || !slices.Contains(due, "subscriptions") {
		t.Errorf("sweeps due: %v; want none of orders, and one of subscriptions, whose export does not tell enough", due)
	}
}

// due are the streams that a tail wants swept early.
func (h *harness) due(t *testing.T) (names []string) {
	t.Helper()
	due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range due {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
