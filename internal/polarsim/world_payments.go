package polarsim

import (
	"math/big"
	"math/rand/v2"
)

// billOrder numbers an order's invoice and collects the payment, or fails to.
func (w *World) billOrder(r *rand.Rand, n Ref) {
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
	}
	w.noteCharge(o)
	w.tellWebhooks("order.created", KindOrder, n)
	if o.Due() == 0 {
		o.Status = OrderPaid
		w.orderPaid(n)
		return
	}
	if s := o.Subscription; s != None {
		sub := &w.subscriptions[s]
		if (sub.Status == SubPastDue || sub.Status == SubUnpaid) && o.CreatedAt >= sub.PeriodStart {
			w.failPayment(r, n, o.CreatedAt+4*second, triggerOf(o))
			if sub.Status == SubPastDue {
				o.NextPaymentAt = w.now + Time(1+r.IntN(7))*day
			}
			return
		}
	}
	at := o.CreatedAt + Time(800_000+r.IntN(3_000_000))
	if chance(r, 30) {
		w.failPayment(r, n, o.CreatedAt+Time(r.IntN(700_000)), triggerOf(o))
	}
	if o.Reason == ReasonCycle && chance(r, 25) {
		if late := o.CreatedAt + Time(2+r.IntN(26))*day; late < w.now { // it took weeks to collect
			w.failPayment(r, n, at, triggerOf(o))
			w.payOrder(r, n, late, "retry_dunning")
			return
		}
	}
	w.payOrder(r, n, at, triggerOf(o))
}

// noteCharge keeps how much of the last charge of a subscription is tax, if that is in the price.
func (w *World) noteCharge(o *Order) {
	if o.Subscription == None || o.Total() <= 0 {
		return
	}
	s := &w.subscriptions[o.Subscription]
	if s.ChargedNet, s.ChargedTax = 0, 0; o.TaxInclusive {
		s.ChargedNet, s.ChargedTax = o.Net(), o.Tax
	}
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

// newPayment is an attempt to pay an order; the caller sets the outcome.
func (w *World) newPayment(r *rand.Rand, n Ref, at Time, trigger string) Payment {
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

func (w *World) payOrder(r *rand.Rand, n Ref, at Time, trigger string) {
	p := w.newPayment(r, n, at, trigger)
	p.Status = "succeeded"
	if chance(r, 500) {
		p.ModifiedAt = at + 3*second
	}
	w.payments = append(w.payments, p)
	o := &w.orders[n]
	o.Status, o.NextPaymentAt, o.PaidAt = OrderPaid, 0, at
	o.PlatformFee = converted(o.Due(), rateAt(o.Currency, at))*4/100 + 40
	o.ModifiedAt = at + Time(r.IntN(900_000))
	o.Receipt = chance(r, 600)
	w.orderPaid(n)
}

func (w *World) failPayment(r *rand.Rand, n Ref, at Time, trigger string) {
	p := w.newPayment(r, n, at, trigger)
	p.Status, p.DeclineReason, p.ModifiedAt = "failed", pick(r, declines), at+second
	w.payments = append(w.payments, p)
	w.orders[n].ModifiedAt = at + second
}

// refundable is the amount of an order that was not refunded yet.
func (o *Order) refundable() int64 { return o.Net() + o.Balance - o.RefundedAmount }

// refundOrder refunds an amount of a paid order and the tax on it, at most what is left.
func (w *World) refundOrder(r Refund) {
	o, at := &w.orders[r.Order], r.CreatedAt
	if r.Amount = min(r.Amount, o.refundable()); r.Amount <= 0 {
		return
	}
	if o.Net() > 0 {
		r.Tax = o.Tax * r.Amount / o.Net()
	}
	r.ModifiedAt, r.Status = at+second, "succeeded"
	w.refunds = append(w.refunds, r)
	o.addRefund(r.Amount, r.Tax, at)
	w.orderRefunded(r.Order, Ref(len(w.refunds)-1))
}

func (o *Order) addRefund(amount, tax int64, at Time) {
	o.RefundedAmount += amount
	o.RefundedTax += tax
	switch {
	case o.RefundedAmount == 0:
		o.Status = OrderPaid
	case o.RefundedAmount >= o.Net()+o.Balance:
		o.Status = OrderRefunded
	default:
		o.Status = OrderPartiallyRefunded
	}
	o.ModifiedAt = max(at, o.ModifiedAt)
}

// reverseRefund undoes a refund that the bank could not carry out (polarsource/polar, server/polar/refund/service.py).
func (w *World) reverseRefund(n Ref, at Time) {
	r := &w.refunds[n]
	r.Status, r.ModifiedAt = "failed", at
	w.orders[r.Order].addRefund(-r.Amount, -r.Tax, at)
	w.refundReversed(r.Order, n)
}

// meterCharge is what the use of a meter costs beyond its credits: units times unit price, up to the price's cap.
func (w *World) meterCharge(s *Subscription, m *SubscriptionMeter) int64 {
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
