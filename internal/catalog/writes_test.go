package catalog_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// gone names rows that a write has deleted, by stream.
type gone map[string][]string

// write is one operation: before makes what it needs, ahead of the first sync; do is the write itself.
type write struct {
	name    string
	streams []string
	before  func(t *testing.T, h *harness) string
	do      func(t *testing.T, h *harness, id string) gone
}

func everyWrite() []write {
	return slices.Concat(customerWrites(), memberWrites(), productWrites(), subscriptionWrites(), orderWrites(), usageWrites(), moreWrites(), dashboardWrites(), passingTime())
}

// TestWrite makes each write that Polar offers on the streams, through its HTTP API, and finds the mirror equal to the
// API again after one sync of the streams concerned.
func TestWrite(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Seed: 4, Customers: 40}, Mirror: func(c *catalog.Config) { c.Parallel = 1 }}) // a world with trials
	table := everyWrite()
	ids := make([]string, len(table))
	for i, w := range table {
		if w.before != nil {
			ids[i] = w.before(t, h)
		}
	}
	h.SyncAll(t)
	h.Equal(t)
	for i, w := range table {
		t.Run(w.name, func(t *testing.T) {
			left := w.do(t, h, ids[i])
			seen := 0
			for name, r := range h.SyncAll(t, w.streams...) {
				seen += int(r.Inserted+r.Updated) + r.Deleted
				if r.Deleted != len(left[name]) {
					t.Errorf("%s: %d rows marked as deleted, want %d", name, r.Deleted, len(left[name]))
				}
			}
			if seen == 0 {
				t.Error("the write changed nothing: it shows nothing")
			}
			h.Equal(t, w.streams...)
			for stream, ids := range left {
				for _, id := range ids {
					h.Tombstone(t, stream, id)
				}
			}
		})
	}
}

var people = []string{"customers", "members"}

func (h *harness) membersOf(t *testing.T, customer string) (ids []string) {
	t.Helper()
	for _, m := range h.All(t, "/v1/members/", url.Values{"customer_id": {customer}}) {
		ids = append(ids, m["id"].(string))
	}
	return ids
}

func customerWrites() []write {
	remove := func(path string) func(*testing.T, *harness, string) gone {
		return func(t *testing.T, h *harness, id string) gone {
			left := gone{"customers": {id}, "members": h.membersOf(t, id)}
			if path == "" {
				path = "/v1/customers/" + id
			} else if path[0] == '?' {
				path = "/v1/customers/" + id + path
			}
			h.Want(t, http.StatusNoContent, http.MethodDelete, path, "")
			return left
		}
	}
	return []write{
		{"customer created", people, nil, func(t *testing.T, h *harness, _ string) gone {
			newCustomer("individual", "made")(t, h)
			return nil
		}},
		{"customer updated", people, newCustomer("individual", "updated"), func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"name":"Zoë \"Q\"","email":"moved@example.com","locale":"fr","type":"team",
				"metadata":{"big":123456789012345678901234567890,"Plan":1,"plan":"x\ny"},"billing_address":{"country":"US","state":"US-CA"}}`)
			return nil
		}},
		{"customer updated by external id", people, newCustomer("individual", "updated2"), func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/external/ext%20updated2", `{"name":"By external id","metadata":{}}`)
			return nil
		}},
		{"customer deleted", people, newCustomer("individual", "deleted"), remove("")},
		{"customer deleted by external id", people, newCustomer("team", "deleted2"), remove("/v1/customers/external/ext%20deleted2")},
		{"customer deleted and anonymized", people, newCustomer("team", "deleted3"), remove("?anonymize=true")},
		{"customer deleted and anonymized by external id", people, newCustomer("individual", "deleted4"), remove("/v1/customers/external/ext%20deleted4?anonymize=true")},
		{"address and external id of a deleted customer used again", people, newCustomer("individual", "twice"), func(t *testing.T, h *harness, id string) gone {
			left := gone{"customers": {id}, "members": h.membersOf(t, id)}
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+id, "")
			newCustomer("individual", "twice")(t, h)
			return left
		}},
	}
}

func memberWrites() []write {
	only := []string{"members"}
	const one = `{"email":"m@example.com","name":"M","external_id":"m one"}`
	team := func(name string) func(*testing.T, *harness) string {
		return func(t *testing.T, h *harness) string {
			customer := newCustomer("team", name)(t, h)
			return customer + "/members/" + h.Make(t, "/v1/customers/"+customer+"/members", one)
		}
	}
	member := func(path string) string { return path[len(path)-36:] }
	return []write{
		{"member created", people, newCustomer("team", "team1"), func(t *testing.T, h *harness, id string) gone {
			h.Make(t, "/v1/customers/"+id+"/members", one)
			return nil
		}},
		{"member created by external id", people, newCustomer("team", "team2"), func(t *testing.T, h *harness, _ string) gone {
			h.Make(t, "/v1/customers/external/ext%20team2/members", one)
			return nil
		}},
		{"member updated", only, team("team3"), func(t *testing.T, h *harness, path string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+path, `{"name":"Other","email":"other@example.com"}`)
			return nil
		}},
		{"member becomes the owner", only, team("team4"), func(t *testing.T, h *harness, path string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+path, `{"role":"owner"}`)
			return nil
		}},
		{"member updated by external id", only, team("team5"), func(t *testing.T, h *harness, _ string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/external/ext%20team5/members/m%20one", `{"role":"billing_manager"}`)
			return nil
		}},
		{"member deleted", only, team("team6"), func(t *testing.T, h *harness, path string) gone {
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+path, "")
			return gone{"members": {member(path)}}
		}},
		{"member deleted by external id", only, team("team7"), func(t *testing.T, h *harness, path string) gone {
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/external/ext%20team7/members/m%20one", "")
			return gone{"members": {member(path)}}
		}},
	}
}

func productWrites() []write {
	only := []string{"products"}
	product := func(t *testing.T, h *harness) string {
		return h.Make(t, "/v1/products/", `{"name":"Fresh","recurring_interval":"month","prices":[{"amount_type":"fixed","price_amount":500},{"amount_type":"custom"}]}`)
	}
	return []write{
		{"product created", only, nil, func(t *testing.T, h *harness, _ string) gone {
			product(t, h)
			return nil
		}},
		{"product updated", only, product, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+id, `{"name":"=Fresher\n","description":"x","visibility":"draft","metadata":{"k":true}}`)
			return nil
		}},
		{"product's prices replaced", only, product, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+id, `{"prices":[{"amount_type":"seat_based","seat_tiers":{"tiers":[{"min_seats":1,"price_per_seat":900}]}}]}`)
			if n := len(h.Stored(t, "product_prices", "product_id = '"+id+"'")); n != 2 {
				t.Errorf("%d prices to begin with", n)
			}
			return nil
		}},
		{"product archived", only, product, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+id, `{"is_archived":true}`)
			return nil
		}},
		{"product deleted", only, product, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/products/"+id, "")
			return gone{"products": {id}}
		}},
		{"product renamed that was bought", []string{"products", "orders"}, nil, func(t *testing.T, h *harness, _ string) gone {
			order := h.First(t, "/v1/orders/", nil, func(o map[string]any) bool { return o["product_id"] != nil })
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+order["product_id"].(string), `{"name":"Renamed “é”"}`)
			return nil
		}},
		{"product's benefits updated", only, product, func(t *testing.T, h *harness, id string) gone {
			ids := h.World.BenefitIDs()
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/products/"+id+"/benefits", fmt.Sprintf(`{"benefits":[%q,%q]}`, ids[1], ids[0]))
			h.SyncAll(t, "products")
			h.Equal(t, "products")
			h.Want(t, http.StatusOK, http.MethodPost, "/v1/products/"+id+"/benefits", fmt.Sprintf(`{"benefits":[%q]}`, ids[0]))
			return nil
		}},
	}
}

func subscriptionWrites() []write {
	with := []string{"customers", "subscriptions"}
	made := 0
	subscription := func(t *testing.T, h *harness) string {
		made++
		free := h.First(t, "/v1/products/", url.Values{"is_recurring": {"true"}, "is_archived": {"false"}}, func(p map[string]any) bool {
			return !slices.ContainsFunc(p["prices"].([]any), func(price any) bool { return fmt.Sprint(price.(map[string]any)["price_amount"]) != "0" })
		})
		customer := newCustomer("individual", fmt.Sprint("subscriber", made))(t, h)
		return h.Make(t, "/v1/subscriptions/", fmt.Sprintf(`{"product_id":%q,"customer_id":%q}`, free["id"], customer))
	}
	patch := func(bodies ...string) func(*testing.T, *harness, string) gone {
		return func(t *testing.T, h *harness, id string) gone {
			for i, body := range bodies {
				if i > 0 {
					h.SyncAll(t, with...)
				}
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+id, body)
			}
			return nil
		}
	}
	units := func(t *testing.T, h *harness) string {
		sold := h.First(t, "/v1/products/", nil, func(p map[string]any) bool { return strings.Contains(fmt.Sprint(p["prices"]), "unit_based") })
		id := subscription(t, h)
		h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+id, fmt.Sprintf(`{"product_id":%q}`, sold["id"]))
		return id
	}
	const cancel = `{"cancel_at_period_end":true,"customer_cancellation_reason":"unused","customer_cancellation_comment":"bye\nbye"}`
	return []write{
		{"subscription created", with, nil, func(t *testing.T, h *harness, _ string) gone {
			subscription(t, h)
			return nil
		}},
		{"subscription updated", with, subscription, patch(`{"metadata":{"a":1}}`)},
		{"subscription to be changed next period", with, subscription, func(t *testing.T, h *harness, id string) gone {
			other := h.First(t, "/v1/products/", url.Values{"is_recurring": {"true"}, "is_archived": {"false"}}, func(p map[string]any) bool { return p["name"] == "Fresh" })
			return patch(fmt.Sprintf(`{"product_id":%q,"proration_behavior":"next_period"}`, other["id"]))(t, h, id)
		}},
		{"subscription canceled at the end of its period", with, subscription, patch(cancel)},
		{"subscription uncanceled", with, subscription, patch(cancel, `{"cancel_at_period_end":false}`)},
		{"subscription's units updated", with, units, patch(`{"units":7}`)},
		{"subscription moved from another provider", with, nil, func(t *testing.T, h *harness, _ string) gone {
			h.World.Migrate("stripe", "sub_1")
			return nil
		}},
		{"subscription revoked", with, subscription, patch(`{"revoke":true}`)},
		{"subscription deleted, which is to revoke", with, subscription, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodDelete, "/v1/subscriptions/"+id, "")
			return nil
		}},
	}
}

func orderWrites() []write {
	paid := func(t *testing.T, h *harness) string {
		return h.First(t, "/v1/orders/", url.Values{"status": {"paid"}}, func(o map[string]any) bool {
			return o["billing_address"] != nil && o["billing_name"] != nil && o["is_invoice_generated"] == false
		})["id"].(string)
	}
	return []write{
		{"order updated", []string{"orders"}, paid, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/orders/"+id, `{"billing_name":"Someone else"}`)
			return nil
		}},
		{"invoice generated", []string{"orders"}, paid, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusAccepted, http.MethodPost, "/v1/orders/"+id+"/invoice", "")
			return nil
		}},
	}
}

func dashboardWrites() []write {
	only := []string{"metric_dashboards"}
	dashboard := func(t *testing.T, h *harness) string {
		return h.Make(t, "/v1/metrics/dashboards", `{"name":"Naïve","metrics":["orders","revenue"]}`)
	}
	return []write{
		{"dashboard created", only, nil, func(t *testing.T, h *harness, _ string) gone {
			dashboard(t, h)
			return nil
		}},
		{"dashboard updated", only, dashboard, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusOK, http.MethodPatch, "/v1/metrics/dashboards/"+id, `{"name":"Other","metrics":["orders"]}`)
			return nil
		}},
		{"dashboard deleted", only, dashboard, func(t *testing.T, h *harness, id string) gone {
			h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/metrics/dashboards/"+id, "")
			return gone{"metric_dashboards": {id}}
		}},
	}
}

// passingTime follows subscriptions over the end of a trial, a renewal and an expiry: nothing that a list can filter on changes.
func passingTime() []write {
	every := []string{"products", "customers", "members", "meters", "customer_meters", "subscriptions", "orders", "payments"}
	passes := func(column string, find url.Values, ok func(map[string]any) bool, body string) func(*testing.T, *harness, string) gone {
		return func(t *testing.T, h *harness, _ string) gone {
			id := h.First(t, "/v1/subscriptions/", find, ok)["id"].(string)
			if body != "" {
				h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+id, body)
				h.SyncAll(t, "subscriptions")
			}
			sql := "SELECT " + column + "::text FROM subscriptions WHERE id = $1"
			before := worldtest.Query[string](t, h, sql, uuid.MustParse(id))
			for range 4 {
				h.World.Advance(8 * 24 * time.Hour)
			}
			h.SyncAll(t, "subscriptions")
			if after := worldtest.Query[string](t, h, sql, uuid.MustParse(id)); after == before {
				t.Errorf("%s stays %s", column, before)
			}
			return nil
		}
	}
	monthly := func(s map[string]any) bool {
		return s["recurring_interval"] == "month" && fmt.Sprint(s["recurring_interval_count"]) == "1" && s["pause_at_period_end"] == false && s["units"] == nil
	}
	active := url.Values{"status": {"active"}, "cancel_at_period_end": {"false"}}
	return []write{
		{"trial ends", every, nil, passes("status", url.Values{"status": {"trialing"}}, func(map[string]any) bool { return true }, "")},
		{"renewal", every, nil, passes("current_period_start", active, monthly, "")},
		{"expiry", every, nil, passes("status", active, monthly, `{"cancel_at_period_end":true}`)},
	}
}
