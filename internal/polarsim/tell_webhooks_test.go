package polarsim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// deliveriesOf reads the deliveries of a query, and their payloads.
func deliveriesOf(t testing.TB, s *Server, query string) (kinds []string, payloads []map[string]any) {
	t.Helper()
	for _, d := range all(t, s, "/v1/webhooks/deliveries"+query) {
		e := d["webhook_event"].(map[string]any)
		kinds = append(kinds, text(e["type"]))
		var payload map[string]any
		if p := text(e["payload"]); p != "" {
			if err := json.Unmarshal([]byte(p), &payload); err != nil {
				t.Fatal(err)
			}
			if payload["type"] != e["type"] {
				t.Errorf("payload of %s is of type %v", e["type"], payload["type"])
			}
		}
		payloads = append(payloads, payload)
	}
	return kinds, payloads
}

func TestWebhookDeliveries(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	history, payloads := deliveriesOf(t, f.s, "?event_type=order.paid")
	if len(history) == 0 || payloads[0]["data"].(map[string]any)["status"] == nil {
		t.Fatalf("%d deliveries of the history: %v", len(history), payloads)
	}
	if failed, _ := deliveriesOf(t, f.s, "?succeeded=false"); len(failed) == 0 {
		t.Error("none failed")
	}
	before := f.w.Now()
	f.w.Advance(time.Minute)
	c := f.send("POST", "/v1/customers/", `{"email":"hook@example.com","name":"First"}`, 201)
	f.send("PATCH", "/v1/customers/"+text(c["id"]), `{"name":"Second"}`, 200)
	p := f.first("/v1/products/", func(map[string]any) bool { return true })
	f.send("PATCH", "/v1/products/"+text(p["id"]), `{"name":"Told to the endpoint"}`, 200)
	kinds, payloads := deliveriesOf(t, f.s, "?start_timestamp="+before.Format(time.RFC3339Nano))
	slices.Reverse(kinds)
	slices.Reverse(payloads)
	var names []string
	for i, k := range kinds {
		if data := payloads[i]["data"].(map[string]any); k == "customer.created" || k == "customer.updated" || k == "product.updated" {
			names = append(names, k+" "+text(data["name"]))
		}
	}
	if got := strings.Join(slices.Compact(names), ", "); got != "customer.created First, customer.updated Second, product.updated Told to the endpoint" {
		t.Errorf("told: %s", got)
	}
	for _, want := range []string{"member.created", "customer.state_changed"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %s among %v", want, kinds)
		}
	}
	f.w.Advance(91 * 24 * time.Hour)
	if _, payloads := deliveriesOf(t, f.s, "?end_timestamp="+before.Format(time.RFC3339Nano)); len(payloads) == 0 || payloads[0] != nil {
		t.Errorf("payloads after 91 days: %v", payloads)
	}
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 3, Customers: 30, NoWebhook: true, Canaries: true})
	f := fixture{t, w, NewServer(w, ServerOptions{StableTies: true})}
	const path = "/v1/webhooks/endpoints"
	count := func() int { return list1(t, f.s, "/v1/webhooks/deliveries").Pagination.TotalCount }
	rename := func(name string) {
		f.send("PATCH", "/v1/products/"+text(list1(t, f.s, "/v1/products/").Items[0]["id"]), `{"name":"`+name+`"}`, 200)
	}
	if len(all(t, f.s, path)) != 0 {
		t.Error("an endpoint nobody made")
	}
	if rename("Nobody listens"); count() != 0 {
		t.Errorf("%d deliveries without an endpoint", count())
	}
	e := f.send("POST", path, `{"url":"https://example.com/hook","format":"raw","events":["product.updated"]}`, 201)
	if !strings.Contains(text(e["secret"]), "canary") || e["enabled"] != true {
		t.Errorf("endpoint: %v", e)
	}
	f.send("POST", path, `{"url":"http://example.com/hook","format":"raw","events":["product.exploded"]}`, 422)
	if rename("One listens"); count() != 1 {
		t.Errorf("%d deliveries", count())
	}
	if f.send("POST", "/v1/customers/", `{"email":"unheard@example.com"}`, 201); count() != 1 {
		t.Error("told of what it does not subscribe to")
	}
	f.send("PATCH", path+"/"+text(e["id"]), `{"enabled":false}`, 200)
	if rename("Asleep"); count() != 1 {
		t.Error("a disabled endpoint is told")
	}
	f.send("DELETE", path+"/"+text(e["id"]), "", 204)
	f.send("GET", path+"/"+text(e["id"]), "", 404)
}
