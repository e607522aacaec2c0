package polarsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/slowtest"
)

// fixture is a world and the ids of rows in known states.
type fixture struct {
	*testing.T
	w *World
	s *Server
}

func newFixture(t *testing.T) fixture {
	w := NewWorld(Options{Seed: 11, Customers: 300})
	return fixture{t, w, NewServer(w, ServerOptions{StableTies: true})}
}

// send asks for something and wants a status; it gives the body as an object, nil where it has none.
func (f fixture) send(method, target, body string, status int) map[string]any {
	f.Helper()
	res, out := do(f.T, f.s, method, target, body)
	if res.StatusCode != status {
		f.Fatalf("%s %s %s: %d %s, want %d", method, target, body, res.StatusCode, out, status)
	}
	var v map[string]any
	if out != "" && out != "null" {
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			f.Fatalf("%s %s: %v in %s", method, target, err, out)
		}
	}
	return v
}

// first gives the first row of a list that keep wants.
func (f fixture) first(target string, keep func(row map[string]any) bool) map[string]any {
	f.Helper()
	for n := 1; ; n++ {
		p := list1(f.T, f.s, onPage(target, n))
		if i := slices.IndexFunc(p.Items, keep); i >= 0 {
			return p.Items[i]
		}
		if n >= p.Pagination.MaxPage {
			f.Fatalf("no such row in %s", target)
		}
	}
}

func (f fixture) gone(target string) {
	f.Helper()
	if body := f.send("GET", target, "", 404); body["error"] != "ResourceNotFound" {
		f.Errorf("%s: %v", target, body)
	}
}

// later tells whether a row's modified_at moved.
func later(before, after map[string]any) bool { return before["modified_at"] != after["modified_at"] }

func TestCustomerWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := f.send("POST", "/v1/customers/", `{"email":"New@Example.com","external_id":"ext 1","name":"N \"x\" 😀","metadata":{"b":9007199254740993,"a":"x","f":1.50,"t":true},
		"billing_address":{"country":"US","state":"NY","city":"NYC"}}`, 201)
	id := made["id"].(string)
	if made["modified_at"] != nil || made["type"] != "individual" || made["email_verified"] != false || made["billing_name"] != made["name"] {
		t.Errorf("created: %v", made)
	}
	if address := made["billing_address"].(map[string]any); address["state"] != "US-NY" || address["line1"] != nil {
		t.Errorf("address: %v", address)
	}
	if _, raw := do(t, f.s, "GET", "/v1/customers/"+id, ""); !strings.Contains(raw, `"metadata":{"a":"x","b":9007199254740993,"f":1.5,"t":true}`) {
		t.Errorf("metadata is not kept: %s", raw)
	}
	if owners := list1(t, f.s, "/v1/members/?customer_id="+id); len(owners.Items) != 1 || owners.Items[0]["role"] != "owner" || owners.Items[0]["email"] != "New@Example.com" {
		t.Errorf("owner: %v", owners.Items)
	}
	same := f.send("PATCH", "/v1/customers/"+id, `{"name":"N \"x\" 😀"}`, 200)
	if later(made, same) {
		t.Error("an update that changes nothing moves modified_at")
	}
	changed := f.send("PATCH", "/v1/customers/external/ext%201", `{"name":"","email":"other@example.com"}`, 200)
	if !later(made, changed) || changed["name"] != nil || changed["email"] != "other@example.com" {
		t.Errorf("updated: %v", changed)
	}
	if owner := list1(t, f.s, "/v1/members/?customer_id="+id).Items[0]; owner["email"] != "other@example.com" || owner["modified_at"] == nil {
		t.Errorf("the owner did not follow: %v", owner)
	}
	team := f.send("PATCH", "/v1/customers/"+id, `{"type":"team","tax_id":"123456789"}`, 200)
	if team["type"] != "team" || fmt.Sprint(team["tax_id"]) != "[123456789 us_ein]" {
		t.Errorf("team: %v", team)
	}
	for body, where := range map[string]string{
		`{"type":"individual"}`:               `["body","type"]`,
		`{"external_id":"other"}`:             `["body","external_id"]`,
		`{"billing_address":null}`:            `["body","billing_address"]`,
		`{"email":"nope"}`:                    `["body","email"]`,
		`{"name":"nul \u0000"}`:               `["body","name"]`,
		`{"metadata":{"k":null}}`:             `["body","metadata","k"]`,
		`{"billing_address":{"city":"Rome"}}`: `["body","billing_address","country"]`,
		`[]`:                                  `["body"]`,
		`{`:                                   `["body",0]`,
	} {
		if _, out := do(t, f.s, "PATCH", "/v1/customers/"+id, body); !strings.Contains(out, `"loc":`+where) || !strings.Contains(out, "ValidationError") {
			t.Errorf("%s: %s", body, out)
		}
	}
	f.send("POST", "/v1/customers/", `{"email":"OTHER@example.com"}`, 422)
	f.send("POST", "/v1/customers/", `{"name":"no address"}`, 422)
	f.send("POST", "/v1/customers/", `{"type":"team","owner":{"email":"boss@example.com"}}`, 201)

	f.send("DELETE", "/v1/customers/external/ext%201", "", 204)
	f.gone("/v1/customers/" + id)
	f.gone("/v1/customers/external/ext%201")
	f.gone("/v1/customers/" + id + "/state")
	if left := list1(t, f.s, "/v1/members/?customer_id="+id); left.Pagination.TotalCount != 0 {
		t.Error("the members of a deleted customer are listed")
	}
	again := f.send("POST", "/v1/customers/", `{"email":"other@example.com","external_id":"ext 1"}`, 201)
	if again["id"] == id {
		t.Error("an id is used again")
	}
}

func TestTrap39_DeletingACustomerCascadesLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sub := f.first("/v1/subscriptions/", func(s map[string]any) bool {
		c := s["customer"].(map[string]any)
		return s["status"] == "active" && c["deleted_at"] == nil && c["external_id"] != nil && c["tax_id"] == nil && c["name"] != nil
	})
	customer := sub["customer"].(map[string]any)
	id := customer["id"].(string)
	f.send("DELETE", "/v1/customers/"+id+"?anonymize=true", "", 204)
	f.gone("/v1/customers/" + id)
	now := f.send("GET", "/v1/subscriptions/"+sub["id"].(string), "", 200)
	embedded := now["customer"].(map[string]any)
	if now["status"] != "active" || embedded["deleted_at"] == nil || !strings.HasSuffix(embedded["email"].(string), "@anonymized.invalid") || embedded["name"] == customer["name"] ||
		embedded["billing_address"] != nil || embedded["external_id"] != customer["external_id"] {
		t.Errorf("right after: %v %v", now["status"], embedded)
	}
	f.w.Advance(10 * time.Minute)
	if now = f.send("GET", "/v1/subscriptions/"+sub["id"].(string), "", 200); now["status"] != "canceled" || now["ended_at"] == nil {
		t.Errorf("ten minutes later: %v", now["status"])
	}
}

func TestMemberWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	team := f.send("POST", "/v1/customers/", `{"type":"team","email":"team@example.com","external_id":"team"}`, 201)["id"].(string)
	owner := list1(t, f.s, "/v1/members/?customer_id="+team).Items[0]
	m := f.send("POST", "/v1/customers/"+team+"/members", `{"email":"m@example.com","name":"M","external_id":"m1"}`, 201)
	if m["role"] != "member" || m["modified_at"] != nil || m["customer_id"] != team {
		t.Errorf("created: %v", m)
	}
	if twice := f.send("POST", "/v1/members/", `{"customer_id":"`+team+`","email":"M@example.com"}`, 201); twice["id"] != m["id"] {
		t.Error("an address gives a second member")
	}
	path := "/v1/customers/" + team + "/members/" + m["id"].(string)
	external := "/v1/customers/external/team/members/m1"
	if got := f.send("GET", external, "", 200); got["id"] != m["id"] {
		t.Errorf("by external id: %v", got)
	}
	boss := f.send("PATCH", path, `{"role":"owner","name":"Boss"}`, 200)
	before := f.send("GET", "/v1/members/"+owner["id"].(string), "", 200)
	if boss["role"] != "owner" || before["role"] != "billing_manager" || before["modified_at"] == nil {
		t.Errorf("ownership: %v, before %v", boss, before)
	}
	f.send("PATCH", path, `{"role":"member"}`, 422)
	f.send("DELETE", path, "", 422)
	f.send("PATCH", external, `{"email":"team@example.com"}`, 422)
	f.send("DELETE", "/v1/customers/"+team+"/members/"+owner["id"].(string), "", 204)
	f.gone("/v1/members/" + owner["id"].(string))
	f.send("POST", "/v1/customers/"+team+"/members", `{"email":"x@example.com","role":"owner"}`, 422)
	alone := f.send("POST", "/v1/customers/", `{"email":"alone@example.com"}`, 201)["id"].(string)
	if body := f.send("POST", "/v1/customers/"+alone+"/members", `{"email":"two@example.com"}`, 403); body["error"] != "NotPermitted" {
		t.Errorf("second member of an individual: %v", body)
	}
	f.send("POST", "/v1/customers/external/nobody/members", `{"email":"x@example.com"}`, 404)
}

func TestTrap05_ProductChangesThatModifiedAtMisses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := f.send("POST", "/v1/products/", `{"name":"Fresh","recurring_interval":"month","prices":[{"amount_type":"fixed","price_amount":500},{"amount_type":"metered_unit","meter_id":"`+
		f.w.id(KindMeter, 0).String()+`","unit_amount":"0.25"},{"amount_type":"seat_based","seat_tiers":{"tiers":[{"min_seats":1,"price_per_seat":900}]}}]}`, 201)
	path := "/v1/products/" + made["id"].(string)
	prices := made["prices"].([]any)
	if len(prices) != 3 || made["is_recurring"] != true || made["modified_at"] != nil {
		t.Fatalf("created: %v", made)
	}
	keep := prices[0].(map[string]any)["id"].(string)
	priced := f.send("PATCH", path, `{"prices":[{"id":"`+keep+`"},{"amount_type":"custom","minimum_amount":100}]}`, 200)
	if len(priced["prices"].([]any)) != 2 || later(made, priced) {
		t.Errorf("prices replaced: modified_at %v, prices %v", priced["modified_at"], priced["prices"])
	}
	benefits := f.w.BenefitIDs()
	given := f.send("POST", path+"/benefits", `{"benefits":["`+benefits[2]+`","`+benefits[0]+`"]}`, 200)
	if got := given["benefits"].([]any); len(got) != 2 || got[0].(map[string]any)["id"] != benefits[2] || later(made, given) {
		t.Errorf("benefits: %v", given)
	}
	archived := f.send("PATCH", path, `{"is_archived":true,"name":"Stale"}`, 200)
	if archived["is_archived"] != true || !later(made, archived) {
		t.Errorf("archived: %v", archived)
	}
	found := f.first("/v1/products/?is_archived=true", func(p map[string]any) bool { return p["id"] == made["id"] })
	if found["name"] != "Stale" {
		t.Error("the archived product is not listed as it is")
	}
	for _, body := range []string{`{"name":"x"}`, `{"prices":[]}`, `{"recurring_interval":"year"}`, `{"prices":[{"id":"` + benefits[0] + `"}]}`} {
		f.send("PATCH", path, body, 422)
	}
	f.send("POST", "/v1/products/", `{"name":"No prices"}`, 422)
	f.send("POST", path+"/benefits", `{"benefits":["`+keep+`"]}`, 422)
}

func TestSubscriptionWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	free, paid := f.w.id(KindProduct, productFree).String(), f.w.id(KindProduct, productPro).String()
	customer := f.send("POST", "/v1/customers/", `{"email":"sub@example.com","external_id":"sub"}`, 201)["id"].(string)
	orders := list1(t, f.s, "/v1/orders/").Pagination.TotalCount
	made := f.send("POST", "/v1/subscriptions/", `{"product_id":"`+free+`","external_customer_id":"sub","metadata":{"n":1}}`, 201)
	if made["status"] != "active" || made["customer_id"] != customer || made["amount"] != 0.0 || list1(t, f.s, "/v1/orders/").Pagination.TotalCount != orders {
		t.Errorf("created: %v", made)
	}
	f.send("POST", "/v1/subscriptions/", `{"product_id":"`+paid+`","customer_id":"`+customer+`"}`, 422)
	f.send("POST", "/v1/subscriptions/", `{"product_id":"`+free+`","customer_id":"`+free+`"}`, 422)
	path := "/v1/subscriptions/" + made["id"].(string)
	canceled := f.send("PATCH", path, `{"cancel_at_period_end":true,"customer_cancellation_reason":"unused","customer_cancellation_comment":"bye\nbye"}`, 200)
	if canceled["status"] != "active" || canceled["canceled_at"] == nil || canceled["ends_at"] != canceled["current_period_end"] || !later(made, canceled) {
		t.Errorf("canceled: %v", canceled)
	}
	if body := f.send("PATCH", path, `{"cancel_at_period_end":true}`, 403); body["error"] != "AlreadyCanceledSubscription" {
		t.Errorf("canceled twice: %v", body)
	}
	back := f.send("PATCH", path, `{"cancel_at_period_end":false}`, 200)
	if back["canceled_at"] != nil || back["ends_at"] != nil || back["customer_cancellation_reason"] != nil {
		t.Errorf("uncanceled: %v", back)
	}
	f.send("PATCH", path, `{"cancel_at_period_end":false}`, 400)
	pending := f.send("PATCH", path, `{"product_id":"`+paid+`","proration_behavior":"next_period"}`, 200)
	if pending["pending_update"] == nil || later(back, pending) {
		t.Errorf("a pending update moves modified_at or is missing: %v", pending["pending_update"])
	}
	revoked := f.send("DELETE", path, "", 200)
	if revoked["status"] != "canceled" || revoked["ended_at"] == nil {
		t.Errorf("revoked: %v", revoked)
	}
	f.send("DELETE", path, "", 403)
	f.send("PATCH", path, `{"cancel_at_period_end":false}`, 410)
	f.send("PATCH", path, `{"customer_cancellation_reason":"boredom"}`, 422)
	seats := f.first("/v1/subscriptions/?status=active", func(s map[string]any) bool { return s["seats"] != nil })
	more := f.send("PATCH", "/v1/subscriptions/"+seats["id"].(string), `{"seats":88}`, 200)
	if more["seats"] != 88.0 || more["amount"] == seats["amount"] {
		t.Errorf("seats: %v %v", more["seats"], more["amount"])
	}
	f.send("PATCH", path, `{"seats":3}`, 400)
}

func TestOrderWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ready := func(o map[string]any) bool {
		return o["billing_address"] != nil && o["billing_name"] != nil && o["is_invoice_generated"] == false
	}
	o := f.first("/v1/orders/?status=paid", ready)
	path := "/v1/orders/" + o["id"].(string)
	named := f.send("PATCH", path, `{"billing_name":"Someone else"}`, 200)
	if named["billing_name"] != "Someone else" || !later(o, named) {
		t.Errorf("updated: %v", named)
	}
	f.send("PATCH", path, `{"billing_address":{"country":"ZW"}}`, 422)
	f.send("GET", path+"/invoice", "", 404)
	f.send("POST", path+"/invoice", "", 202)
	if body := f.send("GET", path+"/invoice", "", 200); body["url"] == nil {
		t.Errorf("invoice: %v", body)
	}
	if after := f.send("GET", path, "", 200); after["is_invoice_generated"] != true || !later(named, after) {
		t.Errorf("after the invoice: %v", after)
	}
	void := f.first("/v1/orders/?status=void&status=draft", func(map[string]any) bool { return true })
	if body := f.send("POST", "/v1/orders/"+void["id"].(string)+"/invoice", "", 409); body["error"] != "OrderNotEligibleForInvoice" {
		t.Errorf("void: %v", body)
	}
	bare := f.first("/v1/orders/?status=paid", func(o map[string]any) bool { return o["billing_address"] == nil })
	f.send("POST", "/v1/orders/"+bare["id"].(string)+"/invoice", "", 422)
}

func TestAdvance(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	f := newFixture(t)
	trial := f.first("/v1/subscriptions/?status=trialing", func(s map[string]any) bool { return s["cancel_at_period_end"] == false })
	ending := f.first("/v1/subscriptions/?status=active&cancel_at_period_end=true", func(s map[string]any) bool { return s["recurring_interval"] == "month" })
	renewing := f.first("/v1/subscriptions/?status=active&cancel_at_period_end=false", func(s map[string]any) bool {
		return s["recurring_interval"] == "month" && s["pause_at_period_end"] == false && s["amount"] != 0.0 && s["pending_update"] == nil && s["recurring_interval_count"] == 1.0 &&
			s["customer"].(map[string]any)["deleted_at"] == nil
	})
	before := f.w.Counts()
	for range 6 {
		f.w.Advance(6 * 24 * time.Hour)
	}
	get := func(s map[string]any) map[string]any {
		return f.send("GET", "/v1/subscriptions/"+s["id"].(string), "", 200)
	}
	if s := get(trial); s["status"] == "trialing" || s["modified_at"] == trial["modified_at"] {
		t.Errorf("the trial goes on: %v", s["status"])
	}
	if s := get(ending); s["status"] != "canceled" || s["ended_at"] == nil {
		t.Errorf("canceled at the end of the period: %v", s["status"])
	}
	if s := get(renewing); s["current_period_start"] == renewing["current_period_start"] || list1(t, f.s, "/v1/orders/?subscription_id="+s["id"].(string)).Pagination.TotalCount < 2 {
		t.Errorf("not renewed: %v", s)
	}
	after := f.w.Counts()
	for _, name := range []string{"orders", "payments", "customers", "members", "subscriptions"} {
		if after[name] <= before[name] {
			t.Errorf("%s: %d before, %d after five weeks", name, before[name], after[name])
		}
	}
	for i := 1; i < len(f.w.orders); i++ {
		if f.w.orders[i].CreatedAt < f.w.orders[i-1].CreatedAt {
			t.Fatal("orders are not sorted by time any more")
		}
	}
	for i := range f.w.subscriptions {
		s := &f.w.subscriptions[i]
		if s.Status == SubActive && s.PeriodEnd < f.w.now || s.EndedAt > f.w.now {
			t.Fatalf("subscription %d %s: period until %s, ended %s, now %s", i, s.Status, s.PeriodEnd, s.EndedAt, f.w.now)
		}
	}
	f.w.Advance(100 * 24 * time.Hour)
	if changes := f.w.Churn(50); len(changes) != 50 {
		t.Errorf("%d changes", len(changes))
	}
	for _, r := range resources() {
		all(t, f.s, r.path)
	}
}
