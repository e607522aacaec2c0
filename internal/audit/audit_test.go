package audit_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"syncd/internal/audit"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// Rows of the mirror are damaged by hand, each in another way: all are found, and healed, and nothing else is.
func TestAuditFindsDamage(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 60}})
	h.SyncAll(t)
	h.RequireCleanAudit(t, audit.Options{})

	// nth picks a row that no other damage touches, and not one of the newest: those may simply not have been read yet.
	nth := func(table, where string, n int) string {
		return worldtest.Query[string](t, h, fmt.Sprintf("SELECT id::text FROM %s WHERE %s AND _deleted_at IS NULL AND created_at < (SELECT max(created_at) - interval '1 day' FROM %s) ORDER BY id OFFSET %d LIMIT 1", table, where, table, n))
	}
	clone := func(table, id string) string {
		return worldtest.Query[string](t, h, "INSERT INTO "+table+" SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()"+
			map[string]string{"orders": ", 'invoice_number', 'EXTRA-1'"}[table]+"))).* FROM "+table+" t WHERE id = '"+id+"' RETURNING id::text")
	}
	want := map[string]bool{}
	damage := func(finding, sql string, args ...any) {
		t.Helper()
		if h.Exec(t, sql, args...) == 0 {
			t.Fatalf("%s: nothing was damaged", finding)
		}
		want[finding] = true
	}
	paid := func(n int) string { return nth("orders", "status = 'paid' AND total_amount > 0", n) }
	number := worldtest.Query[string](t, h, "SELECT invoice_number FROM orders WHERE id = $1", paid(1))

	damage("orders "+paid(0)+" different total_amount", "UPDATE orders SET total_amount = total_amount + 1 WHERE id = $1", paid(0))
	lostOrder := paid(1)
	wrongStatus, wrongCurrency, lostChild, wrongNumber := paid(2), paid(3), paid(4), paid(5)
	damage("orders "+wrongStatus+" different status", "UPDATE orders SET status = 'refunded' WHERE id = $1", wrongStatus)
	damage("orders "+wrongCurrency+" different currency", "UPDATE orders SET currency = 'jpy' WHERE id = $1", wrongCurrency)
	damage("orders "+lostChild+" children order_items", "DELETE FROM order_items WHERE order_id = $1", lostChild)
	damage("orders "+wrongNumber+" extra ", "UPDATE orders SET invoice_number = 'WRONG-1' WHERE id = $1", wrongNumber)
	want["orders "+clone("orders", paid(6))+" extra "] = true
	damage("orders "+number+" lost ", "DELETE FROM orders WHERE id = $1", lostOrder)
	subscription := nth("subscriptions", "status = 'active'", 0)
	damage("subscriptions "+subscription+" different amount", "UPDATE subscriptions SET amount = amount * 100 + 7 WHERE id = $1", subscription)
	customer := nth("customers", "name IS NOT NULL", 0)
	damage("customers "+customer+" different name", "UPDATE customers SET name = 'Mallory' WHERE id = $1", customer)
	lost := nth("customers", "true", 3)
	damage("customers "+lost+" lost ", "DELETE FROM customers WHERE id = $1", lost)
	want["customers "+clone("customers", nth("customers", "true", 5))+" extra "] = true
	payment := nth("payments", "true", 2)
	damage("payments "+payment+" lost ", "DELETE FROM payments WHERE id = $1", payment)
	product := nth("products", "id IN (SELECT product_id FROM orders)", 0)
	damage("products "+product+" lost ", "DELETE FROM products WHERE id = $1", product)

	a := h.AuditAll(t, audit.Options{})
	for _, f := range a.Findings {
		name := strings.Join([]string{f.Stream, f.Key, f.Kind, f.Field}, " ")
		if !want[name] {
			t.Errorf("found what was not damaged: %+v", f)
		}
		if !f.Healed {
			t.Errorf("not healed: %+v", f)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("not found: %s", name)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_findings WHERE resolved_at IS NULL"); n != 0 {
		t.Errorf("%d findings are open: %v", n, h.Stored(t, "sync_findings", "resolved_at IS NULL"))
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_findings WHERE resolved_at >= first_seen AND evidence <> ''"); n != len(a.Findings) {
		t.Errorf("%d findings on record, %d were made", n, len(a.Findings))
	}
	h.Equal(t)
	h.RequireCleanAudit(t, audit.Options{})
	h.RequireCleanAudit(t, audit.Options{Cached: true})
}

// What merely happened since the last sweep is no finding, but the mirror is up to date with it afterwards.
func TestAuditOfAMovingWorld(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 40}})
	h.SyncAll(t)
	h.RequireCleanAudit(t, audit.Options{})
	customers := h.Stored(t, "customers", "_deleted_at IS NULL AND type = 'individual' ORDER BY id")
	for i, c := range customers[:6] {
		path := "/v1/customers/" + c["id"].(string)
		switch i % 2 {
		case 0:
			h.Call(t, "PATCH", path, `{"name":"Renamed","email":"new-`+fmt.Sprint(i)+`@example.com","metadata":{"n":1.10}}`)
		case 1:
			h.Call(t, "DELETE", path, "")
		}
	}
	h.Call(t, "POST", "/v1/customers/", `{"email":"fresh@example.com"}`)
	products := h.Stored(t, "products", "NOT is_archived")
	h.Call(t, "PATCH", "/v1/products/"+products[0]["id"].(string), `{"name":"Another name"}`)
	for _, s := range h.Stored(t, "subscriptions", "status = 'active' ORDER BY id")[:3] {
		h.Call(t, "PATCH", "/v1/subscriptions/"+s["id"].(string), `{"cancel_at_period_end":true}`)
	}
	for _, o := range h.Stored(t, "orders", "status = 'paid' AND refundable_amount > 0 ORDER BY id")[:3] {
		h.Want(t, http.StatusCreated, "POST", "/v1/refunds/", fmt.Sprintf(`{"order_id":"%s","reason":"other","amount":1}`, o["id"]))
	}
	a := h.AuditAll(t, audit.Options{})
	moved := 0
	for _, c := range a.Checks {
		moved += c.Moved
	}
	if !a.Clean() || moved == 0 {
		t.Errorf("%d moved, %+v", moved, a.Findings)
	}
	h.SyncAll(t)
	h.Equal(t, "customers", "orders", "subscriptions")
	h.RequireCleanAudit(t, audit.Options{})
}

// A difference that Polar itself has between its list and its export stays open.
func TestAuditFindingStaysOpen(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t)
	h.Exec(t, "UPDATE orders_export SET status = 'void' WHERE id = (SELECT id FROM orders_export WHERE status = 'paid' ORDER BY id LIMIT 1)")
	a := h.AuditAll(t, audit.Options{Streams: []string{"orders"}, Cached: true})
	if len(a.Findings) != 1 || a.Findings[0].Healed || a.Findings[0].Field != "status" || a.Clean() {
		t.Fatalf("%+v", a)
	}
	// It is reported until an audit no longer finds it, also by an audit that has not made it itself.
	if a = h.AuditAll(t, audit.Options{Streams: []string{"orders"}, Cached: true}); len(a.Findings) != 1 {
		t.Errorf("again: %+v", a.Findings)
	}
	h.Exec(t, "UPDATE orders_export SET _hash = ''")
	h.RequireCleanAudit(t, audit.Options{Streams: []string{"orders_export"}})
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_findings WHERE resolved_at IS NULL"); n != 0 {
		t.Errorf("%d findings open", n)
	}
}

// A check that cannot be made is no clean audit, and does not keep the others from being made.
func TestAuditWithoutAnExport(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t)
	h.Fault(t, "short:path=/v1/orders/export,value=3000")
	a, err := h.Audit(t.Context(), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	failed := slices.IndexFunc(a.Checks, func(c audit.Check) bool { return c.Failed != "" })
	if a.Clean() || failed < 0 || a.Checks[failed].Against != "orders_export" || len(a.Checks) < 10 {
		t.Errorf("%+v", a.Checks)
	}
}

// The metrics are many whatever the size of the organization, so they have a test of their own.
func TestAuditFindsAWrongFigure(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{Metrics: true})
	h.SyncAll(t, "metrics")
	h.Exec(t, `UPDATE metrics SET value = value + 1 WHERE id = (SELECT id FROM metrics WHERE slug = 'revenue' AND "interval" = 'month' AND value > 0 ORDER BY period_start LIMIT 1)`)
	h.Exec(t, `DELETE FROM metrics WHERE id = (SELECT id FROM metrics WHERE slug = 'orders' AND "interval" = 'day' ORDER BY period_start LIMIT 1)`)
	h.Exec(t, `INSERT INTO metrics (id, "interval", timezone, period_start, slug, value, type, display_name, _hash, _requested_at)
		SELECT gen_random_uuid(), "interval", 'Europe/Berlin', period_start, slug, value, type, display_name, _hash, _requested_at FROM metrics WHERE slug = 'checkouts' AND "interval" = 'month' ORDER BY period_start LIMIT 1`)
	a := h.AuditAll(t, audit.Options{Streams: []string{"metrics"}})
	found := map[string]string{}
	for _, f := range a.Findings {
		found[f.Kind] = f.Key[strings.LastIndexByte(f.Key, ' ')+1:]
		if f.Healed == (f.Kind == "extra") { // what cannot be asked for by an id goes with a sweep an hour later
			t.Errorf("healed: %v: %+v", f.Healed, f)
		}
	}
	if len(a.Findings) != 3 || found["different"] != "revenue" || found["lost"] != "orders" || found["extra"] != "checkouts" {
		t.Errorf("%+v", a.Findings)
	}
	h.Exec(t, "UPDATE sync_suspects SET noticed_at = noticed_at - interval '1 hour'")
	h.SyncAll(t, "metrics")
	h.RequireCleanAudit(t, audit.Options{Streams: []string{"metrics"}})
	h.RequireCleanAudit(t, audit.Options{Streams: []string{"metrics_export"}, Cached: true})
}
