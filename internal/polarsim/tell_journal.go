package polarsim

import (
	"cmp"
	"slices"
	"sync"
)

// eventName is the name of an event: of the system's, all that Polar has (polarsource/polar, server/polar/event/system.py), and of users' some.
type eventName uint8

const (
	evMeterCredited eventName = iota
	evMeterReset
	evBenefitGranted
	evBenefitCycled
	evBenefitRevoked
	evSubscriptionCreated
	evSubscriptionUpdated
	evSubscriptionCanceled
	evSubscriptionCycled
	evSubscriptionRevoked
	evSubscriptionPastDue
	evSubscriptionReactivated
	evSubscriptionPaused
	evSubscriptionResumed
	evSubscriptionUncanceled
	evSubscriptionProductUpdated
	evSubscriptionSeatsUpdated
	evSubscriptionUpdateCleared
	evOrderPaid
	evOrderRefunded
	evOrderVoided
	evCheckoutCreated
	evCustomerCreated
	evCustomerUpdated
	evCustomerDeleted
	evBalanceOrder
	evBalanceCreditOrder
	evBalanceRefund
	evBalanceDispute
	evBalanceDisputeReversal
	evRequest // the first of the users' names
	evInference
	evUpload
	eventNameCount
)

// eventTexts are name and label by eventName.
var eventTexts = [eventNameCount][2]string{
	{"meter.credited", "Meter Credited"}, {"meter.reset", "Meter Reset"},
	{"benefit.granted", "Benefit Granted"}, {"benefit.cycled", "Benefit Cycled"}, {"benefit.revoked", "Benefit Revoked"},
	{"subscription.created", "Subscription Created"}, {"subscription.updated", "Subscription Updated"}, {"subscription.canceled", "Subscription Canceled"},
	{"subscription.cycled", "Subscription Cycled"}, {"subscription.revoked", "Subscription Revoked"}, {"subscription.past_due", "Subscription Past Due"},
	{"subscription.reactivated", "Subscription Reactivated"}, {"subscription.paused", "Subscription Paused"}, {"subscription.resumed", "Subscription Resumed"},
	{"subscription.uncanceled", "Subscription Uncanceled"}, {"subscription.product_updated", "Subscription Product Updated"},
	{"subscription.seats_updated", "Subscription Seats Updated"}, {"subscription.update_cleared", "Subscription Update Cleared"},
	{"order.paid", "Order Paid"}, {"order.refunded", "Order Refunded"}, {"order.voided", "Order Voided"},
	{"checkout.created", "Checkout Created"},
	{"customer.created", "Customer Created"}, {"customer.updated", "Customer Updated"}, {"customer.deleted", "Customer Deleted"},
	{"balance.order", "Balance Order"}, {"balance.credit_order", "Balance Credit Order"}, {"balance.refund", "Balance Refund"},
	{"balance.dispute", "Balance Dispute"}, {"balance.dispute_reversal", "Balance Dispute Reversal"},
	{"api.request", "api.request"}, {"llm.inference", "llm.inference"}, {"File Upload ⬆", "File Upload ⬆"},
}

func (n eventName) user() bool { return n >= evRequest }

// moment is an event. What it is about stands in a and b, numbers of rows whose tables follow from the name, and in n, an amount or a quantity; its
// metadata follow from those and from what never changes, so that an event stays what it was.
type moment struct {
	at             Time
	n              int64
	customer, a, b Ref
	parent         Ref // number of the event above it, which lies before it
	name           eventName
}

// note is an event that happened after the world was made.
type note struct {
	moment
	inserted Time
	shown    Time   // when it is listed
	metadata string // JSON text, where it does not follow from the moment
}

// identity is how a customer was called when the world was made.
type identity struct{ email, name, external string }

// journal holds the events. Those of the history that a world is made with follow from its rows: they are worked out when events are first asked for
// or, at the latest, before the first change.
type journal struct {
	once       sync.Once
	on         bool     // changes are noted
	past       []moment // in the order of making, which numbers them
	order      []Ref    // of past, by time
	live       []note   // numbered on from past
	identities []identity
}

// record begins the journal. The caller holds the world's lock, for reading at least, and has not changed anything yet.
func (w *World) record() *journal {
	w.journal.once.Do(func() {
		h := historian{World: w, journal: &w.journal}
		h.write()
		w.journal.on = true
	})
	return &w.journal
}

func (j *journal) count() int { return len(j.past) + len(j.live) }

// event gives an event by number, and its metadata where they do not follow from it.
func (j *journal) event(n Ref) (m *moment, metadata string) {
	if int(n) < len(j.past) {
		return &j.past[n], ""
	}
	l := &j.live[int(n)-len(j.past)]
	return &l.moment, l.metadata
}

// happened notes an event, now unless it has a time.
func (w *World) happened(m moment, metadata string) Ref {
	j := &w.journal
	if !j.on {
		return None
	}
	m.at = cmp.Or(m.at, w.now)
	w.version++
	j.live = append(j.live, note{moment: m, inserted: w.now, shown: w.done(), metadata: metadata})
	return Ref(j.count() - 1)
}

// children counts the events right below one: they were made right after it.
func (j *journal) children(n Ref) (count int64) {
	for i := n + 1; int(i) < j.count(); i++ {
		if m, _ := j.event(i); m.parent != n {
			break
		}
		count++
	}
	return count
}

// historian writes the events of the past.
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
	add := func(name eventName, at Time) { h.add(name, at, s.Customer, n, s.Product, s.Amount) }
	add(evSubscriptionCreated, s.CreatedAt)
	add(evSubscriptionCanceled, s.CanceledAt)
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
	paid := make([]Time, len(h.orders))
	for i := range h.payments {
		if p := &h.payments[i]; p.Status == "succeeded" && p.Order != None {
			paid[p.Order] = p.CreatedAt + second
		}
	}
	for i := range h.orders {
		o, n := &h.orders[i], Ref(i)
		if o.Reason == ReasonCycle {
			s := &h.subscriptions[o.Subscription]
			h.add(evSubscriptionCycled, o.CreatedAt, o.Customer, o.Subscription, s.Product, s.Amount)
			for _, m := range s.Meters {
				h.add(evMeterReset, o.CreatedAt, o.Customer, m.Meter, None, 0)
			}
		}
		switch {
		case o.Paid():
			h.add(evOrderPaid, cmp.Or(paid[i], o.CreatedAt+second), o.Customer, n, o.Product, 0)
			if o.Due() > 0 {
				h.add(evBalanceOrder, o.CreatedAt, o.Customer, n, o.Product, 0)
			} else if o.Total() != 0 {
				h.add(evBalanceCreditOrder, o.CreatedAt, o.Customer, n, o.Product, 0)
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

// use gives a customer meter that was used some events of its customer's, now and then one with events below it.
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
		root := h.add(evRequest+eventName(draw>>50%3), at, m.Customer, n, None, int64(draw>>33))
		if root != None && draw>>45%4 == 0 {
			for k := range 2 {
				if child := h.add(evInference, at+Time(k)*millisecond, m.Customer, n, None, int64(mix(draw+uint64(k))>>33)); child != None {
					h.past[child].parent = root
				}
			}
		}
	}
}

const millisecond = 1000 * microsecond
