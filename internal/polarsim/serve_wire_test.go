package polarsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/slowtest"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 30})
	s := NewServer(w, ServerOptions{Scopes: []string{"orders:read", "customers:write"}})
	exact := NewServer(w, ServerOptions{Token: "polar_oat_other", Sandbox: true})
	order := list1(t, s, "/v1/orders/?limit=1").Items[0]["id"].(string)
	const bearer = `Bearer realm="polar"`
	for _, c := range []struct {
		name           string
		server         http.Handler
		method, target string
		header         []string
		status         int
		body           string // "" = not compared
		want           []string
	}{
		{"no credentials", s, "GET", "/v1/orders/", []string{"Authorization", ""}, 401, `{"error":"Unauthorized","detail":"Unauthorized"}`, []string{"WWW-Authenticate", bearer}},
		{"not a bearer", s, "GET", "/v1/orders/", []string{"Authorization", "Basic eDp5"}, 401, `{"error":"Unauthorized","detail":"Unauthorized"}`, nil},
		{"unknown token", s, "GET", "/v1/orders/", []string{"Authorization", "Bearer nope"}, 401,
			`{"error": "invalid_token", "error_description": "The access token provided is expired, revoked, malformed, or invalid for other reasons."}`, nil},
		{"token of another organization", exact, "GET", "/v1/orders/", nil, 401, "", []string{"X-Polar-Sandbox", "1"}},
		{"scope missing", s, "GET", "/v1/payments/", nil, 403,
			`{"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token."}`, []string{"Cache-Control", "no-store", "Pragma", "no-cache"}},
		{"write scope reads", s, "GET", "/v1/customers/", nil, 200, "", nil},
		{"tokens are for web sessions", s, "GET", "/v1/organization-access-tokens/", nil, 401, `{"error":"Unauthorized","detail":"Unauthorized"}`, nil},
		{"unknown version", s, "GET", "/v1/orders/", []string{"Polar-Version", "2019-01"}, 404, `{"detail":"Not Found"}`, []string{"Polar-Version", ""}},
		{"unknown version before credentials", s, "GET", "/v1/orders/", []string{"Polar-Version", "x", "Authorization", ""}, 404, `{"detail":"Not Found"}`, nil},
		{"no version asked for", s, "GET", "/v1/orders/", nil, 200, "", []string{"Polar-Version", "2026-10"}},
		{"deprecated version", s, "GET", "/v1/orders/", []string{"Polar-Version", "2026-04"}, 200, "", []string{"Polar-Version", "2026-04"}},
		{"next version", s, "GET", "/v1/orders/", []string{"Polar-Version", "2027-01"}, 200, "", []string{"Polar-Version", "2027-01"}},
		{"unknown path", s, "GET", "/v1/nothing/", nil, 404, `{"detail":"Not Found"}`, nil},
		{"slash missing", s, "GET", "/v1/orders?limit=5", nil, 307, "", []string{"Location", "http://example.com/v1/orders/?limit=5"}},
		{"slash too many", s, "GET", "/v1/metrics/limits/", nil, 307, "", []string{"Location", "http://example.com/v1/metrics/limits"}},
		{"method", s, "DELETE", "/v1/orders/", nil, 405, `{"detail":"Method Not Allowed"}`, nil},
		{"method, and others there are", s, "PUT", "/v1/customers/", nil, 405, `{"detail":"Method Not Allowed"}`, []string{"Allow", "GET"}},
		{"preflight", s, "OPTIONS", "/v1/orders/", []string{"Origin", "https://shop.example"}, 200, "OK", nil},
		{"options", s, "OPTIONS", "/v1/orders/", nil, 405, `{"detail":"Method Not Allowed"}`, []string{"Allow", "GET"}},
		{"unknown row", s, "GET", "/v1/orders/" + order[:35] + "0", nil, 404, `{"error":"ResourceNotFound","detail":"Not found"}`, nil},
		{"malformed id", s, "GET", "/v1/orders/12", nil, 422, "", nil},
		{"page 0", s, "GET", "/v1/orders/?page=0", nil, 422,
			`{"error":"RequestValidationError","detail":[{"type":"greater_than","loc":["query","page"],"msg":"Input should be greater than 0","input":"0","ctx":{"gt":0}}]}`, nil},
		{"limit no number", s, "GET", "/v1/orders/?limit=ten", nil, 422,
			`{"error":"RequestValidationError","detail":[{"type":"int_parsing","loc":["query","limit"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"ten"}]}`, nil},
		{"sorting unknown", s, "GET", "/v1/customers/?sorting=modified_at", nil, 422,
			`{"error":"RequestValidationError","detail":[{"type":"enum","loc":["query","sorting",0],"msg":"Input should be 'created_at', '-created_at', 'email', '-email', 'name' or '-name'","input":"modified_at","ctx":{"expected":"'created_at', '-created_at', 'email', '-email', 'name' or '-name'"}}]}`, nil},
		{"status unknown", s, "GET", "/v1/orders/?status=nope", nil, 422, "", nil},
		{"no invoice", s, "GET", "/v1/orders/" + uninvoiced(t, s) + "/invoice", nil, 404, "", nil},
	} {
		res, body := do(t, c.server, c.method, c.target, "", c.header...)
		if res.StatusCode != c.status || c.body != "" && body != c.body {
			t.Errorf("%s: %d %s\nwant %d %s", c.name, res.StatusCode, body, c.status, c.body)
		}
		for i := 0; i+1 < len(c.want); i += 2 {
			if got := res.Header.Get(c.want[i]); got != c.want[i+1] {
				t.Errorf("%s: %s is %q, want %q", c.name, c.want[i], got, c.want[i+1])
			}
		}
	}
	if res, _ := do(t, s, "GET", "/v1/payments/", ""); !strings.Contains(res.Header.Get("WWW-Authenticate"), `scope="payments:read"`) {
		t.Errorf("403 does not name the scope: %v", res.Header)
	}
}

func uninvoiced(t *testing.T, s http.Handler) string {
	for _, o := range list1(t, s, "/v1/orders/?limit=100").Items {
		if o["is_invoice_generated"] == false {
			return o["id"].(string)
		}
	}
	t.Fatal("every order has an invoice")
	return ""
}

func TestTrap03_LimitIsClamped(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 60, Orders: 250}), ServerOptions{})
	p := list1(t, s, "/v1/orders/?limit=1000")
	if len(p.Items) != 100 || p.Pagination.TotalCount != 250 || p.Pagination.MaxPage != 3 {
		t.Errorf("limit=1000: %d items, %+v", len(p.Items), p.Pagination)
	}
	if p = list1(t, s, "/v1/orders/"); len(p.Items) != 10 || p.Pagination.MaxPage != 25 {
		t.Errorf("no limit: %d items, %+v", len(p.Items), p.Pagination)
	}
	if p = list1(t, s, "/v1/orders/?page=99"); len(p.Items) != 0 || p.Pagination.TotalCount != 250 {
		t.Errorf("past the end: %d items, %+v", len(p.Items), p.Pagination)
	}
}

func TestTrap01_DefaultOrderIsNewestFirst(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 60})
	s := NewServer(w, ServerOptions{})
	first := list1(t, s, "/v1/orders/?limit=50")
	before := first.Items[49]["id"].(string)
	w.Advance(20 * 24 * time.Hour)
	second := list1(t, s, "/v1/orders/?limit=50&page=2")
	if second.Pagination.TotalCount <= first.Pagination.TotalCount {
		t.Fatal("no order in 20 days")
	}
	if !slices.Contains(ids(second), before) && !slices.Contains(ids(list1(t, s, "/v1/orders/?limit=50&page=3")), before) {
		t.Error("new orders do not push older ones to the next page")
	}
}

func TestTrap02_NoTieBreaker(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Orders: 5000})
	s, stable := NewServer(w, ServerOptions{}), NewServer(w, ServerOptions{StableTies: true})
	const target = "/v1/orders/?limit=100&sorting=status"
	asked := ids(list1(t, s, target))
	if !slices.Equal(asked, ids(list1(t, s, target))) {
		t.Error("orders that tie come in another order when they are asked for again")
	}
	if slices.Equal(asked[:50], ids(list1(t, s, "/v1/orders/?limit=50&sorting=status"))) {
		t.Error("orders that tie come in one order whatever the size of the page")
	}
	if !slices.Equal(ids(list1(t, stable, target)), ids(list1(t, stable, target))) {
		t.Error("StableTies: the order changes")
	}
	// Every permutation serves every row once, so a scan of a list without changes and with one order of ties is whole.
	if got := all(t, stable, "/v1/orders/?sorting=status"); len(got) != 5000 {
		t.Errorf("%d orders", len(got))
	}
	// A run of ties longer than a page exists: only page=2 gets past it.
	times := map[Time]int{}
	longest := 0
	for i := range w.orders {
		times[w.orders[i].CreatedAt]++
		longest = max(longest, times[w.orders[i].CreatedAt])
	}
	if longest <= 100 {
		t.Errorf("the longest run of equal created_at is %d", longest)
	}
}

func TestTrap04_NullOrder(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 200}), ServerOptions{})
	desc, asc := all(t, s, "/v1/customer-meters/?sorting=-modified_at"), all(t, s, "/v1/customer-meters/?sorting=modified_at")
	if desc[0]["modified_at"] != nil || asc[len(asc)-1]["modified_at"] != nil || asc[0]["modified_at"] == nil {
		t.Error("NULLs are not first in descending order and last in ascending order")
	}
	last := ""
	for _, m := range asc {
		if v, ok := m["modified_at"].(string); ok {
			at, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				t.Fatal(err)
			}
			text := at.Format("2006-01-02T15:04:05.000000")
			if text < last {
				t.Fatalf("%s after %s", text, last)
			}
			last = text
		}
	}
}

func TestTrap09_HiddenRows(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 400})
	s := NewServer(w, ServerOptions{})
	archived := list1(t, s, "/v1/meters/?is_archived=true").Items[0]["id"].(string)
	for _, m := range all(t, s, "/v1/customer-meters/") {
		if m["meter_id"] == archived {
			t.Fatal("a customer meter of an archived meter is listed")
		}
	}
	hidden := list1(t, s, "/v1/customer-meters/?meter_id="+archived)
	if hidden.Pagination.TotalCount == 0 {
		t.Fatal("meter_id= does not show the customer meters of an archived meter")
	}
	if res, _ := do(t, s, "GET", "/v1/customer-meters/"+hidden.Items[0]["id"].(string), ""); res.StatusCode != 200 {
		t.Errorf("GET by id of a hidden customer meter: %d", res.StatusCode)
	}
}

// A subscription without a start is in no list and 404 by id, and metrics count it from ever until it ends
// (polarsource/polar, server/polar/subscription/repository.py, server/polar/metrics/queries.py).
func TestTrap09_SubscriptionsWithoutAStart(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 400})
	active := func() (n int) {
		today := w.Now().Format(time.DateOnly)
		_, body := do(t, NewServer(w, ServerOptions{}), "GET", "/v1/metrics/?interval=day&metrics=active_subscriptions&start_date="+today+"&end_date="+today, "")
		if _, err := fmt.Sscanf(body[strings.Index(body, `"active_subscriptions":`):], `"active_subscriptions":%d`, &n); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return n
	}
	s, counted := NewServer(w, ServerOptions{}), active()
	listed := map[any]bool{}
	for _, query := range []string{"", "?sorting=status", "?status=incomplete&status=incomplete_expired", "?active=false"} {
		for _, row := range all(t, s, "/v1/subscriptions/"+query) {
			listed[row["id"]] = true
		}
	}
	hidden, running := 0, 0
	for i := range w.subscriptions {
		sub := &w.subscriptions[i]
		if sub.StartedAt != 0 {
			continue
		}
		hidden++
		id := w.id(KindSubscription, i).String()
		if res, body := do(t, s, "GET", "/v1/subscriptions/"+id, ""); res.StatusCode != 404 || body != rowNotFound || listed[id] {
			t.Errorf("%s is listed: %t; by id: %d %s", id, listed[id], res.StatusCode, body)
		}
		if sub.EndedAt == 0 {
			running++
			sub.EndedAt = w.now - 2*day
		}
	}
	w.version++
	if hidden == 0 || running == 0 || active() != counted-running {
		t.Errorf("%d are hidden; %d subscriptions are active, %d once the %d that run have ended", hidden, counted, active(), running)
	}
}

func TestTrap13_EmbeddedRowsAreLive(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 200})
	s := NewServer(w, ServerOptions{})
	deleted := 0
	for _, o := range all(t, s, "/v1/orders/") {
		customer := o["customer"].(map[string]any)
		if customer["deleted_at"] == nil {
			continue
		}
		deleted++
		res, _ := do(t, s, "GET", "/v1/customers/"+customer["id"].(string), "")
		if res.StatusCode != 404 {
			t.Fatalf("deleted customer: %d", res.StatusCode)
		}
	}
	if deleted == 0 {
		t.Error("no order has a deleted customer")
	}
}

func TestTrap14_PricesThatNoProductShows(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 300}), ServerOptions{})
	shown := map[string]bool{}
	for _, p := range all(t, s, "/v1/products/") {
		for _, price := range p["prices"].([]any) {
			shown[price.(map[string]any)["id"].(string)] = true
		}
	}
	sources := map[any]int{}
	for _, sub := range all(t, s, "/v1/subscriptions/") {
		for _, price := range sub["prices"].([]any) {
			if p := price.(map[string]any); !shown[p["id"].(string)] {
				sources[p["source"]]++
			}
		}
	}
	if sources["ad_hoc"] == 0 || sources["catalog"] == 0 {
		t.Errorf("subscriptions with prices that products do not show: %v", sources)
	}
}

func TestTrap17_UndocumentedKeys(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1}), ServerOptions{})
	order, sub := list1(t, s, "/v1/orders/?limit=1").Items[0], list1(t, s, "/v1/subscriptions/?limit=1").Items[0]
	for _, k := range []string{"amount", "from_balance_amount", "user", "user_id", "product_price", "product_price_id", "units"} {
		if _, ok := order[k]; !ok {
			t.Errorf("order has no %s: %v", k, sortedKeys(order))
		}
	}
	for _, k := range []string{"price", "price_id", "user", "user_id", "units"} {
		if _, ok := sub[k]; !ok {
			t.Errorf("subscription has no %s: %v", k, sortedKeys(sub))
		}
	}
}

func TestTrap25_RateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 5}), ServerOptions{PerMinute: 100, Clock: func() time.Time { return now }})
	serve := func(n int) (ok int, last *http.Response, body string) {
		for range n {
			if last, body = do(t, s, "GET", "/v1/orders/", ""); last.StatusCode == 200 {
				ok++
			}
		}
		return ok, last, body
	}
	if ok, res, body := serve(102); ok != 101 || res.StatusCode != 429 || body != "" || res.Header.Get("Retry-After") != "60" || res.Header.Get("Content-Type") != "" {
		t.Errorf("%d served (the first counts elsewhere), then %d %q %v", ok, res.StatusCode, body, res.Header)
	}
	now = now.Add(59 * time.Second)
	if ok, res, _ := serve(1); ok != 0 || res.Header.Get("Retry-After") != "60" {
		t.Errorf("after 59 s: %d, Retry-After %s", res.StatusCode, res.Header.Get("Retry-After"))
	}
	now = now.Add(time.Second)
	if ok, _, _ := serve(101); ok != 100 {
		t.Errorf("in the second window %d are served", ok)
	}
	// After five minutes of silence the token counts as unknown again, with its own 60 a minute, until a request was accepted.
	now = now.Add(6 * time.Minute)
	if ok, _, _ := serve(101); ok != 101 {
		t.Errorf("after silence %d are served", ok)
	}
	strange := 0
	for range 70 {
		if res, _ := do(t, s, "GET", "/v1/orders/", "", "Authorization", "Bearer wrong"); res.StatusCode == 401 {
			strange++
		}
	}
	if strange != 60 {
		t.Errorf("a refused token gets %d answers in a minute", strange)
	}
}

func TestFilters(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 400, Products: 40})
	s := NewServer(w, ServerOptions{StableTies: true})
	orders, subs := all(t, s, "/v1/orders/?sorting=created_at"), all(t, s, "/v1/subscriptions/?sorting=started_at")
	count := func(rows []map[string]any, keep func(map[string]any) bool) (n int) {
		for _, r := range rows {
			if keep(r) {
				n++
			}
		}
		return n
	}
	at := func(v any) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	middle := orders[len(orders)/2]
	bound, boundText := at(middle["created_at"]), middle["created_at"].(string)
	started := subs[len(subs)/3]["started_at"].(string)
	var canceled string
	for _, sub := range subs {
		if v, ok := sub["canceled_at"].(string); ok {
			canceled = v
		}
	}
	customer := middle["customer_id"].(string)
	external := ""
	for _, c := range all(t, s, "/v1/customers/") {
		if v, ok := c["external_id"].(string); ok && !strings.ContainsAny(v, "&?/ ") {
			external = v
		}
	}
	for _, c := range []struct {
		target string
		want   int
	}{
		{"/v1/orders/?created_after=" + boundText, count(orders, func(o map[string]any) bool { return at(o["created_at"]).After(bound) })},
		{"/v1/orders/?sorting=created_at&created_after=" + boundText, count(orders, func(o map[string]any) bool { return at(o["created_at"]).After(bound) })},
		{"/v1/orders/?sorting=amount&created_before=" + boundText, count(orders, func(o map[string]any) bool { return at(o["created_at"]).Before(bound) })},
		{"/v1/orders/?sorting=-created_at&created_before=" + boundText, count(orders, func(o map[string]any) bool { return at(o["created_at"]).Before(bound) })},
		{"/v1/orders/?status=paid&status=refunded", count(orders, func(o map[string]any) bool { return o["status"] == "paid" || o["status"] == "refunded" })},
		{"/v1/orders/?customer_id=" + customer, count(orders, func(o map[string]any) bool { return o["customer_id"] == customer })},
		{"/v1/orders/?external_customer_id=" + external, count(orders, func(o map[string]any) bool { return o["customer"].(map[string]any)["external_id"] == external })},
		{"/v1/orders/?product_billing_type=one_time", count(orders, func(o map[string]any) bool {
			p, ok := o["product"].(map[string]any)
			return ok && p["is_recurring"] == false
		})},
		{"/v1/orders/?metadata[source]=web", count(orders, func(o map[string]any) bool { return o["metadata"].(map[string]any)["source"] == "web" })},
		{"/v1/orders/?metadata[PLAN]=true", count(orders, func(o map[string]any) bool { return o["metadata"].(map[string]any)["PLAN"] == true })},
		{"/v1/orders/?metadata[id]=9007199254740993", count(orders, func(o map[string]any) bool { return o["metadata"].(map[string]any)["id"] != nil })},
		{"/v1/orders/?organization_id=" + w.OrganizationID(), len(orders)},
		{"/v1/orders/?organization_id=0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11", 0},
		{"/v1/orders/?ignored=x", len(orders)},
		{"/v1/subscriptions/?started_after=" + started, count(subs, func(o map[string]any) bool { return at(o["started_at"]).After(at(started)) })},
		{"/v1/subscriptions/?canceled_at_after=" + canceled, count(subs, func(o map[string]any) bool {
			return o["canceled_at"] != nil && !at(o["canceled_at"]).Before(at(canceled))
		})},
		{"/v1/subscriptions/?canceled_at_before=" + canceled, count(subs, func(o map[string]any) bool {
			return o["canceled_at"] != nil && !at(o["canceled_at"]).After(at(canceled))
		})},
		{"/v1/subscriptions/?status=past_due", count(subs, func(o map[string]any) bool { return o["status"] == "past_due" })},
		{"/v1/subscriptions/?cancel_at_period_end=true", count(subs, func(o map[string]any) bool { return o["cancel_at_period_end"] == true })},
		{"/v1/products/?is_archived=false", count(all(t, s, "/v1/products/"), func(p map[string]any) bool { return p["is_archived"] == false })},
		{"/v1/products/?id=" + list1(t, s, "/v1/products/?limit=1").Items[0]["id"].(string), 1},
		{"/v1/products/?benefit_id=" + w.BenefitIDs()[0], 4},
		{"/v1/members/?customer_id=" + customer, count(all(t, s, "/v1/members/"), func(m map[string]any) bool { return m["customer_id"] == customer })},
		{"/v1/members/?role=owner", count(all(t, s, "/v1/members/"), func(m map[string]any) bool { return m["role"] == "owner" })},
		{"/v1/payments/?status=pending&status=failed", count(all(t, s, "/v1/payments/"), func(p map[string]any) bool { return p["status"] != "succeeded" })},
		{"/v1/payments/?order_id=" + middle["id"].(string), count(all(t, s, "/v1/payments/"), func(p map[string]any) bool { return p["order_id"] == middle["id"] })},
	} {
		if got := list1(t, s, c.target+"&limit=1").Pagination.TotalCount; got != c.want {
			t.Errorf("%s: %d rows, want %d", c.target, got, c.want)
		}
	}
}

func TestTrap29_NaiveTimes(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 5}), ServerOptions{})
	const bound = "2026-01-01T00:00:00"
	if got, want := list1(t, s, "/v1/orders/?created_after="+bound), list1(t, s, "/v1/orders/?created_after="+bound+"Z"); got.Pagination != want.Pagination {
		t.Errorf("a time without offset is not taken as UTC: %+v, want %+v", got.Pagination, want.Pagination)
	}
	for _, path := range []string{"/v1/events/", "/v1/webhooks/deliveries"} {
		if res, body := do(t, s, "GET", path+"?start_timestamp="+bound, ""); res.StatusCode != 422 || !strings.Contains(body, "timezone_aware") {
			t.Errorf("%s, a time without offset: %d %s", path, res.StatusCode, body)
		}
	}
	if res, _ := do(t, s, "GET", "/v1/orders/?created_after=2026-01-01T00:00:00+00:00", ""); res.StatusCode != 422 {
		t.Errorf("an unescaped + : %d", res.StatusCode)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 5}), ServerOptions{})
	list1(t, s, "/v1/orders/")
	list1(t, s, "/v1/orders/?page=2")
	do(t, s, "GET", "/v1/nope", "")
	if s.Requests() != 3 || s.RequestsByPath()["GET /v1/orders/"] != 2 {
		t.Errorf("%d requests: %v", s.Requests(), s.RequestsByPath())
	}
	s.Reset()
	if s.Requests() != 0 {
		t.Error("not reset")
	}
}

func TestReceiptIsRenderedOnDemand(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1}), ServerOptions{})
	for _, o := range list1(t, s, "/v1/orders/?limit=100").Items {
		target := "/v1/orders/" + o["id"].(string) + "/receipt"
		res, body := do(t, s, "GET", target, "")
		if o["receipt_number"] == nil {
			if res.StatusCode != 404 || !strings.Contains(body, "ReceiptNotAllocated") {
				t.Fatalf("no receipt number: %d %s", res.StatusCode, body)
			}
			continue
		}
		if res.StatusCode != 202 || body != "" {
			t.Fatalf("first: %d %q", res.StatusCode, body)
		}
		var link struct{ URL string }
		if _, body = do(t, s, "GET", target, ""); json.Unmarshal([]byte(body), &link) != nil || link.URL == "" {
			t.Fatalf("second: %s", body)
		}
	}
}
