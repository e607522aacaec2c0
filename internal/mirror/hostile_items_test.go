package mirror_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// count is how many rows a table has.
func (h *harness) count(t *testing.T, table string) int {
	t.Helper()
	return worldtest.Query[int](t, h, "SELECT count(*) FROM "+table)
}

// total is how many objects Polar lists.
func (h *harness) total(t *testing.T, path string) int {
	t.Helper()
	_, n := h.List(t, path, nil)
	return n
}

// TestCopyThatCannotBeStored: it is left out and noted as what it is a copy of; the objects that hold it are stored.
func TestCopyThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql      string // of a user
		from, to string // in every object that holds the copy
		of       string
		says     string
		rejects  int // 0 = all but one
	}{
		"a NUL":               {"", `"name":"Pro"`, `"name":"Pro\u0000"`, "products", "SQLSTATE 22021", 1},
		"broken UTF-8":        {"", `"name":"Pro"`, `"name":"Pr` + "\xff" + `"`, "products", "UTF-8", 1},
		"half a pair":         {"", `"name":"Pro"`, `"name":"\ud83d"`, "products", "surrogate", 1},
		"another type":        {"", `"name":"Pro"`, `"name":["Pro"]`, "products", "name", 1},
		"too deep":            {"", `"name":"Pro"`, `"name":` + strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000), "products", "nested deeper than", 1},
		"a constraint":        {"ALTER TABLE products ADD CHECK (name <> 'Pro')", "", "", "products", "violates check constraint", 1},
		"a unique index":      {"CREATE UNIQUE INDEX ON customers ((1))", "", "", "customers", "duplicate key", 0},
		"a trigger's refusal": {triggerOf("products", "unique_violation"), "", "", "products", "not here", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 40}})
			if c.sql != "" {
				exec(t, h, c.sql)
			}
			bad := h.MirrorThrough(t, rewriting(func(_ *http.Request, body []byte) []byte {
				return bytes.ReplaceAll(body, []byte(c.from), []byte(c.to))
			}), nil)
			if c.from == "" {
				bad = h.Mirror
			}
			for _, stream := range []string{"subscriptions", "orders"} {
				r := bad.SweepOnce(t.Context(), stream)
				if r.Rejected != 0 || len(h.rejects(t, stream)) != 0 || r.Err != nil {
					t.Fatalf("%s: %s, %d rejected: %s", stream, r.Outcome, r.Rejected, r.Reason)
				}
				if got, want := h.count(t, stream), h.total(t, "/v1/"+stream+"/"); got < want {
					t.Errorf("%s: %d of %d rows", stream, got, want)
				}
				if stream == "subscriptions" && (r.Outcome != mirror.Partial || !strings.Contains(r.Reason, "copies of rows of other streams could not be stored")) {
					t.Errorf("%s: %s: %s", stream, r.Outcome, r.Reason)
				}
			}
			rejects := h.rejects(t, c.of)
			if len(rejects) == 0 || c.rejects > 0 && len(rejects) != c.rejects {
				t.Fatalf("%d rejects of %s", len(rejects), c.of)
			}
			for _, x := range rejects {
				if x.ItemID == nil || x.Resolved || !strings.Contains(x.Reason, c.says) || !bytes.Contains(x.Body, []byte(x.ItemID.String())) {
					t.Errorf("%+v: %.200s", x.ItemID, x.Reason)
				}
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_rejects WHERE copied_from IS NULL"); n != 0 {
				t.Errorf("%d rejects do not say whose copies they are", n)
			}
			if c.sql != "" {
				return
			}
			// The row itself ends it.
			if r := h.SweepOnce(t.Context(), c.of); r.Outcome != mirror.Succeeded {
				t.Errorf("%s: %s", r.Outcome, r.Reason)
			}
			for _, x := range h.rejects(t, c.of) {
				if !x.Resolved {
					t.Error("it is there and the copy still a reject")
				}
			}
		})
	}
}

// triggerOf refuses every row with an error of a class.
func triggerOf(table, condition string) string {
	return `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE ` + condition + ` USING MESSAGE = 'not here'; END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION refuse()`
}

func exec(t *testing.T, h *harness, sql string) {
	t.Helper()
	if _, err := h.Store.Pool().Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// TestCopyOfWhatPolarNoLongerLists: no sweep of its own ends such a reject, and until it ends none is called a success.
func TestCopyOfWhatPolarNoLongerLists(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 30}})
	h.SyncAll(t)
	id, _ := h.someID(t, "orders")
	const gone = "99999999-2222-4333-8444-555555555555"
	copyWith := func(name string) string {
		return `set:path=/v1/orders/,id=` + id + `,field=product,value={"id":"` + gone + `","name":"` + name + `","modified_at":null}`
	}
	h.Fault(t, copyWith(`a\u0000b`))
	h.Fault(t, `set:path=/v1/orders/,id=`+id+`,field=platform_fee_amount,value=1`) // else the order is as it was
	if r := h.SweepOnce(t.Context(), "orders"); r.Outcome != mirror.Partial || r.Rejected != 0 || r.Updated != 1 {
		t.Fatalf("%s, %d rejected, %d updated: %s", r.Outcome, r.Rejected, r.Updated, r.Reason)
	}
	for range 2 {
		if r := h.SweepOnce(t.Context(), "products"); r.Outcome != mirror.Partial || !strings.Contains(r.Reason, "1 rows are known from copies") {
			t.Fatalf("%s: %s", r.Outcome, r.Reason)
		}
	}
	if r := h.SweepOnce(t.Context(), "orders"); r.Outcome != mirror.Succeeded {
		t.Errorf("the orders are all there: %s: %s", r.Outcome, r.Reason)
	}
	h.Server.ClearFaults()
	h.Fault(t, copyWith("ab"))
	h.SyncAll(t, "orders")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM products WHERE id = $1", gone); n != 1 {
		t.Error("a copy that can be stored is not there")
	}
	if list := h.rejects(t, "products"); len(list) != 1 || !list[0].Resolved {
		t.Errorf("%+v", list)
	}
}

// TestWholeNumbersByValue: how a whole number is written makes no difference to what is stored, whichever way a row takes
// into its table, and none to its digest; that it is written so is put down.
func TestWholeNumbersByValue(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const fraction = "number with a point or an exponent"
	for name, number := range map[string]string{"a point": "4800.0", "an exponent": "48e2", "both": "0.48E+4", "many zeros": "4800." + strings.Repeat("0", 5000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 30}})
			id, _ := h.someID(t, "orders")
			const element = `{"id":"11111111-2222-4333-8444-555555555555","created_at":"2026-01-02T03:04:05Z","modified_at":null,"label":"x","amount":NUMBER,"tax_amount":-0.0,"proration":false,"product_price_id":null}`
			set := func(id, field, value string) {
				h.Fault(t, "set:path=/v1/orders/,id="+id+",field="+field+",value="+strings.ReplaceAll(value, "NUMBER", number))
			}
			stored := func() string {
				return worldtest.Query[string](t, h, "SELECT o.total_amount || ' ' || i.amount || ' ' || i.tax_amount FROM orders o JOIN order_items i ON i.order_id = o.id AND i._removed_at IS NULL WHERE o.id = $1", id)
			}
			set(id, "total_amount", "NUMBER")
			set(id, "items", "["+element+"]")
			h.SyncAll(t, "orders") // new rows
			if got := stored(); got != "4800 4800 0" {
				t.Errorf("new: %s", got)
			}
			drift := []string{}
			for _, d := range h.Drift(t, "orders") {
				drift = append(drift, d.Kind+" "+d.Field+" "+d.Value)
			}
			if d := cmp.Diff([]string{"type items[].amount " + fraction, "type items[].tax_amount " + fraction, "type total_amount " + fraction}, drift); d != "" {
				t.Error(d)
			}
			h.Server.ClearFaults()
			set(id, "total_amount", "4800")
			set(id, "items", "["+strings.ReplaceAll(strings.ReplaceAll(element, "-0.0", "0"), "NUMBER", "4800")+"]")
			if r := h.SyncAll(t, "orders")["orders"]; r.Updated != 0 {
				t.Error("another way to write the same number is a change")
			}
			h.Server.ClearFaults()
			h.SyncAll(t, "orders")
			set(id, "total_amount", "NUMBER")
			set(id, "items", "["+element+"]")
			if r := h.SyncAll(t, "orders")["orders"]; r.Updated != 1 { // by an upsert
				t.Errorf("%d updated", r.Updated)
			}
			if got := stored(); got != "4800 4800 0" {
				t.Errorf("upserted: %s", got)
			}
		})
	}
	for _, number := range []string{"4800.5", "1e400000", "1e-400000", "9223372036854775808.0", "0.1e1000000000000000000000000"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 10}})
			id, total := h.someID(t, "orders")
			h.Fault(t, "set:path=/v1/orders/,id="+id+",field=total_amount,value="+number)
			if r := h.SweepOnce(t.Context(), "orders"); r.Outcome != mirror.Partial || r.Rejected != 1 || h.count(t, "orders") != total-1 {
				t.Errorf("%s, %d rejected: %s", r.Outcome, r.Rejected, r.Reason)
			}
			if list := h.rejects(t, "orders"); len(list) != 1 || !strings.Contains(list[0].Reason, "total_amount") {
				t.Errorf("%+v", list)
			}
		})
	}
}

// TestDeepOrHugeItems: each is one reject that names the item, or stored, and all others are there.
func TestDeepOrHugeItems(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string { return strings.Repeat(`{"a":[`, levels/2) + strings.Repeat("]}", levels/2) }
	for name, c := range map[string]struct {
		value string
		says  string // "" = it is stored
	}{
		"11,000 levels":               {nested(11_000), "nested deeper than 10000 levels"},
		"9,990 levels":                {nested(9_990), ""},
		"2,000 levels":                {nested(2_000), ""},
		"two million levels":          {strings.Repeat("[", 2_000_000) + strings.Repeat("]", 2_000_000), "nested deeper than"},
		"10 MB":                       {`{"blob":"` + strings.Repeat("x", 10<<20) + `"}`, ""},
		"10 MB in 100,000 keys":       {`{` + strings.TrimSuffix(keys(100_000, 90), ",") + `}`, ""},
		"a number of 2 MB":            {strings.Repeat("9", 2<<20), "SQLSTATE 22003"},
		"11,000 levels with a secret": {strings.Repeat(`{"client_secret":"whispered","a":[`, 5_500) + strings.Repeat("]}", 5_500), "nested deeper than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 120}})
			for _, stream := range []string{"customers", "orders"} { // by offset and by keyset
				id, total := h.someID(t, stream)
				h.Fault(t, "set:path=/v1/"+stream+"/*,id="+id+",field=new,value="+c.value)
				rejected, outcome := 0, mirror.Succeeded
				if c.says != "" {
					rejected, outcome = 1, mirror.Partial
				}
				r := h.SweepOnce(t.Context(), stream)
				if r.Outcome != outcome || int(r.Rejected) != rejected {
					t.Fatalf("%s: %s, %d rejected: %.300s", stream, r.Outcome, r.Rejected, r.Reason)
				}
				if n := h.count(t, stream); n != total-rejected {
					t.Errorf("%s: %d of %d rows", stream, n, total)
				}
				for _, x := range h.rejects(t, stream) {
					if !strings.Contains(x.Reason, c.says) || len(x.Reason) > 600 || x.ItemID == nil || x.ItemID.String() != id {
						t.Errorf("%s: %v: %.700s", stream, x.ItemID, x.Reason)
					}
					if bytes.Contains(x.Body, []byte("whispered")) {
						t.Error("a secret was kept")
					}
				}
				// The same object asked for by its id.
				if stream == "customers" {
					r = h.Refresh(t.Context(), stream, uuid.MustParse(id))
					if r.Outcome != outcome || int(r.Rejected) != rejected {
						t.Errorf("refreshed: %s, %d rejected: %.300s", r.Outcome, r.Rejected, r.Reason)
					}
				}
				h.Server.ClearFaults()
			}
		})
	}
}

func keys(n, size int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":"%s",`, i, strings.Repeat("v", size))
	}
	return b.String()
}

// TestRowsOfAnotherOrganization are refused, with the reason, in whatever they come; an object that does not say whose it
// is, is taken.
func TestRowsOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	const other = "00000000-1111-4222-8333-444444444444"
	says := func(t *testing.T, h *harness, stream, id string) {
		t.Helper()
		list := h.rejects(t, stream)
		if len(list) != 1 || list[0].ItemID == nil || list[0].ItemID.String() != id || list[0].Resolved ||
			!strings.Contains(list[0].Reason, "of another organization") || !strings.Contains(list[0].Reason, other) {
			t.Errorf("%s: %+v", stream, list)
		}
	}
	for _, c := range []struct{ stream, field, value string }{
		{"customers", "organization_id", `"` + other + `"`},
		{"products", "organization_id", `"` + other + `"`},
		{"refunds", "organization_id", `"` + other + `"`},
		{"orders", "customer", `{"id":"` + other + `","organization_id":"` + other + `"}`},
		{"subscriptions", "customer", `{"id":"` + other + `","organization_id":"` + other + `"}`},
		{"disputes", "customer", `{"id":"` + other + `","organization_id":"` + other + `"}`},
	} {
		t.Run(c.stream, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 60}})
			if err := h.CheckAccess(t.Context()); err != nil {
				t.Fatal(err)
			}
			id, total := h.someID(t, c.stream)
			h.Fault(t, "set:path=/v1/"+c.stream+"/*,id="+id+",field="+c.field+",value="+c.value)
			r := h.SweepOnce(t.Context(), c.stream)
			if r.Outcome != mirror.Partial || r.Rejected != 1 || h.count(t, c.stream) != total-1 {
				t.Errorf("%s, %d rejected: %s", r.Outcome, r.Rejected, r.Reason)
			}
			says(t, h, c.stream, id)
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE id = $1", other); n != 0 {
				t.Error("its customer is there")
			}
			if c.stream != "refunds" { // which are not asked for by id
				if r := h.Refresh(t.Context(), c.stream, uuid.MustParse(id)); r.Rejected != 1 || r.Outcome != mirror.Partial {
					t.Errorf("refreshed: %s, %d rejected: %s", r.Outcome, r.Rejected, r.Reason)
				}
			}
			h.Server.ClearFaults()
			h.SyncAll(t, c.stream)
			if list := h.rejects(t, c.stream); len(list) != 1 || !list[0].Resolved {
				t.Errorf("healed: %+v", list)
			}
		})
	}
	t.Run("a copy", func(t *testing.T) {
		t.Parallel()
		h := start(t, setup{World: polarsim.Options{Customers: 30}})
		h.SyncAll(t)
		id, _ := h.someID(t, "orders")
		h.Fault(t, "set:path=/v1/orders/,id="+id+`,field=product,value={"id":"`+other+`","organization_id":"`+other+`"}`)
		h.Fault(t, "set:path=/v1/orders/,id="+id+",field=platform_fee_amount,value=1")
		if r := h.SweepOnce(t.Context(), "orders"); r.Outcome != mirror.Partial || r.Rejected != 0 || r.Updated != 1 {
			t.Errorf("%s, %d rejected, %d updated: %s", r.Outcome, r.Rejected, r.Updated, r.Reason)
		}
		says(t, h, "products", other)
		if n := worldtest.Query[int](t, h, "SELECT count(*) FROM products WHERE id = $1", other); n != 0 {
			t.Error("the copy is there")
		}
	})
	t.Run("the organization itself", func(t *testing.T) {
		t.Parallel()
		h := start(t, setup{World: polarsim.Options{Customers: 5}})
		if err := h.CheckAccess(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Fault(t, `set:path=/v1/organizations/,field=id,value="`+other+`"`)
		if r := h.SweepOnce(t.Context(), "organizations"); r.Outcome != mirror.Partial || h.count(t, "organizations") != 0 {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
		says(t, h, "organizations", other)
	})
	t.Run("who does not say", func(t *testing.T) {
		t.Parallel()
		h := start(t, setup{World: polarsim.Options{Customers: 30}})
		if err := h.CheckAccess(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"null", `"none"`, "7"} {
			id, _ := h.someID(t, "customers")
			h.Fault(t, "set:path=/v1/customers/,id="+id+",field=organization_id,value="+value)
			if r := h.SweepOnce(t.Context(), "customers"); value == "null" && r.Outcome != mirror.Succeeded {
				t.Errorf("%s: %s: %s", value, r.Outcome, r.Reason)
			}
			if list := h.rejects(t, "customers"); value != "null" && (len(list) != 1 || strings.Contains(list[0].Reason, "another organization")) {
				t.Errorf("%s: %+v", value, list)
			}
			h.Server.ClearFaults()
		}
	})
}
