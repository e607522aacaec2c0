package mirror_test

import (
	"strings"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/worldtest"
)

// modified_at moves without any visible change (locks, counters): that is a change of one column, and of nothing else.
func TestTrap06_ModifiedAtAlone(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	id := worldtest.Query[string](t, h, "SELECT id::text FROM orders ORDER BY created_at LIMIT 1")
	items := worldtest.Query[string](t, h, "SELECT string_agg(xmin::text, ',' ORDER BY id) FROM order_items")
	h.Fault(t, `set:path=/v1/orders/,id=`+id+`,field=modified_at,value="2026-11-01T00:00:00Z"`)
	if r := h.SyncAll(t, "orders")["orders"]; r.Updated != 1 || r.Inserted != 0 {
		t.Errorf("%+v", r)
	}
	if worldtest.Query[string](t, h, "SELECT string_agg(xmin::text, ',' ORDER BY id) FROM order_items") != items {
		t.Error("its items were written again")
	}
}

// Unions are open: a member that nobody has heard of is stored like any other.
func TestTrap16_OpenUnions(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "payments", "subscriptions")
	payment := worldtest.Query[string](t, h, "SELECT id::text FROM payments LIMIT 1")
	subscription := worldtest.Query[string](t, h, "SELECT id::text FROM subscriptions LIMIT 1")
	h.Fault(t, `set:path=/v1/payments/,id=`+payment+`,field=method_metadata,value={"brand":null,"wallet":{"kind":"new"}}`)
	h.Fault(t, `set:path=/v1/payments/,id=`+payment+`,field=method,value="kr_card"`)
	h.Fault(t, `set:path=/v1/subscriptions/,id=`+subscription+`,field=status,value="hibernating"`)
	h.SyncAll(t, "payments", "subscriptions")
	if got := worldtest.Query[string](t, h, "SELECT method || ' ' || (method_metadata->'wallet'->>'kind') FROM payments WHERE id = $1", payment); got != "kr_card new" {
		t.Error(got)
	}
	if got := worldtest.Query[string](t, h, "SELECT status FROM subscriptions WHERE id = $1", subscription); got != "hibernating" {
		t.Error(got)
	}
}

// The smallest unit is not always a hundredth: what is stored is Polar's integer, and the currency beside it.
func TestTrap20_SmallestUnits(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	seen := map[any]bool{}
	for _, s := range catalog.Entries() {
		if s.Name != "orders" {
			continue
		}
		for _, o := range h.Upstream(t, s) {
			seen[o["currency"]] = true
			if got := worldtest.Query[string](t, h, "SELECT total_amount || ' ' || currency FROM orders WHERE id = $1", o["id"]); got != strings.Join([]string{string(number64(o["total_amount"])), o["currency"].(string)}, " ") {
				t.Errorf("%v: %s", o["id"], got)
			}
		}
	}
	if !seen["jpy"] || !seen["usd"] {
		t.Errorf("only %v were tried", seen)
	}
}

func number64(v any) []byte {
	if n, ok := v.(interface{ String() string }); ok {
		return []byte(n.String())
	}
	return nil
}

// A Discord benefit carries a signed token inside every product that has it.
func TestTrap34_SecretsAreNotStored(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	_, products := h.Call(t, "GET", "/v1/products/?limit=100", "")
	if !strings.Contains(string(products), "guild_token") {
		t.Fatal("no secret on the wire, so this proves nothing")
	}
	h.SyncAll(t)
	for _, s := range catalog.Entries() {
		tables := []string{s.Name}
		for _, c := range s.Children {
			tables = append(tables, c.Name)
		}
		for _, table := range tables {
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM "+table+" x WHERE x::text LIKE '%guild_token%'"); n > 0 {
				t.Errorf("%s: %d rows hold the token", table, n)
			}
		}
	}
}
