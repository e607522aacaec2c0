package polarsim

import (
	"syncd/internal/polarsim/metrics"
)

// metricTables are the rows that metrics are computed from, those that a filter accepts. What Polar reads from events has tables of its own, beside
// (serve_metrics_events.go).
type metricTables struct {
	*World
	filter *metricFilter
}

// counted are the rows and events that f accepts, as metrics see them; w.mu is held.
func (w *World) counted(f *metricFilter) metrics.Tables {
	t := metricTables{w, f}
	return metrics.Tables{
		Subscriptions: t.countedSubscriptions, Payments: t.countedPayments, Checkouts: t.countedCheckouts, Seats: t.countedSeats,
		Bookings: t.countedBookings, Acts: t.countedActs, Events: t.countedEvents,
		OrderCount: len(w.orders), SubscriptionCount: len(w.subscriptions), Customers: f.customers != nil,
	}
}

func (t metricTables) countedSubscriptions(yield func(*metrics.Subscription) bool) {
	var row metrics.Subscription
	for i := range t.subscriptions {
		s := &t.subscriptions[i]
		if !t.filter.accepts(s.Customer, s.Product) {
			continue
		}
		row = metrics.Subscription{Customer: int32(s.Customer), StartedAt: metrics.Time(s.StartedAt), TrialEnd: metrics.Time(s.TrialEnd),
			CanceledAt: metrics.Time(s.CanceledAt), End: metrics.Time(s.end()), Interval: s.Interval, IntervalCount: s.IntervalCount, Amount: t.netAmount(s), Currency: s.Currency}
		if !yield(&row) {
			return
		}
	}
}

// countedPayments are those in other currencies: the filter says which count for a period, and orders without a product never do.
func (t metricTables) countedPayments(yield func(*metrics.Payment) bool) {
	var row metrics.Payment
	for i := range t.orders {
		o := &t.orders[i]
		if o.PaidAt == 0 || usdBase(o.Currency) == 0 {
			continue
		}
		row = metrics.Payment{At: metrics.Time(o.PaidAt), OrderAt: metrics.Time(o.CreatedAt), Currency: o.Currency, Rate: rateAt(o.Currency, o.PaidAt),
			Counts: o.Product != None && t.filter.accepts(o.Customer, o.Product)}
		if !yield(&row) {
			return
		}
	}
}

func (t metricTables) countedCheckouts(yield func(*metrics.Checkout) bool) {
	var row metrics.Checkout
	for i := range t.checkouts {
		c := &t.checkouts[i]
		if !t.filter.accepts(c.Customer, c.Product) {
			continue
		}
		row = metrics.Checkout{CreatedAt: metrics.Time(c.CreatedAt), OpenedAt: metrics.Time(t.openedAt(Ref(i))), Succeeded: c.Status == "succeeded"}
		if !yield(&row) {
			return
		}
	}
}

// countedSeats are those of subscriptions, and of orders without one.
func (t metricTables) countedSeats(yield func(*metrics.Seat) bool) {
	of := func(subscription, order, product Ref) bool {
		seats, _, customer := t.seatsOf(subscription, order)
		if !t.filter.accepts(customer, product) {
			return true
		}
		for _, s := range seats {
			row := metrics.Seat{Payer: int32(customer), CreatedAt: metrics.Time(s.at), ClaimedAt: metrics.Time(s.claimed), RevokedAt: metrics.Time(s.revoked)}
			if !yield(&row) {
				return false
			}
		}
		return true
	}
	for i := range t.subscriptions {
		if s := &t.subscriptions[i]; s.Seats > 0 && s.StartedAt != 0 && !of(Ref(i), None, s.Product) {
			return
		}
	}
	for i := range t.orders {
		if o := &t.orders[i]; o.Seats > 0 && o.Subscription == None && !of(None, Ref(i), o.Product) {
			return
		}
	}
}
