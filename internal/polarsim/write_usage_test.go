package polarsim

import (
	"fmt"
	"testing"
)

// A meter counts the events that are sent in and that its filter takes; an event of a known id is taken once.
func TestIngestedEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	customer := text(f.send("POST", "/v1/customers/", `{"email":"u@example.com","external_id":"u 1"}`, 201)["id"])
	meter := text(f.send("POST", "/v1/meters/", `{"name":"Tokens","filter":{"conjunction":"and","clauses":[{"property":"name","operator":"eq","value":"answer"},
		{"conjunction":"or","clauses":[{"property":"model","operator":"like","value":"gpt%"},{"property":"n","operator":"gte","value":7}]}]},"aggregation":{"func":"sum","property":"n"}}`, 201)["id"])
	for i, c := range []struct {
		events               string
		inserted, duplicates int
		consumed             string
	}{
		{`{"name":"answer","customer_id":"` + customer + `","external_id":"e1","metadata":{"model":"gpt-5","n":2.5}}`, 1, 0, "2.5"},
		{`{"name":"answer","customer_id":"` + customer + `","external_id":"e1","metadata":{"model":"gpt-5","n":2.5}},{"name":"answer","external_customer_id":"u 1","metadata":{"n":7}}`, 1, 1, "9.5"},
		{`{"name":"answer","customer_id":"` + customer + `","metadata":{"model":"other","n":1}},{"name":"question","customer_id":"` + customer + `"}`, 2, 0, "9.5"},
		{`{"name":"answer","external_customer_id":"nobody","metadata":{"n":70}}`, 1, 0, "9.5"},
		{`{"name":"answer","customer_id":"` + customer + `","timestamp":"2024-01-01T00:00:00Z","metadata":{"n":8}}`, 1, 0, "17.5"},
	} {
		answer := f.send("POST", "/v1/events/ingest", `{"events":[`+c.events+`]}`, 200)
		if fmt.Sprint(answer["inserted"], answer["duplicates"]) != fmt.Sprint(c.inserted, c.duplicates) {
			t.Errorf("%d: %v", i, answer)
		}
		balance := f.first("/v1/customer-meters/?meter_id="+meter, func(map[string]any) bool { return true })
		if fmt.Sprint(balance["consumed_units"]) != c.consumed || balance["customer_id"] != customer {
			t.Errorf("%d: %v", i, balance)
		}
	}
	events := all(t, f.s, "/v1/events/?customer_id="+customer+"&name=answer&source=user")
	if len(events) != 4 || fmt.Sprint(events[len(events)-1]["metadata"]) != "map[n:8]" {
		t.Errorf("events: %v", events)
	}
	names := map[any]any{}
	for _, n := range all(t, f.s, "/v1/events/names?source=user") {
		names[n["name"]] = n["occurrences"]
	}
	if fmt.Sprint(names["answer"], names["question"]) != "5 1" {
		t.Errorf("names: %v", names)
	}
	f.send("POST", "/v1/events/ingest", `{"events":[{"name":"answer"}]}`, 422)
	f.send("POST", "/v1/events/ingest", `{"events":[{"name":"answer","customer_id":"`+customer+`","timestamp":"2124-01-01T00:00:00Z"}]}`, 422)
}

// A seat is given while one is free; one that is taken away keeps its row. A checkout that is opened is told of.
func TestSeatsAndCheckoutsAreMade(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	told := func(kind string) int {
		return len(all(t, f.s, "/v1/webhooks/deliveries?succeeded=true&event_type="+kind))
	}
	assigned, revoked := told("customer_seat.assigned"), told("customer_seat.revoked")
	var subscription, list string
	var before map[string]any
	f.first("/v1/subscriptions/", func(s map[string]any) bool {
		if s["seats"] == nil {
			return false
		}
		subscription = text(s["id"])
		list = "/v1/customer-seats?subscription_id=" + subscription
		before = f.send("GET", list, "", 200)
		return fmt.Sprint(before["available_seats"]) == "1"
	})
	made := f.send("POST", "/v1/customer-seats", `{"subscription_id":"`+subscription+`","email":"new@example.com","metadata":{"desk":1}}`, 200)
	if made["status"] != "pending" || made["email"] != "new@example.com" || made["invitation_token_expires_at"] == nil {
		t.Errorf("made: %v", made)
	}
	if after := f.send("GET", list, "", 200); fmt.Sprint(after["available_seats"]) != "0" || len(after["seats"].([]any)) != len(before["seats"].([]any))+1 {
		t.Errorf("after: %v", after)
	}
	f.send("POST", "/v1/customer-seats", `{"subscription_id":"`+subscription+`","email":"more@example.com"}`, 400)
	gone := f.send("DELETE", "/v1/customer-seats/"+text(made["id"]), "", 200)
	if gone["status"] != "revoked" || gone["id"] != made["id"] || gone["revoked_at"] == nil || gone["modified_at"] == nil {
		t.Errorf("revoked: %v", gone)
	}
	f.send("DELETE", "/v1/customer-seats/"+unknownID, "", 404)
	if told("customer_seat.assigned") != assigned+1 || told("customer_seat.revoked") != revoked+1 {
		t.Error("nobody is told of a seat")
	}
	product := text(f.first("/v1/products/?is_archived=false", func(p map[string]any) bool { return p["visibility"] == "public" })["id"])
	opened := told("checkout.created")
	made = f.send("POST", "/v1/checkouts/", `{"products":["`+product+`"]}`, 201)
	if made["status"] != "open" || made["product_id"] != product || told("checkout.created") != opened+1 {
		t.Errorf("checkout: %v", made)
	}
	f.send("POST", "/v1/checkouts/", `{"products":[]}`, 422)
	// Only web sessions make and change tokens.
	f.send("POST", "/v1/organization-access-tokens/", `{"comment":"x","scopes":[]}`, 401)
	f.send("PATCH", "/v1/organization-access-tokens/"+unknownID, `{"comment":"x"}`, 401)
	f.send("DELETE", "/v1/organization-access-tokens/"+unknownID, "", 401)
}
