package polarsim

import (
	"math/big"
	"math/rand/v2"
)

// settle goes through the orders in the order of time: invoices are numbered, payments made, some refunded.
func (g *generator) settle() {
	r := g.random(randPayments)
	g.payments = make([]Payment, 0, len(g.orders)+len(g.orders)/8)
	for i := range g.orders {
		g.bill(r, Ref(i))
		g.later(r, Ref(i))
	}
	for i := range g.checkouts {
		if c := &g.checkouts[i]; c.Status == "failed" && chance(r, 500) {
			g.payments = append(g.payments, Payment{CreatedAt: c.CreatedAt + minute, ModifiedAt: c.CreatedAt + minute + 2*second, Status: "failed", Method: "card", Trigger: "purchase",
				Brand: "visa", Last4: "0002", DeclineReason: "card_declined", Currency: "usd", Amount: 1900, Order: None, Checkout: Ref(i), Customer: None})
		}
	}
}

// bill numbers an order's invoice and has it paid, or tried to.
func (w *World) bill(r *rand.Rand, n Ref) {
	o := &w.orders[n]
	c := &w.customers[o.Customer]
	c.Invoices++
	o.Invoice = c.Invoices
	if o.Checkout != None {
		w.checkouts[o.Checkout].Order = n + 1
	}
	if o.Discount != None && (o.Reason == ReasonPurchase || o.Reason == ReasonCreate) {
		w.discounts[o.Discount].Redemptions++
	}
	if o.Total() > 0 && chance(r, 20) {
		o.Balance = -min(o.Total(), int64(100+r.IntN(900)))
	} else if o.Total() < 0 { // the credit goes to the customer's balance
		o.Balance = -o.Total()
	}
	w.hook("order.created", KindOrder, n)
	if o.Due() == 0 {
		o.Status = OrderPaid
		w.orderPaid(n)
		return
	}
	if s := o.Subscription; s != None {
		sub := &w.subscriptions[s]
		if (sub.Status == SubPastDue || sub.Status == SubUnpaid) && o.CreatedAt >= sub.PeriodStart {
			w.fail(r, n, o.CreatedAt+4*second, triggerOf(o))
			if sub.Status == SubPastDue {
				o.NextPaymentAt = w.now + Time(1+r.IntN(7))*day
			}
			return
		}
	}
	at := o.CreatedAt + Time(800_000+r.IntN(3_000_000))
	if chance(r, 30) {
		w.fail(r, n, o.CreatedAt+Time(r.IntN(700_000)), triggerOf(o))
	}
	w.pay(r, n, at, triggerOf(o))
}

func triggerOf(o *Order) string {
	switch o.Reason {
	case ReasonPurchase, ReasonCreate:
		return "purchase"
	default:
		return "subscription_cycle"
	}
}

var (
	brands   = []string{"visa", "visa", "mastercard", "amex", "discover"}
	lastFour = []string{"4242", "4444", "0005", "1881", "0077", "9424", "3155", "8210"}
	declines = []string{"insufficient_funds", "card_declined", "expired_card", "authentication_required"}
	others   = []string{"link", "cashapp", "sepa_debit", "klarna", "us_bank_account"}
)

// payment is an attempt to pay an order, without outcome.
func (w *World) payment(r *rand.Rand, n Ref, at Time, trigger string) Payment {
	o := &w.orders[n]
	p := Payment{CreatedAt: at, Method: "card", Trigger: trigger, Currency: o.Currency, Amount: o.Due(), Order: n, Checkout: o.Checkout, Customer: o.Customer}
	switch k := r.IntN(100); {
	case k < 85:
		p.Brand, p.Last4 = pick(r, brands), pick(r, lastFour)
	case k < 97:
		p.Method = pick(r, others)
	} // else a card of which the processor told nothing
	if at < w.now-900*day {
		p.Trigger = "" // older than the field
	}
	return p
}

func (w *World) pay(r *rand.Rand, n Ref, at Time, trigger string) {
	p := w.payment(r, n, at, trigger)
	p.Status = "succeeded"
	if chance(r, 500) {
		p.ModifiedAt = at + 3*second
	}
	w.payments = append(w.payments, p)
	o := &w.orders[n]
	o.Status, o.NextPaymentAt = OrderPaid, 0
	o.PlatformFee = o.Due()*4/100 + 40
	o.ModifiedAt = at + Time(r.IntN(900_000))
	o.Receipt = chance(r, 600)
	w.orderPaid(n)
}

func (w *World) fail(r *rand.Rand, n Ref, at Time, trigger string) {
	p := w.payment(r, n, at, trigger)
	p.Status, p.DeclineReason, p.ModifiedAt = "failed", pick(r, declines), at+second
	w.payments = append(w.payments, p)
	w.orders[n].ModifiedAt = at + second
}

// later is what happened to some orders afterwards.
func (g *generator) later(r *rand.Rand, n Ref) {
	o := &g.orders[n]
	if o.Status == OrderPaid {
		o.InvoiceGenerated = chance(r, 250)
		if o.Due() > 0 && chance(r, 45) {
			after := Time(r.Int64N(int64(40 * day)))
			if left := g.now - second - o.ModifiedAt; after > left { // of late orders sooner, but not all at once
				after %= max(1, left)
			}
			at := o.ModifiedAt + after
			part := o.Net() + o.Balance
			if chance(r, 450) {
				part /= 3
			}
			g.refund(Refund{CreatedAt: at, Order: n, Amount: max(1, part), Reason: pick(r, refundReasons), RevokeBenefits: len(g.refunds)%3 == 1})
		}
		if o.Reason == ReasonPurchase && chance(r, 8) {
			g.unpay(r, o)
		}
	}
}

var refundReasons = []string{"duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other"}

// refundable is what is left of an order that could be given back.
func (o *Order) refundable() int64 { return o.Net() + o.Balance - o.RefundedAmount }

// refund gives back an amount, and the tax on it, of a paid order: as much of it as is left.
func (w *World) refund(r Refund) {
	o, at := &w.orders[r.Order], r.CreatedAt
	if r.Amount = min(r.Amount, o.refundable()); r.Amount <= 0 {
		return
	}
	if o.Net() > 0 {
		r.Tax = o.Tax * r.Amount / o.Net()
	}
	r.ModifiedAt, r.Status = at+second, "succeeded"
	w.refunds = append(w.refunds, r)
	o.RefundedAmount += r.Amount
	o.RefundedTax += r.Tax
	o.Status = OrderPartiallyRefunded
	if o.RefundedAmount >= o.Net()+o.Balance {
		o.Status = OrderRefunded
	}
	o.ModifiedAt = max(at, o.ModifiedAt)
	w.orderRefunded(r.Order, Ref(len(w.refunds)-1))
}

// unpay takes the last payment of an order back, so that the order is a draft, pending or void.
func (g *generator) unpay(r *rand.Rand, o *Order) {
	if o.RefundedAmount > 0 {
		return
	}
	last := &g.payments[len(g.payments)-1]
	o.PlatformFee, o.Receipt, o.InvoiceGenerated = 0, false, false
	switch r.IntN(3) {
	case 0:
		o.Status, last.Status, last.DeclineReason, last.ModifiedAt = OrderVoid, "failed", pick(r, declines), last.CreatedAt+second
	case 1:
		o.Status, last.Status, last.ModifiedAt = OrderPending, "pending", 0
		o.ModifiedAt = 0
	default:
		g.payments = g.payments[:len(g.payments)-1]
		o.Status, o.Invoice, o.ModifiedAt = OrderDraft, 0, 0
		g.customers[o.Customer].Invoices--
	}
}

// usage gives customers their meters: those with a metered subscription and, without any usage, some others; the archived meter to old ones.
func (g *generator) usage() {
	r := g.random(randUsage)
	for i := range g.customers {
		c := &g.customers[i]
		var wanted [4]bool
		for _, s := range g.subscriptionsOf(Ref(i)) {
			for m := range s.Meters {
				wanted[s.Meters[m].Meter] = true
				g.used(r, s, &s.Meters[m])
			}
			wanted[0] = wanted[0] || s.Product == productPro // its benefit credits the meter
		}
		for m := range g.meters {
			meter := &g.meters[m]
			if m < 3 && !wanted[m] && !chance(r, 80) || m == 3 && (c.CreatedAt > meter.ArchivedAt || !chance(r, 250)) {
				continue
			}
			row := CustomerMeter{Customer: Ref(i), Meter: Ref(m), CreatedAt: min(g.now-second, max(c.CreatedAt, meter.CreatedAt)+Time(r.Int64N(int64(day))))}
			if wanted[m] || chance(r, 300) {
				row.ModifiedAt = min(g.now, row.CreatedAt+Time(r.Int64N(int64(g.now-row.CreatedAt)+1)))
				row.Credited = int64(1000 * r.IntN(4))
				row.Consumed = someUnits(r)
			}
			g.addCustomerMeter(row)
		}
	}
}

// someUnits draws a quantity: mostly whole, else with a fraction that a float just about holds.
func someUnits(r *rand.Rand) float64 {
	switch p := r.IntN(100); {
	case p < 70:
		return float64(r.IntN(5000))
	case p < 95:
		return float64(r.IntN(5_000_000)) / 1000
	default:
		return r.Float64() * 1e7
	}
}

// used sets the usage of a subscription's current period on a meter.
func (g *generator) used(r *rand.Rand, s *Subscription, m *SubscriptionMeter) {
	if s.EndedAt != 0 || s.StartedAt == 0 {
		return
	}
	m.Consumed, m.Credited = someUnits(r), int64(500*r.IntN(3))
	m.Amount = g.charge(s, m)
	m.ModifiedAt = min(g.now, s.PeriodStart+Time(r.Int64N(int64(day))))
}

// charge is what the use of a meter costs beyond its credits: units times unit price, up to the price's cap.
func (w *World) charge(s *Subscription, m *SubscriptionMeter) int64 {
	for _, ref := range s.Prices {
		p := &w.prices[ref]
		if p.Kind != PriceMetered || p.Meter != m.Meter {
			continue
		}
		unit, ok := new(big.Rat).SetString(p.UnitAmount)
		units := new(big.Rat).SetFloat64(max(0, m.Consumed-float64(m.Credited)))
		if !ok || units == nil {
			return 0
		}
		cost := units.Mul(units, unit)
		amount := new(big.Int).Quo(cost.Num(), cost.Denom()).Int64()
		if p.Cap > 0 {
			amount = min(amount, p.Cap)
		}
		return amount
	}
	return 0
}

// boards makes some dashboards.
func (g *generator) boards() {
	t := g.start + 200*day
	g.dashboards = []Dashboard{
		{CreatedAt: t, Name: "Overview", Metrics: []string{"revenue", "orders", "active_subscriptions", "monthly_recurring_revenue"}},
		{CreatedAt: t + 9*day + 17, ModifiedAt: t + 12*day, Name: "Churn 📉", Metrics: []string{"churned_subscriptions", "churn_rate", "canceled_subscriptions"}},
		{CreatedAt: t + 40*day, Name: "Empty", Metrics: []string{}},
	}
}
