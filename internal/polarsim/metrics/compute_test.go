package metrics

import (
	"slices"
	"testing"
	"time"
)

// A subscription with two orders in one period is renewed once in it, with the revenue of both; in the period of its start it is new and not renewed.
func TestRenewedOnceInAPeriod(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) Time { return at(time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)) }
	orders := []*Order{
		{CreatedAt: day(1, 10), Net: 100, Currency: "usd", Subscription: 4},
		{CreatedAt: day(2, 10), Net: 100, Currency: "usd", Subscription: 4},
		{CreatedAt: day(2, 20), Net: 30, Currency: "usd", Subscription: 4},
		{CreatedAt: day(2, 21), Net: 7, Currency: "usd", Subscription: 2},
		{CreatedAt: day(3, 10), Net: 100, Currency: "usd", Subscription: 4},
	}
	tables := Tables{Orders: slices.Values(orders), Started: func(subscription int32) Time {
		if subscription == 2 {
			return 0 // it never started
		}
		return day(1, 10)
	}}
	defs := Choose([]string{"renewed_subscriptions", "renewed_subscriptions_revenue", "new_subscriptions_revenue"})
	v := Compute(NewTimeline(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), "month", time.UTC), tables, defs)
	for i, want := range []map[string]int64{
		{"new_subscriptions_revenue": 100, "renewed_subscriptions": 0, "renewed_subscriptions_revenue": 0},
		{"new_subscriptions_revenue": 0, "renewed_subscriptions": 1, "renewed_subscriptions_revenue": 130},
		{"new_subscriptions_revenue": 0, "renewed_subscriptions": 1, "renewed_subscriptions_revenue": 100},
	} {
		for _, d := range defs {
			if got := v.Value(d, i); got.IsFloat || got.Int != want[d.Slug] {
				t.Errorf("period %d: %s is %+v, want %d", i+1, d.Slug, got, want[d.Slug])
			}
		}
	}
}
