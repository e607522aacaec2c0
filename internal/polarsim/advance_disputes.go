package polarsim

import (
	"math/rand/v2"
	"slices"
)

// moveCheckoutsAndDisputes expires old open checkouts in bulk, opens new ones, and decides some disputes.
func (a *advance) moveCheckoutsAndDisputes() {
	r := a.random(randAfter<<40 + a.steps)
	for i := range a.checkouts {
		if c := &a.checkouts[i]; c.Status == "open" && c.CreatedAt+checkoutLife <= a.now {
			c.Status, c.ModifiedAt = "expired", c.CreatedAt+checkoutLife+minute
			a.tellWebhooks("checkout.expired", KindCheckout, Ref(i))
		}
	}
	for range 1 + len(a.checkouts)/1000 {
		a.visit(r, a.now-Time(r.Int64N(int64(hour))))
	}
	for i := range a.disputes {
		if !disputeClosed(a.disputes[i].Status) && chance(r, 200) {
			a.decideDispute(Ref(i), pick(r, verdicts), a.now)
		}
	}
}

// OpenDispute opens a dispute about a payment, or decides an open one, and returns a description of it; "" = there is nothing to dispute.
func (w *World) OpenDispute() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	w.steps++
	r := w.random(randAdvance + w.steps)
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}}
	return a.changeDispute(r, a.stamp())
}

// changeDispute decides an open dispute, or opens one about a payment.
func (a *advance) changeDispute(r *rand.Rand, at Time) string {
	if len(a.disputes) > 0 {
		if n := Ref(r.IntN(len(a.disputes))); !disputeClosed(a.disputes[n].Status) {
			a.decideDispute(n, pick(r, verdicts), at)
			return "dispute decided " + a.id(KindDispute, int(n)).String()
		}
	}
	if len(a.payments) == 0 {
		return ""
	}
	payment := Ref(r.IntN(len(a.payments)))
	if p := &a.payments[payment]; p.Order == None || p.Status != "succeeded" || slices.ContainsFunc(a.disputes, func(d Dispute) bool { return d.Payment == payment }) {
		return ""
	}
	a.openDispute(payment, pick(r, disputeReasons), at)
	return "payment disputed " + a.id(KindPayment, int(payment)).String()
}
