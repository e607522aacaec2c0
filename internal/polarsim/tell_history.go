package polarsim

import (
	"cmp"
	"slices"
)

// historian writes the events of the generated past into the journal.
type historian struct {
	*World
	*journal
}

func (h *historian) add(name eventName, at Time, customer, a, b Ref, n int64) Ref {
	if at == 0 || at > h.now {
		return None
	}
	h.past = append(h.past, moment{at: at, n: n, customer: customer, a: a, b: b, parent: None, name: name})
	return Ref(len(h.past) - 1)
}

func (h *historian) write() {
	h.identities = make([]identity, len(h.customers))
	h.canceled = map[Ref]cancellation{}
	h.past = make([]moment, 0, 2*len(h.customers)+5*len(h.orders)+len(h.checkouts))
	for i := range h.customers {
		c, n := &h.customers[i], Ref(i)
		h.identities[i] = identity{c.Email, c.Name, firstOf(c.ExternalID, savedExternalID(c.Metadata))}
		h.add(evCustomerCreated, c.CreatedAt, n, n, None, 0)
		if c.ModifiedAt != 0 && c.DeletedAt == 0 {
			h.add(evCustomerUpdated, c.ModifiedAt, n, n, None, 0)
		}
		h.add(evCustomerDeleted, c.DeletedAt, n, n, None, 0)
	}
	for i := range h.checkouts {
		h.add(evCheckoutCreated, h.checkouts[i].CreatedAt, h.checkouts[i].Customer, Ref(i), h.checkouts[i].Product, 0)
	}
	for i := range h.subscriptions {
		h.subscription(Ref(i))
	}
	h.sales()
	for i := range h.customerMeters {
		h.use(Ref(i))
	}
	h.order = make([]Ref, len(h.past))
	for i := range h.order {
		h.order[i] = Ref(i)
	}
	slices.SortStableFunc(h.order, func(a, b Ref) int { return cmp.Compare(h.past[a].at, h.past[b].at) })
	h.delivered()
}

func (h *historian) subscription(n Ref) {
	s := &h.subscriptions[n]
	if s.StartedAt == 0 {
		return
	}
	add := func(name eventName, at Time) Ref { return h.add(name, at, s.Customer, n, s.Product, h.amountOf(s)) }
	add(evSubscriptionCreated, s.CreatedAt)
	if event := add(evSubscriptionCanceled, s.CanceledAt); event != None {
		h.canceled[event] = s.cancellation(h.cancellation(n))
	}
	add(evSubscriptionRevoked, s.EndedAt)
	add(evSubscriptionPastDue, s.PastDueAt)
	add(evSubscriptionPaused, s.PausedAt)
	for _, b := range h.products[s.Product].Benefits {
		h.add(evBenefitGranted, s.CreatedAt+second, s.Customer, n, b, 0)
		if s.EndedAt != 0 {
			h.add(evBenefitRevoked, s.EndedAt+2*second, s.Customer, n, b, 0)
		}
	}
}

// sales are the events of orders, in the order of their rows.
func (h *historian) sales() {
	for i := range h.orders {
		o, n := &h.orders[i], Ref(i)
		if o.Reason == ReasonCycle {
			s := &h.subscriptions[o.Subscription]
			h.add(evSubscriptionCycled, o.CreatedAt, o.Customer, o.Subscription, s.Product, h.amountOf(s))
			for _, m := range s.Meters {
				h.add(evMeterReset, o.CreatedAt, o.Customer, m.Meter, None, 0)
			}
		}
		switch {
		case o.Paid():
			paid := cmp.Or(o.PaidAt, o.CreatedAt) + second
			h.add(evOrderPaid, paid, o.Customer, n, o.Product, int64(o.Subscription))
			if o.PaidAt != 0 {
				h.add(evBalanceOrder, o.CreatedAt, o.Customer, n, o.Product, rateAt(o.Currency, o.PaidAt))
			} else if o.Total() != 0 {
				h.add(evBalanceCreditOrder, o.CreatedAt, o.Customer, n, o.Product, h.creditRate(n, paid))
			}
		case o.Status == OrderVoid:
			h.add(evOrderVoided, cmp.Or(o.ModifiedAt, o.CreatedAt+minute), o.Customer, n, o.Product, 0)
		}
	}
	refunded := map[Ref]int64{}
	for i := range h.refunds {
		r := &h.refunds[i]
		refunded[r.Order] += r.Amount
		o := &h.orders[r.Order]
		h.add(evBalanceRefund, r.CreatedAt, o.Customer, r.Order, Ref(i), 0)
		h.add(evOrderRefunded, r.CreatedAt+second, o.Customer, r.Order, Ref(i), refunded[r.Order])
		if r.Status == "failed" {
			h.add(evBalanceRefundReversal, r.ModifiedAt, o.Customer, r.Order, Ref(i), 0)
		}
	}
	for i := range h.disputes {
		d := &h.disputes[i]
		if d.withdrawn() {
			h.add(evBalanceDispute, d.CreatedAt, h.orders[d.Order].Customer, d.Order, Ref(i), 0)
		}
		if d.Status == "won" {
			h.add(evBalanceDisputeReversal, d.ModifiedAt, h.orders[d.Order].Customer, d.Order, Ref(i), 0)
		}
	}
}

// use writes some events for a customer meter that was used; now and then one of them has child events.
func (h *historian) use(n Ref) {
	m := &h.customerMeters[n]
	if m.ModifiedAt == 0 || m.Consumed == 0 {
		return
	}
	draw := mix(h.seed ^ uint64(n)<<20)
	for i := range 1 + draw%4 {
		draw = mix(draw + i)
		at := m.CreatedAt + Time(draw%uint64(max(1, m.ModifiedAt-m.CreatedAt)))
		if draw>>40%5 == 0 {
			at = at.floor(second)
		}
		by := None
		if h.identities[m.Customer].external != "" && draw>>52%3 == 0 {
			by = 0
		}
		root := h.add(evRequest+eventName(draw>>50%3), at, m.Customer, n, by, int64(draw>>33))
		if root != None && draw>>45%4 == 0 {
			for k := range 2 {
				if child := h.add(evInference, at+Time(k)*millisecond, m.Customer, n, by, int64(mix(draw+uint64(k))>>33)); child != None {
					h.past[child].parent = root
				}
			}
		}
	}
}

// delivered writes the deliveries of the history.
func (h *historian) delivered() {
	for e := range h.hooks.endpoints {
		from := h.hooks.endpoints[e].CreatedAt
		start, _ := slices.BinarySearchFunc(h.order, from, func(n Ref, t Time) int { return int(h.past[n].at/second - t/second) })
		for _, n := range h.order[start:] {
			m := &h.past[n]
			text := eventTexts[m.name][0]
			tell := func(kind string, about Kind, row Ref) {
				h.tell(webhookEvent{at: m.at, endpoint: Ref(e), kind: kind, about: about, row: row})
			}
			switch m.name {
			case evCustomerCreated, evCustomerUpdated, evCustomerDeleted:
				tell(text, KindCustomer, m.a)
				tell("customer.state_changed", KindCustomer, m.a)
			case evSubscriptionCreated, evSubscriptionCanceled, evSubscriptionCycled, evSubscriptionRevoked, evSubscriptionPastDue, evSubscriptionPaused:
				tell("subscription.updated", KindSubscription, m.a)
				tell(text, KindSubscription, m.a)
			case evOrderPaid:
				tell("order.created", KindOrder, m.a)
				tell("order.updated", KindOrder, m.a)
				tell(text, KindOrder, m.a)
			case evOrderRefunded:
				tell("refund.created", KindRefund, m.b)
				tell("order.updated", KindOrder, m.a)
				tell(text, KindOrder, m.a)
			}
		}
	}
}
