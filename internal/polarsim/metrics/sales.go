package metrics

import (
	"iter"
	"math"
)

// BookingKind says what an event of an order or of the balance is about.
type BookingKind uint8

const (
	Paid     BookingKind = iota // order.paid
	Charged                     // balance.order: a payment was settled
	Credited                    // balance.credit_order: an order was settled without one
	Refunded                    // balance.refund and balance.refund_reversal
	Disputed                    // balance.dispute and balance.dispute_reversal
)

// Booking is what metrics look at of an event of an order or of the balance.
type Booking struct {
	Kind                          BookingKind
	At                            Time // of the event
	Booked                        Time // when it counts: At, or when the order was created where the event says so
	Customer, Order, Subscription int32
	Amount                        int64   // without tax: of what Charged, in the customer's currency, and so is Credited; else US cents
	Currency                      string  // the customer's
	Rate                          float64 // 0 = the event has none
	Fee                           int64   // US cents
}

// settled is an amount in US cents, halves to even, as ClickHouse rounds floats. That of a refund or a dispute was converted before
// (polarsource/polar, server/polar/transaction/service/refund.py and dispute.py), and is once more.
func (b *Booking) settled(rate float64) int64 {
	if rate == 0 {
		rate = 1
	}
	return int64(math.RoundToEven(float64(b.Amount) * rate))
}

// sale is an order, made of its events.
type sale struct {
	paid, booked           Time // of order.paid, and of what is chosen of Charged and Credited; 0 = there is none
	settled, fee, returned int64
	subscription           int32 // below 0 = none
	charged                bool
}

// at is when an order counts: at the earlier of both times, which is when it was created even if it was paid much later; 0 = it does not exist.
func (s *sale) at() Time {
	if s.paid == 0 || s.booked != 0 && s.booked < s.paid {
		return s.booked
	}
	return s.paid
}

// book adds an event to its order. Of several settlements the payment counts, and the newest.
func (s *sale) book(b *Booking) {
	switch b.Kind {
	case Paid:
		if b.At >= s.paid {
			s.paid, s.subscription = b.At, b.Subscription
		}
	case Charged, Credited:
		if charged := b.Kind == Charged; charged && !s.charged || charged == s.charged && b.At >= s.booked {
			s.charged, s.booked, s.settled, s.fee = charged, b.At, b.settled(b.Rate), b.Fee
		}
	case Refunded:
		s.returned += b.settled(b.Rate) - b.Fee
	}
}

// sales counts what was paid for, in US cents, from the events of orders and the balance. Revenue is the orders' net amount; net revenue is that less
// fees, refunds, which count when the order was made, and disputes, which count when they happen
// (polarsource/polar, server/tinybird/endpoints/metrics_revenue.pipe).
func (v *Values) sales(t *Tables) {
	revenue, net := v.ints("revenue"), v.ints("net_revenue")
	orders := make([]sale, t.OrderCount)
	var pastRevenue, pastNet int64
	count := func(b *Booking, amount, rest int64, end Time) {
		switch {
		case b.Booked > end:
		case b.Booked < v.first:
			pastRevenue += amount
			pastNet += rest
		default:
			i := v.index(b.Booked)
			revenue[i] += amount
			net[i] += rest
		}
	}
	end := v.last // to the quarter of an hour; of some customers alone to the second
	if t.Customers {
		end = v.lastSecond()
	}
	var without []Booking // credits that lack a rate
	for b := range t.Bookings {
		orders[b.Order].book(b)
		switch amount := b.settled(b.Rate); {
		case b.Kind == Credited && b.Rate == 0 && b.Amount != 0:
			without = append(without, *b)
		case b.Kind == Charged || b.Kind == Credited:
			count(b, amount, amount-b.Fee, end)
		case b.Kind != Paid:
			count(b, 0, amount-b.Fee, v.lastSecond())
		}
	}
	for i := range without {
		b := &without[i]
		amount := b.settled(earlierRate(t.Bookings, b))
		count(b, amount, amount-b.Fee, end)
	}
	v.int("cumulative_revenue", func(i int) int64 { pastRevenue += revenue[i]; return pastRevenue })
	v.int("net_cumulative_revenue", func(i int) int64 { pastNet += net[i]; return pastNet })
	v.orders(orders)
}

// earlierRate is that of the customer's payment before a credit in its currency: one of the same subscription first, else the newest; 0 = there is none
// (credit_lookup_resolve in polarsource/polar, server/tinybird/endpoints/metrics_revenue.pipe).
func earlierRate(bookings iter.Seq[*Booking], credit *Booking) (found float64) {
	var same bool
	var at Time
	for b := range bookings {
		if b.Kind != Charged || b.Customer != credit.Customer || b.Currency != credit.Currency || b.At >= credit.At || b.Order == credit.Order {
			continue
		}
		of := credit.Subscription >= 0 && b.Subscription == credit.Subscription
		if of && !same || of == same && b.At >= at {
			found, same, at = b.Rate, of, b.At
		}
	}
	return found
}

// orders counts orders, one each (polarsource/polar, server/tinybird/endpoints/metrics_events.pipe): those of a subscription are new in the period in
// which it started, else renewals; where the beginning is not known, neither. Their net amounts are without disputes.
func (v *Values) orders(sales []sale) {
	orders := v.ints("orders")
	once, onceRevenue, onceNet := v.ints("one_time_products"), v.ints("one_time_products_revenue"), v.ints("one_time_products_net_revenue")
	newRevenue, newNet := v.ints("new_subscriptions_revenue"), v.ints("new_subscriptions_net_revenue")
	renewed, renewedRevenue, renewedNet := v.ints("renewed_subscriptions"), v.ints("renewed_subscriptions_revenue"), v.ints("renewed_subscriptions_net_revenue")
	sold, kept := make([]int64, v.Periods()), make([]int64, v.Periods())
	counted := make([]uint64, (v.Periods()*len(v.lives)+63)/64) // a bit for each period and subscription: it was renewed then
	for i := range sales {
		s := &sales[i]
		at := s.at()
		if at == 0 || at < v.first || at > v.lastSecond() {
			continue
		}
		period, amount, rest := v.index(at), s.settled, s.settled-s.fee+s.returned
		orders[period]++
		sold[period] += amount
		kept[period] += rest
		if s.paid == 0 || s.subscription < 0 {
			once[period]++
			onceRevenue[period] += amount
			onceNet[period] += rest
			continue
		}
		switch start := v.lives[s.subscription].started; {
		case start == 0:
		case v.index(start) == period:
			newRevenue[period] += amount
			newNet[period] += rest
		default:
			renewedRevenue[period] += amount
			renewedNet[period] += rest
			if bit := period*len(v.lives) + int(s.subscription); counted[bit/64]>>(bit%64)&1 == 0 {
				counted[bit/64] |= 1 << (bit % 64)
				renewed[period]++
			}
		}
	}
	average := func(sum []int64) func(int) int64 {
		return func(i int) int64 {
			if orders[i] == 0 {
				return 0
			}
			return ceilDiv(sum[i], orders[i])
		}
	}
	v.int("average_order_value", average(sold))
	v.int("net_average_order_value", average(kept))
}
