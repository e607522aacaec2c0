package metrics

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// paid are the events of orders in dollars, without fees: of each that it was paid, when it was made.
func paid(orders ...*Booking) iter.Seq[*Booking] {
	return func(yield func(*Booking) bool) {
		for i, b := range orders {
			settled := *b
			settled.Kind, settled.Order, settled.Booked, settled.Currency, settled.Rate = Charged, int32(i), b.At, "usd", 1
			told := settled
			told.Kind = Paid
			if !yield(&settled) || !yield(&told) {
				return
			}
		}
	}
}

// A subscription with two orders in one period is renewed once in it, with the revenue of both; in the period of its start it is new and not renewed.
// Orders of one whose beginning is not known are neither.
func TestRenewedOnceInAPeriod(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) Time { return at(time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)) }
	tables := Tables{OrderCount: 5, SubscriptionCount: 5, Bookings: paid(
		&Booking{At: day(1, 10), Amount: 100, Subscription: 4},
		&Booking{At: day(2, 10), Amount: 100, Subscription: 4},
		&Booking{At: day(2, 20), Amount: 30, Subscription: 4},
		&Booking{At: day(2, 21), Amount: 7, Subscription: 2},
		&Booking{At: day(3, 10), Amount: 100, Subscription: 4},
	), Acts: slices.Values([]*Act{{Kind: Created, Subscription: 4, At: day(1, 10), StartedAt: day(1, 10)}, {Kind: GoneOn, Subscription: 2, At: day(1, 10)}})}
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

// quarter is the first three months of 2026, month by month.
func quarter() Timeline {
	return NewTimeline(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), "month", time.UTC)
}

// written is a metric as Polar writes it: the values of the periods, and after a bar the total.
func written(v *Values, d *Def) string {
	var b strings.Builder
	write := func(n Number) {
		switch {
		case !n.IsFloat:
			fmt.Fprint(&b, n.Int)
		case n.Float == math.Trunc(n.Float):
			fmt.Fprintf(&b, "%.1f", n.Float)
		default:
			fmt.Fprint(&b, n.Float)
		}
	}
	for i := range v.Periods() {
		write(v.Value(d, i))
		b.WriteByte(' ')
	}
	b.WriteString("| ")
	write(v.Total(d))
	return b.String()
}

func checkWritten(t *testing.T, tables Tables, slugs []string, want map[string]string) {
	t.Helper()
	defs := Choose(slugs)
	v := Compute(quarter(), tables, defs)
	for _, d := range defs {
		if got := written(v, d); got != want[d.Slug] {
			t.Errorf("of %v: %s is %s, want %s", slugs, d.Slug, got, want[d.Slug])
		}
	}
}

// A seat counts in the periods at whose end it is assigned, and its payer with it; a payer is new with the first seat ever, and gone with the last.
func TestSeatsByHand(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) Time { return at(time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)) }
	seats := []*Seat{
		{Payer: 1, CreatedAt: day(1, 20), ClaimedAt: day(2, 2)},
		{Payer: 1, CreatedAt: day(1, 10), ClaimedAt: day(1, 11), RevokedAt: day(2, 20)},
		{Payer: 2, CreatedAt: day(2, 5), RevokedAt: day(2, 9)}, // never assigned at the end of a period: neither counted nor new, but gone
		{Payer: 3, CreatedAt: at(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)), RevokedAt: day(1, 5)},
		{Payer: 3, CreatedAt: day(3, 1)}, // came back: not new, and not gone any more
		{Payer: 4, CreatedAt: day(4, 1)},
	}
	tables := Tables{Seats: slices.Values(seats)}
	want := map[string]string{
		"seats_total": "2 1 2 | 2", "seats_claimed": "1 1 1 | 1", "seats_pending": "1 0 1 | 1", "seat_customers": "1 1 2 | 2",
		"new_seat_customers": "1 0 0 | 1", "churned_seat_customers": "0 1 0 | 1",
		"average_seats_per_customer": "2.0 1.0 1.0 | 1.0", "seat_utilization_rate": "0.5 1.0 0.5 | 0.5",
	}
	checkWritten(t, tables, slices.Collect(maps.Keys(want)), want)
}

// Costs are whole numbers where they have no fraction. Users are counted by what their events came with; the totals are of active subscriptions,
// and of nothing where those were not asked for.
func TestUsageByHand(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) Time { return at(time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)) }
	tables := Tables{
		Subscriptions: slices.Values([]*Subscription{{Customer: 1, StartedAt: day(1, 1), Interval: "month", Amount: 700, Currency: "usd"},
			{Customer: 2, StartedAt: day(2, 1), Interval: "year", Amount: 100, Currency: "usd", CanceledAt: day(2, 10)}}),
		Bookings: paid(&Booking{At: day(2, 1), Amount: 40, Subscription: -1}), OrderCount: 1, Acts: slices.Values([]*Act{}),
		Events: slices.Values([]*Event{
			{At: at(time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)), Customer: 9, Cost: 0.5},
			{At: day(2, 3), Customer: 1, Cost: 1.25},
			{At: day(1, 3), Customer: 1, Cost: 3},
			{At: day(2, 3), Customer: 1, External: true, Cost: 1},
			{At: day(2, 4), Customer: 1},
			{At: day(2, 5), Customer: -1}, // counts as nobody
			{At: quarter().last, Customer: 2, Cost: 99},
		}),
	}
	want := map[string]string{
		"costs": "3 2.25 0 | 5.25", "cumulative_costs": "3.5 5.75 5.75 | 5.75", "active_user_by_event": "1 2 1 | 2", "cost_per_user": "3 1.125 0 | 2.625",
		"active_subscriptions": "1 2 2 | 2", "average_revenue_per_user": "700 354 354 | 354", "churn_rate": "0.0 0.0 1.0 | 1.0", "ltv": "0 0 354 | 354",
		"gross_margin": "-3.5 34.25 34.25 | 34.25", "gross_margin_percentage": "0.0 0.85625 0.85625 | 0.85625", "cashflow": "-3 37.75 0 | 34.75",
	}
	checkWritten(t, tables, slices.Collect(maps.Keys(want)), want)
	want["active_user_by_event"], want["cost_per_user"] = "1 2 1 | 0", "3 1.125 0 | 0.0"
	checkWritten(t, tables, []string{"active_user_by_event", "cost_per_user", "cashflow"}, want)
}

// The total of an average is that of the sums it is an average of, if those were asked for. A metric made of others brings these along.
func TestTotalsTakeWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	tables := Tables{OrderCount: 2, Bookings: paid(&Booking{At: at(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), Amount: 41, Subscription: -1},
		&Booking{At: at(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), Subscription: -1}), Events: slices.Values([]*Event{}), Acts: slices.Values([]*Act{}),
		Checkouts: slices.Values([]*Checkout{{OpenedAt: at(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), CreatedAt: at(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), Succeeded: true}})}
	want := map[string]string{"average_order_value": "0 21 0 | 0.0", "orders": "0 2 0 | 2", "cashflow": "0 41 0 | 41", "checkouts_conversion": "0.0 1.0 0.0 | 1.0"}
	checkWritten(t, tables, []string{"average_order_value"}, want)
	checkWritten(t, tables, []string{"average_order_value", "orders"}, want)
	checkWritten(t, tables, []string{"checkouts_conversion"}, want)
	want["average_order_value"] = "0 21 0 | 20.5"
	checkWritten(t, tables, []string{"average_order_value", "orders", "cashflow"}, want)
}
