package polarsim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What a write answers is the row as a read shows it, and afterwards every read still is what the document says.
func TestOpenAPIAfterWrites(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	world := NewWorld(Options{Seed: 15, Customers: 30})
	server := NewServer(world, ServerOptions{})
	w := newWalker(t, doc, server)

	// write sends one request; its answer has to have the form of a component, of an error's where the status says so.
	write := func(component, method, target, body string, status int) map[string]any {
		t.Helper()
		got, answer := send(t, server, method, target, body)
		if got != status {
			t.Errorf("%s %s %s: %d %s, want %d", method, target, body, got, answer, status)
			return nil
		}
		if component == "" {
			if answer != "" {
				t.Errorf("%s %s: %d with a body: %s", method, target, got, answer)
			}
			return nil
		}
		v, err := decode([]byte(answer))
		if err != nil {
			t.Errorf("%s %s: %v", method, target, err)
			return nil
		}
		schema, err := doc.component(component)
		if err != nil {
			t.Fatal(err)
		}
		w.validate(method+" "+target, target, schema, v)
		row, _ := v.(map[string]any)
		return row
	}
	first := func(path string) string {
		t.Helper()
		_, answer := send(t, server, "GET", path, "")
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
		if err != nil {
			t.Fatal(err)
		}
		rows := rowsOf(v)
		if len(rows) == 0 {
			t.Fatalf("GET %s: no rows", path)
		}
		return text(rows[0]["id"])
	}

	person := write("Customer", "POST", "/v1/customers/", `{"email":"Zoë+1@example.com","name":"Zoë \"Z\"\n","external_id":"a/b ?","metadata":{"n":1,"f":1.5,"b":true,"s":"é"},
		"billing_address":{"country":"US","state":"US-NY","city":"New York","postal_code":"10001","line1":"1 Main St"}}`, http.StatusCreated)
	team := write("Customer", "POST", "/v1/customers/", `{"type":"team","name":"Team ✓","owner":{"email":"owner@example.com","name":"O"}}`, http.StatusCreated)
	write("HTTPValidationError", "POST", "/v1/customers/", `{"name":"nobody"}`, http.StatusUnprocessableEntity)
	write("HTTPValidationError", "POST", "/v1/customers/", `{"email":"zoë+1@example.com"}`, http.StatusUnprocessableEntity)
	write("Customer", "PATCH", "/v1/customers/"+text(person["id"]), `{"name":"Zoé"}`, http.StatusOK)
	member := write("Member", "POST", "/v1/customers/"+text(team["id"])+"/members", `{"email":"m@example.com","external_id":"m-1","role":"billing_manager"}`, http.StatusCreated)
	write("Member", "PATCH", "/v1/customers/"+text(team["id"])+"/members/"+text(member["id"]), `{"name":"M"}`, http.StatusOK)
	write("", "DELETE", "/v1/customers/"+first("/v1/customers/?sorting=created_at")+"?anonymize=true", "", http.StatusNoContent)
	write("ResourceNotFound", "DELETE", "/v1/customers/"+unknownID, "", http.StatusNotFound)

	free := write("Product", "POST", "/v1/products/", `{"name":"Free plan","recurring_interval":"month","prices":[{"amount_type":"fixed","price_amount":0,"price_currency":"usd"}]}`, http.StatusCreated)
	write("Product", "POST", "/v1/products/", `{"name":"Pay what you want","description":"a\r\nb","prices":[{"amount_type":"custom","price_currency":"usd","minimum_amount":100}]}`, http.StatusCreated)
	write("Product", "PATCH", "/v1/products/"+first("/v1/products/?is_archived=false"), `{"is_archived":true}`, http.StatusOK)
	write("HTTPValidationError", "POST", "/v1/products/", `{"name":"x"}`, http.StatusUnprocessableEntity)
	subscription := write("Subscription", "POST", "/v1/subscriptions/", `{"product_id":"`+text(free["id"])+`","customer_id":"`+text(team["id"])+`"}`, http.StatusCreated)
	write("Subscription", "PATCH", "/v1/subscriptions/"+text(subscription["id"]), `{"cancel_at_period_end":true,"customer_cancellation_reason":"unused"}`, http.StatusOK)
	write("Subscription", "PATCH", "/v1/subscriptions/"+text(subscription["id"]), `{"cancel_at_period_end":false}`, http.StatusOK)
	write("Subscription", "DELETE", "/v1/subscriptions/"+text(subscription["id"]), "", http.StatusOK)
	write("Order", "PATCH", "/v1/orders/"+first("/v1/orders/?status=paid"), `{"billing_name":"Somebody Else"}`, http.StatusOK)
	write("MetricDashboardSchema", "POST", "/v1/metrics/dashboards", `{"name":"Mine","metrics":["orders"]}`, http.StatusCreated)
	write("HTTPValidationError", "POST", "/v1/metrics/dashboards", `{"name":""}`, http.StatusUnprocessableEntity)

	catalogue := catalogueCases(world)
	for i, component := range []string{"Discount", "Benefit", "CheckoutLink", "CustomField"} {
		x := catalogue[i]
		made := write(component, "POST", x.path, x.row, http.StatusCreated)
		target := x.path + text(made["id"])
		write(component, "PATCH", target, x.change, http.StatusOK)
		write("HTTPValidationError", "POST", x.path, `{}`, http.StatusUnprocessableEntity)
		write("HTTPValidationError", "PATCH", target, `{"metadata":{"k":null}}`, http.StatusUnprocessableEntity)
		write("", "DELETE", target, "", http.StatusNoContent)
		write("ResourceNotFound", "PATCH", target, x.change, http.StatusNotFound)
		write("ResourceNotFound", "DELETE", target, "", http.StatusNotFound)
		write(component, "POST", x.path, x.row, http.StatusCreated)
	}
	for _, body := range []string{
		`{"name":"Half","type":"percentage","duration":"forever","basis_points":5000}`,
		`{"name":"Half a year","type":"percentage","duration":"repeating","duration_in_months":6,"basis_points":1,"code":""}`,
		`{"name":"A dollar","type":"fixed","duration":"once","amount":100,"currency":"usd"}`,
	} {
		write("Discount", "POST", "/v1/discounts/", body, http.StatusCreated)
	}
	for kind, properties := range map[string]string{
		"custom": `{}`, "feature_flag": `{}`, "license_keys": `{"prefix":"A","activations":{"limit":1,"enable_customer_admin":false}}`, "downloadables": `{"files":["` + unknownID + `"]}`,
		"discord": `{"guild_token":"t","role_id":"1","kick_member":true}`, "github_repository": `{"repository_owner":"o","repository_name":"n","permission":"pull"}`,
		"slack_shared_channel": `{"slack_integration_id":"` + unknownID + `","channel_name_template":"c"}`,
	} {
		write("Benefit", "POST", "/v1/benefits/", `{"type":"`+kind+`","description":"Made: `+kind[:4]+`","properties":`+properties+`}`, http.StatusCreated)
	}
	for kind, properties := range map[string]string{"text": `{"textarea":true,"max_length":9,"form_label":null}`, "number": `{"ge":-1}`, "date": `{"le":1767225600}`, "checkbox": `{}`} {
		write("CustomField", "POST", "/v1/custom-fields/", `{"type":"`+kind+`","slug":"made-`+kind+`","name":"Made","properties":`+properties+`}`, http.StatusCreated)
	}
	write("Benefit", "PATCH", "/v1/benefits/"+first("/v1/benefits/?type=custom"), `{"type":"custom","visibility":"private","properties":{"note":"n"}}`, http.StatusOK)
	write("", "DELETE", "/v1/benefits/"+world.id(KindBenefit, 1).String(), "", http.StatusNoContent)
	write("CustomField", "PATCH", "/v1/custom-fields/"+world.id(KindCustomField, 1).String(), `{"type":"select","slug":"found-by"}`, http.StatusOK)
	write("Organization", "PATCH", "/v1/organizations/"+first("/v1/organizations/"), `{"name":"Renamed “é”"}`, http.StatusOK)
	write("HTTPValidationError", "PATCH", "/v1/organizations/"+first("/v1/organizations/"), `{"name":"x"}`, http.StatusUnprocessableEntity)
	write("ResourceNotFound", "PATCH", "/v1/organizations/"+unknownID, `{"name":"Another"}`, http.StatusNotFound)
	write("Meter", "PATCH", "/v1/meters/"+world.id(KindMeter, 3).String(), `{"name":"Renamed","metadata":{"n":1},"is_archived":false}`, http.StatusOK)
	write("Meter", "PATCH", "/v1/meters/"+world.id(KindMeter, 3).String(), `{"is_archived":true}`, http.StatusOK)
	write("HTTPValidationError", "PATCH", "/v1/meters/"+world.id(KindMeter, 0).String(), `{"is_archived":true}`, http.StatusUnprocessableEntity)

	const hooks = "/v1/webhooks/endpoints"
	hook := write("WebhookEndpoint", "POST", hooks, `{"url":"https://example.com/hook","format":"raw","events":["order.paid","benefit_grant.revoked"],"name":null}`, http.StatusCreated)
	endpoint := hooks + "/" + text(hook["id"])
	write("WebhookEndpoint", "PATCH", endpoint, `{"name":"N","enabled":false,"events":["order.created"]}`, http.StatusOK)
	write("HTTPValidationError", "POST", hooks, `{}`, http.StatusUnprocessableEntity)
	write("HTTPValidationError", "PATCH", endpoint, `{"url":"http://example.com/"}`, http.StatusUnprocessableEntity)
	write("", "DELETE", endpoint, "", http.StatusNoContent)
	write("ResourceNotFound", "DELETE", endpoint, "", http.StatusNotFound)
	w.told(world.hooks.events)

	w.walk()
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
