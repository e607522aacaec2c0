package polarsim

import (
	"net/http"
)

// createSubscription subscribes a customer to a free product; paid ones go through a checkout. No order is made.
func (c *call) createSubscription() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	metadata, external := f.metadata(), f.text("external_customer_id", 1000)
	if !f.sent("product_id") {
		f.missing("product_id")
	}
	if !f.sent("customer_id") && !f.sent("external_customer_id") {
		f.missing("customer_id")
	}
	product := f.ref(w, "product_id", KindProduct, w.hasProduct, "Product does not exist.")
	if product != None {
		switch p := &w.products[product]; {
		case !p.Recurring():
			f.refuse("product_id", "value_error", "Product is not a recurring product.")
		case !w.free(product):
			f.refuse("product_id", "value_error", "Product is not free. The customer should go through a checkout to create a paid subscription.")
		}
	}
	live := func(n Ref) bool { return int(n) < len(w.customers) && w.customers[n].DeletedAt == 0 }
	customer := f.ref(w, "customer_id", KindCustomer, live, "Customer does not exist.")
	if external != "" {
		if customer = w.customerByExternalID(external); customer == None {
			f.refuse("external_customer_id", "value_error", "Customer does not exist.")
		}
	}
	if c.invalid(f.problems) {
		return
	}
	at := w.stamp()
	s := Subscription{CreatedAt: at, StartedAt: at, Anchor: at, PeriodStart: at, Customer: customer, Discount: None, Checkout: None, PendingProduct: None, Status: SubActive,
		Currency: "usd", Metadata: metadata}
	w.changeProduct(&s, product)
	s.PeriodEnd = at.after(s.Interval, s.IntervalCount)
	s.Scheduled = s.PeriodEnd
	n := w.addSubscription(s)
	w.subscribed(n)
	c.show("/v1/subscriptions/", n, http.StatusCreated)
}

// free tells whether a product costs nothing in the organization's currency.
func (w *World) free(product Ref) bool {
	for _, p := range w.catalogPrices(product) {
		if price := &w.prices[p]; price.Currency == "usd" && (price.Kind != PriceFixed || price.Amount > 0) {
			return false
		}
	}
	return len(w.catalogPrices(product)) > 0
}

// subscription finds the subscription of the path; those that never started are hidden.
func (c *call) subscription() (n Ref, ok bool) {
	n, ok = c.id("id", KindSubscription, len(c.w.subscriptions))
	if ok && c.w.subscriptions[n].StartedAt == 0 {
		c.notFound()
		return None, false
	}
	return n, ok
}

// updateSubscription cancels at the end of the period, takes that back, revokes, pauses, resumes, or changes product, seats, discount, metadata.
func (c *call) updateSubscription() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	reason := f.enum("customer_cancellation_reason", cancellationReasonNames[:len(cancellationReasonNames)-1]...)
	comment, metadata, seats, units := f.text("customer_cancellation_comment", 1<<20), f.metadata(), f.int("seats", 1), f.int("units", 1)
	cancel, revoke, pause, resume := f.bool("cancel_at_period_end"), f.bool("revoke"), f.bool("pause_at_period_end"), f.bool("resume")
	product := f.ref(w, "product_id", KindProduct, func(n Ref) bool {
		return w.hasProduct(n) && w.products[n].Recurring() && !w.products[n].Archived
	}, "Product does not exist.")
	discount := f.ref(w, "discount_id", KindDiscount, func(n Ref) bool { return int(n) < len(w.discounts) && w.discounts[n].DeletedAt == 0 }, "Discount does not exist.")
	behavior := f.enum("proration_behavior", "invoice", "prorate", "next_period", "reset")
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.subscription()
	if !ok {
		return
	}
	s := &w.subscriptions[n]
	refusal := s.refusal(f, cancel)
	if refusal != nil {
		c.refuse(refusal.status, refusal.name, refusal.detail)
		return
	}
	before := *s
	w.version++
	w.changeRow(func() *Time { return &s.ModifiedAt }, func(o *object) { o.open(); w.subscriptionFields(o, n); o.close() }, func() {
		at := w.now
		switch {
		case f.sent("cancel_at_period_end") && cancel:
			s.cancelAtEnd(at)
			s.PauseAtPeriodEnd, s.ResumesAt = false, 0
			s.CancellationReason, s.CancellationComment = firstOf(reason, s.CancellationReason), firstOf(comment, s.CancellationComment)
		case f.sent("cancel_at_period_end"):
			s.CancelAtPeriodEnd, s.CanceledAt, s.EndsAt, s.CancellationReason, s.CancellationComment = false, 0, 0, "", ""
		case revoke:
			s.revoke(at)
			s.CancellationReason, s.CancellationComment = firstOf(reason, s.CancellationReason), firstOf(comment, s.CancellationComment)
		case f.sent("pause_at_period_end"):
			s.PauseAtPeriodEnd = pause
		case resume:
			s.Status, s.PausedAt, s.ResumesAt, s.Anchor, s.Cycle = SubActive, 0, 0, at, 0
			s.PeriodStart, s.PeriodEnd = at, at.after(s.Interval, s.IntervalCount)
			s.Scheduled = s.PeriodEnd
		case seats > 0:
			w.setSeats(s, int32(seats), behavior)
		case units > 0:
			w.setUnits(s, int32(units), behavior)
		case f.sent("pending_update") && f.null("pending_update"):
			s.dropPending()
		default:
			w.adjust(s, f, metadata, product, discount, behavior)
		}
	})
	w.subscriptionHappened(&before, n)
	c.show("/v1/subscriptions/", n, http.StatusOK)
}

// adjust changes what a plain update may change. A change for the next period is a pending update: a row of its own, so that modified_at stays.
func (w *World) adjust(s *Subscription, f *form, metadata string, product, discount Ref, behavior string) {
	if f.sent("metadata") {
		s.Metadata = metadata
	}
	if f.sent("discount_id") {
		s.Discount = discount
	}
	switch {
	case product == None || product == s.Product:
	case behavior == "next_period":
		s.pend(w.now, product, 0, 0)
		w.sold(product)
	default:
		interval, count := s.Interval, s.IntervalCount
		if w.changeProduct(s, product); s.Interval != interval || s.IntervalCount != count {
			s.Anchor, s.Cycle, s.PeriodStart = w.now, 0, w.now
			s.PeriodEnd = w.now.after(s.Interval, s.IntervalCount)
			s.Scheduled = s.PeriodEnd
		}
	}
}

func (w *World) setSeats(s *Subscription, seats int32, behavior string) {
	if behavior == "next_period" {
		s.pend(w.now, None, seats, 0)
		return
	}
	s.Seats, s.PendingSeats = seats, 0
	s.Amount = w.prices[s.Prices[0]].forSeats(int(seats))
}

func (w *World) setUnits(s *Subscription, units int32, behavior string) {
	if behavior == "next_period" {
		s.pend(w.now, None, 0, units)
		return
	}
	s.Units, s.PendingUnits = units, 0
	s.Amount = w.prices[s.Prices[0]].forUnits(int(units))
}

// revoke ends a subscription at once.
func (s *Subscription) revoke(at Time) {
	s.CanceledAt, s.EndsAt = at, at
	s.PauseAtPeriodEnd, s.ResumesAt = false, 0
	s.endNow(at)
}

// refusal is an error that the state of a row calls for.
type refusal struct {
	status       int
	name, detail string
}

// refusal tells why a subscription cannot be updated so (polarsource/polar, server/polar/subscription/service.py).
func (s *Subscription) refusal(f *form, cancel bool) *refusal {
	canceled := &refusal{http.StatusForbidden, "AlreadyCanceledSubscription", "This subscription is already canceled or will be at the end of the period."}
	billable := s.Live() && s.EndedAt == 0
	switch {
	case f.sent("cancel_at_period_end") && cancel:
		if !billable || s.CancelAtPeriodEnd {
			return canceled
		}
	case f.sent("cancel_at_period_end"):
		if s.EndedAt != 0 {
			return &refusal{http.StatusGone, "ResourceUnavailable", "Unavailable"}
		}
		if !s.CancelAtPeriodEnd || !billable {
			return &refusal{http.StatusBadRequest, "BadRequest", "Bad request"}
		}
	case f.sent("revoke"):
		if !billable && (s.Status != SubPaused || s.EndedAt != 0) {
			return canceled
		}
	case f.sent("resume"):
		if s.Status != SubPaused {
			return &refusal{http.StatusConflict, "NotPausedSubscription", "This subscription is not paused."}
		}
	case f.sent("pause_at_period_end"):
		if s.Status != SubActive || s.CancelAtPeriodEnd {
			return &refusal{http.StatusConflict, "CannotPauseSubscription", "This subscription cannot be paused."}
		}
	case f.sent("seats"):
		if s.Seats == 0 {
			return &refusal{http.StatusBadRequest, "NotASeatBasedSubscription", "This subscription does not support seat-based pricing."}
		}
		if s.EndedAt != 0 {
			return canceled
		}
	case f.sent("units"):
		if s.Units == 0 {
			return &refusal{http.StatusBadRequest, "NotAUnitBasedSubscription", "This subscription does not support unit-based pricing."}
		}
		if s.EndedAt != 0 {
			return canceled
		}
	case s.EndedAt != 0 && (f.sent("product_id") || f.sent("discount_id")):
		return canceled
	}
	return nil
}

func (c *call) revokeSubscription() {
	n, ok := c.subscription()
	if !ok {
		return
	}
	s := &c.w.subscriptions[n]
	if s.EndedAt != 0 || !s.Live() && s.Status != SubPaused {
		c.refuse(http.StatusForbidden, "AlreadyCanceledSubscription", "This subscription is already canceled or will be at the end of the period.")
		return
	}
	before := *s
	s.revoke(c.w.stamp())
	c.w.subscriptionHappened(&before, n)
	c.show("/v1/subscriptions/", n, http.StatusOK)
}
