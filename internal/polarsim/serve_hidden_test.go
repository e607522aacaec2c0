package polarsim

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

const rowNotFound = `{"error":"ResourceNotFound","detail":"Not found"}`

// Soft-deleted rows vanish: those that the world begins with, and those that are deleted through the API.
func TestWireDeletedRowsVanish(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 10})
	s := NewServer(w, ServerOptions{StableTies: true})
	for _, c := range []struct {
		path    string
		kind    Kind
		filter  string // by which every row can be found
		deleted []Time // when each row was
	}{
		{"/v1/discounts/", KindDiscount, "query=", timesOf(w.discounts, func(d Discount) Time { return d.DeletedAt })},
		{"/v1/benefits/", KindBenefit, "query=", timesOf(w.benefits, func(b Benefit) Time { return b.DeletedAt })},
		{"/v1/checkout-links/", KindCheckoutLink, "sorting=-label", timesOf(w.checkoutLinks, func(l CheckoutLink) Time { return l.DeletedAt })},
		{"/v1/custom-fields/", KindCustomField, "query=", timesOf(w.customFields, func(f CustomField) Time { return f.DeletedAt })},
	} {
		var live, gone []string
		for n, at := range c.deleted {
			if id := w.id(c.kind, n).String(); at == 0 {
				live = append(live, id)
			} else {
				gone = append(gone, id)
			}
		}
		if len(live) < 3 || len(gone) == 0 {
			t.Fatalf("%s: %d rows, %d deleted", c.path, len(live), len(gone))
		}
		check := func() {
			for _, query := range []string{"?sorting=created_at", "?" + c.filter} {
				if got := idsOf(all(t, s, c.path+query)); !sameSet(got, live) { // all compares with total_count
					t.Errorf("%s%s: %v, want %v", c.path, query, got, live)
				}
			}
			for _, id := range live {
				if res, body := do(t, s, "GET", c.path+id, ""); res.StatusCode != http.StatusOK {
					t.Errorf("%s%s: %d %s", c.path, id, res.StatusCode, body)
				}
			}
			for _, id := range gone {
				for _, method := range []string{"GET", "DELETE"} {
					if res, body := do(t, s, method, c.path+id, ""); res.StatusCode != http.StatusNotFound || body != rowNotFound {
						t.Errorf("%s %s%s: %d %s", method, c.path, id, res.StatusCode, body)
					}
				}
			}
		}
		check()
		for range 2 {
			if res, body := do(t, s, "DELETE", c.path+live[1], ""); res.StatusCode != http.StatusNoContent || body != "" {
				t.Errorf("DELETE %s%s: %d %s", c.path, live[1], res.StatusCode, body)
			}
			gone, live = append(gone, live[1]), slices.Delete(live, 1, 2)
			check()
		}
	}
}

func timesOf[T any](rows []T, of func(T) Time) []Time {
	times := make([]Time, len(rows))
	for i, r := range rows {
		times[i] = of(r)
	}
	return times
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// A grant keeps its row when it is not given yet or was taken back; there is a key of each that was given, and no other.
func TestWireGrantsAndKeys(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 150})
	s := NewServer(w, ServerOptions{StableTies: true})
	keys := map[string]row{}
	for _, k := range all(t, s, "/v1/license-keys/") {
		keys[text(k["id"])] = k
	}
	flags := map[string]int{}
	for _, g := range all(t, s, "/v1/benefit-grants/") {
		given, revoked := g["is_granted"].(bool), g["is_revoked"].(bool)
		flags[fmt.Sprint(given, revoked)]++
		if given != (g["granted_at"] != nil) || revoked != (g["revoked_at"] != nil) {
			t.Errorf("grant %v: the flags are not those of the times", g["id"])
		}
		if g["benefit"].(row)["type"] != "license_keys" {
			continue
		}
		id := text(g["properties"].(row)["license_key_id"])
		key, found := keys[id]
		delete(keys, id)
		res, body := do(t, s, "GET", "/v1/license-keys/"+id, "")
		switch {
		case !given && !revoked:
			if found || res.StatusCode != http.StatusNotFound || body != rowNotFound {
				t.Errorf("grant %v is not given, and its key is there: %d", g["id"], res.StatusCode)
			}
		case !found || res.StatusCode != http.StatusOK || (key["status"] == "revoked") != revoked || key["customer_id"] != g["customer_id"]:
			t.Errorf("grant %v: key %v, %d", g["id"], key["status"], res.StatusCode)
		}
	}
	if len(keys) > 0 {
		t.Errorf("%d keys without a grant", len(keys))
	}
	for _, want := range []string{"true false", "false true", "false false"} {
		if flags[want] == 0 {
			t.Errorf("no grant is %s", want)
		}
	}
}

// Rows of these lists cannot be asked for one by one: the path itself does not exist.
func TestWireListsWithoutRows(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 5, Customers: 60}), ServerOptions{})
	for _, path := range []string{"/v1/refunds/", "/v1/benefit-grants/"} {
		id := text(list1(t, s, path).Items[0]["id"])
		if res, body := do(t, s, "GET", path+id, ""); res.StatusCode != http.StatusNotFound || body != `{"detail":"Not Found"}` {
			t.Errorf("%s%s: %d %s", path, id, res.StatusCode, body)
		}
	}
	for _, path := range []string{"/v1/disputes/", "/v1/checkouts/", "/v1/license-keys/"} {
		if res, body := do(t, s, "GET", path+unknownID, ""); res.StatusCode != http.StatusNotFound || body != rowNotFound {
			t.Errorf("%s of an unknown id: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestWireSeatsWantAnOwner(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 5, Customers: 20}), ServerOptions{})
	for _, c := range []struct {
		query  string
		status int
		body   string
	}{
		{"", http.StatusBadRequest, `{"error":"BadRequest","detail":"Either subscription_id or order_id must be provided"}`},
		{"?subscription_id=" + unknownID, http.StatusNotFound, `{"error":"ResourceNotFound","detail":"Subscription not found"}`},
		{"?order_id=" + unknownID, http.StatusNotFound, `{"error":"ResourceNotFound","detail":"Order not found"}`},
		{"?order_id=12", http.StatusUnprocessableEntity, `{"error":"RequestValidationError","detail":[{"type":"uuid_parsing","loc":["query","order_id"],` +
			`"msg":"Input should be a valid UUID, invalid length: expected length 32 for simple format, found 2","input":"12",` +
			`"ctx":{"error":"invalid length: expected length 32 for simple format, found 2"}}]}`},
	} {
		if res, body := do(t, s, "GET", "/v1/customer-seats"+c.query, ""); res.StatusCode != c.status || body != c.body {
			t.Errorf("%q: %d %s, want %d %s", c.query, res.StatusCode, body, c.status, c.body)
		}
	}
}
