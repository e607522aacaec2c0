package polarsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/polarsim/recorded"
)

// shape is a place in the items of a list, and a type of what stands there.
type shape struct{ list, path, kind string }

func (s shape) String() string { return s.list + ": " + s.path + " " + s.kind }

// place is the shape with the object in which it stands: an object is embedded in many places and is the same kind of thing in each.
func (s shape) place() shape {
	segments, object, from := strings.Split(s.path, "."), s.list, 0
	for i, segment := range segments {
		if name := embedded[segment]; name != "" && i < len(segments)-1 {
			object, from = name, i+1
		}
	}
	return shape{object, strings.Join(segments[from:], "."), s.kind}
}

// embedded are the lists whose objects stand inside of others, by the names of fields.
var embedded = map[string]string{
	"product": "products", "products[]": "products", "price": "prices", "prices[]": "prices", "product_price": "prices", "discount": "discounts",
	"customer": "customers", "subscription": "subscriptions", "member": "members", "custom_field": "custom_fields", "meter": "meters", "dispute": "disputes",
	"medias[]": "files", "benefit": "benefits", "benefits[]": "benefits", "user": "users",
}

// variants are what is of several kinds, each with fields of its own.
var variants = []string{"prices", "discounts", "custom_fields", "benefits"}

// free are objects whose keys are anybody's: what is in them has no shape.
var free = []string{"metadata", "custom_field_data", "customer_metadata", "prices", "archived", "unit_label", "benefit_metadata"}

// shapes are those of the items of lists.
type shapes struct{ exact, places, paths map[shape]bool }

func newShapes() shapes { return shapes{map[shape]bool{}, map[shape]bool{}, map[shape]bool{}} }

// item notes the shapes of an item. Where a list is of different things, what tells them apart is noted by kind.
func (s shapes) item(t *testing.T, list string, item json.RawMessage) {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal(item, &o); err != nil {
		t.Fatal(err)
	}
	field, kind := "", ""
	if list == "events" && string(o["source"]) == `"system"` {
		field, kind = "metadata", strings.Trim(string(o["name"]), `"`)
	}
	for name, value := range o {
		if name == field {
			name = strings.ReplaceAll(kind, ".", "_")
		}
		s.value(t, list, name, value)
	}
}

func (s shapes) value(t *testing.T, list, path string, raw json.RawMessage) {
	t.Helper()
	kind := "int"
	switch raw[0] {
	case '{':
		kind = "object"
		if slices.Contains(free, path[strings.LastIndexByte(path, '.')+1:]) {
			break
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			s.value(t, list, path+"."+name, value)
		}
	case '[':
		kind = "array"
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			s.value(t, list, path+"[]", item)
		}
	case '"':
		kind = "string"
	case 'n':
		kind = "null"
	case 't', 'f':
		kind = "bool"
	default:
		if strings.ContainsAny(string(raw), ".eE") {
			kind = "float"
		}
	}
	x := shape{list, path, kind}
	s.exact[x], s.places[x.place()], s.paths[shape{list: list, path: path}] = true, true, true
}

// has tells whether a shape is there: exactly, or in another place of the same kind of object where the path is known here, or depends on a variant.
func (s shapes) has(x shape) bool {
	place := x.place()
	return s.exact[x] || s.places[place] && (s.paths[shape{list: x.list, path: x.path}] || slices.Contains(variants, place.list))
}

// beyond are the shapes of s that other has not, by object, sorted.
func (s shapes) beyond(other shapes) []string {
	list := map[string]bool{}
	for x := range s.exact {
		if !other.has(x) {
			list[x.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(list))
}

// pathsOf are the lists by the name of their stream.
var pathsOf = map[string]string{
	"benefit_grants": "/v1/benefit-grants/", "benefits": "/v1/benefits/", "checkout_links": "/v1/checkout-links/", "checkouts": "/v1/checkouts/",
	"custom_fields": "/v1/custom-fields/", "customer_meters": "/v1/customer-meters/", "customers": "/v1/customers/", "discounts": "/v1/discounts/",
	"disputes": "/v1/disputes/", "event_types": "/v1/event-types/", "events": "/v1/events/", "files": "/v1/files/", "license_keys": "/v1/license-keys/",
	"members": "/v1/members/", "meters": "/v1/meters/", "orders": "/v1/orders/", "organizations": "/v1/organizations/", "payments": "/v1/payments/",
	"products": "/v1/products/", "refunds": "/v1/refunds/", "subscriptions": "/v1/subscriptions/", "webhook_deliveries": "/v1/webhooks/deliveries",
	"webhook_endpoints": "/v1/webhooks/endpoints",
}

// The simulator makes what the real server makes: every shape of an item was recorded or is named, and every one recorded is made or is named.
func TestShapesAreAsRecorded(t *testing.T) {
	t.Parallel()
	real, made := newShapes(), newShapes()
	for name := range pathsOf {
		items, err := recorded.List(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			real.item(t, name, item)
		}
	}
	states, err := recorded.States()
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		real.item(t, "states", state)
	}
	w := NewWorld(Options{Seed: 1, Customers: 300})
	s := NewServer(w, ServerOptions{FreshState: true})
	look := func() {
		for i := range eventTexts {
			for _, item := range served(t, s, "/v1/events/?limit=100&name="+url.QueryEscape(eventTexts[i][0])) {
				made.item(t, "events", item)
			}
		}
		for name, path := range pathsOf {
			last := list1(t, s, path+"?limit=100").Pagination.MaxPage
			for page := 1; page <= last; page++ {
				if page > 6 && page <= last-6 { // the newest and the oldest are enough
					continue
				}
				for _, item := range served(t, s, path+"?limit=100&page="+strconv.Itoa(page)) {
					made.item(t, name, item)
				}
			}
		}
	}
	look()
	for _, customer := range list1(t, s, "/v1/customers/?limit=100").Items {
		_, state := do(t, s, "GET", "/v1/customers/"+customer["id"].(string)+"/state", "", "Polar-Version", recordedVersion)
		made.item(t, "states", json.RawMessage(state))
	}
	w.Churn(400)
	w.Advance(45 * 24 * time.Hour)
	w.Churn(200)
	patched(t, s)
	look()
	madeUp.hold(t, "the simulator makes, and was not recorded", made.beyond(real))
	unmade.hold(t, "was recorded, and the simulator does not make it", real.beyond(made))
	t.Logf("%d shapes were recorded, %d are made", len(real.exact), len(made.exact))
}

// hold takes the shapes that are named from those found: nothing may be left, of either.
func (e exceptions) hold(t *testing.T, what string, found []string) {
	t.Helper()
	used := map[string]bool{}
	for _, x := range found {
		list, place, _ := strings.Cut(x, ": ")
		named := false
		for _, group := range e {
			for _, pattern := range group.shapes {
				if matches(pattern, list, place) {
					used[pattern], named = true, true
				}
			}
		}
		if !named {
			t.Errorf("%s: %s", what, x)
		}
	}
	for _, group := range e {
		for _, pattern := range group.shapes {
			if !used[pattern] {
				t.Errorf("nothing is left of what %s: %s (%s)", what, pattern, group.why)
			}
		}
	}
}

// matches compares with a pattern: "list: path type", any list where it names none, anything where it has a star.
func matches(pattern, list, place string) bool {
	if name, rest, named := strings.Cut(pattern, ": "); named {
		if name != list {
			return false
		}
		pattern = rest
	}
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(place, parts[0]) {
		return false
	}
	for i, part := range parts {
		at := strings.Index(place, part)
		if at < 0 {
			return false
		}
		if i == len(parts)-1 {
			return len(parts) == 1 && place == part || len(parts) > 1 && strings.HasSuffix(place, part)
		}
		place = place[at+len(part):]
	}
	return true
}

// exceptions are shapes by the reason why they are on one side only.
type exceptions []struct {
	why    string
	shapes []string
}

// madeUp are shapes that the simulator makes and that were not recorded.
var madeUp = exceptions{
	{"values that the recorded organization does not have", []string{
		"checkout_links: return_url string", "checkouts: customer_billing_name string", "checkouts: customer_ip_address string", "checkouts: customer_tax_id string",
		"checkouts: locale string", "checkouts: payment_method_type string", "disputes: case_id string", "files: flagged_malicious_at string",
		"orders: subscription.checkout_id string", "subscriptions: checkout_id string", "organizations: avatar_url null", "organizations: bio null",
		"webhook_endpoints: modified_at null", "*user.avatar_url null", "*clauses[].clauses[].value string", "*meters[].modified_at string",
		"states: granted_benefits[].properties.*"}},
	{"files that were uploaded without a sum, which newer uploads have", []string{"*checksum_sha256_base64 null", "*checksum_sha256_hex null"}},
	{"nobody with a subscription to a product with fields of its own was recorded", []string{"subscriptions: product.attached_custom_fields[]*"}},
	{"a customer that was deleted and had no address", []string{"*customer.avatar_url null"}},
	{"an order of a product that has a metered price was not recorded", []string{"orders: product_price.meter.*"}},
	{"fields that events have by what happened: with a subscription, a state, a discount, a recurring product (server/polar/event/system.py)", []string{
		"events: balance_*.tax_state string", "events: balance_*.subscription_id string", "events: balance_*.order_created_at string", "events: balance_order.net_amount int",
		"events: customer_*.customer_external_id string", "events: customer_*.customer_email null", "events: customer_*.customer_name null", "events: order_paid.*",
		"events: subscription_canceled.*"}},
	{"what Polar has sent since August 2026", []string{"*is_deletable bool", "states: active_subscriptions[].seats *", "states: active_subscriptions[].units null",
		"webhook_endpoints: api_version string", "webhook_endpoints: uses_standard_webhook_signature bool"}},
	{"what is to stay secret is served here wherever a schema has room for it, so that tests can look for it",
		[]string{"benefit_grants: properties.invite_url string", "benefit_grants: properties.user_provided_key string"}},
}

// unmade are shapes that were recorded and that the simulator does not make yet.
var unmade = exceptions{
	{"nobody has bought by units", []string{"*units int", "events: subscription_units_updated*"}},
	{"no checkout is restricted in its seats", []string{"checkouts: max_seats int", "checkouts: min_seats int"}},
	{"the address of every visitor is known", []string{"checkouts: customer_ip_address null"}},
	{"grants come with subscriptions only, and the only download belongs to a product that is bought once", []string{
		"benefit_grants: order_id string", "benefit_grants: subscription_id null", "benefit_grants: properties.files*"}},
	{"the benefit with an empty note is deleted", []string{"*properties.note null"}},
	{"events that nothing here leads to", []string{"events: balance_refund_reversal*", "events: benefit_updated*", "events: order_unvoided*",
		"events: subscription_billing_period_updated*", "events: subscription_reinstated*", "events: subscription_updated*", "events: customer_updated.updated_fields.metadata object"}},
	{"a delivery is answered, and tried once; none is without a payload before it is archived", []string{
		"webhook_deliveries: http_code null", "webhook_deliveries: modified_at string", "webhook_deliveries: response null", "webhook_deliveries: webhook_event.*"}},
	{"rows that never change here, or always do", []string{"orders: items[].modified_at string", "refunds: modified_at null", "states: active_subscriptions[].meters[].modified_at null",
		"states: granted_benefits[].modified_at string"}},
	{"every order and subscription names a checkout, or none does", []string{"orders: subscription.checkout_id null", "subscriptions: checkout_id null"}},
	{"what this organization does not have", []string{"organizations: avatar_url string", "organizations: bio string"}},
}

// patched makes the changes that people make by hand: to one subscription with seats, and to an endpoint without a name.
func patched(t *testing.T, s *Server) {
	t.Helper()
	_, endpoint := do(t, s, "POST", "/v1/webhooks/endpoints", `{"url":"https://hooks.example/","format":"raw","events":["order.created"]}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(endpoint), &made); err != nil {
		t.Fatal(err)
	}
	if res, body := do(t, s, "PATCH", "/v1/webhooks/endpoints/"+made.ID, `{"enabled":false}`); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	for _, sub := range all(t, s, "/v1/subscriptions/?active=true") {
		if sub["seats"] == nil || sub["status"] != "active" || sub["cancel_at_period_end"] == true {
			continue
		}
		for _, change := range []string{`{"cancel_at_period_end":true,"customer_cancellation_reason":"unused"}`, `{"cancel_at_period_end":false}`, `{"seats":9,"proration_behavior":"prorate"}`,
			`{"metadata":{"a":1}}`, `{"seats":8,"proration_behavior":"next_period"}`, `{"pending_update":null}`, `{"seats":7,"proration_behavior":"next_period"}`} {
			if res, body := do(t, s, "PATCH", "/v1/subscriptions/"+sub["id"].(string), change); res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", change, res.StatusCode, body)
			}
		}
		return
	}
	t.Fatal("no subscription with seats is active")
}

func served(t *testing.T, s *Server, target string) []json.RawMessage {
	t.Helper()
	res, body := do(t, s, "GET", target, "", "Polar-Version", recordedVersion)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", target, res.StatusCode, body)
	}
	var got struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	return got.Items
}
