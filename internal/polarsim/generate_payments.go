package polarsim

import (
	"math/rand/v2"
)

// invoiceAndPay goes through the orders in the order of time: invoices are numbered, payments made, some refunded.
func (g *generator) invoiceAndPay() {
	r := g.random(randPayments)
	g.payments = make([]Payment, 0, len(g.orders)+len(g.orders)/8)
	for i := range g.orders {
		g.billOrder(r, Ref(i))
		g.refundSome(r, Ref(i))
	}
	for i := range g.checkouts {
		if c := &g.checkouts[i]; c.Status == "failed" && chance(r, 500) {
			g.payments = append(g.payments, Payment{CreatedAt: c.CreatedAt + minute, ModifiedAt: c.CreatedAt + minute + 2*second, Status: "failed", Method: "card", Trigger: "purchase",
				Brand: "visa", Last4: "0002", DeclineReason: "card_declined", Currency: "usd", Amount: 1900, Order: None, Checkout: Ref(i), Customer: None})
		}
	}
}

// refundSome refunds some orders, and takes the payments of others back.
func (g *generator) refundSome(r *rand.Rand, n Ref) {
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
			g.refundOrder(Refund{CreatedAt: at, Order: n, Amount: max(1, part), Reason: pick(r, refundReasons), RevokeBenefits: len(g.refunds)%3 == 1})
		}
		if o.Reason == ReasonPurchase && chance(r, 8) {
			g.withdrawPayment(r, o)
		}
		if last := Ref(len(g.refunds) - 1); last >= 0 && last%19 == 4 && g.refunds[last].Order == n && g.refunds[last].Reason != "dispute_prevention" {
			g.reverseRefund(last, min(g.now-second/2, g.refunds[last].CreatedAt+2*day))
		}
	}
}

var refundReasons = []string{"duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other"}

// withdrawPayment undoes the last payment of an order: the order becomes a draft, pending or void.
func (g *generator) withdrawPayment(r *rand.Rand, o *Order) {
	if o.RefundedAmount > 0 {
		return
	}
	last := &g.payments[len(g.payments)-1]
	o.PlatformFee, o.PaidAt, o.Receipt, o.InvoiceGenerated = 0, 0, false, false
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
