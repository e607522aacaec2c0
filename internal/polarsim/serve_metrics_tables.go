package polarsim

import (
	"iter"
	"strconv"

	"syncd/internal/polarsim/metrics"
)

// metricTables are the rows that metrics are computed from. Orders are in the order of their creation.
type metricTables struct {
	w             *World // whose seats and events count; nil: none do
	orders        []Order
	refunds       []Refund
	disputes      []Dispute
	subscriptions []Subscription
	checkouts     []Checkout
}

// counted are the rows that f accepts, as metrics see them.
func (t metricTables) counted(f *metricFilter) metrics.Tables {
	return metrics.Tables{
		Subscriptions: t.countedSubscriptions(f), Orders: t.countedOrders(f), Disputes: t.countedDisputes(f), Checkouts: t.countedCheckouts(f), Seats: t.countedSeats(f), Events: t.countedEvents(f),
		Started: func(subscription int32) metrics.Time { return metrics.Time(t.subscriptions[subscription].StartedAt) },
	}
}

func (t metricTables) countedSubscriptions(f *metricFilter) iter.Seq[*metrics.Subscription] {
	return func(yield func(*metrics.Subscription) bool) {
		var row metrics.Subscription
		for i := range t.subscriptions {
			s := &t.subscriptions[i]
			row = metrics.Subscription{Customer: int32(s.Customer), CreatedAt: metrics.Time(s.CreatedAt), StartedAt: metrics.Time(s.StartedAt),
				TrialEnd: metrics.Time(s.TrialEnd), CanceledAt: metrics.Time(s.CanceledAt), End: metrics.Time(s.end()), CancellationReason: s.CancellationReason,
				Interval: s.Interval, IntervalCount: s.IntervalCount, Amount: s.Amount, Currency: s.Currency}
			if f.accepts(s.Customer, s.Product) && !yield(&row) {
				return
			}
		}
	}
}

func (t metricTables) countedOrders(f *metricFilter) iter.Seq[*metrics.Order] {
	return func(yield func(*metrics.Order) bool) {
		returned := map[Ref]int64{}
		for i := range t.refunds {
			r := &t.refunds[i]
			returned[r.Order] += metrics.Returned(-r.Amount, t.orders[r.Order].Currency)
		}
		var row metrics.Order
		for i := range t.orders {
			o := &t.orders[i]
			if !o.Paid() || !f.accepts(o.Customer, o.Product) {
				continue
			}
			row = metrics.Order{CreatedAt: metrics.Time(o.CreatedAt), Net: o.Net(), Fee: o.PlatformFee, Returned: returned[Ref(i)], Currency: o.Currency,
				Subscription: int32(o.Subscription)}
			if !yield(&row) {
				return
			}
		}
	}
}

// countedDisputes are the withdrawals of disputes, and what came back of them.
func (t metricTables) countedDisputes(f *metricFilter) iter.Seq[*metrics.Dispute] {
	return func(yield func(*metrics.Dispute) bool) {
		for i := range t.disputes {
			d := &t.disputes[i]
			o := &t.orders[d.Order]
			if !d.withdrawn() || !f.accepts(o.Customer, o.Product) {
				continue
			}
			if !yield(&metrics.Dispute{At: metrics.Time(d.CreatedAt.floor(millisecond)), Amount: metrics.Returned(-o.Net(), o.Currency) - disputeFee}) {
				return
			}
			if d.Status == "won" && !yield(&metrics.Dispute{At: metrics.Time(d.ModifiedAt.floor(millisecond)), Amount: metrics.Returned(o.Net(), o.Currency)}) {
				return
			}
		}
	}
}

func (t metricTables) countedCheckouts(f *metricFilter) iter.Seq[*metrics.Checkout] {
	return func(yield func(*metrics.Checkout) bool) {
		for i := range t.checkouts {
			c := &t.checkouts[i]
			if f.accepts(c.Customer, c.Product) && !yield(&metrics.Checkout{CreatedAt: metrics.Time(c.CreatedAt), Succeeded: c.Status == "succeeded"}) {
				return
			}
		}
	}
}

// countedSeats are those of subscriptions, and of orders without one.
func (t metricTables) countedSeats(f *metricFilter) iter.Seq[*metrics.Seat] {
	return func(yield func(*metrics.Seat) bool) {
		if t.w == nil {
			return
		}
		of := func(subscription, order, product Ref) bool {
			seats, _, customer := t.w.seatsOf(subscription, order)
			for _, s := range seats {
				row := metrics.Seat{Payer: int32(customer), CreatedAt: metrics.Time(s.at), ClaimedAt: metrics.Time(s.claimed), RevokedAt: metrics.Time(s.revoked)}
				if f.accepts(customer, product) && !yield(&row) {
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
}

// countedEvents are all events that the worker has written, whatever the products of a query.
func (t metricTables) countedEvents(f *metricFilter) iter.Seq[*metrics.Event] {
	return func(yield func(*metrics.Event) bool) {
		if t.w == nil || f.nothing {
			return
		}
		anyProduct := metricFilter{customers: f.customers}
		j := t.w.startJournal()
		var row metrics.Event
		for n := range Ref(j.count()) {
			m, metadata := j.event(n)
			if int(n) >= len(j.past) && j.live[int(n)-len(j.past)].shown > t.w.now || !anyProduct.accepts(m.customer, None) {
				continue
			}
			row = metrics.Event{At: metrics.Time(m.at.floor(millisecond)), Customer: int32(m.customer), External: m.external()}
			if m.name == evInference && metadata == "" { // one that is sent in has no costs yet
				row.Cost, _ = strconv.ParseFloat(inferenceCost(uint64(m.n)), 64) // made as a number
			}
			if !yield(&row) {
				return
			}
		}
	}
}
