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
	w.hook("checkout.created", KindCheckout, Ref(len(w.checkouts)-1))
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
		if d := &a.disputes[i]; !closed(d.Status) && chance(r, 200) {
			d.Status, d.ModifiedAt = pick(r, []string{"under_review", "lost", "won"}), a.now
		}
	}
}

func closed(status string) bool { return status == "prevented" || status == "lost" || status == "won" }
