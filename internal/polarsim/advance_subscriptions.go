package polarsim

import (
	"cmp"
	"math/rand/v2"
)

// nextDue is when something next happens to a subscription by itself; 0 = never.
func (w *World) nextDue(s *Subscription) Time {
	if s.EndedAt != 0 || s.StartedAt == 0 {
		return 0
	}
	if c := &w.customers[s.Customer]; c.DeletedAt != 0 { // a background job some minutes after the customer went
		return max(c.DeletedAt+5*minute, w.now)
	}
	return s.Scheduled
}

// passDueMoment applies what is due for a subscription now: it ends, resumes, pauses or renews.
func (a *advance) passDueMoment(r *rand.Rand, n Ref, at Time) {
	s := &a.subscriptions[n]
	switch {
	case a.customers[s.Customer].DeletedAt != 0:
		s.endNow(at)
		s.CanceledAt = cmp.Or(s.CanceledAt, at)
	case s.CancelAtPeriodEnd:
		s.endNow(at)
	case s.Status == SubPaused:
		s.Status, s.PausedAt, s.ResumesAt = SubActive, 0, 0
		s.Anchor, s.Cycle = at, -1
		a.renewSubscription(r, n, at)
	case s.PauseAtPeriodEnd:
		s.Status, s.PauseAtPeriodEnd, s.PausedAt, s.ModifiedAt, s.Scheduled = SubPaused, false, at, at, 0
	default:
		a.renewSubscription(r, n, at)
	}
}

// endNow ends a subscription.
func (s *Subscription) endNow(at Time) {
	s.Status, s.EndedAt, s.EndsAt, s.ModifiedAt, s.Scheduled = SubCanceled, at, cmp.Or(s.EndsAt, at), at, 0
	s.PastDueAt, s.PendingAppliesAt = 0, 0
}

// renewSubscription begins the next period, with an order for it.
func (a *advance) renewSubscription(r *rand.Rand, n Ref, at Time) {
	s := &a.subscriptions[n]
	if s.PendingAppliesAt != 0 && s.PendingAppliesAt <= at {
		before := s.Product
		if a.applyPending(s); s.Product != before { // the new product's periods begin now
			s.Anchor, s.Cycle = at, -1
		}
	}
	s.Status = SubActive
	s.Cycle++
	a.dropExpiredDiscount(s)
	s.PeriodStart, s.PeriodEnd = s.Anchor.after(s.Interval, s.Cycle*s.IntervalCount), s.Anchor.after(s.Interval, (s.Cycle+1)*s.IntervalCount)
	if s.PeriodStart < at-day { // it was past due meanwhile
		s.PeriodStart = at
	}
	s.Scheduled, s.ModifiedAt = s.PeriodEnd, at
	for i := range s.Meters {
		s.Meters[i].Consumed, s.Meters[i].Amount, s.Meters[i].ModifiedAt = 0, 0, at
	}
	a.cycled(n)
	o := a.insertOrder(a.cycleOrder(r, n, at, false))
	s = &a.subscriptions[n]
	if a.orders[o].Due() > 0 && chance(r, 40) {
		s.Status, s.PastDueAt = SubPastDue, at
	}
	a.billOrder(r, o)
	if s.Status == SubPastDue {
		a.orders[o].NextPaymentAt = at + 2*day
		a.watchUnpaidOrder(r, o)
	}
}

// applyPending applies the change that was scheduled for the end of the period.
func (w *World) applyPending(s *Subscription) {
	if s.PendingSeats > 0 {
		s.Seats = s.PendingSeats
		s.Amount = w.prices[s.Prices[0]].forSeats(int(s.Seats))
	}
	if s.PendingUnits > 0 {
		s.Units = s.PendingUnits
		s.Amount = w.prices[s.Prices[0]].forUnits(int(s.Units))
	}
	if s.PendingProduct != None {
		w.changeProduct(s, s.PendingProduct)
	}
	s.dropPending()
}

// dropPending cancels the change that was scheduled for the end of the period, or clears it once applied.
func (s *Subscription) dropPending() {
	s.PendingAppliesAt, s.PendingCreatedAt, s.PendingSeats, s.PendingUnits, s.PendingProduct = 0, 0, 0, 0, None
}

// pend schedules a change for the end of the period.
func (s *Subscription) pend(at Time, product Ref, seats, units int32) {
	s.PendingAppliesAt, s.PendingCreatedAt, s.PendingProduct, s.PendingSeats, s.PendingUnits = s.PeriodEnd, at, product, seats, units
}

// sold notes that a product was bought.
func (w *World) sold(product Ref) {
	if product != None {
		w.products[product].Sold = true
	}
}

// changeProduct gives a subscription another product, at its catalogue prices in the subscription's currency.
func (w *World) changeProduct(s *Subscription, product Ref) {
	var prices []Ref
	var amount int64
	var units int32
	for _, p := range w.catalogPrices(product) {
		price := &w.prices[p]
		if price.Currency != s.Currency || price.Kind == PriceCustom && price.LegacyInterval != "" {
			continue
		}
		prices = append(prices, p)
		switch price.Kind {
		case PriceFixed:
			amount += price.Amount
		case PriceSeats:
			s.Seats = max(s.Seats, 1)
			amount += price.forSeats(int(s.Seats))
		case PriceUnits:
			units = max(s.Units, int32(price.MinUnits), 1)
			amount += price.forUnits(int(units))
		}
	}
	if len(prices) == 0 {
		return
	}
	s.Product, s.Prices, s.Amount, s.Meters, s.Units = product, prices, amount, nil, units
	w.sold(product)
	s.Interval, s.IntervalCount = w.products[product].Interval, w.products[product].IntervalCount
	w.attachMeters(s)
}

// insertOrder adds an order at the end of the table, which is sorted by time.
func (w *World) insertOrder(o Order) Ref {
	if n := len(w.orders); n > 0 {
		o.CreatedAt = max(o.CreatedAt, w.orders[n-1].CreatedAt)
	}
	w.orders = append(w.orders, o)
	w.sold(o.Product)
	return Ref(len(w.orders) - 1)
}

// retryPayment tries again to collect a past due order. Half of the attempts succeed; after four failures the subscription ends.
func (a *advance) retryPayment(r *rand.Rand, n Ref) {
	o := &a.orders[n]
	at := a.now
	if o.Subscription == None || o.Status != OrderPending {
		o.NextPaymentAt = 0
		return
	}
	s := &a.subscriptions[o.Subscription]
	if s.EndedAt != 0 {
		o.Status, o.NextPaymentAt, o.ModifiedAt = OrderVoid, 0, at
		return
	}
	if chance(r, 500) {
		s.Status, s.PastDueAt, s.ModifiedAt = SubActive, 0, at
		a.payOrder(r, n, at, "retry_dunning")
		return
	}
	a.failPayment(r, n, at, "retry_dunning")
	o.NextPaymentAt = at + 5*day
	if at-o.CreatedAt > 20*day {
		o.NextPaymentAt, o.Status = 0, OrderVoid
		s.CanceledAt = cmp.Or(s.CanceledAt, at)
		s.endNow(at)
	}
}

// startSubscription starts a subscription now, with its first order.
func (a *advance) startSubscription(r *rand.Rand, n, product Ref, at Time) Ref {
	p := &a.products[product]
	if p.Archived || !p.Recurring() {
		return None
	}
	s := Subscription{Customer: n, Product: product, Discount: discountFor(r), Checkout: None, Interval: p.Interval, IntervalCount: p.IntervalCount,
		Currency: a.customers[n].Currency, PendingProduct: None, Status: SubActive, CreatedAt: at, StartedAt: at, Anchor: at}
	s.Prices, s.Amount, s.Seats = a.sale(r, product, s.Currency, at)
	if len(s.Prices) == 0 {
		return None
	}
	a.attachMeters(&s)
	s.Checkout = a.addCheckout(r, at, product, n, true)
	s.PeriodStart, s.PeriodEnd = at, at.after(s.Interval, s.IntervalCount)
	if p.TrialInterval != "" {
		s.Status, s.TrialStart, s.TrialEnd, s.Cycle = SubTrialing, at, at.after(p.TrialInterval, p.TrialCount), -1
		s.Anchor, s.PeriodEnd = s.TrialEnd, s.TrialEnd
	}
	s.Scheduled = s.PeriodEnd
	number := a.addSubscription(s)
	a.subscribed(number)
	if s.Status == SubTrialing {
		a.billOrder(r, a.insertOrder(a.trialOrder(number, at)))
	} else {
		a.billOrder(r, a.insertOrder(a.cycleOrder(r, number, at, true)))
	}
	a.watchSubscription(r, number)
	return number
}

// cancelAtEnd cancels a subscription at the end of its period.
func (s *Subscription) cancelAtEnd(at Time) {
	s.CancelAtPeriodEnd, s.CanceledAt, s.EndsAt, s.ModifiedAt, s.Scheduled = true, at, s.PeriodEnd, at, s.PeriodEnd
}
