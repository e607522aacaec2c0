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

// seatsOf tells how many seats a subscription or order has, whose they are, since when, and a number of its own for their ids.
func (w *World) seatsOf(subscription, order Ref) (total int, customer Ref, at Time, number int) {
	if subscription != None {
		s := &w.subscriptions[subscription]
		return int(s.Seats), s.Customer, s.CreatedAt, int(subscription)
	}
	o := &w.orders[order]
	return int(o.Seats), o.Customer, o.CreatedAt, int(order) | 1<<40
}
