package polarsim

func (w *World) renderOrder(o *object, n Ref) {
	r := &w.orders[n]
	o.open()
	o.id("id", w.id(KindOrder, int(n)))
	o.times(r.CreatedAt, r.ModifiedAt)
	o.str("status", r.Status)
	o.bool("paid", r.Paid())
	w.orderAmounts(o, r)
	o.str("billing_reason", r.Reason)
	o.text("billing_name", r.BillingName)
	o.address("billing_address", r.BillingAddress)
	if r.Invoice == 0 {
		o.null("invoice_number")
	} else {
		w.sequence(o, "invoice_number", invoicePrefix, r.Customer, r.Invoice)
	}
	o.bool("is_invoice_generated", r.InvoiceGenerated)
	if r.Receipt {
		w.sequence(o, "receipt_number", receiptPrefix, r.Customer, r.Invoice)
	} else {
		o.null("receipt_number")
	}
	o.count("seats", int64(r.Seats))
	o.count("units", int64(r.Units))
	w.ref(o, "customer_id", KindCustomer, r.Customer)
	w.ref(o, "product_id", KindProduct, r.Product)
	w.ref(o, "product_price_id", KindPrice, r.firstPrice())
	w.ref(o, "discount_id", KindDiscount, r.Discount)
	w.ref(o, "subscription_id", KindSubscription, r.Subscription)
	w.ref(o, "checkout_id", KindCheckout, r.Checkout)
	o.time("next_payment_attempt_at", r.NextPaymentAt)
	o.raw("metadata", r.Metadata)
	o.raw("custom_field_data", r.CustomFields)
	o.int("platform_fee_amount", r.PlatformFee)
	if r.PlatformFee == 0 {
		o.null("platform_fee_currency")
	} else {
		o.str("platform_fee_currency", "usd")
	}
	o.key("customer")
	w.renderCustomer(o, r.Customer)
	w.legacyUser(o, r.Customer)
	if r.Product == None {
		o.null("product")
	} else {
		o.key("product")
		o.open()
		w.productFields(o, r.Product)
		o.close()
	}
	if p := r.firstPrice(); p == None {
		o.null("product_price")
	} else {
		o.key("product_price")
		w.renderPrice(o, p)
	}
	w.discount(o, "discount", r.Discount)
	if r.Subscription == None {
		o.null("subscription")
	} else {
		o.key("subscription")
		o.open()
		w.subscriptionFields(o, r.Subscription)
		w.ref(o, "user_id", KindCustomer, r.Customer)
		o.close()
	}
	w.items(o, n, r)
	if r.Product != None {
		o.str("description", w.products[r.Product].Name)
	} else {
		o.str("description", r.Items[0].Label)
	}
	o.close()
}

func (r *Order) firstPrice() Ref {
	for i := range r.Items {
		if p := r.Items[i].Price; p != None {
			return p
		}
	}
	return None
}

func (w *World) orderAmounts(o *object, r *Order) {
	o.int("subtotal_amount", r.Subtotal)
	o.int("discount_amount", r.DiscountAmount)
	o.int("net_amount", r.Net())
	o.int("tax_amount", r.Tax)
	o.int("total_amount", r.Total())
	o.int("applied_balance_amount", r.Balance)
	o.int("due_amount", r.Due())
	o.int("refunded_amount", r.RefundedAmount)
	o.int("refunded_tax_amount", r.RefundedTax)
	o.str("currency", r.Currency)
	o.int("amount", r.Net())
	o.int("from_balance_amount", r.Balance)
	o.int("refundable_amount", max(0, r.refundable()))
	o.int("refundable_tax_amount", max(0, r.Tax-r.RefundedTax))
}

// items appends the lines; Polar gives them no order of their own.
func (w *World) items(o *object, n Ref, r *Order) {
	o.key("items")
	o.b = append(o.b, '[')
	for i := range r.Items {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		item := &r.Items[i]
		o.open()
		o.times(r.CreatedAt, 0)
		o.id("id", w.id(KindOrderItem, int(n)<<6|i))
		o.str("label", item.Label)
		o.int("amount", item.Amount)
		o.int("tax_amount", item.Tax)
		o.bool("proration", item.Proration)
		w.ref(o, "product_price_id", KindPrice, item.Price)
		o.close()
	}
	o.b = append(o.b, ']')
}

// subscriptionFields are those that an order's subscription has too.
func (w *World) subscriptionFields(o *object, n Ref) {
	s := &w.subscriptions[n]
	o.times(s.CreatedAt, s.ModifiedAt)
	o.id("id", w.id(KindSubscription, int(n)))
	o.int("amount", w.amountOf(s))
	o.str("currency", s.Currency)
	o.str("recurring_interval", s.Interval)
	o.int("recurring_interval_count", int64(s.IntervalCount))
	o.str("status", s.Status)
	o.time("current_period_start", s.PeriodStart)
	o.time("current_period_end", s.PeriodEnd)
	if len(s.Meters) > 0 {
		o.time("current_meter_period_start", s.PeriodStart)
		o.time("current_meter_period_end", s.PeriodEnd)
	} else {
		o.null("current_meter_period_start")
		o.null("current_meter_period_end")
	}
	o.time("trial_start", s.TrialStart)
	o.time("trial_end", s.TrialEnd)
	o.bool("cancel_at_period_end", s.CancelAtPeriodEnd)
	o.time("canceled_at", s.CanceledAt)
	o.time("started_at", s.StartedAt)
	o.time("ends_at", s.EndsAt)
	o.time("ended_at", s.EndedAt)
	o.time("past_due_at", s.PastDueAt)
	o.bool("pause_at_period_end", s.PauseAtPeriodEnd)
	o.time("paused_at", s.PausedAt)
	o.time("resumes_at", s.ResumesAt)
	w.ref(o, "customer_id", KindCustomer, s.Customer)
	w.ref(o, "product_id", KindProduct, s.Product)
	w.ref(o, "discount_id", KindDiscount, s.Discount)
	w.ref(o, "checkout_id", KindCheckout, s.Checkout)
	o.count("seats", int64(s.Seats))
	o.count("units", int64(s.Units))
	w.ref(o, "price_id", KindPrice, s.Prices[0])
	o.text("customer_cancellation_reason", s.CancellationReason)
	o.text("customer_cancellation_comment", s.CancellationComment)
	o.raw("metadata", s.Metadata)
}

func (w *World) renderSubscription(o *object, n Ref) {
	s := &w.subscriptions[n]
	o.open()
	w.subscriptionFields(o, n)
	o.raw("custom_field_data", s.CustomFields)
	o.key("customer")
	w.renderCustomer(o, s.Customer)
	w.legacyUser(o, s.Customer)
	o.key("product")
	w.renderProduct(o, s.Product)
	w.discount(o, "discount", s.Discount)
	o.key("price")
	w.renderPrice(o, s.Prices[0])
	list(o, "prices", s.Prices, w.renderPrice)
	w.usage(o, "meters", n, true)
	w.pendingUpdate(o, n, s)
	o.close()
}

// usage appends the usage of a subscription's current period by meter.
func (w *World) usage(o *object, key string, n Ref, whole bool) {
	s := &w.subscriptions[n]
	o.key(key)
	o.b = append(o.b, '[')
	for i := range s.Meters {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		m := &s.Meters[i]
		o.open()
		o.times(m.CreatedAt, m.ModifiedAt)
		o.id("id", w.id(KindSubscriptionMeter, int(n)<<6|i))
		o.num("consumed_units", m.Consumed)
		o.int("credited_units", m.Credited)
		o.int("amount", m.Amount)
		w.ref(o, "meter_id", KindMeter, m.Meter)
		if whole {
			o.key("meter")
			w.renderMeter(o, m.Meter)
		}
		o.close()
	}
	o.b = append(o.b, ']')
	o.first = false
}

func (w *World) pendingUpdate(o *object, n Ref, s *Subscription) {
	if s.PendingAppliesAt == 0 {
		o.null("pending_update")
		return
	}
	o.key("pending_update")
	o.open()
	o.times(s.PendingCreatedAt, 0)
	o.id("id", w.id(KindPendingUpdate, int(n)))
	o.time("applies_at", s.PendingAppliesAt)
	w.ref(o, "product_id", KindProduct, s.PendingProduct)
	o.count("seats", int64(s.PendingSeats))
	o.count("units", int64(s.PendingUnits))
	o.close()
}
