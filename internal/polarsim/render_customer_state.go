package polarsim

// renderState writes a customer with its live subscriptions, benefits and meters.
func (w *World) renderState(o *object, n Ref) {
	o.open()
	w.customerFields(o, n)
	var live []Ref
	for s, sub := range w.subscriptionsOf(n) {
		if sub.Status == SubActive || sub.Status == SubTrialing {
			live = append(live, s)
		}
	}
	list(o, "active_subscriptions", live, w.stateSubscription)
	type grant struct{ subscription, benefit Ref }
	var grants []grant
	for _, s := range live {
		for _, b := range w.products[w.subscriptions[s].Product].Benefits {
			if w.benefits[b].DeletedAt == 0 {
				grants = append(grants, grant{s, b})
			}
		}
	}
	list(o, "granted_benefits", grants, func(o *object, g grant) {
		s, b := &w.subscriptions[g.subscription], &w.benefits[g.benefit]
		o.open()
		o.id("id", w.id(KindBenefitGrant, int(g.subscription)<<8|int(g.benefit)))
		o.times(s.CreatedAt+second, 0)
		o.time("granted_at", s.CreatedAt+second)
		w.ref(o, "benefit_id", KindBenefit, g.benefit)
		o.str("benefit_type", b.Type)
		o.raw("benefit_metadata", b.Metadata)
		o.raw("properties", w.grantProperties(Grant{Subscription: g.subscription, Benefit: g.benefit}))
		o.close()
	})
	var meters []Ref
	for m := range w.metersOf(n) {
		meters = append(meters, m)
	}
	list(o, "active_meters", meters, func(o *object, n Ref) {
		m := &w.customerMeters[n]
		o.open()
		o.id("id", w.id(KindCustomerMeter, int(n)))
		o.times(m.CreatedAt, m.ModifiedAt)
		w.ref(o, "meter_id", KindMeter, m.Meter)
		o.num("consumed_units", m.Consumed)
		o.int("credited_units", m.Credited)
		o.num("balance", m.Balance())
		o.close()
	})
	o.close()
}

func (w *World) stateSubscription(o *object, n Ref) {
	s := &w.subscriptions[n]
	o.open()
	o.id("id", w.id(KindSubscription, int(n)))
	o.times(s.CreatedAt, s.ModifiedAt)
	o.raw("custom_field_data", s.CustomFields)
	o.raw("metadata", s.Metadata)
	o.str("status", s.Status)
	o.int("amount", w.amountOf(s))
	o.str("currency", s.Currency)
	o.str("recurring_interval", s.Interval)
	o.time("current_period_start", s.PeriodStart)
	o.time("current_period_end", s.PeriodEnd)
	o.time("trial_start", s.TrialStart)
	o.time("trial_end", s.TrialEnd)
	o.bool("cancel_at_period_end", s.CancelAtPeriodEnd)
	o.time("canceled_at", s.CanceledAt)
	o.time("started_at", s.StartedAt)
	o.time("ends_at", s.EndsAt)
	w.ref(o, "product_id", KindProduct, s.Product)
	w.ref(o, "discount_id", KindDiscount, s.Discount)
	o.count("seats", int64(s.Seats))
	o.count("units", int64(s.Units))
	w.ref(o, "price_id", KindPrice, s.Prices[0])
	w.usage(o, "meters", n, false)
	o.close()
}
