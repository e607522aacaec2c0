package tail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/store/tails"
	"syncd/internal/worldtest"
)

// Polar shows the present name of its product as the description of an order. When a product is renamed its old orders follow within
// one round, by their list rather than one by one, where a delivery or the list of products tells of the rename.
func TestTailRenamedProductChangesItsOrders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world polarsim.Options
		slow  bool // the list of products has its turn
	}{"a delivery tells": {}, "the list of products tells": {world: polarsim.Options{NoWebhook: true}, slow: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.world.Now = time.Now()
			h := start(t, setup{World: c.world, Mirror: func(m *catalog.Config) {
				m.Tail.Lag = -1
				if !c.slow {
					worldtest.Changed("products", func(e *catalog.Entry) { e.Tail.Slow = nil })(m)
				}
			}})
			product := h.First(t, "/v1/products/", nil, func(p map[string]any) bool { return h.ordersOf(t, p["id"]) >= 14 })["id"].(string)
			streams := []string{"products", "customers", "subscriptions", "orders"}
			h.SyncAll(t, streams...)
			h.Round(t, streams...)
			h.Exec(t, "UPDATE products SET _requested_at = _requested_at - interval '1 hour'") // what is sent now is newer
			h.Exec(t, "UPDATE sync_seen SET requested_at = requested_at - interval '1 hour'")
			before := worldtest.Query[time.Time](t, h, "SELECT max(modified_at) FROM orders")
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"Another name"}`)
			h.Server.Reset()
			for n := 0; n < worldtest.EveryTurn; n++ {
				if h.Round(t, streams...); !c.slow || h.renamed(t, product) > 0 {
					break
				}
			}
			asked := h.Server.RequestsByPath()
			want := h.ordersOf(t, product)
			if got := h.renamed(t, product); got != want || asked["GET /v1/orders/{id}"] > 0 {
				t.Errorf("%d of %d orders have the new name, by %v", got, want, asked)
			}
			if after := worldtest.Query[time.Time](t, h, "SELECT max(modified_at) FROM orders"); !after.Equal(before) {
				t.Error("Polar has modified the orders: this shows nothing")
			}
			h.Equal(t, "orders")
			h.Server.Reset()
			h.Round(t, streams...)
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"description":"No other name"}`)
			h.Round(t, streams...)
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_changes WHERE stream = 'orders' AND filter = 'product_id' AND (known_at IS NULL OR known_at < noted_at)"); n > 0 {
				t.Errorf("%d changes are left", n)
			}
		})
	}
}

func (h *harness) ordersOf(t *testing.T, product any) int {
	t.Helper()
	return len(h.All(t, "/v1/orders/", url.Values{"product_id": {fmt.Sprint(product)}}))
}

func (h *harness) renamed(t *testing.T, product string) int {
	t.Helper()
	return worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE product_id = $1 AND description = 'Another name'", product)
}

// A sweep notes what follows from what it finds, too, for streams that are on and no others.
func TestSweepNotesWhatARenameChanges(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Tailing})
	product := h.First(t, "/v1/products/", nil, func(map[string]any) bool { return true })["id"].(string)
	h.SyncAll(t, "products")
	noted := func() []tails.Changed {
		t.Helper()
		changes, err := tails.New(h.Store.Pool()).Changes().Pending(t.Context(), "orders", tails.Wanted{Most: 10})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	rename := func(name string) {
		h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"`+name+`"}`)
	}
	rename("Second")
	off := h.NewMirror(t, func(c *catalog.Config) { c.Off = map[string]bool{"orders": true} })
	off.SweepOnce(t.Context(), "products")
	if got := noted(); len(got) > 0 {
		t.Errorf("noted for a stream that is off: %v", got)
	}
	rename("Third")
	h.SyncAll(t, "products")
	if got := noted(); len(got) != 1 || got[0].Filter != "product_id" || got[0].Value != product {
		t.Errorf("noted %v", got)
	}
}

// A product with more orders than a round reads has their sweep brought forward instead.
func TestTailLeavesManyRenamedOrdersToASweep(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: worldtest.Tailing})
	product := h.First(t, "/v1/products/", nil, func(map[string]any) bool { return true })["id"].(string)
	streams := []string{"products", "orders"}
	h.SyncAll(t, streams...)
	h.Round(t, streams...)
	h.Exec(t, "INSERT INTO orders (id, product_id, _hash, _requested_at) SELECT gen_random_uuid(), $1, 'x', now() FROM generate_series(1, 5001)", product)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"Another name"}`)
	h.SyncAll(t, "products")
	h.Round(t, streams...)
	due, err := tails.New(h.Store.Pool()).SweepsDue(t.Context())
	if err != nil || !strings.Contains(due["orders"], product) || h.renamed(t, product) > 0 {
		t.Errorf("due: %v, %v; %d orders have the new name", due, err, h.renamed(t, product))
	}
}
