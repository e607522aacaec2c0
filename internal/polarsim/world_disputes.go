package polarsim

import "math/rand/v2"

// withdrawn tells whether the bank has taken the money back, for good or for the time being.
func (d *Dispute) withdrawn() bool { return d.Status != "prevented" && d.Status != "early_warning" }

// disputeFee is what a bank takes for a dispute, in US cents.
const disputeFee = 1500

// openDispute opens a dispute about the payment of an order.
func (w *World) openDispute(payment Ref, reason string, at Time) {
	p := &w.payments[payment]
	w.disputes = append(w.disputes, Dispute{CreatedAt: at, Status: "needs_response", Reason: reason, Order: p.Order, Payment: payment})
	w.orderEvent(evBalanceDispute, p.Order, Ref(len(w.disputes)-1), 0, at)
}

// decideDispute gives a dispute its next status.
func (w *World) decideDispute(n Ref, status string, at Time) {
	d := &w.disputes[n]
	before := d.withdrawn()
	if d.Status, d.ModifiedAt = status, at; d.withdrawn() && !before {
		w.orderEvent(evBalanceDispute, d.Order, n, 0, at)
	}
	if status == "won" {
		w.orderEvent(evBalanceDisputeReversal, d.Order, n, 0, at)
	}
}

var disputeReasons = []string{"fraudulent", "product_not_received", "subscription_canceled", ""}

// visit opens a checkout session for somebody.
func (w *World) visit(r *rand.Rand, at Time) {
	product := pick(r, subscribable)
	if chance(r, 400) {
		product = pick(r, buyable)
	}
	customer := None
	if n := Ref(r.IntN(len(w.customers))); w.customers[n].DeletedAt == 0 && chance(r, 400) {
		customer = n
	}
	w.openCheckout(product, customer, at)
}

// openCheckout adds a checkout session that nobody has completed yet.
func (w *World) openCheckout(product, customer Ref, at Time) Ref {
	w.checkouts = append(w.checkouts, Checkout{CreatedAt: at, Status: "open", Product: product, Customer: customer, Recurring: w.products[product].Recurring()})
	n := Ref(len(w.checkouts) - 1)
	w.noteEvent(moment{at: at, customer: customer, a: n, b: product, parent: None, name: evCheckoutCreated}, "")
	w.tellWebhooks("checkout.created", KindCheckout, n)
	return n
}

// checkoutLife is how long a checkout stays open before it expires.
const checkoutLife = day

var verdicts = []string{"under_review", "lost", "won"}

func disputeClosed(status string) bool {
	return status == "prevented" || status == "lost" || status == "won"
}

// openedAt is when the page of a checkout was first shown, which metrics count and no list has; 0 = it was not, so far. One that a program completed
// may have succeeded all the same.
func (w *World) openedAt(n Ref) Time {
	c, draw := &w.checkouts[n], mix(w.seed^uint64(n)<<18^0x6f70656e)
	at := c.CreatedAt + Time(draw%uint64(18*hour))
	switch chance := draw >> 40 % 20; {
	case c.Status == "succeeded" && chance > 0:
		at = c.CreatedAt + Time(draw%uint64(15*second))
	case chance < 7, at > w.now:
		return 0
	}
	return at
}
