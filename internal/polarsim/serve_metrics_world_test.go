package polarsim

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// number reads a metric of a period or a total.
func number(t *testing.T, values map[string]any, slug string) int64 {
	t.Helper()
	n, ok := values[slug].(json.Number)
	if !ok {
		t.Fatalf("no %s in %v", slug, values)
	}
	f, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return int64(f)
}

// askWorld answers a query from a world, through its cache.
func askWorld(t *testing.T, w *World, cache *metricsCache, query string) metricsAnswer {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var p problems
	body := w.metrics(cache, values, &p)
	if body == nil {
		t.Fatalf("%s: %s", query, p.body())
	}
	return readAnswer(t, body)
}

// sumPeriods adds the periods up, each of which has to agree with itself.
func sumPeriods(t *testing.T, interval string, a metricsAnswer) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for _, p := range a.Periods {
		for _, slug := range []string{"orders", "revenue", "net_revenue", "one_time_products", "one_time_products_revenue", "new_subscriptions_revenue",
			"renewed_subscriptions_revenue", "churned_subscriptions", "canceled_subscriptions", "new_subscriptions"} {
			sums[slug] += number(t, p, slug)
		}
		reasons := int64(0)
		for slug := range p {
			if strings.HasPrefix(slug, "canceled_subscriptions_") {
				reasons += number(t, p, slug)
			}
		}
		if reasons != number(t, p, "canceled_subscriptions") {
			t.Errorf("%s %v: reasons add up to %d", interval, p["timestamp"], reasons)
		}
		if number(t, p, "annual_recurring_revenue") != 12*number(t, p, "monthly_recurring_revenue") {
			t.Errorf("%s %v: annual recurring revenue is not twelve monthly ones", interval, p["timestamp"])
		}
	}
	return sums
}

// settledNet is the net amount of an order in US cents, halves to even.
func settledNet(w *World, n Ref) int64 {
	o := &w.orders[n]
	rate := rateAt(o.Currency, o.PaidAt)
	if o.PaidAt == 0 {
		if rate = w.creditRate(n, o.CreatedAt+second); rate == 0 {
			rate = 1_000_000 // nothing, or nobody paid in the currency before
		}
	}
	return int64(math.RoundToEven(float64(o.Net()) * (float64(rate) / 1_000_000)))
}

// Nothing is lost between the orders and the metrics, nor between one interval and another.
func TestMetricsConserve(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 3, Customers: 300})
	w.Advance(20 * 24 * time.Hour) // so that something lies behind the end of the range too
	from, to := "2025-10-16", "2026-10-15"
	bounds := []Time{utc(t, from), utc(t, "2026-10-16")}
	var revenue, orders, once, past int64
	for i := range w.orders {
		o := &w.orders[i]
		switch {
		case !o.Paid() || o.CreatedAt >= bounds[1]:
		case o.CreatedAt < bounds[0]:
			past += settledNet(w, Ref(i))
		default:
			orders++
			revenue += settledNet(w, Ref(i))
			if o.Subscription == None {
				once++
			}
		}
	}
	if orders == 0 || past == 0 || once == 0 {
		t.Fatalf("a world without orders proves nothing: %d orders, %d once, %d before", orders, once, past)
	}
	var active int64
	for i := range w.subscriptions {
		s := &w.subscriptions[i]
		if end := s.end(); s.StartedAt < bounds[1] && (end == 0 || end >= bounds[1]) {
			active++
		}
	}
	cache := &metricsCache{}
	churned, canceled := int64(-1), int64(-1)
	var created int64
	for _, interval := range []string{"day", "week", "month", "year"} {
		a := askWorld(t, w, cache, "start_date="+from+"&end_date="+to+"&interval="+interval)
		sums := sumPeriods(t, interval, a)
		last := a.Periods[len(a.Periods)-1]
		for _, c := range []struct {
			name      string
			got, want int64
		}{
			{"orders", sums["orders"], orders},
			{"revenue", sums["revenue"], revenue},
			{"one-time products", sums["one_time_products"], once},
			{"cumulative revenue", number(t, last, "cumulative_revenue"), past + revenue},
			{"total of orders", number(t, a.Totals, "orders"), orders},
			{"total of net revenue", number(t, a.Totals, "net_revenue"), sums["net_revenue"]},
			{"revenue in parts", sums["one_time_products_revenue"] + sums["new_subscriptions_revenue"] + sums["renewed_subscriptions_revenue"], revenue},
		} {
			if c.got != c.want {
				t.Errorf("by %s: %s is %d, want %d", interval, c.name, c.got, c.want)
			}
		}
		if interval == "day" {
			if got := number(t, last, "active_subscriptions"); got != active {
				t.Errorf("active subscriptions at the end: %d, want %d", got, active)
			}
			churned, canceled, created = sums["churned_subscriptions"], sums["canceled_subscriptions"], sums["new_subscriptions"]
			if churned == 0 || canceled == 0 || created == 0 {
				t.Errorf("a world without churn proves nothing: %d churned, %d canceled, %d new", churned, canceled, created)
			}
		}
		if sums["churned_subscriptions"] != churned || sums["canceled_subscriptions"] != canceled {
			t.Errorf("by %s: %d churned, %d canceled; by day %d and %d", interval, sums["churned_subscriptions"], sums["canceled_subscriptions"], churned, canceled)
		}
	}
}

// Filters cut the whole into parts that add up to it.
func TestMetricsFiltersPartition(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 4, Customers: 120})
	cache := &metricsCache{}
	const query = "start_date=2026-01-01&end_date=2026-10-15&interval=month"
	whole := askWorld(t, w, cache, query)
	recurring, once := askWorld(t, w, cache, query+"&billing_type=recurring"), askWorld(t, w, cache, query+"&billing_type=one_time")
	if got, want := number(t, recurring.Totals, "active_subscriptions")+number(t, once.Totals, "active_subscriptions"),
		number(t, whole.Totals, "active_subscriptions"); got != want {
		t.Errorf("active subscriptions by billing type add up to %d, want %d", got, want)
	}
	var byCustomer, byProduct int64
	for i := range w.customers {
		a := askWorld(t, w, cache, query+"&metrics=revenue&customer_id="+w.id(KindCustomer, i).String())
		byCustomer += number(t, a.Totals, "revenue")
	}
	for i := range w.products {
		a := askWorld(t, w, cache, query+"&metrics=revenue&product_id="+w.id(KindProduct, i).String())
		byProduct += number(t, a.Totals, "revenue")
	}
	if want := number(t, whole.Totals, "revenue"); byCustomer != want || byProduct > want || byProduct == 0 {
		t.Errorf("revenue is %d, by customer %d, by product %d", want, byCustomer, byProduct)
	}
	stranger := askWorld(t, w, cache, query+"&organization_id=0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11")
	if got := number(t, stranger.Totals, "orders") + number(t, stranger.Totals, "active_subscriptions"); got != 0 {
		t.Errorf("another organization has %d orders and subscriptions", got)
	}
	own := askWorld(t, w, cache, query+"&organization_id="+w.OrganizationID())
	if got, want := number(t, own.Totals, "orders"), number(t, whole.Totals, "orders"); got != want || want == 0 {
		t.Errorf("the organization itself has %d orders, want %d", got, want)
	}
}

// An answer is kept for a minute of simulated time; a change of the world makes a new one at once.
func TestMetricsCache(t *testing.T) {
	t.Parallel()
	cache := &metricsCache{}
	cache.put("a", 1, 0, []byte("1"))
	for _, c := range []struct {
		key     string
		version uint64
		now     Time
		want    bool
	}{{"a", 1, 0, true}, {"a", 1, metricsTTL - 1, true}, {"a", 1, metricsTTL, false}, {"a", 2, 0, false}, {"b", 1, 0, false}} {
		if _, got := cache.get(c.key, c.version, c.now); got != c.want {
			t.Errorf("%s of version %d at %d: kept is %t", c.key, c.version, c.now, got)
		}
	}
	for i := range 10 * metricsKept {
		cache.put(strconv.Itoa(i), 2, 0, nil)
	}
	if len(cache.answers) > metricsKept {
		t.Errorf("%d answers kept, want at most %d", len(cache.answers), metricsKept)
	}
}

// moved is what the events of balances say about revenue and net revenue, by month.
type moved map[string][2]float64

func (m moved) add(t *testing.T, e map[string]any) {
	t.Helper()
	about := e["metadata"].(map[string]any)
	number := func(name string) float64 {
		f, _ := about[name].(float64)
		return f
	}
	net, at, revenue := number("net_amount"), e["timestamp"], false
	switch e["name"] {
	case "balance.order":
		revenue = true
	case "balance.credit_order":
		net, revenue = number("amount"), true
	case "balance.refund", "balance.refund_reversal", "balance.dispute", "balance.dispute_reversal":
		net = number("amount")
		if about["order_created_at"] != nil {
			at = about["order_created_at"]
		}
	default:
		return
	}
	settled, month := math.RoundToEven(net*number("exchange_rate")), at.(string)[:len("2026-01")]
	sums := m[month]
	if revenue {
		sums[0] += settled
	}
	sums[1] += settled - number("fee")
	m[month] = sums
}

// What metrics say of usage, seats and revenue is what the lists of events and of seats say, month by month.
func TestMetricsCountWhatIsListed(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 3, Customers: 120})
	s := NewServer(w, ServerOptions{StableTies: true})
	const months = 10
	month := func(at any) string { // "9999" for never: after all others
		if at == nil {
			return "9999"
		}
		return at.(string)[:len("2026-01")]
	}
	costs, users := map[string]float64{}, map[string]map[any]bool{}
	external, balances := 0, moved{}
	for _, e := range all(t, s, "/v1/events/") {
		balances.add(t, e)
		m := month(e["timestamp"])
		if cost, is := e["metadata"].(map[string]any)["_cost"].(map[string]any); is {
			amount, err := strconv.ParseFloat(text(cost["amount"]), 64)
			if err != nil {
				t.Fatal(err)
			}
			costs[m] += amount
		}
		if users[m] == nil {
			users[m] = map[any]bool{}
		}
		who := [2]any{e["external_customer_id"], e["customer_id"]}
		if who[0] != nil {
			who[1] = nil
			external++
		}
		if who != [2]any{} {
			users[m][who] = true
		}
	}
	type owned struct{ owner, created, claimed, revoked string }
	var seats []owned
	for list, name := range map[string]string{"/v1/subscriptions/": "subscription_id", "/v1/orders/": "order_id"} {
		for _, o := range all(t, s, list) {
			if o["seats"] == nil || name == "order_id" && o["subscription_id"] != nil {
				continue
			}
			_, body := do(t, s, "GET", "/v1/customer-seats?"+name+"="+o["id"].(string), "")
			var answer struct{ Seats []map[string]any }
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatal(err)
			}
			for _, seat := range answer.Seats {
				seats = append(seats, owned{o["customer_id"].(string), month(seat["created_at"]), month(seat["claimed_at"]), month(seat["revoked_at"])})
			}
		}
	}
	_, body := do(t, s, "GET", "/v1/metrics/?start_date=2026-01-01&end_date=2026-10-31&interval=month", "")
	a := readAnswer(t, []byte(body))
	if len(a.Periods) != months || len(costs) < months || external == 0 || len(seats) < 20 {
		t.Fatalf("proves little: %d months, %d with costs, %d events by external ids, %d seats", len(a.Periods), len(costs), external, len(seats))
	}
	var cumulative float64
	for m, cost := range costs {
		if m < "2026-01" {
			cumulative += cost
		}
	}
	for _, p := range a.Periods {
		m, want := month(p["timestamp"]), map[string]float64{}
		cumulative += costs[m]
		want["revenue"], want["net_revenue"] = balances[m][0], balances[m][1]
		want["costs"], want["cumulative_costs"], want["active_user_by_event"] = costs[m], cumulative, float64(len(users[m]))
		payers := map[string]bool{}
		for _, s := range seats {
			if s.created <= m && s.revoked > m {
				want["seats_total"]++
				payers[s.owner] = true
				if s.claimed <= m {
					want["seats_claimed"]++
				}
			}
		}
		want["seat_customers"], want["seats_pending"] = float64(len(payers)), want["seats_total"]-want["seats_claimed"]
		for slug, want := range want {
			if got, err := p[slug].(json.Number).Float64(); err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", m, slug, p[slug], want)
			}
		}
	}
}
