package polarsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// utc reads a moment written as 2026-01-02 or 2026-01-02T03:04:05.
func utc(t *testing.T, s string) Time {
	t.Helper()
	if s == "" {
		return 0
	}
	if len(s) == len(time.DateOnly) {
		s += "T00:00:00"
	}
	at, err := time.Parse("2006-01-02T15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return At(at)
}

// handMade is a world of the rows given, with four customers, a product that renews and one that does not. What happened is its journal.
func handMade(t *testing.T, w *World) *World {
	w.keys, w.now = newIDKeys(0), utc(t, "2026-06-01")
	w.customers = make([]Customer, 4)
	w.products = []Product{{Interval: "month", IntervalCount: 1}, {}}
	for i := range w.subscriptions {
		w.subscriptions[i].Discount = None
	}
	for i := range w.orders {
		if o := &w.orders[i]; o.Paid() && o.Due() > 0 {
			o.PaidAt = o.CreatedAt
		}
	}
	return w
}

// tinyWorld is small enough to compute by hand: two subscriptions that go on, one that is canceled after its trial, one that ends in the month of
// its beginning; orders in three currencies, one of them refunded in part, one whole, one disputed, one never paid,
// one before the range.
func tinyWorld(t *testing.T) *World {
	sub := func(customer Ref, started, trialEnd, canceled, ends, ended, reason, interval, currency string, amount int64) Subscription {
		return Subscription{Customer: customer, Product: 0, CreatedAt: utc(t, started), StartedAt: utc(t, started), TrialEnd: utc(t, trialEnd),
			CanceledAt: utc(t, canceled), EndsAt: utc(t, ends), EndedAt: utc(t, ended), CancellationReason: reason,
			Interval: interval, IntervalCount: 1, Currency: currency, Amount: amount}
	}
	order := func(at, status string, customer, product, subscription Ref, currency string, net, tax, fee, refunded int64) Order {
		return Order{CreatedAt: utc(t, at), Status: status, Customer: customer, Product: product, Subscription: subscription, Currency: currency,
			Subtotal: net + 50, DiscountAmount: 50, Tax: tax, PlatformFee: fee, RefundedAmount: refunded}
	}
	return handMade(t, &World{
		subscriptions: []Subscription{
			sub(0, "2026-01-10", "", "", "", "", "", "month", "usd", 1000),
			sub(1, "2026-01-20", "2026-02-15", "2026-02-20", "2026-03-20", "", "too_expensive", "month", "usd", 2000),
			sub(0, "2026-02-05", "", "", "", "", "", "year", "eur", 12000),
			sub(2, "2026-03-02", "", "2026-03-10", "2026-03-31", "2026-03-10", "", "month", "usd", 500),
		},
		orders: []Order{
			order("2025-12-31T23:59:59", OrderPaid, 3, 1, None, "usd", 700, 0, 0, 0),
			order("2026-01-10", OrderPaid, 0, 0, 0, "usd", 1000, 200, 90, 0),
			order("2026-01-15T12:00:00", OrderPaid, 3, 1, None, "jpy", 1500, 150, 0, 0),
			order("2026-02-05", OrderPartiallyRefunded, 0, 0, 2, "eur", 12000, 2400, 100, 600),
			order("2026-02-10", OrderPaid, 0, 0, 0, "usd", 1000, 0, 0, 0),
			order("2026-02-10", OrderDraft, 3, 1, None, "usd", 9999, 0, 0, 0),
			order("2026-02-15", OrderPaid, 1, 0, 1, "usd", 2000, 0, 0, 0),
			order("2026-03-02", OrderRefunded, 2, 0, 3, "usd", 500, 0, 0, 500),
			order("2026-04-01", OrderPaid, 3, 1, None, "usd", 333, 0, 0, 0),
		},
		refunds:  []Refund{{CreatedAt: utc(t, "2026-02-05T06:00:00"), Order: 3, Amount: 600}, {CreatedAt: utc(t, "2026-03-06"), Order: 7, Amount: 500}},
		disputes: []Dispute{{CreatedAt: utc(t, "2026-03-05"), Order: 1, Status: "lost"}, {CreatedAt: utc(t, "2026-03-06"), Order: 4, Status: "prevented"}},
		checkouts: []Checkout{
			{CreatedAt: utc(t, "2026-01-10"), Status: "succeeded", Customer: 0, Product: 0},
			{CreatedAt: utc(t, "2026-01-11"), Status: "expired", Customer: None, Product: 1},
			{CreatedAt: utc(t, "2026-02-28T23:59:59"), Status: "open", Customer: 1, Product: 0},
		},
	})
}

type metricsAnswer struct {
	Periods []map[string]any
	Totals  map[string]any
	Metrics map[string]struct {
		Slug        string
		DisplayName string `json:"display_name"`
		Type        string
	}
}

func readAnswer(t *testing.T, body []byte) metricsAnswer {
	t.Helper()
	var a metricsAnswer
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}

// askRows computes the answer to a query over the rows of a world, without a server.
func askRows(t *testing.T, w *World, filter *metricFilter, query string) metricsAnswer {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var p problems
	q := parseMetricsQuery(values, &p)
	if len(p.list) > 0 {
		t.Fatalf("%s: %s", query, p.body())
	}
	v, defs := q.compute(w, filter)
	return readAnswer(t, appendMetrics(nil, v, defs))
}

// series is a metric's values as they are written, and its total after a bar.
func series(a metricsAnswer, slug string) string {
	var s []string
	for _, p := range a.Periods {
		n, _ := p[slug].(json.Number)
		s = append(s, n.String())
	}
	total, _ := a.Totals[slug].(json.Number)
	return strings.Join(s, " ") + " | " + total.String()
}

// A euro cent is worth 1.022047 US cents on 5 February, and no later payment is in euros: 12,000 of them are 12,265, and in a month 1,022. 600 that went
// back are 613, and converted once more at 613/600 they are 626. A yen is worth 0.70923 on 15 January. The checkout of 28 February was opened on 1 March.
func TestMetricsByHand(t *testing.T) {
	t.Parallel()
	a := askRows(t, tinyWorld(t), &metricFilter{}, "start_date=2026-01-01&end_date=2026-03-31&interval=month")
	want := map[string]string{
		"active_subscriptions":                      "2 3 2 | 2",
		"committed_subscriptions":                   "1 2 2 | 2",
		"monthly_recurring_revenue":                 "1000.0 4022.0 2022.0 | 2022.0",
		"trial_monthly_recurring_revenue":           "2000.0 0.0 0.0 | 0.0",
		"committed_monthly_recurring_revenue":       "1000.0 2022.0 2022.0 | 2022.0",
		"trial_committed_monthly_recurring_revenue": "0.0 0.0 0.0 | 0.0",
		"average_revenue_per_user":                  "500 2011 2022 | 2022",
		"annual_recurring_revenue":                  "12000.0 48264.0 24264.0 | 24264.0",
		"committed_annual_recurring_revenue":        "12000.0 24264.0 24264.0 | 24264.0",
		"orders":                                    "2 3 1 | 6",
		"revenue":                                   "2064 15265 500 | 17829",
		"net_revenue":                               "1974 14539 -2500 | 14013",
		"cumulative_revenue":                        "2764 18029 18529 | 18529",
		"net_cumulative_revenue":                    "2674 17213 14713 | 14713",
		"average_order_value":                       "1032 5089 500 | 2971.5",
		"net_average_order_value":                   "987 4847 0 | 2335.5",
		"one_time_products":                         "1 0 0 | 1",
		"one_time_products_revenue":                 "1064 0 0 | 1064",
		"one_time_products_net_revenue":             "1064 0 0 | 1064",
		"new_subscriptions":                         "2 1 0 | 3",
		"new_subscriptions_revenue":                 "1000 12265 500 | 13765",
		"new_subscriptions_net_revenue":             "910 11539 0 | 12449",
		"renewed_subscriptions":                     "0 2 0 | 2",
		"renewed_subscriptions_revenue":             "0 3000 0 | 3000",
		"renewed_subscriptions_net_revenue":         "0 3000 0 | 3000",
		"churned_subscriptions":                     "0 0 2 | 2",
		"churn_rate":                                "0.0 0.0 0.5 | 0.5",
		"ltv":                                       "0 0 4044 | 4044",
		"canceled_subscriptions":                    "0 1 1 | 2",
		"canceled_subscriptions_customer_service":   "0 0 0 | 0",
		"canceled_subscriptions_low_quality":        "0 0 0 | 0",
		"canceled_subscriptions_missing_features":   "0 0 0 | 0",
		"canceled_subscriptions_switched_service":   "0 0 0 | 0",
		"canceled_subscriptions_too_complex":        "0 0 0 | 0",
		"canceled_subscriptions_too_expensive":      "0 1 0 | 1",
		"canceled_subscriptions_unused":             "0 0 0 | 0",
		"canceled_subscriptions_other":              "0 0 1 | 1",
		"checkouts":                                 "2 0 1 | 3",
		"succeeded_checkouts":                       "1 0 0 | 1",
		"checkouts_conversion":                      "0.5 0.0 0.0 | 0.3333333333333333",
		"cashflow":                                  "2064 15265 500 | 17829",
		"gross_margin":                              "2764 18029 18529 | 18529",
		"gross_margin_percentage":                   "1.0 1.0 1.0 | 1.0",
		"active_user_by_event":                      "3 2 2 | 2", // the total is that of active_subscriptions
		"cost_per_user":                             "0 0 0 | 0.0",
	}
	for _, slug := range []string{"costs", "cumulative_costs", "seats_total", "seats_claimed", "seats_pending", "seat_customers", "new_seat_customers", "churned_seat_customers"} {
		want[slug] = "0 0 0 | 0" // there are no costs and no seats
	}
	for _, slug := range []string{"average_seats_per_customer", "seat_utilization_rate"} {
		want[slug] = "0.0 0.0 0.0 | 0.0"
	}
	got := map[string]string{}
	delete(a.Periods[0], "timestamp")
	for slug := range a.Periods[0] {
		got[slug] = series(a, slug)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if len(a.Metrics) != len(want) || len(a.Totals) != len(want) {
		t.Errorf("%d metrics described, %d totals, want %d of both", len(a.Metrics), len(a.Totals), len(want))
	}
	if m := a.Metrics["churn_rate"]; m.Slug != "churn_rate" || m.DisplayName != "Churn Rate" || m.Type != "percentage" {
		t.Errorf("churn_rate is described as %+v", m)
	}
}

func TestMetricsFilters(t *testing.T) {
	t.Parallel()
	w := tinyWorld(t)
	const year = "start_date=2026-01-01&end_date=2026-03-31&interval=month&metrics=orders&metrics=active_subscriptions&metrics=checkouts"
	for _, c := range []struct {
		name   string
		filter metricFilter
		want   map[string]string
	}{
		{"one customer", metricFilter{customers: []bool{true, false, false, false}},
			map[string]string{"orders": "1 2 0 | 3", "active_subscriptions": "1 2 2 | 2", "checkouts": "1 0 0 | 1"}},
		{"one-time product", metricFilter{products: []bool{false, true}},
			map[string]string{"orders": "1 0 0 | 1", "active_subscriptions": "0 0 0 | 0", "checkouts": "1 0 0 | 1"}},
		{"another organization", metricFilter{nothing: true},
			map[string]string{"orders": "0 0 0 | 0", "active_subscriptions": "0 0 0 | 0", "checkouts": "0 0 0 | 0"}},
	} {
		a := askRows(t, w, &c.filter, year)
		got := map[string]string{}
		for slug := range a.Metrics {
			got[slug] = series(a, slug)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestMetricsPeriods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query string
		n     int
		first string
		last  string
	}{
		{"interval=day&start_date=2026-01-01&end_date=2026-01-01", 1, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"interval=day&start_date=2024-01-01&end_date=2025-01-01", 367, "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
		{"interval=hour&start_date=2026-01-01&end_date=2026-01-02", 48, "2026-01-01T00:00:00Z", "2026-01-02T23:00:00Z"},
		{"interval=week&start_date=2026-01-01&end_date=2026-01-05", 2, "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"}, // Thursday to Monday
		{"interval=week&start_date=2026-01-04&end_date=2026-01-04", 1, "2025-12-29T00:00:00Z", "2025-12-29T00:00:00Z"}, // a Sunday
		{"interval=month&start_date=2026-01-31&end_date=2026-03-01", 3, "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"interval=year&start_date=2025-12-31&end_date=2026-01-01", 2, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"interval=month&start_date=2026-03-10&end_date=2026-04-10&timezone=Europe/Paris", 2, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{"interval=hour&start_date=2026-03-29&end_date=2026-03-29&timezone=Europe/Paris", 23, "2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z"},
		{"interval=day&start_date=2026-01-01&end_date=2026-01-01&timezone=Asia/Kolkata", 1, "2025-12-31T18:30:00Z", "2025-12-31T18:30:00Z"},
	} {
		a := askRows(t, handMade(t, &World{}), &metricFilter{}, c.query+"&metrics=orders")
		if len(a.Periods) != c.n {
			t.Errorf("%s: %d periods, want %d", c.query, len(a.Periods), c.n)
			continue
		}
		if first, last := a.Periods[0]["timestamp"], a.Periods[c.n-1]["timestamp"]; first != c.first || last != c.last {
			t.Errorf("%s: periods from %v to %v, want %s to %s", c.query, first, last, c.first, c.last)
		}
	}
}

// An order belongs to the day it has in the zone asked for, and what lies in the first period but before the start date does not count.
func TestMetricsZonesAndBounds(t *testing.T) {
	t.Parallel()
	w := handMade(t, &World{orders: []Order{
		{CreatedAt: utc(t, "2026-01-04T23:30:00"), Status: OrderPaid, Currency: "usd", Subtotal: 100, Subscription: None},
		{CreatedAt: utc(t, "2026-01-05T23:30:00"), Status: OrderPaid, Currency: "usd", Subtotal: 10, Subscription: None},
	}})
	for _, c := range []struct{ query, revenue, cumulative string }{
		{"interval=day&start_date=2026-01-04&end_date=2026-01-06", "100 10 0 | 110", "100 110 110 | 110"},
		{"interval=day&start_date=2026-01-04&end_date=2026-01-06&timezone=Europe/Paris", "0 100 10 | 110", "0 100 110 | 110"},
		{"interval=day&start_date=2026-01-05&end_date=2026-01-05&timezone=America/New_York", "10 | 10", "110 | 110"},
		{"interval=month&start_date=2026-01-05&end_date=2026-01-31", "10 | 10", "110 | 110"},
	} {
		a := askRows(t, w, &metricFilter{}, c.query+"&metrics=revenue&metrics=cumulative_revenue")
		if got := series(a, "revenue"); got != c.revenue {
			t.Errorf("%s: revenue %s, want %s", c.query, got, c.revenue)
		}
		if got := series(a, "cumulative_revenue"); got != c.cumulative {
			t.Errorf("%s: cumulative revenue %s, want %s", c.query, got, c.cumulative)
		}
	}
}

func TestMetricsQueryRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, refused, kind, loc, msg string }{
		{"end_date=2026-01-01&interval=day", "RequestValidationError", "missing", "query.start_date", "Field required"},
		{"start_date=today&end_date=2026-01-01&interval=day", "RequestValidationError", "date_from_datetime_parsing", "query.start_date", ""},
		{"start_date=2026-01-01&end_date=2026-01-01", "RequestValidationError", "missing", "query.interval", ""},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=decade", "RequestValidationError", "enum", "query.interval",
			"Input should be 'year', 'month', 'week', 'day' or 'hour'"},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=day&timezone=Mars/Olympus", "RequestValidationError", "TimeZoneName", "query.timezone", ""},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=day&timezone=Local", "RequestValidationError", "TimeZoneName", "query.timezone", ""},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=day&customer_id=me", "RequestValidationError", "uuid_type", "query.customer_id.uuid", ""},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=day&billing_type=never", "RequestValidationError", "enum", "query.billing_type.str-enum[ProductBillingType]", ""},
		{"start_date=2026-01-01&end_date=2026-01-01&interval=day&metrics=zeal&metrics=orders&metrics=profit", "PolarRequestValidationError",
			"value_error", "query.metrics", "Invalid metric slugs: profit, zeal"},
		{"start_date=2026-01-02&end_date=2026-01-01&interval=day", "PolarRequestValidationError", "value_error", "query", ""},
		{"start_date=2026-01-01&end_date=2026-01-09&interval=hour", "PolarRequestValidationError", "value_error", "query", ""},
		{"start_date=2025-01-01&end_date=2026-01-03&interval=day", "PolarRequestValidationError", "value_error", "query", ""},
		{"start_date=2025-01-01&end_date=2026-01-08&interval=week", "PolarRequestValidationError", "value_error", "query", ""},
		{"start_date=2022-01-01&end_date=2026-01-01&interval=month", "PolarRequestValidationError", "value_error", "query", ""},
		{"start_date=2015-01-01&end_date=2026-01-01&interval=year", "PolarRequestValidationError", "value_error", "query", ""},
		// At the maximum, below the minimum, before the minimum date: all answered.
		{"start_date=2026-01-01&end_date=2026-01-08&interval=hour", "", "", "", ""},
		{"start_date=2025-01-01&end_date=2026-01-02&interval=day", "", "", "", ""},
		{"start_date=2022-01-02&end_date=2026-01-01&interval=month", "", "", "", ""},
		{"start_date=2020-01-01&end_date=2020-01-01&interval=year", "", "", "", ""},
	} {
		values, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		var p problems
		parseMetricsQuery(values, &p)
		if len(p.list) == 0 {
			if c.refused != "" {
				t.Errorf("%s: accepted, want %s", c.query, c.refused)
			}
			continue
		}
		var got struct {
			Error  string
			Detail []struct {
				Type, Msg string
				Loc       []any
			}
		}
		if err := json.Unmarshal(p.body(), &got); err != nil {
			t.Fatal(err)
		}
		d := got.Detail[0]
		loc := strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(fmt.Sprint(d.Loc), " ", "."), "["), "]")
		if got.Error != c.refused || d.Type != c.kind || loc != c.loc || (c.msg != "" && d.Msg != c.msg) {
			t.Errorf("%s: %s, want %s at %s: %s", c.query, p.body(), c.kind, c.loc, c.msg)
		}
	}
}

func TestMetricKeysTellQueriesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, query := range []string{
		"start_date=2026-01-01&end_date=2026-01-02&interval=day",
		"start_date=2026-01-01&end_date=2026-01-03&interval=day",
		"start_date=2026-01-01&end_date=2026-01-02&interval=hour",
		"start_date=2026-01-01&end_date=2026-01-02&interval=day&timezone=Europe/Paris",
		"start_date=2026-01-01&end_date=2026-01-02&interval=day&metrics=orders",
		"start_date=2026-01-01&end_date=2026-01-02&interval=day&billing_type=recurring",
		"start_date=2026-01-01&end_date=2026-01-02&interval=day&product_id=0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11",
		"start_date=2026-01-01&end_date=2026-01-02&interval=day&customer_id=0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q := parseMetricsQuery(values, &problems{})
		if other := seen[q.key()]; other != "" {
			t.Errorf("%s and %s share the key %s", query, other, q.key())
		}
		seen[q.key()] = query
	}
}
