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

	w.walk()
}
