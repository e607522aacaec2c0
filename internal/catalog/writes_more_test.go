package catalog_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// moreWrites are those on files, webhook endpoints and what a merchant has beside products, and what comes after a sale.
func moreWrites() []write {
	before := func(t *testing.T, h *harness) string {
		disputed("payment disputed")(t, h, "")
		return ""
	}
	list := []write{
		{"refund made", []string{"refunds", "orders"}, nil, func(t *testing.T, h *harness, _ string) gone {
			order := h.First(t, "/v1/orders/", url.Values{"status": {"paid"}}, func(o map[string]any) bool { return fmt.Sprint(o["refundable_amount"]) != "0" })
			h.Make(t, "/v1/refunds/", fmt.Sprintf(`{"order_id":%q,"reason":"other","amount":1,"revoke_benefits":true,"metadata":{"by":"hand"}}`, order["id"]))
			return nil
		}},
		{"payment disputed", []string{"disputes"}, nil, disputed("payment disputed")},
		{"dispute decided", []string{"disputes"}, before, disputed("dispute decided")},
	}
	for _, x := range []struct {
		stream, path, made, field string
		copied                    []string // streams whose rows hold the whole object
	}{
		{"files", "/v1/files/", "", "name", nil},
		{"webhook_endpoints", "/v1/webhooks/endpoints/", `{"url":"https://one.example.com/","format":"raw","events":["order.paid"]}`, "name", nil},
		{"discounts", "/v1/discounts/", "", "name", nil},
		{"benefits", "/v1/benefits/", "", "description", nil},
		{"checkout_links", "/v1/checkout-links/", "", "label", nil},
		{"custom_fields", "/v1/custom-fields/", "", "name", []string{"products"}},
	} {
		made := 0
		one := func(t *testing.T, h *harness) string {
			if x.made != "" {
				return h.Make(t, strings.TrimSuffix(x.path, "s/")+"s", x.made)
			}
			made++
			return h.All(t, x.path, nil)[made]["id"].(string)
		}
		what := strings.ReplaceAll(strings.TrimSuffix(x.stream, "s"), "_", " ")
		list = append(list,
			write{what + " renamed", append([]string{x.stream}, x.copied...), one, func(t *testing.T, h *harness, id string) gone {
				h.Want(t, http.StatusOK, http.MethodPatch, x.path+id, fmt.Sprintf(`{%q:"Renamed “é”"}`, x.field))
				return nil
			}})
		if x.stream == "files" {
			continue // there is no GET of a file: it takes two sweeps that do not meet it, see TestFileDeleted
		}
		list = append(list,
			write{what + " deleted", append([]string{x.stream}, x.copied...), one, func(t *testing.T, h *harness, id string) gone {
				h.Want(t, http.StatusNoContent, http.MethodDelete, x.path+id, "")
				return gone{x.stream: {id}}
			}})
		if x.made != "" {
			list = append(list, write{what + " created", []string{x.stream}, nil, func(t *testing.T, h *harness, _ string) gone {
				one(t, h)
				return nil
			}})
		}
	}
	for _, x := range catalogueRows {
		what := strings.ReplaceAll(strings.TrimSuffix(x.stream, "s"), "_", " ")
		list = append(list, write{what + " created", []string{x.stream}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.Make(t, x.path, h.naming(t, x.body))
			return nil
		}})
	}
	return append(list,
		write{"license key rotated", []string{"license_keys"}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/license-keys/"+h.All(t, "/v1/license-keys/", nil)[0]["id"].(string)+"/rotate", "")
			return nil
		}},
		write{"organization renamed", []string{"organizations"}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/organizations/"+h.All(t, "/v1/organizations/", nil)[0]["id"].(string), `{"name":"Renamed “é”"}`)
			return nil
		}},
		write{"meter renamed", []string{"meters"}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/meters/"+h.All(t, "/v1/meters/", nil)[0]["id"].(string), `{"name":"Renamed “é”","metadata":{"n":1.50}}`)
			return nil
		}},
		// Its balances are no longer in the list of all, and stay what they were.
		write{"meter archived", []string{"meters", "customer_meters"}, func(t *testing.T, h *harness) string { return h.archive(t, "", false) }, func(t *testing.T, h *harness, id string) gone {
			h.archive(t, id, true)
			return nil
		}},
		write{"meter brought back", []string{"meters", "customer_meters"}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.archive(t, "", false)
			return nil
		}},
		write{"custom field's key renamed", []string{"custom_fields", "products", "orders", "subscriptions"}, nil, func(t *testing.T, h *harness, _ string) gone {
			field := h.First(t, "/v1/custom-fields/", nil, func(f map[string]any) bool { return f["slug"] == "heard-from" })
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/custom-fields/"+field["id"].(string), `{"slug":"found-by"}`)
			return nil
		}},
		write{"benefit taken from its customers", []string{"benefits", "benefit_grants"}, nil, func(t *testing.T, h *harness, _ string) gone {
			grant := h.First(t, "/v1/benefit-grants/", url.Values{"is_granted": {"true"}}, func(map[string]any) bool { return true })
			id := grant["benefit_id"].(string)
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/benefits/"+id, "")
			return gone{"benefits": {id}}
		}})
}

// catalogueRows are rows to be made of what is sold with products.
var catalogueRows = []struct{ stream, path, body string }{
	{"discounts", "/v1/discounts/", `{"name":"Made “é”","type":"fixed","duration":"repeating","duration_in_months":3,"amounts":{"usd":100,"jpy":90},"code":"MADE","products":["PRODUCT"]}`},
	{"benefits", "/v1/benefits/", `{"type":"license_keys","description":"Made","properties":{"activations":{"limit":2,"enable_customer_admin":true}},"metadata":{"n":1.50}}`},
	{"checkout_links", "/v1/checkout-links/", `{"payment_processor":"stripe","products":["PRODUCT"],"label":"Made","metadata":{"k":"v"}}`},
	{"meters", "/v1/meters/", `{"name":"Made","filter":{"conjunction":"and","clauses":[{"property":"name","operator":"eq","value":"made"}]},"aggregation":{"func":"count"}}`},
	{"custom_fields", "/v1/custom-fields/", `{"type":"select","slug":"made","name":"Made","properties":{"options":[{"value":"a","label":"A"}]}}`},
}

// usageWrites are what a shop sends while its customers buy and use what they bought.
func usageWrites() []write {
	seats := func(t *testing.T, h *harness) (path string) {
		h.First(t, "/v1/subscriptions/", url.Values{"status": {"active"}}, func(s map[string]any) bool {
			path = "/v1/customer-seats?subscription_id=" + s["id"].(string)
			return s["seats"] != nil && fmt.Sprint(h.Want(t, http.StatusOK, http.MethodGet, path, "")["available_seats"]) != "0"
		})
		return path
	}
	return []write{
		{"events sent in", []string{"customer_meters"}, newCustomer("individual", "user"), func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/events/ingest", `{"events":[{"name":"api.call","external_customer_id":"ext user","metadata":{"n":1.5}}]}`)
			return nil
		}},
		{"checkout opened", []string{"checkouts"}, nil, func(t *testing.T, h *harness, _ string) gone {
			h.Make(t, "/v1/checkouts/", h.naming(t, `{"products":["PRODUCT"]}`))
			return nil
		}},
		{"seat assigned", []string{"customer_seats"}, nil, func(t *testing.T, h *harness, _ string) gone {
			_, id, _ := strings.Cut(seats(t, h), "=")
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/customer-seats", fmt.Sprintf(`{"subscription_id":%q,"email":"seat@example.com"}`, id))
			return nil
		}},
		{"seat revoked", []string{"customer_seats"}, nil, func(t *testing.T, h *harness, _ string) gone {
			for _, s := range h.Want(t, http.StatusOK, http.MethodGet, seats(t, h), "")["seats"].([]any) {
				if seat := s.(map[string]any); seat["status"] != "revoked" {
					h.Want(t, http.StatusOK, http.MethodDelete, "/v1/customer-seats/"+seat["id"].(string), "")
					return nil
				}
			}
			t.Fatal("no seat is taken")
			return nil
		}},
	}
}

// naming puts the id of a product that a link may sell where a body says PRODUCT.
func (h *harness) naming(t *testing.T, body string) string {
	t.Helper()
	sold := h.First(t, "/v1/products/", url.Values{"is_archived": {"false"}}, func(p map[string]any) bool { return p["visibility"] == "public" })
	return strings.ReplaceAll(body, "PRODUCT", sold["id"].(string))
}

// archive archives a meter, or brings one back, "" meaning one that is archived now.
func (h *harness) archive(t *testing.T, id string, archived bool) string {
	t.Helper()
	if id == "" {
		id = h.All(t, "/v1/meters/", url.Values{"is_archived": {"true"}})[0]["id"].(string)
	}
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/meters/"+id, fmt.Sprintf(`{"is_archived":%t}`, archived))
	return id
}

// disputed lets banks go on until something of a kind happens.
func disputed(what string) func(*testing.T, *harness, string) gone {
	return func(t *testing.T, h *harness, _ string) gone {
		for range 1000 {
			if strings.HasPrefix(h.World.OpenDispute(), what) {
				return nil
			}
		}
		t.Fatalf("never: %s", what)
		return nil
	}
}
