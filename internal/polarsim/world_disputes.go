package polarsim

import "math/rand/v2"

// after makes what follows the sales: disputes, and checkouts that are still open.
func (g *generator) after() {
	r := g.random(randAfter)
	g.dispute(r)
	for range 3 + len(g.checkouts)/500 {
		g.openCheckout(r, g.now-Time(1+r.Int64N(int64(day-minute))))
	}
	for _, status := range []string{"confirmed", "failed"} {
		g.openCheckout(r, g.now-Time(1+r.Int64N(int64(hour))))
		c := &g.checkouts[len(g.checkouts)-1]
		c.Status, c.ModifiedAt = status, c.CreatedAt+second
	}
}

var disputeStatuses = []string{"early_warning", "needs_response", "under_review", "lost", "won", "needs_response"}

// dispute has some payments disputed; a refund for that purpose prevents others.
func (g *generator) dispute(r *rand.Rand) {
	prevented := map[Ref]Ref{} // refunds by order
	for i := range g.refunds {
		if g.refunds[i].Reason == "dispute_prevention" {
			prevented[g.refunds[i].Order] = Ref(i)
		}
	}
	for i := range g.payments {
		p := &g.payments[i]
		if p.Order == None || p.Status != "succeeded" {
			continue
		}
		if refund, ok := prevented[p.Order]; ok {
			at := g.refunds[refund].CreatedAt
			g.disputes = append(g.disputes, Dispute{CreatedAt: at - second, ModifiedAt: at, Status: "prevented", Order: p.Order, Payment: Ref(i), Refund: refund + 1})
			continue
		}
		if at := p.CreatedAt + Time(r.Int64N(int64(60*day))); chance(r, 8) && at < g.now-minute {
			d := Dispute{CreatedAt: at, Status: pick(r, disputeStatuses), Reason: pick(r, disputeReasons), Order: p.Order, Payment: Ref(i), Case: chance(r, 500)}
			if d.Status != "needs_response" {
				d.ModifiedAt = min(g.now-second, at+day)
			}
			g.disputes = append(g.disputes, d)
		}
	}
}

// withdrawn tells whether the bank has taken the money back, for good or for the time being.
func (d *Dispute) withdrawn() bool { return d.Status != "prevented" && d.Status != "early_warning" }

// question has the payment of an order disputed.
func (w *World) question(payment Ref, reason string, at Time) {
	p := &w.payments[payment]
	w.disputes = append(w.disputes, Dispute{CreatedAt: at, Status: "needs_response", Reason: reason, Order: p.Order, Payment: payment})
	w.orderEvent(evBalanceDispute, p.Order, Ref(len(w.disputes)-1), 0, at)
}

// decide moves a dispute on.
func (w *World) decide(n Ref, status string, at Time) {
	d := &w.disputes[n]
	d.Status, d.ModifiedAt = status, at
	if status == "won" {
		w.orderEvent(evBalanceDisputeReversal, d.Order, n, 0, at)
	}
}

var disputeReasons = []string{"fraudulent", "product_not_received", "subscription_canceled", ""}

// openCheckout makes a session that nobody has completed yet.
func (w *World) openCheckout(r *rand.Rand, at Time) {
	product := pick(r, subscribable)
	if chance(r, 400) {
		product = pick(r, buyable)
	}
	customer := None
	if n := Ref(r.IntN(len(w.customers))); w.customers[n].DeletedAt == 0 && chance(r, 400) {
		customer = n
	}
	w.checkouts = append(w.checkouts, Checkout{CreatedAt: at, Status: "open", Product: product, Customer: customer, Recurring: w.products[product].Recurring()})
	n := Ref(len(w.checkouts) - 1)
	w.happened(moment{at: at, customer: customer, a: n, b: product, parent: None, name: evCheckoutCreated}, "")
	w.hook("checkout.created", KindCheckout, n)
}

// checkoutLife is after how long an open checkout expires.
const checkoutLife = day

// afterwards moves on what follows the sales: open checkouts expire in bulk, and new ones are opened; disputes are decided.
func (a *advance) afterwards() {
	r := a.random(randAfter<<40 + a.steps)
	for i := range a.checkouts {
		if c := &a.checkouts[i]; c.Status == "open" && c.CreatedAt+checkoutLife <= a.now {
			c.Status, c.ModifiedAt = "expired", c.CreatedAt+checkoutLife+minute
			a.hook("checkout.expired", KindCheckout, Ref(i))
		}
	}
	for range 1 + len(a.checkouts)/1000 {
		a.openCheckout(r, a.now-Time(r.Int64N(int64(hour))))
	}
	for i := range a.disputes {
		if !closed(a.disputes[i].Status) && chance(r, 200) {
			a.decide(Ref(i), pick(r, verdicts), a.now)
		}
	}
}

var verdicts = []string{"under_review", "lost", "won"}

func closed(status string) bool { return status == "prevented" || status == "lost" || status == "won" }
