package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"syncd/internal/audit"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// Every row of an export belongs to its own mirrored row, and no two to the same.
func TestExportsBelongToMirroredRows(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 40}})
	h.SyncAll(t)
	for _, s := range []struct{ table, link string }{{"customers", "customer_id"}, {"orders", "order_id"}, {"subscriptions", "subscription_id"}} {
		export := s.table + "_export"
		rows := worldtest.Query[int](t, h, "SELECT count(*) FROM "+export)
		linked := worldtest.Query[int](t, h, "SELECT count(DISTINCT "+s.link+") FROM "+export)
		have := worldtest.Query[int](t, h, "SELECT count(*) FROM "+s.table+" WHERE _deleted_at IS NULL AND id NOT IN (SELECT id FROM sync_stubs WHERE stream = '"+s.table+"')")
		if rows == 0 || linked != rows || rows != have {
			t.Errorf("%s: %d rows, %d belong to a row of their own, the mirror has %d", export, rows, linked, have)
		}
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM orders_export e JOIN orders o ON o.id = e.order_id WHERE e.total_amount <> o.total_amount OR e.status <> o.status OR e.currency <> o.currency"); n != 0 {
		t.Errorf("%d rows belong to another one", n)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_drift WHERE stream LIKE '%export'"); n != 0 {
		t.Errorf("%d findings of drift", n)
	}
	// A customer that is gone from the file is gone from the table at once: a whole file is proof enough.
	id := worldtest.Query[string](t, h, "SELECT min(id::text) FROM customers_export")
	if status, body := h.Call(t, http.MethodDelete, "/v1/customers/"+id, ""); status != http.StatusNoContent && status != http.StatusOK {
		t.Fatal(status, string(body))
	}
	h.SyncAll(t, "customers_export")
	if !worldtest.Query[bool](t, h, "SELECT _deleted_at IS NOT NULL FROM customers_export WHERE id = $1", id) {
		t.Error("the row of a deleted customer lives on")
	}
}

// A file that ends early, with status 200 and a clean end, is refused wherever it ends, and changes nothing.
func TestExportCutShortChangesNothing(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Metrics: true})
	h.SyncAll(t)
	random := rand.New(rand.NewPCG(7, 7))
	for _, name := range []string{"customers", "orders", "subscriptions", "metrics"} {
		stream := name + "_export"
		asked := ""
		if name == "metrics" {
			asked = "?" + h.windows(t)["month"][0].Encode()
		}
		_, body := h.Call(t, http.MethodGet, "/v1/"+name+"/export"+asked, "")
		before := worldtest.Query[string](t, h, "SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM "+stream+" e")
		for range 10 {
			h.Fault(t, fmt.Sprintf("short:path=/v1/%s/export,value=%d", name, random.IntN(len(body))))
			if r := h.SweepOnce(t.Context(), stream); r.Outcome != mirror.Failed || r.Read > 0 {
				t.Errorf("%s: %s, %d rows read", stream, r.Outcome, r.Read)
			}
			h.Server.ClearFaults()
		}
		if after := worldtest.Query[string](t, h, "SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM "+stream+" e"); after != before {
			t.Errorf("%s was changed", stream)
		}
		h.SyncAll(t, stream)
	}
}

// Today's columns and those of before August 2026, new ones and missing ones.
func TestExportHeadersChange(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.Fault(t, "oldheader:path=/v1/subscriptions/export")
	h.Fault(t, "column:path=/v1/orders/export,value=Brand New")
	h.Fault(t, "column:path=/v1/orders/export,value=-Total")
	h.SyncAll(t, "customers", "products", "subscriptions", "orders", "subscriptions_export", "orders_export")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM subscriptions_export WHERE active IS NULL OR started_at IS NULL OR amount IS NULL"); n != 0 {
		t.Errorf("%d rows of the older header are not understood", n)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM orders_export WHERE _extra ->> 'Brand New' IS NULL OR total_amount IS NOT NULL"); n != 0 {
		t.Errorf("%d rows without the new column, or with the missing one", n)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_drift WHERE stream = 'orders_export' AND (kind, field) IN (('new_field', 'Brand New'), ('missing_field', 'total_amount'), ('missing_field', 'total_amount_major'))"); n != 3 {
		t.Errorf("%d of 3 departures noted", n)
	}
	// A column that is not there is not compared.
	h.SyncAll(t)
	h.RequireCleanAudit(t, audit.Options{Cached: true, Streams: []string{"orders", "subscriptions"}})
}
