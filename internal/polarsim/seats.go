package polarsim

import "net/http"

// listSeats lists the seats of a subscription or of an order without one
// (polarsource/polar, server/polar/customer_seat/endpoints.py).
func (c *call) listSeats() {
	w := c.w
	subscription, order := None, None
	switch {
	case c.query.Get("subscription_id") != "":
		id, ok := ParseID(c.query.Get("subscription_id"))
		n, known := w.keys.number(KindSubscription, id)
		if !ok || !known || n >= len(w.subscriptions) || w.subscriptions[n].StartedAt == 0 {
			c.notFound()
			return
		}
		subscription = Ref(n)
	case c.query.Get("order_id") != "":
		id, ok := ParseID(c.query.Get("order_id"))
		n, known := w.keys.number(KindOrder, id)
		if !ok || !known || n >= len(w.orders) {
			c.notFound()
			return
		}
		order = Ref(n)
	default:
		c.refuse(http.StatusBadRequest, "BadRequest", "Either subscription_id or order_id must be provided")
		return
	}
	total, customer, at, number := w.seatsOf(subscription, order)
	var taken []int
	for k := range total {
		if (k+number)%4 != 3 {
			taken = append(taken, k)
		}
	}
	var o object
	o.open()
	list(&o, "seats", taken, func(o *object, k int) {
		status := []string{"claimed", "pending", "claimed", "revoked"}[(k+number/4)%4]
		o.open()
		o.times(at+Time(k+1)*minute, 0)
		o.id("id", w.id(KindSeat, number<<10|k))
		w.ref(o, "subscription_id", KindSubscription, subscription)
		w.ref(o, "order_id", KindOrder, order)
		o.str("status", status)
		w.ref(o, "customer_id", KindCustomer, customer)
		member := None
		for m, row := range w.membersOf(customer) {
			if row.DeletedAt == 0 && status == "claimed" {
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
		o.str("email", "seat"+string(rune('a'+k%26))+"@example.com")
		o.text("customer_email", w.customers[customer].Email)
		times := map[string]Time{"claimed": at + Time(k+2)*minute, "revoked": at + Time(k+1)*day, "pending": at + Time(k+1)*minute + 7*day}
		for _, f := range []struct{ key, status string }{{"invitation_token_expires_at", "pending"}, {"claimed_at", "claimed"}, {"revoked_at", "revoked"}} {
			if f.status == status {
				o.time(f.key, times[status])
			} else {
				o.null(f.key)
			}
		}
		if k%2 == 0 {
			o.raw("seat_metadata", `{"team":"é","desk":12}`)
		} else {
			o.null("seat_metadata")
		}
		o.close()
	})
	o.int("available_seats", int64(total-len(taken)))
	o.int("total_seats", int64(total))
	o.close()
	c.json(http.StatusOK, o.b)
}

// seatsOf tells how many seats a subscription or order has, whose they are, since when, and a number of its own for their ids.
func (w *World) seatsOf(subscription, order Ref) (total int, customer Ref, at Time, number int) {
	if subscription != None {
		s := &w.subscriptions[subscription]
		return int(s.Seats), s.Customer, s.CreatedAt, int(subscription)
	}
	o := &w.orders[order]
	return int(o.Seats), o.Customer, o.CreatedAt, int(order) | 1<<40
}
