package polarsim

import "net/http"

// assignSeat gives a free seat to somebody, who is invited by e-mail unless it is claimed at once
// (polarsource/polar, server/polar/customer_seat/service.py assign_seat).
func (c *call) assignSeat() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	email, metadata, claimed := f.email("email"), f.metadata(), f.given("immediate_claim") && f.bool("immediate_claim")
	subscription := f.ref(w, "subscription_id", KindSubscription, func(n Ref) bool { return int(n) < len(w.subscriptions) && w.subscriptions[n].StartedAt != 0 }, "Subscription not found")
	order := None
	if subscription == None {
		order = f.ref(w, "order_id", KindOrder, func(n Ref) bool { return int(n) < len(w.orders) }, "Order not found")
	}
	if c.invalid(f.problems) {
		return
	}
	if subscription == None && order == None {
		c.refuse(http.StatusBadRequest, "BadRequest", "Either subscription_id or order_id must be provided")
		return
	}
	seats, total, _ := w.seatsOf(subscription, order)
	k := 0
	for k < len(seats) && seats[k].place == k {
		k++
	}
	if k >= total {
		c.refuse(http.StatusBadRequest, "SeatNotAvailable", "No available seats for "+firstOf(f.text("subscription_id", 36), f.text("order_id", 36)))
		return
	}
	at := w.stamp()
	s := seat{number: seatNumber(subscription, order, k), place: k, at: at, expires: at + 7*day, email: email, metadata: metadata}
	event := "customer_seat.assigned"
	if claimed {
		s.expires, s.claimed, event = 0, at, "customer_seat.claimed"
	}
	c.changeSeat(subscription, order, s, event)
}

// revokeSeat takes a seat away; its row stays.
func (c *call) revokeSeat() {
	id, valid := ParseID(c.params["id"])
	number, known := c.w.keys.number(KindSeat, id)
	subscription, order := Ref(number>>10), None
	if owner := number >> 10; owner&(1<<40) != 0 {
		subscription, order = None, Ref(owner&^(1<<40))
	}
	if valid && known && int(subscription) < len(c.w.subscriptions) && int(order) < len(c.w.orders) {
		seats, _, _ := c.w.seatsOf(subscription, order)
		for _, s := range seats {
			if s.number == number {
				s.modified = c.w.stamp()
				s.expires, s.claimed, s.revoked = 0, 0, s.modified
				c.changeSeat(subscription, order, s, "customer_seat.revoked")
				return
			}
		}
	}
	c.refuse(http.StatusNotFound, "ResourceNotFound", "Seat not found")
}

// seatNumber is the number of the id of seat k.
func seatNumber(subscription, order Ref, k int) int {
	if subscription != None {
		return int(subscription)<<10 | k
	}
	return (int(order)|1<<40)<<10 | k
}

func (c *call) changeSeat(subscription, order Ref, s seat, event string) {
	w := c.w
	if w.seats == nil {
		w.seats = map[int]seat{}
	}
	w.seats[s.number] = s
	_, _, customer := w.seatsOf(subscription, order)
	render := func(o *object) { w.renderSeat(o, subscription, order, customer, s) }
	var o object
	render(&o)
	w.tellText(event, KindSeat, None, func() string { return hookText(event, w.now, render) })
	c.json(http.StatusOK, o.b)
}
