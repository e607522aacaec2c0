package polarsim

import (
	"encoding/json"
	"strconv"
	"strings"

	"syncd/internal/polarsim/metrics"
)

// written goes through the events that the worker has written and whose name want accepts. Times are of a store that holds milliseconds.
func (t metricTables) writtenEvents(want func(eventName) bool, yield func(n Ref, m *moment, at metrics.Time) bool) {
	j := t.startJournal()
	for i := range j.past {
		if m := &j.past[i]; want(m.name) && !yield(Ref(i), m, metrics.Time(m.at.floor(millisecond))) {
			return
		}
	}
	for i := range j.live {
		l := &j.live[i]
		if l.shown <= t.now && want(l.name) && !yield(Ref(len(j.past)+i), &l.moment, metrics.Time(l.at.floor(millisecond))) {
			return
		}
	}
}

var bookings = [eventNameCount]metrics.BookingKind{evBalanceOrder: metrics.Charged, evBalanceCreditOrder: metrics.Credited, evBalanceRefund: metrics.Refunded,
	evBalanceRefundReversal: metrics.Refunded, evBalanceDispute: metrics.Disputed, evBalanceDisputeReversal: metrics.Disputed}

func isBooking(n eventName) bool {
	return n == evOrderPaid || n < eventNameCount && bookings[n] != metrics.Paid
}

// countedBookings are the events of orders and of the balance.
func (t metricTables) countedBookings(yield func(*metrics.Booking) bool) {
	var row metrics.Booking
	t.writtenEvents(isBooking, func(_ Ref, m *moment, at metrics.Time) bool {
		row = metrics.Booking{Kind: bookings[m.name], At: at, Booked: at, Customer: int32(m.customer), Order: int32(m.a), Subscription: int32(m.n)}
		if m.name == evOrderPaid { // all that counts stands in the event
			return !t.filter.accepts(m.customer, m.b) || yield(&row)
		}
		o := &t.orders[m.a]
		if !t.filter.accepts(o.Customer, o.Product) {
			return true
		}
		row.Subscription, row.Currency = int32(o.Subscription), o.Currency
		switch m.name {
		case evBalanceOrder, evBalanceCreditOrder:
			row.Amount, row.Fee, row.Rate = o.Net(), o.PlatformFee, float64(m.n)/metrics.RateUnit
		default:
			b := t.returnedBy(m)
			row.Amount, row.Fee, row.Rate = b.settled, b.fee, b.rate
			if m.name == evBalanceRefund || m.name == evBalanceRefundReversal {
				row.Booked = metrics.Time(o.CreatedAt.floor(millisecond))
			}
		}
		return yield(&row)
	})
}

// acts are those of the events of subscriptions that metrics follow, plus one.
var acts = [eventNameCount]metrics.ActKind{evSubscriptionCreated: metrics.Created + 1, evSubscriptionCanceled: metrics.Canceled + 1, evSubscriptionRevoked: metrics.Revoked + 1,
	evSubscriptionUncanceled: metrics.TakenBack + 1, evSubscriptionCycled: metrics.GoneOn + 1, evSubscriptionProductUpdated: metrics.GoneOn + 1}

func isAct(n eventName) bool { return n < eventNameCount && acts[n] > 0 }

// countedActs are the events of subscriptions, also of those that the filter does not accept: when they started counts for their orders.
func (t metricTables) countedActs(yield func(*metrics.Act) bool) {
	var row metrics.Act
	t.writtenEvents(isAct, func(n Ref, m *moment, at metrics.Time) bool {
		row = metrics.Act{Kind: acts[m.name] - 1, Counts: t.filter.accepts(m.customer, m.b), Subscription: int32(m.a), At: at}
		switch m.name {
		case evSubscriptionCreated:
			row.StartedAt = metrics.Time(t.subscriptions[m.a].StartedAt.floor(millisecond))
		case evSubscriptionCanceled:
			c := t.journal.canceled[n]
			row.CanceledAt, row.EndsAt, row.Reason = metrics.Time(c.at.floor(millisecond)), metrics.Time(c.ends.floor(millisecond)), c.reason
		}
		return yield(&row)
	})
}

// countedEvents are all events, whatever the products of a query.
func (t metricTables) countedEvents(yield func(*metrics.Event) bool) {
	if t.filter.nothing {
		return
	}
	var row metrics.Event
	anyProduct := metricFilter{customers: t.filter.customers}
	t.writtenEvents(func(eventName) bool { return true }, func(n Ref, m *moment, at metrics.Time) bool {
		if !anyProduct.accepts(m.customer, None) {
			return true
		}
		row = metrics.Event{At: at, Customer: int32(m.customer), External: m.external(), Cost: t.cost(n, m)}
		return yield(&row)
	})
}

// cost is what an event costs, in US cents: what it was sent with, or what it was made with.
func (t metricTables) cost(n Ref, m *moment) (amount float64) {
	if !m.name.user() {
		return 0
	}
	_, metadata := t.journal.event(n)
	switch {
	case metadata == "" && m.name == evInference:
		amount, _ = strconv.ParseFloat(inferenceCost(uint64(m.n)), 64) // made as a number
	case strings.Contains(metadata, `"_cost"`):
		var sent struct {
			Cost struct{ Amount json.Number } `json:"_cost"`
		}
		if json.Unmarshal([]byte(metadata), &sent) == nil {
			amount, _ = sent.Cost.Amount.Float64() // no number counts as 0
		}
	}
	return amount
}
