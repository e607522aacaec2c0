package polarsim

import "net/http"

// listSeats lists the seats of a subscription or of an order without one
// (polarsource/polar, server/polar/customer_seat/endpoints.py).
func (c *call) listSeats() {
	w := c.w
	subscription, order := None, None
	var ok bool
	switch {
	case c.query.Has("subscription_id"):
		subscription, ok = c.seatOwner("subscription_id", "Subscription", KindSubscription, func(n int) bool {
			return n < len(w.subscriptions) && w.subscriptions[n].StartedAt != 0
		})
	case c.query.Has("order_id"):
		order, ok = c.seatOwner("order_id", "Order", KindOrder, func(n int) bool { return n < len(w.orders) })
	default:
		c.refuse(http.StatusBadRequest, "BadRequest", "Either subscription_id or order_id must be provided")
		return
	}
	if !ok {
		return
	}
	seats, total, customer := w.seatsOf(subscription, order)
	var o object
	o.open()
	list(&o, "seats", seats, func(o *object, seat seat) { w.renderSeat(o, subscription, order, customer, seat) })
	o.int("available_seats", int64(total-len(seats)))
	o.int("total_seats", int64(total))
	o.close()
	c.json(http.StatusOK, o.b)
}

func (w *World) renderSeat(o *object, subscription, order, customer Ref, seat seat) {
	o.open()
	o.times(seat.at, seat.modified)
	o.id("id", w.id(KindSeat, seat.number))
	w.ref(o, "subscription_id", KindSubscription, subscription)
	w.ref(o, "order_id", KindOrder, order)
	o.str("status", seat.status())
	w.ref(o, "customer_id", KindCustomer, customer)
	member := None
	for m, row := range w.membersOf(customer) {
		if row.DeletedAt == 0 && seat.claimed != 0 {
			member = m
		}
	}
	w.ref(o, "member_id", KindMember, member)
	o.key("member")
	if member == None {
		o.b = append(o.b, "null"...)
	} else {
		w.renderMember(o, member)
	}
	o.str("email", seat.email)
	o.text("customer_email", w.customers[customer].Email)
	o.time("invitation_token_expires_at", seat.expires)
	o.time("claimed_at", seat.claimed)
	o.time("revoked_at", seat.revoked)
	if seat.metadata != "" {
		o.raw("seat_metadata", seat.metadata)
	} else {
		o.null("seat_metadata")
	}
	o.close()
}

// seatOwner finds the row that a query parameter names; ok is false when the response is set already.
func (c *call) seatOwner(name, title string, kind Kind, exists func(n int) bool) (owner Ref, ok bool) {
	p := &problems{}
	id, _ := parseID(p, []any{"query", name}, c.query.Get(name))
	if c.invalid(p) {
		return None, false
	}
	n, known := c.w.keys.number(kind, id)
	if !known || !exists(n) {
		c.refuse(http.StatusNotFound, "ResourceNotFound", title+" not found")
		return None, false
	}
	return Ref(n), true
}
