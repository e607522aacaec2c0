package catalog_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// read is a request of a shop's own client, and where its answer is found in the mirror. A path names values of one row, such
// as {customer_id}.
type read struct {
	name, path    string
	stream, where string
	row           string // the stream and the condition of the row whose values are named, "stream: condition"
	since         string // the version that has it first
}

// everyRead are the reads of the lists of others, by what they can be filtered by, and by ids of the shop's own.
func everyRead() []read {
	const shop = "customers: external_id NOT LIKE '%/%' AND EXISTS (SELECT FROM subscriptions s WHERE s.customer_id = t.id AND s.status = 'active')"
	const bought = "orders: EXISTS (SELECT FROM payments p WHERE p.order_id = t.id)"
	return []read{
		{name: "products for sale", path: "/v1/products/?is_archived=false", stream: "products", where: "NOT is_archived"},
		{name: "customer by external id", path: "/v1/customers/external/{external_id}", stream: "customers", where: "external_id = '{external_id}'", row: shop},
		{name: "customer by e-mail", path: "/v1/customers/?email={email}", stream: "customers", where: "email = '{email}'", row: shop},
		{name: "members of a customer, of the list of all", path: "/v1/members/?customer_id={id}", stream: "members", where: "customer_id = '{id}'", row: shop},
		{name: "members of a customer", path: "/v1/customers/{id}/members", stream: "members", where: "customer_id = '{id}'", row: shop, since: "2026-10"},
		{name: "members of a customer by external id", path: "/v1/customers/external/{external_id}/members", stream: "members", where: "customer_id = '{id}'", row: shop, since: "2026-10"},
		{name: "orders of a customer", path: "/v1/orders/?customer_id={id}", stream: "orders", where: "customer_id = '{id}'", row: shop},
		{name: "orders of a product that are paid", path: "/v1/orders/?product_id={product_id}&status=paid", stream: "orders", where: "product_id = '{product_id}' AND status = 'paid'", row: bought},
		{name: "subscriptions of a customer", path: "/v1/subscriptions/?external_customer_id={external_id}", stream: "subscriptions", where: "customer_id = '{id}'", row: shop},
		{name: "subscriptions that are active", path: "/v1/subscriptions/?status=active", stream: "subscriptions", where: "status = 'active'"},
		{name: "payments of an order", path: "/v1/payments/?order_id={id}", stream: "payments", where: "order_id = '{id}'", row: bought},
		{name: "refunds of an order", path: "/v1/refunds/?order_id={order_id}", stream: "refunds", where: "order_id = '{order_id}'", row: "refunds: true"},
		{name: "disputes of an order", path: "/v1/disputes/?order_id={order_id}", stream: "disputes", where: "order_id = '{order_id}'", row: "disputes: true"},
		{name: "grants of a customer", path: "/v1/benefit-grants/?customer_id={customer_id}", stream: "benefit_grants", where: "customer_id = '{customer_id}'", row: "benefit_grants: true"},
		{name: "grants of a benefit", path: "/v1/benefits/{benefit_id}/grants", stream: "benefit_grants", where: "benefit_id = '{benefit_id}'", row: "benefit_grants: true"},
		{name: "license keys of a benefit", path: "/v1/license-keys/?benefit_id={benefit_id}", stream: "license_keys", where: "benefit_id = '{benefit_id}'", row: "license_keys: true"},
		{name: "seats of a subscription", path: "/v1/customer-seats?subscription_id={subscription_id}", stream: "customer_seats", where: "subscription_id = '{subscription_id}'", row: "customer_seats: subscription_id IS NOT NULL"},
		{name: "checkouts that are open", path: "/v1/checkouts/?status=open", stream: "checkouts", where: "status = 'open'"},
		{name: "balances of a customer", path: "/v1/customer-meters/?customer_id={customer_id}", stream: "customer_meters",
			where: "customer_id = '{customer_id}' AND meter_id IN (SELECT id FROM meters WHERE archived_at IS NULL)", row: "customer_meters: consumed_units > 0"},
		{name: "balances of an archived meter", path: "/v1/customer-meters/?meter_id={id}", stream: "customer_meters", where: "meter_id = '{id}'", row: "meters: archived_at IS NOT NULL"},
		{name: "payment methods of a customer", path: "/v1/customers/{customer_id}/payment-methods", stream: "payment_methods", where: "customer_id = '{customer_id}'", row: "payment_methods: true"},
		{name: "events of a customer", path: "/v1/events/?customer_id={id}", stream: "events", where: "customer_id = '{id}'", row: shop},
		{name: "events of a name", path: "/v1/events/?name=order.paid&source=system", stream: "events", where: "name = 'order.paid' AND source = 'system'"},
	}
}

// What a shop's own client reads of Polar is found in the mirror, in each version of the API: each list as a whole, each object
// by its id, lists by what they are filtered by, and what Polar works out from them.
func TestWhatAClientReadsIsInTheMirror(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, version := range polarsim.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 40, Now: time.Date(2023, 3, 10, 12, 0, 0, 0, time.UTC)},
				Server: polarsim.ServerOptions{FreshState: true}, Metrics: true, Version: version})
			h.SyncAll(t)
			h.Equal(t) // each list
			byID := 0
			for _, s := range catalog.Entries() {
				if s.Get != "" {
					h.finds(t, read{name: s.Name + " by id", path: s.Get, stream: s.Name, where: "id = '{id}'", row: s.Name + ": true"})
					byID++
				}
			}
			reads := slices.DeleteFunc(everyRead(), func(r read) bool { return r.since > version })
			for _, r := range reads {
				h.finds(t, r)
			}
			t.Run("states", func(t *testing.T) { h.statesAreFound(t) })
			t.Run("metrics", func(t *testing.T) { h.metricsAreFound(t) })
			t.Run("names of events", func(t *testing.T) { h.eventNamesAreFound(t) })
			t.Run("quantities of a meter", func(t *testing.T) { h.quantitiesAreFound(t) })
			t.Run("exports", func(t *testing.T) { h.RequireCleanAudit(t, audit.Options{States: -1}) })
			t.Logf("%d objects by id, %d filtered lists and ids of one's own", byID, len(reads))
		})
	}
}

var named = regexp.MustCompile(`\{[a-z_]+\}`)

// finds sends a read and demands that what comes is what the mirror has.
func (h *harness) finds(t *testing.T, r read) {
	t.Helper()
	t.Run(r.name, func(t *testing.T) {
		row := map[string]any{}
		if stream, where, is := strings.Cut(r.row, ": "); is {
			rows := h.Stored(t, stream, "_deleted_at IS NULL AND ("+where+") ORDER BY id LIMIT 1")
			if len(rows) == 0 {
				t.Fatalf("no row of %s: this proves nothing", r.row)
			}
			row = rows[0]
		}
		path := named.ReplaceAllStringFunc(r.path, func(name string) string { return url.QueryEscape(row[name[1:len(name)-1]].(string)) })
		if at, query, is := strings.Cut(path, "?"); !is {
			path = strings.ReplaceAll(at, "+", "%20")
		} else {
			path = at + "?" + query
		}
		where := named.ReplaceAllStringFunc(r.where, func(name string) string { return row[name[1:len(name)-1]].(string) })
		i := slices.IndexFunc(catalog.Entries(), func(s catalog.Entry) bool { return s.Name == r.stream })
		items := h.itemsOf(t, path)
		if len(items) == 0 {
			t.Errorf("%s is empty: this proves nothing", path)
		}
		for _, d := range h.Differences(t, catalog.Entries()[i], items, where) {
			t.Errorf("%s: %s", path, d)
		}
	})
}

// itemsOf are what a path answers: the items of all pages of a list, or one object.
func (h *harness) itemsOf(t *testing.T, path string) (items []map[string]any) {
	t.Helper()
	object := h.Want(t, http.StatusOK, http.MethodGet, path, "")
	if object["pagination"] != nil {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		return h.All(t, u.EscapedPath(), u.Query())
	}
	seats, is := object["seats"].([]any)
	if !is {
		return []map[string]any{object}
	}
	for _, s := range seats {
		items = append(items, s.(map[string]any))
	}
	return items
}

// statesAreFound asks for the states of some customers, by either id.
func (h *harness) statesAreFound(t *testing.T) {
	// No path leads to an external id with a slash.
	for _, c := range h.Stored(t, "customers", "_deleted_at IS NULL AND external_id NOT LIKE '%/%' ORDER BY id LIMIT 12") {
		id, external := c["id"].(string), c["external_id"].(string)
		sameState(t, id, h.stateOf(t, "customer_state", id), h.Want(t, http.StatusOK, http.MethodGet, "/v1/customers/"+id+"/state", ""))
		sameState(t, external, h.stateOf(t, "customer_state_external", external), h.Want(t, http.StatusOK, http.MethodGet, "/v1/customers/external/"+url.PathEscape(external)+"/state", ""))
	}
}

// metricsAreFound asks for all metrics of all months.
func (h *harness) metricsAreFound(t *testing.T) {
	answer := h.Want(t, http.StatusOK, http.MethodGet, "/v1/metrics/?interval=month&start_date=2023-01-01&end_date=2023-03-10", "")
	here := map[string]any{}
	for _, row := range h.Stored(t, "metrics", `"interval" = 'month' AND timezone = 'UTC'`) {
		at, err := time.Parse(time.RFC3339, row["period_start"].(string))
		if err != nil {
			t.Fatal(err)
		}
		here[at.UTC().Format(time.RFC3339)+" "+row["slug"].(string)] = row["value"]
	}
	for _, p := range answer["periods"].([]any) {
		period := p.(map[string]any)
		at, err := time.Parse(time.RFC3339, period["timestamp"].(string))
		if err != nil {
			t.Fatal(err)
		}
		for slug, value := range period {
			key := at.UTC().Format(time.RFC3339) + " " + slug
			if slug != "timestamp" && !worldtest.Alike(here[key], value) {
				t.Errorf("%s is %v, the API has %v", key, here[key], value)
			}
			delete(here, key)
		}
	}
	for key := range here {
		t.Errorf("%s is not of the API", key)
	}
}

// eventNamesAreFound asks how often what happened.
func (h *harness) eventNamesAreFound(t *testing.T) {
	here := map[string]string{}
	for _, text := range h.Texts(t, "SELECT name || '=' || count(*) FROM events WHERE _deleted_at IS NULL GROUP BY name") {
		at := strings.LastIndexByte(text, '=')
		here[text[:at]] = text[at+1:]
	}
	there := map[string]string{}
	items, _ := h.List(t, "/v1/events/names", nil)
	for _, item := range items {
		there[item["name"].(string)] = fmt.Sprint(item["occurrences"])
	}
	if len(here) < 5 || !maps.Equal(here, there) {
		t.Errorf("events are %v, the API has %v", here, there)
	}
}

// quantitiesAreFound asks what was used of each meter that adds up, ever.
func (h *harness) quantitiesAreFound(t *testing.T) {
	for _, m := range h.Stored(t, "meters", "aggregation ->> 'func' IN ('sum', 'count')") {
		id := m["id"].(string)
		answer := h.Want(t, http.StatusOK, http.MethodGet, "/v1/meters/"+id+"/quantities?interval=year&start_timestamp=2015-01-01T00:00:00Z&end_timestamp=2024-01-01T00:00:00Z", "")
		total := 0.0
		for _, q := range answer["quantities"].([]any) {
			total += number(t, q.(map[string]any)["quantity"])
		}
		here := worldtest.Query[float64](t, h, "SELECT COALESCE(sum(consumed_units), 0)::float8 FROM customer_meters WHERE meter_id = $1", id)
		if diff := here - number(t, answer["total"]); diff > 1e-6 || diff < -1e-6 || total-here > 1e-6 || here-total > 1e-6 {
			t.Errorf("%v of meter %s are used, the API has %v", here, id, answer["total"])
		}
	}
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	f, err := v.(json.Number).Float64()
	if err != nil {
		t.Fatal(err)
	}
	return f
}
