package polarsim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"syncd/internal/slowtest"
)

// writes sends writes and holds every answer against the schema of its row.
type writes struct {
	*walker
	world  *World
	server *Server
}

// write sends one request; its answer has to have the form of a component, of an error's where the status says so.
func (x writes) write(component, method, target, body string, status int) map[string]any {
	x.t.Helper()
	got, answer := send(x.t, x.server, method, target, body)
	if got != status {
		x.t.Errorf("%s %s %s: %d %s, want %d", method, target, body, got, answer, status)
		return nil
	}
	if component == "" {
		if answer != "" {
			x.t.Errorf("%s %s: %d with a body: %s", method, target, got, answer)
		}
		return nil
	}
	v, err := decode([]byte(answer))
	if err != nil {
		x.t.Errorf("%s %s: %v", method, target, err)
		return nil
	}
	schema, err := x.doc.component(component)
	if err != nil {
		x.t.Fatal(err)
	}
	x.validate(method+" "+target, target, schema, v)
	row, _ := v.(map[string]any)
	return row
}

// first is the id of the first row of a list.
func (x writes) first(path string) string {
	x.t.Helper()
	_, answer := send(x.t, x.server, "GET", path, "")
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
	if err != nil {
		x.t.Fatal(err)
	}
	rows := rowsOf(v)
	if len(rows) == 0 {
		x.t.Fatalf("GET %s: no rows", path)
	}
	return text(rows[0]["id"])
}

// What a write answers is the row as a read shows it, and afterwards every read still is what the document says.
func TestOpenAPIAfterWrites(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	doc := loadDocument(t)
	world := NewWorld(Options{Seed: 15, Customers: 30})
	server := NewServer(world, ServerOptions{})
	x := writes{newWalker(t, doc, server), world, server}
	x.sales(x.customers())
	x.catalogue()
	x.settings()
	x.told(world.hooks.events)
	x.walk()
}

// customers gives the id of one that is there afterwards.
func (x writes) customers() string {
	person := x.write("Customer", "POST", "/v1/customers/", `{"email":"Zoë+1@example.com","name":"Zoë \"Z\"\n","external_id":"a/b ?","metadata":{"n":1,"f":1.5,"b":true,"s":"é"},
		"billing_address":{"country":"US","state":"US-NY","city":"New York","postal_code":"10001","line1":"1 Main St"}}`, http.StatusCreated)
	team := x.write("Customer", "POST", "/v1/customers/", `{"type":"team","name":"Team ✓","owner":{"email":"owner@example.com","name":"O"}}`, http.StatusCreated)
	x.write("HTTPValidationError", "POST", "/v1/customers/", `{"name":"nobody"}`, http.StatusUnprocessableEntity)
	x.write("HTTPValidationError", "POST", "/v1/customers/", `{"email":"zoë+1@example.com"}`, http.StatusUnprocessableEntity)
	x.write("Customer", "PATCH", "/v1/customers/"+text(person["id"]), `{"name":"Zoé"}`, http.StatusOK)
	member := x.write("Member", "POST", "/v1/customers/"+text(team["id"])+"/members", `{"email":"m@example.com","external_id":"m-1","role":"billing_manager"}`, http.StatusCreated)
	x.write("Member", "PATCH", "/v1/customers/"+text(team["id"])+"/members/"+text(member["id"]), `{"name":"M"}`, http.StatusOK)
	x.write("", "DELETE", "/v1/customers/"+x.first("/v1/customers/?sorting=created_at")+"?anonymize=true", "", http.StatusNoContent)
	x.write("ResourceNotFound", "DELETE", "/v1/customers/"+unknownID, "", http.StatusNotFound)
	return text(team["id"])
}

func (x writes) sales(customer string) {
	free := x.write("Product", "POST", "/v1/products/", `{"name":"Free plan","recurring_interval":"month","prices":[{"amount_type":"fixed","price_amount":0,"price_currency":"usd"}]}`, http.StatusCreated)
	x.write("Product", "POST", "/v1/products/", `{"name":"Pay what you want","description":"a\r\nb","prices":[{"amount_type":"custom","price_currency":"usd","minimum_amount":100}]}`, http.StatusCreated)
	x.write("Product", "PATCH", "/v1/products/"+x.first("/v1/products/?is_archived=false"), `{"is_archived":true}`, http.StatusOK)
	x.write("HTTPValidationError", "POST", "/v1/products/", `{"name":"x"}`, http.StatusUnprocessableEntity)
	subscription := x.write("Subscription", "POST", "/v1/subscriptions/", `{"product_id":"`+text(free["id"])+`","customer_id":"`+customer+`"}`, http.StatusCreated)
	x.write("Subscription", "PATCH", "/v1/subscriptions/"+text(subscription["id"]), `{"cancel_at_period_end":true,"customer_cancellation_reason":"unused"}`, http.StatusOK)
	x.write("Subscription", "PATCH", "/v1/subscriptions/"+text(subscription["id"]), `{"cancel_at_period_end":false}`, http.StatusOK)
	x.write("Subscription", "DELETE", "/v1/subscriptions/"+text(subscription["id"]), "", http.StatusOK)
	x.write("Order", "PATCH", "/v1/orders/"+x.first("/v1/orders/?status=paid"), `{"billing_name":"Somebody Else"}`, http.StatusOK)
	x.write("MetricDashboardSchema", "POST", "/v1/metrics/dashboards", `{"name":"Mine","metrics":["orders"]}`, http.StatusCreated)
	x.write("HTTPValidationError", "POST", "/v1/metrics/dashboards", `{"name":""}`, http.StatusUnprocessableEntity)
}

func (x writes) catalogue() {
	catalogue := catalogueCases(x.world)
	for i, component := range []string{"Discount", "Benefit", "CheckoutLink", "CustomField"} {
		c := catalogue[i]
		made := x.write(component, "POST", c.path, c.row, http.StatusCreated)
		target := c.path + text(made["id"])
		x.write(component, "PATCH", target, c.change, http.StatusOK)
		x.write("HTTPValidationError", "POST", c.path, `{}`, http.StatusUnprocessableEntity)
		x.write("HTTPValidationError", "PATCH", target, `{"metadata":{"k":null}}`, http.StatusUnprocessableEntity)
		x.write("", "DELETE", target, "", http.StatusNoContent)
		x.write("ResourceNotFound", "PATCH", target, c.change, http.StatusNotFound)
		x.write("ResourceNotFound", "DELETE", target, "", http.StatusNotFound)
		x.write(component, "POST", c.path, c.row, http.StatusCreated)
	}
	for _, body := range []string{
		`{"name":"Half","type":"percentage","duration":"forever","basis_points":5000}`,
		`{"name":"Half a year","type":"percentage","duration":"repeating","duration_in_months":6,"basis_points":1,"code":""}`,
		`{"name":"A dollar","type":"fixed","duration":"once","amount":100,"currency":"usd"}`,
	} {
		x.write("Discount", "POST", "/v1/discounts/", body, http.StatusCreated)
	}
	for kind, properties := range map[string]string{
		"custom": `{}`, "feature_flag": `{}`, "license_keys": `{"prefix":"A","activations":{"limit":1,"enable_customer_admin":false}}`, "downloadables": `{"files":["` + unknownID + `"]}`,
		"discord": `{"guild_token":"t","role_id":"1","kick_member":true}`, "github_repository": `{"repository_owner":"o","repository_name":"n","permission":"pull"}`,
		"slack_shared_channel": `{"slack_integration_id":"` + unknownID + `","channel_name_template":"c"}`,
	} {
		x.write("Benefit", "POST", "/v1/benefits/", `{"type":"`+kind+`","description":"Made: `+kind[:4]+`","properties":`+properties+`}`, http.StatusCreated)
	}
	for kind, properties := range map[string]string{"text": `{"textarea":true,"max_length":9,"form_label":null}`, "number": `{"ge":-1}`, "date": `{"le":1767225600}`, "checkbox": `{}`} {
		x.write("CustomField", "POST", "/v1/custom-fields/", `{"type":"`+kind+`","slug":"made-`+kind+`","name":"Made","properties":`+properties+`}`, http.StatusCreated)
	}
	x.write("Benefit", "PATCH", "/v1/benefits/"+x.first("/v1/benefits/?type=custom"), `{"type":"custom","visibility":"private","properties":{"note":"n"}}`, http.StatusOK)
	x.write("", "DELETE", "/v1/benefits/"+x.world.id(KindBenefit, 1).String(), "", http.StatusNoContent)
	x.write("CustomField", "PATCH", "/v1/custom-fields/"+x.world.id(KindCustomField, 1).String(), `{"type":"select","slug":"found-by"}`, http.StatusOK)
}

// settings are the organization, meters and webhook endpoints.
func (x writes) settings() {
	x.write("Organization", "PATCH", "/v1/organizations/"+x.first("/v1/organizations/"), `{"name":"Renamed “é”"}`, http.StatusOK)
	x.write("HTTPValidationError", "PATCH", "/v1/organizations/"+x.first("/v1/organizations/"), `{"name":"x"}`, http.StatusUnprocessableEntity)
	x.write("ResourceNotFound", "PATCH", "/v1/organizations/"+unknownID, `{"name":"Another"}`, http.StatusNotFound)
	x.write("Meter", "PATCH", "/v1/meters/"+x.world.id(KindMeter, 3).String(), `{"name":"Renamed","metadata":{"n":1},"is_archived":false}`, http.StatusOK)
	x.write("Meter", "PATCH", "/v1/meters/"+x.world.id(KindMeter, 3).String(), `{"is_archived":true}`, http.StatusOK)
	x.write("HTTPValidationError", "PATCH", "/v1/meters/"+x.world.id(KindMeter, 0).String(), `{"is_archived":true}`, http.StatusUnprocessableEntity)

	const hooks = "/v1/webhooks/endpoints"
	hook := x.write("WebhookEndpoint", "POST", hooks, `{"url":"https://example.com/hook","format":"raw","events":["order.paid","benefit_grant.revoked"],"name":null}`, http.StatusCreated)
	endpoint := hooks + "/" + text(hook["id"])
	x.write("WebhookEndpoint", "PATCH", endpoint, `{"name":"N","enabled":false,"events":["order.created"]}`, http.StatusOK)
	x.write("HTTPValidationError", "POST", hooks, `{}`, http.StatusUnprocessableEntity)
	x.write("HTTPValidationError", "PATCH", endpoint, `{"url":"http://example.com/"}`, http.StatusUnprocessableEntity)
	x.write("", "DELETE", endpoint, "", http.StatusNoContent)
	x.write("ResourceNotFound", "DELETE", endpoint, "", http.StatusNotFound)
}

// told looks whether what webhooks say of the writes has the form of their payloads.
func (w *walker) told(events []webhookEvent) {
	w.t.Helper()
	kinds := map[string]bool{}
	for _, e := range events {
		if e.payload == "" {
			continue // of the history, or rendered later
		}
		component := "Webhook"
		for part := range strings.FieldsFuncSeq(e.kind, func(r rune) bool { return r == '.' || r == '_' }) {
			component += strings.ToUpper(part[:1]) + part[1:]
		}
		schema, err := w.doc.component(component + "Payload")
		if err != nil {
			w.t.Fatal(err)
		}
		v, err := decode([]byte(e.payload))
		if err != nil {
			w.t.Fatal(err)
		}
		if kinds[e.kind] = true; schema.Validate(v) != nil {
			w.fail(e.kind, "webhook %s: %v", e.kind, leaves(schema.Validate(v)))
		}
	}
	for _, kind := range []string{"discount.created", "discount.updated", "discount.deleted", "benefit.created", "benefit.updated", "benefit_grant.revoked"} {
		if !kinds[kind] {
			w.t.Errorf("no webhook %s", kind)
		}
	}
}
