package polarsim

import "net/http"

// createRefund gives money back for an order (polarsource/polar, server/polar/refund/service.py).
func (c *call) createRefund() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	metadata, reason, amount, revoke := f.metadata(), f.enum("reason", refundReasons...), f.int("amount", 1), f.bool("revoke_benefits")
	for _, name := range []string{"order_id", "reason", "amount"} {
		if !f.sent(name) {
			f.missing(name)
		}
	}
	n := f.ref(w, "order_id", KindOrder, func(n Ref) bool { return int(n) < len(w.orders) }, "Order not found")
	if c.invalid(f.problems) {
		return
	}
	o := &w.orders[n]
	switch {
	case o.Status == OrderRefunded:
		c.refuse(http.StatusForbidden, "RefundedAlready", "Order is already fully refunded: "+w.id(KindOrder, int(n)).String())
		return
	case o.Status != OrderPaid && o.Status != OrderPartiallyRefunded || amount > o.refundable():
		c.refuse(http.StatusBadRequest, "RefundAmountTooHigh", "Refund amount exceeds remaining order balance")
		return
	}
	w.refundOrder(Refund{CreatedAt: w.stamp(), Order: n, Amount: amount, Reason: reason, RevokeBenefits: revoke, Metadata: metadata})
	c.show("/v1/refunds/", Ref(len(w.refunds)-1), http.StatusCreated)
}
