package polarsim

// The functions of this file note what a change means to others: Polar's system event, if it has one for it, and the webhooks. While a world is
// generated they do nothing.

// customerHappened records that a customer was created, updated or deleted. Upstream dates the event of a creation by the row,
// which an import dates back (polarsource/polar, server/polar/customer/tasks.py).
func (w *World) customerHappened(name eventName, n Ref, fields string) {
	if !w.journal.on {
		return
	}
	c := &w.customers[n]
	var o object
	o.open()
	external := c.ExternalID
	if c.DeletedAt != 0 {
		external = firstOf(external, savedExternalID(c.Metadata))
	}
	w.customerIdentity(&o, n, identity{c.Email, c.Name, external})
	m := moment{customer: n, a: n, b: None, parent: None, name: name}
	switch name {
	case evCustomerUpdated:
		o.raw("updated_fields", fields)
	case evCustomerCreated:
		m.at = c.CreatedAt
	}
	o.close()
	w.noteEvent(m, string(o.b))
	w.tellWebhooks(eventTexts[name][0], KindCustomer, n)
	w.stateChanged(n)
}

// updatedFields are the members of a customer.updated event that say what is new.
func (w *World) updatedFields(before *Customer, n Ref) string {
	c := &w.customers[n]
	var o object
	o.open()
	if c.Name != before.Name {
		o.text("name", c.Name)
	}
	if c.BillingName != before.BillingName {
		o.text("billing_name", c.BillingName)
	}
	if c.Email != before.Email {
		o.text("email", c.Email)
	}
	if c.Address != before.Address && c.Address != nil {
		o.key("billing_address")
		o.open()
		for _, part := range [][2]string{{"line1", c.Address.Line1}, {"line2", c.Address.Line2}, {"postal_code", c.Address.PostalCode}, {"city", c.Address.City},
			{"state", c.Address.State}, {"country", c.Address.Country}} {
			if part[1] != "" {
				o.str(part[0], part[1])
			}
		}
		o.close()
	}
	if c.TaxID != nil && (before.TaxID == nil || *c.TaxID != *before.TaxID) {
		o.str("tax_id", c.TaxID[0])
	}
	if c.Metadata != before.Metadata {
		o.raw("metadata", c.Metadata)
	}
	o.close()
	return string(o.b)
}

// subscriptionEvent notes an event of a subscription as it is now.
func (w *World) subscriptionEvent(name eventName, n Ref, metadata string) {
	if !w.journal.on {
		return
	}
	s := &w.subscriptions[n]
	event := w.noteEvent(moment{customer: s.Customer, a: n, b: s.Product, n: w.amountOf(s), parent: None, name: name}, metadata)
	if name == evSubscriptionCanceled {
		w.journal.canceled[event] = s.cancellation(metadata)
	}
	switch name { // the others have no webhook of their own
	case evSubscriptionCreated, evSubscriptionCanceled, evSubscriptionUncanceled, evSubscriptionCycled, evSubscriptionRevoked, evSubscriptionPastDue,
		evSubscriptionPaused, evSubscriptionResumed, evSubscriptionMigrated:
		w.tellWebhooks(eventTexts[name][0], KindSubscription, n)
	case evSubscriptionReactivated:
		w.tellWebhooks("subscription.active", KindSubscription, n)
	}
}

// subscribed tells that a subscription began.
func (w *World) subscribed(n Ref) {
	s := w.subscriptions[n]
	w.subscriptionEvent(evSubscriptionCreated, n, "")
	w.tellWebhooks("subscription.updated", KindSubscription, n)
	w.tellWebhooks("subscription.active", KindSubscription, n)
	w.grantsHappened(evBenefitGranted, n, s.Product)
	w.stateChanged(s.Customer)
}

// subscriptionHappened records how a subscription differs from its former state.
func (w *World) subscriptionHappened(before *Subscription, n Ref) {
	if !w.journal.on {
		return
	}
	s := &w.subscriptions[n]
	told := func(b *Subscription) (t Subscription) { t = *b; t.Prices, t.Meters = nil, nil; return t }
	first := len(w.journal.live)
	if s.CanceledAt != 0 && before.CanceledAt == 0 {
		w.subscriptionEvent(evSubscriptionCanceled, n, w.cancellation(n))
	}
	if s.CanceledAt == 0 && before.CanceledAt != 0 {
		w.subscriptionEvent(evSubscriptionUncanceled, n, "")
	}
	if before.PendingAppliesAt != 0 && s.PendingAppliesAt == 0 && s.EndedAt == 0 && s.Product == before.Product && s.Seats == before.Seats && s.Units == before.Units && s.Cycle == before.Cycle {
		w.subscriptionEvent(evSubscriptionUpdateCleared, n, "")
	}
	if s.Product != before.Product {
		w.subscriptionEvent(evSubscriptionProductUpdated, n, w.about(n, func(o *object) {
			w.ref(o, "old_product_id", KindProduct, before.Product)
			w.ref(o, "new_product_id", KindProduct, s.Product)
		}))
		w.grantsHappened(evBenefitRevoked, n, before.Product)
		w.grantsHappened(evBenefitGranted, n, s.Product)
	} else if s.Seats != before.Seats {
		w.subscriptionEvent(evSubscriptionSeatsUpdated, n, w.about(n, func(o *object) {
			o.int("old_seats", int64(before.Seats))
			o.int("new_seats", int64(s.Seats))
			o.str("proration_behavior", "prorate")
		}))
	} else if s.Units != before.Units {
		w.subscriptionEvent(evSubscriptionUnitsUpdated, n, w.about(n, func(o *object) {
			o.int("old_units", int64(before.Units))
			o.int("new_units", int64(s.Units))
			o.str("proration_behavior", "prorate")
		}))
		w.subscriptionEvent(evSubscriptionUpdated, n, w.about(n, func(o *object) { o.int("units", int64(s.Units)) }))
	}
	if s.Discount != before.Discount && s.Cycle == before.Cycle { // not one that has run out
		w.subscriptionEvent(evSubscriptionUpdated, n, w.about(n, func(o *object) { w.ref(o, "discount_id", KindDiscount, s.Discount) }))
	}
	switch {
	case s.EndedAt != 0 && before.EndedAt == 0:
		w.subscriptionEvent(evSubscriptionRevoked, n, "")
		w.grantsHappened(evBenefitRevoked, n, s.Product)
	case s.Status == before.Status:
	case s.Status == SubPastDue:
		w.subscriptionEvent(evSubscriptionPastDue, n, "")
	case s.Status == SubPaused:
		w.subscriptionEvent(evSubscriptionPaused, n, "")
		w.grantsHappened(evBenefitRevoked, n, s.Product)
	case before.Status == SubPaused:
		w.subscriptionEvent(evSubscriptionResumed, n, "")
		w.grantsHappened(evBenefitGranted, n, s.Product)
	case before.Status == SubPastDue:
		w.subscriptionEvent(evSubscriptionReactivated, n, "")
	}
	if a, b := told(before), told(s); len(w.journal.live) > first || !a.same(&b) {
		w.tellWebhooks("subscription.updated", KindSubscription, n)
		w.stateChanged(s.Customer)
	}
}

// same compares everything but the lists.
func (s *Subscription) same(b *Subscription) bool {
	return s.ModifiedAt == b.ModifiedAt && s.Status == b.Status && s.Metadata == b.Metadata && s.PendingAppliesAt == b.PendingAppliesAt &&
		s.PauseAtPeriodEnd == b.PauseAtPeriodEnd && s.PeriodEnd == b.PeriodEnd
}

// about is the metadata of a subscription's event, with the members that this event adds.
func (w *World) about(n Ref, members func(o *object)) string {
	var o object
	o.open()
	w.ref(&o, "subscription_id", KindSubscription, n)
	members(&o)
	o.close()
	return string(o.b)
}

func (s *Subscription) cancellation(metadata string) cancellation {
	return cancellation{at: s.CanceledAt, ends: s.EndsAt, reason: s.CancellationReason, metadata: metadata}
}

func (w *World) cancellation(n Ref) string {
	s := &w.subscriptions[n]
	return w.about(n, func(o *object) {
		w.ref(o, "product_id", KindProduct, s.Product)
		o.int("amount", w.amountOf(s))
		o.str("currency", s.Currency)
		o.str("recurring_interval", s.Interval)
		o.int("recurring_interval_count", int64(s.IntervalCount))
		o.str("canceled_at", s.CanceledAt.String())
		if s.CancellationReason != "" {
			o.str("customer_cancellation_reason", s.CancellationReason)
		}
		if s.CancellationComment != "" {
			o.str("customer_cancellation_comment", s.CancellationComment)
		}
		if s.EndsAt != 0 {
			o.str("ends_at", s.EndsAt.String())
		}
		o.bool("cancel_at_period_end", s.CancelAtPeriodEnd)
	})
}

// grantsHappened records that the benefits of a product were granted, cycled or revoked with a subscription. Credits for a meter
// have a further event.
func (w *World) grantsHappened(name eventName, n, product Ref) {
	if !w.journal.on {
		return
	}
	customer := w.subscriptions[n].Customer
	for _, b := range w.liveBenefits(product) {
		w.noteEvent(moment{customer: customer, a: n, b: b, parent: None, name: name}, "")
		if w.benefits[b].Type == "meter_credit" && name != evBenefitRevoked && len(w.meters) > 0 {
			w.noteEvent(moment{customer: customer, a: 0, b: None, n: 1000, parent: None, name: evMeterCredited}, "")
		}
	}
}

// orderEvent notes an event of an order; b is its product, or the refund or dispute that it is about. The amount is the rate of what was settled, in
// millionths, and of order.paid the number of the subscription.
func (w *World) orderEvent(name eventName, n, b Ref, amount int64, at Time) {
	w.noteEvent(moment{at: at, customer: w.orders[n].Customer, a: n, b: b, n: amount, parent: None, name: name}, "")
}

// orderPaid records that an order was paid. Upstream, balance.order has the time of the order.
func (w *World) orderPaid(n Ref) {
	if !w.journal.on {
		return
	}
	o := &w.orders[n]
	w.tellWebhooks("order.updated", KindOrder, n)
	w.tellWebhooks("order.paid", KindOrder, n)
	w.orderEvent(evOrderPaid, n, o.Product, int64(o.Subscription), 0)
	if o.PaidAt != 0 {
		w.orderEvent(evBalanceOrder, n, o.Product, rateAt(o.Currency, o.PaidAt), o.CreatedAt)
	} else if o.Total() != 0 {
		w.orderEvent(evBalanceCreditOrder, n, o.Product, w.creditRate(n, w.now), o.CreatedAt)
	}
	if o.Subscription != None && o.Reason == ReasonCycle {
		w.grantsHappened(evBenefitCycled, o.Subscription, w.subscriptions[o.Subscription].Product)
	}
}

// orderRefunded tells that money went back.
func (w *World) orderRefunded(n, refund Ref) {
	if !w.journal.on {
		return
	}
	w.tellWebhooks("refund.created", KindRefund, refund)
	w.orderEvent(evBalanceRefund, n, refund, 0, 0)
	w.orderEvent(evOrderRefunded, n, refund, w.orders[n].RefundedAmount, 0)
	w.tellWebhooks("order.updated", KindOrder, n)
	w.tellWebhooks("order.refunded", KindOrder, n)
}

// refundReversed tells that money came back that was to be refunded.
func (w *World) refundReversed(n, refund Ref) {
	if w.journal.on {
		w.tellWebhooks("refund.updated", KindRefund, refund)
		w.orderEvent(evBalanceRefundReversal, n, refund, 0, 0)
		w.tellWebhooks("order.updated", KindOrder, n)
	}
}

// orderVoided records that no more attempts are made to collect an order.
func (w *World) orderVoided(n Ref) {
	if w.journal.on {
		w.orderEvent(evOrderVoided, n, w.orders[n].Product, 0, 0)
		w.tellWebhooks("order.updated", KindOrder, n)
	}
}

// cycled tells that a subscription's next period began.
func (w *World) cycled(n Ref) {
	if !w.journal.on {
		return
	}
	w.subscriptionEvent(evSubscriptionCycled, n, "")
	s := &w.subscriptions[n]
	for i := range s.Meters {
		w.noteEvent(moment{customer: s.Customer, a: s.Meters[i].Meter, b: None, parent: None, name: evMeterReset}, "")
	}
}

// usedMeter records a user's event that a meter counts. Now and then one is ingested hours late, with the time at which it
// happened.
func (w *World) usedMeter(n Ref) {
	if !w.journal.on {
		return
	}
	m := &w.customerMeters[n]
	draw := mix(w.seed ^ uint64(n)<<24 ^ uint64(w.now))
	at := w.now - Time(draw%uint64(minute))
	if draw>>20%4 == 0 {
		at -= Time(draw>>22%72) * hour
	}
	by := None
	if w.customers[m.Customer].ExternalID != "" && draw>>52%3 == 0 {
		by = 0
	}
	root := w.noteEvent(moment{at: at, customer: m.Customer, a: n, b: by, n: int64(draw >> 33), parent: None, name: evRequest + eventName(draw>>50%3)}, "")
	if draw>>45%4 == 0 {
		w.noteEvent(moment{at: at + 3*millisecond, customer: m.Customer, a: n, b: by, n: int64(mix(draw) >> 33), parent: root, name: evInference}, "")
	}
	w.stateChanged(m.Customer)
}

// stateChanged records that the state of a customer changed, and drops the cached copy.
func (w *World) stateChanged(n Ref) {
	if w.journal.on {
		w.states.Delete(n)
		w.tellWebhooks("customer.state_changed", KindCustomer, n)
	}
}
