package polarsim

import (
	"net/url"
	"testing"
	"time"
)

// BenchmarkMetrics answers a request for all metrics of 366 days over 1,000,000 orders and 150,000 subscriptions, nothing cached.
func BenchmarkMetrics(b *testing.B) {
	const orders, subscriptions = 1_000_000, 150_000
	from := At(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC))
	now := At(time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC))
	var tables metricTables
	for i := range subscriptions {
		s := Subscription{Customer: Ref(i * 2 / 3), StartedAt: from + (now-from)/subscriptions*Time(i), Interval: "month", IntervalCount: 1, Currency: "eur", Amount: 1234}
		s.CreatedAt = s.StartedAt
		if i%3 == 0 {
			s.CanceledAt, s.EndsAt = s.StartedAt+40*day, s.StartedAt+61*day
		}
		tables.subscriptions = append(tables.subscriptions, s)
	}
	for i := range orders {
		tables.orders = append(tables.orders, Order{CreatedAt: from + (now-from)/orders*Time(i), Status: OrderPaid, Currency: "eur", Subtotal: int64(i % 9999),
			Customer: Ref(i % 100_000), Product: 0, Subscription: Ref(i%(subscriptions+1)) - 1})
	}
	values, err := url.ParseQuery("start_date=2025-10-15&end_date=2026-10-15&interval=day&timezone=Europe/Paris")
	if err != nil {
		b.Fatal(err)
	}
	var p problems
	q := parseMetricsQuery(values, &p)
	if len(p.list) > 0 {
		b.Fatalf("%s", p.body())
	}
	b.ResetTimer()
	for b.Loop() {
		v, defs := q.compute(tables, &metricFilter{})
		if len(appendMetrics(nil, v, defs)) == 0 {
			b.Fatal("empty answer")
		}
	}
}
