package polarsim

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// catalogueCase is a list of the catalogue with bodies: of a row, of a change of all that can change, and those that are refused where they say.
type catalogueCase struct {
	path, row, change string
	shows             map[string]string // what the row shows afterwards, printed
	own               string            // a body that changes nothing
	linked            string            // a body that changes what other tables hold; "" = there is nothing of the kind
	refused, kept     map[string]string // bodies of POST and of PATCH by the place of the problem
	hooks             []string          // webhooks of the creation, the changes and the deletion
}

// catalogueCases are one for each list, in this order.
func catalogueCases(w *World) []catalogueCase {
	return []catalogueCase{discountCase(w), benefitCase(w), checkoutLinkCase(w), customFieldCase()}
}

func discountCase(w *World) catalogueCase {
	pro, book, used := w.id(KindProduct, productPro).String(), w.id(KindProduct, productBook).String(), w.id(KindDiscount, 0).String()
	return catalogueCase{
		path: "/v1/discounts/",
		row: `{"name":"Spring “é”","type":"fixed","duration":"repeating","duration_in_months":7,"amounts":{"usd":500,"jpy":700},"code":"SPRING7","starts_at":"2026-11-01T02:00:00+02:00",
			"max_redemptions":9,"max_redemptions_per_customer":2,"products":["` + pro + `"],"metadata":{"n":1}}`,
		change: `{"name":"Summer","code":"SUMMER","starts_at":null,"ends_at":"2027-01-01T00:00:00.5Z","max_redemptions":null,"duration_in_months":8,"amounts":{"eur":3},
			"products":["` + book + `","` + pro + `"],"metadata":{"m":true}}`,
		shows: map[string]string{"name": "Summer", "code": "SUMMER", "starts_at": "<nil>", "ends_at": "2027-01-01T00:00:00.500000Z", "max_redemptions": "<nil>",
			"duration_in_months": "8", "amounts": "map[eur:3]", "metadata": "map[m:true]", "max_redemptions_per_customer": "2", "redemptions_count": "0"},
		own: `{"name":"Summer","type":"fixed","duration":"repeating"}`, linked: `{"products":[]}`,
		refused: map[string]string{
			`{"type":"percentage","duration":"once","basis_points":100}`:                           `"name"`,
			`{"name":"x","duration":"once","basis_points":100}`:                                    `"type"`,
			`{"name":"x","type":"percentage","basis_points":100}`:                                  `"duration"`,
			`{"name":"x","type":"percentage","duration":"once"}`:                                   `"basis_points"`,
			`{"name":"x","type":"percentage","duration":"once","basis_points":10001}`:              `"basis_points"`,
			`{"name":"x","type":"fixed","duration":"once"}`:                                        `"amounts"`,
			`{"name":"x","type":"fixed","duration":"once","amounts":{"xxx":1}}`:                    `"amounts","xxx"`,
			`{"name":"x","type":"fixed","duration":"repeating","amount":1}`:                        `"duration_in_months"`,
			`{"name":"x","type":"fixed","duration":"once","amount":1,"code":"wel-come"}`:           `"code"`,
			`{"name":"x","type":"fixed","duration":"once","amount":1,"code":"welcome10"}`:          `"code"`,
			`{"name":"x","type":"fixed","duration":"once","amount":1,"products":["` + used + `"]}`: `"products",0`,
			`{"name":"x","type":"fixed","duration":"once","amount":1,"ends_at":"2027-01-01"}`:      `"ends_at"`,
		},
		kept:  map[string]string{`{"type":"percentage"}`: `"type"`, `{"duration":"once"}`: `"duration"`, `{"code":"LAUNCH"}`: `"code"`, `{"name":""}`: `"name"`},
		hooks: []string{"discount.created", "discount.updated", "discount.deleted"},
	}
}

func benefitCase(w *World) catalogueCase {
	meter := w.id(KindMeter, 1).String()
	return catalogueCase{
		path: "/v1/benefits/",
		row:  `{"type":"meter_credit","description":"Credits","properties":{"units":5,"rollover":true,"meter_id":"` + meter + `","unknown":1},"metadata":{"k":"v"}}`,
		change: `{"type":"meter_credit","description":"More credits","properties":{"units":50,"rollover":false,"meter_id":"` + meter + `"},
			"metadata":{"k":"w"}}`,
		shows: map[string]string{"description": "More credits", "properties": "map[meter_id:" + meter + " rollover:false units:50]", "metadata": "map[k:w]",
			"visibility": "public"},
		own: `{"description":"More credits","properties":null}`,
		refused: map[string]string{
			`{"description":"Nothing","properties":{}}`:                                                                               `"type"`,
			`{"type":"gold","description":"Nothing","properties":{}}`:                                                                 `"type"`,
			`{"type":"custom","properties":{}}`:                                                                                       `"description"`,
			`{"type":"custom","description":"no","properties":{}}`:                                                                    `"description"`,
			`{"type":"custom","description":"Nothing"}`:                                                                               `"properties"`,
			`{"type":"custom","description":"Nothing","properties":{"note":5}}`:                                                       `"properties","note"`,
			`{"type":"downloadables","description":"Nothing","properties":{}}`:                                                        `"properties","files"`,
			`{"type":"meter_credit","description":"Nothing","properties":{"units":5,"rollover":true,"meter_id":"` + unknownID + `"}}`: `"properties","meter_id"`,
		},
		kept:  map[string]string{`{"type":"custom"}`: `"type"`, `{"description":"no"}`: `"description"`, `{"properties":{"units":1}}`: `"properties","rollover"`},
		hooks: []string{"benefit.created", "benefit.updated"},
	}
}

func checkoutLinkCase(w *World) catalogueCase {
	pro, book, archived, price, forBook := w.id(KindProduct, productPro).String(), w.id(KindProduct, productBook).String(), w.id(KindProduct, productProCase).String(), w.id(KindPrice, int(w.products[productPro].Prices[0])).String(), w.id(KindDiscount, 6).String()
	return catalogueCase{
		path: "/v1/checkout-links/",
		row: `{"payment_processor":"stripe","products":["` + pro + `"],"label":"L","success_url":"https://example.com/?id={CHECKOUT_ID}","trial_interval":"day","trial_interval_count":3,
			"metadata":{"k":1.5}}`,
		change: `{"label":null,"success_url":"https://example.com/two","return_url":"https://example.com/back","allow_discount_codes":false,"require_billing_address":true,
			"products":["` + book + `"],"discount_id":"` + forBook + `","seats":4,"metadata":{"k":2}}`,
		shows: map[string]string{"label": "<nil>", "success_url": "https://example.com/two", "return_url": "https://example.com/back", "allow_discount_codes": "false",
			"require_billing_address": "true", "discount_id": forBook, "seats": "4", "metadata": "map[k:2]", "trial_interval": "<nil>", "product_id": book},
		own: `{"label":"","allow_discount_codes":null}`, linked: `{"products":["` + book + `","` + pro + `"]}`,
		refused: map[string]string{
			`{"products":["` + pro + `"]}`:                                                                   `"payment_processor"`,
			`{"payment_processor":"stripe"}`:                                                                 `"products"`,
			`{"payment_processor":"stripe","products":[]}`:                                                   `"products"`,
			`{"payment_processor":"stripe","products":["` + pro + `","` + archived + `"]}`:                   `"products",1`,
			`{"payment_processor":"stripe","product_id":"` + price + `"}`:                                    `"product_id"`,
			`{"payment_processor":"stripe","product_price_id":"` + pro + `"}`:                                `"product_price_id"`,
			`{"payment_processor":"stripe","product_id":"` + pro + `","discount_id":"` + forBook + `"}`:      `"discount_id"`,
			`{"payment_processor":"stripe","product_price_id":"` + price + `","success_url":"example.com/"}`: `"success_url"`,
		},
		kept: map[string]string{`{"products":[]}`: `"products"`, `{"discount_id":"` + pro + `"}`: `"discount_id"`, `{"seats":0}`: `"seats"`},
	}
}

func customFieldCase() catalogueCase {
	return catalogueCase{
		path:   "/v1/custom-fields/",
		row:    `{"type":"select","slug":"Size_1","name":"Size","properties":{"form_label":"How big?","options":[{"value":"s","label":"Small"}]},"metadata":{"k":"v"}}`,
		change: `{"type":"select","slug":"size-2","name":"Size “2”","properties":{"options":[{"value":"l","label":"Large"}],"form_help_text":null},"metadata":{}}`,
		shows:  map[string]string{"slug": "size-2", "name": "Size “2”", "properties": "map[options:[map[label:Large value:l]]]", "metadata": "map[]"},
		own:    `{"slug":"SIZE-2"}`,
		refused: map[string]string{
			`{"slug":"s","name":"S","properties":{}}`:                                    `"type"`,
			`{"type":"text","name":"S","properties":{}}`:                                 `"slug"`,
			`{"type":"text","slug":"a b","name":"S","properties":{}}`:                    `"slug"`,
			`{"type":"text","slug":"newsletter","name":"S","properties":{}}`:             `"slug"`,
			`{"type":"text","slug":"s","properties":{}}`:                                 `"name"`,
			`{"type":"text","slug":"s","name":"S"}`:                                      `"properties"`,
			`{"type":"select","slug":"s","name":"S","properties":{}}`:                    `"properties","options"`,
			`{"type":"number","slug":"s","name":"S","properties":{"ge":"1"}}`:            `"properties","ge"`,
			`{"type":"text","slug":"s","name":"S","properties":{"form_label":"\u0000"}}`: `"properties","form_label"`,
		},
		kept: map[string]string{`{"type":"text"}`: `"type"`, `{"slug":"newsletter"}`: `"slug"`, `{"name":""}`: `"name"`},
	}
}

func TestCatalogueWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.w.startJournal()
	for _, x := range catalogueCases(f.w) {
		before := list1(t, f.s, x.path).Pagination.TotalCount
		hooks := len(f.w.hooks.events)
		made := f.send("POST", x.path, x.row, 201)
		target := x.path + text(made["id"])
		if got := f.send("GET", target, "", 200); made["modified_at"] != nil || fmt.Sprint(got) != fmt.Sprint(made) {
			t.Errorf("created %v, got %v", made, got)
		}
		if now := list1(t, f.s, x.path).Pagination.TotalCount; now != before+1 {
			t.Errorf("%s: %d rows, %d before one was made", x.path, now, before)
		}
		f.first(x.path, func(row map[string]any) bool { return row["id"] == made["id"] })
		changed := f.send("PATCH", target, x.change, 200)
		if !later(made, changed) {
			t.Errorf("%s: modified_at does not move", target)
		}
		for k, v := range x.shows {
			if fmt.Sprint(changed[k]) != v {
				t.Errorf("%s: %s is %v, want %s", target, k, changed[k], v)
			}
		}
		if same := f.send("PATCH", target, x.own, 200); fmt.Sprint(same) != fmt.Sprint(changed) {
			t.Errorf("%s: %s changes %v to %v", target, x.own, changed, same)
		}
		if x.linked != "" {
			linked := f.send("PATCH", target, x.linked, 200)
			if later(changed, linked) || fmt.Sprint(linked["products"]) == fmt.Sprint(changed["products"]) {
				t.Errorf("%s: products of %v are now %v, modified_at %v", target, changed, linked["products"], linked["modified_at"])
			}
		}
		rows := list1(t, f.s, x.path).Pagination.TotalCount
		for method, bodies := range map[string]map[string]string{"POST": x.refused, "PATCH": x.kept} {
			at := map[string]string{"POST": x.path, "PATCH": target}[method]
			bodies = maps.Clone(bodies)
			bodies[`{"metadata":{"k":null}}`], bodies["[]"] = `"metadata","k"`, ""
			for body, where := range bodies {
				loc := strings.TrimSuffix(`"loc":["body",`+where, ",")
				if _, out := do(t, f.s, method, at, body); !strings.Contains(out, loc) || !strings.Contains(out, "ValidationError") {
					t.Errorf("%s %s %s: %s, want a problem at %s", method, at, body, out, where)
				}
			}
		}
		if now := list1(t, f.s, x.path).Pagination.TotalCount; now != rows {
			t.Errorf("%s: what is refused changes the number of rows from %d to %d", x.path, rows, now)
		}
		f.send("DELETE", target, "", 204)
		f.gone(target)
		for _, method := range []string{"PATCH", "DELETE"} {
			if body := f.send(method, target, `{}`, 404); body["error"] != "ResourceNotFound" {
				t.Errorf("%s of a deleted row: %v", method, body)
			}
		}
		f.send("POST", x.path, x.row, 201) // code and slug are free again
		told := map[string]bool{}
		for _, e := range f.w.hooks.events[hooks:] {
			told[e.kind] = true
			if !strings.Contains(e.payload, text(made["id"])) && !strings.HasSuffix(e.kind, ".created") {
				t.Errorf("%s tells of another row", e.kind)
			}
		}
		if len(told) != len(x.hooks) {
			t.Errorf("%s: webhooks %v, want %v", x.path, told, x.hooks)
		}
		for _, kind := range x.hooks {
			if !told[kind] {
				t.Errorf("%s: no webhook %s", x.path, kind)
			}
		}
	}
}

// What a discount takes off is settled once it was redeemed.
func TestRedeemedDiscount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	used := f.first("/v1/discounts/", func(d map[string]any) bool { return d["redemptions_count"] != 0.0 && d["type"] == "percentage" })
	target := "/v1/discounts/" + text(used["id"])
	f.send("PATCH", target, `{"basis_points":1}`, 422)
	f.send("PATCH", target, fmt.Sprintf(`{"basis_points":%v,"name":"As before"}`, used["basis_points"]), 200)
}

func TestTrap36_RenamingACustomFieldRewritesOldOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.w.startJournal()
	field := f.first("/v1/custom-fields/", func(c map[string]any) bool { return c["slug"] == "heard-from" })
	answered := func(row map[string]any) bool { return row["custom_field_data"].(map[string]any)["heard-from"] != nil }
	rows := map[string]map[string]any{}
	for _, path := range []string{"/v1/orders/", "/v1/subscriptions/"} {
		row := f.first(path, answered)
		rows[path+text(row["id"])] = row
	}
	hooks := len(f.w.hooks.events)
	f.send("PATCH", "/v1/custom-fields/"+text(field["id"]), `{"slug":"found_by"}`, 200)
	for target, before := range rows {
		after := f.send("GET", target, "", 200)
		was, is := before["custom_field_data"].(map[string]any), after["custom_field_data"].(map[string]any)
		if is["found_by"] != was["heard-from"] || is["heard-from"] != nil || len(is) != len(was) || !later(before, after) {
			t.Errorf("%s: %v before, %v after, modified_at %v and %v", target, was, is, before["modified_at"], after["modified_at"])
		}
	}
	for _, row := range all(t, f.s, "/v1/orders/") {
		if answered(row) {
			t.Fatalf("an order was left out: %v", row["custom_field_data"])
		}
	}
	if len(f.w.hooks.events) != hooks {
		t.Error("a webhook tells of it")
	}
}

// Deleting a benefit takes it back from those who have it; grants that were taken back before stay as they were.
func TestDeletedBenefit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.w.startJournal()
	id := f.w.id(KindBenefit, 1).String() // a license key
	of := func() map[string]map[string]any {
		grants := map[string]map[string]any{}
		for _, g := range all(t, f.s, "/v1/benefit-grants/") {
			if g["benefit_id"] == id {
				grants[text(g["id"])] = g
			}
		}
		return grants
	}
	before, events := of(), list1(t, f.s, "/v1/events/").Pagination.TotalCount
	hooks := len(f.w.hooks.events)
	f.send("DELETE", "/v1/benefits/"+id, "", 204)
	after := of()
	told := map[string]string{}
	for _, e := range f.w.hooks.events[hooks:] {
		if e.kind == "benefit_grant.revoked" {
			told[e.payload] = ""
		}
	}
	revoked := 0
	for n, g := range before {
		now := after[n]
		if g["is_granted"] != true {
			if fmt.Sprint(now["revoked_at"]) != fmt.Sprint(g["revoked_at"]) {
				t.Errorf("grant %s, taken back at %v, is now taken back at %v", n, g["revoked_at"], now["revoked_at"])
			}
			continue
		}
		revoked++
		if now["is_revoked"] != true || now["granted_at"] != nil || now["revoked_at"] == nil || !later(g, now) || now["benefit"].(map[string]any)["is_deleted"] != true {
			t.Errorf("not taken back: %v", now)
		}
		found := false
		for payload := range told {
			found = found || strings.Contains(payload, `"id":"`+n+`"`) && strings.Contains(payload, `"is_revoked":true`) && strings.Contains(payload, `"previous_properties":{"user_provided_key"`)
		}
		if !found {
			t.Errorf("no webhook tells of %s", n)
		}
	}
	if revoked == 0 || len(told) != revoked || len(after) != len(before) || revoked == len(before) {
		t.Errorf("%d grants, %d of them revoked, %d webhooks, %d grants afterwards", len(before), revoked, len(told), len(after))
	}
	if now := list1(t, f.s, "/v1/events/").Pagination.TotalCount; now != events {
		t.Errorf("%d events tell of it", now-events)
	}
	deleted := f.w.benefits[1].DeletedAt.String()
	f.w.Advance(60 * 24 * time.Hour)
	for n, g := range of() {
		if g["is_granted"] == true || text(g["created_at"]) > deleted {
			t.Fatalf("a deleted benefit is granted: %s %v", n, g)
		}
	}
}
