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
	w := &World{keys: newIDKeys(0), now: now, customers: make([]Customer, 100_000), products: []Product{{Interval: "month", IntervalCount: 1}}}
	for i := range subscriptions {
		s := Subscription{Customer: Ref(i * 2 / 3), StartedAt: from + (now-from)/subscriptions*Time(i), Interval: "month", IntervalCount: 1, Currency: "eur", Amount: 1234, Discount: None}
		s.CreatedAt = s.StartedAt
		if i%3 == 0 {
			s.CanceledAt, s.EndsAt = s.StartedAt+40*day, s.StartedAt+61*day
		}
		w.subscriptions = append(w.subscriptions, s)
	}
	for i := range orders {
		w.orders = append(w.orders, Order{CreatedAt: from + (now-from)/orders*Time(i), PaidAt: from + (now-from)/orders*Time(i) + second, Status: OrderPaid, Currency: "eur", Subtotal: int64(i % 9999),
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
	w.startJournal()
	b.ResetTimer()
	for b.Loop() {
		v, defs := q.compute(w, &metricFilter{})
		if len(appendMetrics(nil, v, defs)) == 0 {
			b.Fatal("empty answer")
		}
	}
}

// BenchmarkMetricsOfWorld answers the same of a generated world, with its events and seats.
func BenchmarkMetricsOfWorld(b *testing.B) {
	w := NewWorld(Options{Seed: 1, Orders: 100_000})
	w.startJournal()
	values, err := url.ParseQuery("start_date=2025-10-15&end_date=2026-10-15&interval=day&timezone=Europe/Paris")
	if err != nil {
		b.Fatal(err)
	}
	q := parseMetricsQuery(values, &problems{})
	for b.Loop() {
		v, defs := q.compute(w, &metricFilter{})
		if len(appendMetrics(nil, v, defs)) == 0 {
			b.Fatal("empty answer")
		}
	}
}
