package polarsim

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Advance moves the clock on. What falls due on the way happens at its time: trials end, subscriptions renew, past due payments are retried, canceled
// subscriptions end, and so do those of deleted customers. Customers arrive and buy at about the rate of the past, and meters are used.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	w.steps++
	w.version++
	r := w.random(randAdvance + w.steps)
	until := w.now + Time(d.Microseconds())
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}, until: until}
	a.planStep(r)
	for len(a.agenda) > 0 {
		e := heap.Pop(&a.agenda).(event)
		w.now = max(w.now, e.at)
		e.happen()
	}
	w.now = max(w.now, until)
	a.useMeters(r, d)
	a.moveCheckoutsAndDisputes()
}

// advance is one step of the clock: everything that is due until its end.
type advance struct {
	generator
	until  Time
	agenda agenda
	seq    int
}

// event happens at a time. Events of the same time happen in the order in which they were planned: seq.
type event struct {
	at     Time
	seq    int
	happen func()
}

// agenda is a heap of events, the earliest on top.
type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(e any)   { *a = append(*a, e.(event)) }

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	*a = (*a)[:last]
	return e
}

// schedule plans an event, unless it lies beyond the step.
func (a *advance) schedule(t Time, happen func()) {
	if t == 0 || t > a.until {
		return
	}
	a.seq++
	heap.Push(&a.agenda, event{t, a.seq, happen})
}

// planStep puts on the agenda what is due by the end of the step, and the customers who come and buy meanwhile.
func (a *advance) planStep(r *rand.Rand) {
	for i := range a.subscriptions {
		a.watchSubscription(r, Ref(i))
	}
	for i := range a.orders {
		a.watchUnpaidOrder(r, Ref(i))
	}
	span := a.until - a.now
	days := float64(span) / float64(day)
	sometime := func() Time { return a.now + Time(r.Int64N(int64(span))) }
	for range roundAtRandom(r, days*(1+float64(len(a.customers))/900)) {
		a.schedule(sometime(), func() { a.customerArrives(r, a.now) })
	}
	for range roundAtRandom(r, days*float64(len(a.orders))/4000) {
		a.schedule(sometime(), func() { a.customerBuysAgain(r, a.now) })
	}
}

// watchSubscription schedules the next events of a subscription.
func (a *advance) watchSubscription(r *rand.Rand, n Ref) {
	a.schedule(a.nextDue(&a.subscriptions[n]), func() {
		if a.nextDue(&a.subscriptions[n]) > a.now {
			a.watchSubscription(r, n) // it was put off meanwhile
			return
		}
		before := a.subscriptions[n]
		a.passDueMoment(r, n, a.now)
		a.subscriptionHappened(&before, n)
		a.watchSubscription(r, n)
	})
}

// watchUnpaidOrder schedules the next attempt to collect an order.
func (a *advance) watchUnpaidOrder(r *rand.Rand, n Ref) {
	if a.orders[n].NextPaymentAt == 0 {
		return
	}
	a.schedule(max(a.orders[n].NextPaymentAt, a.now), func() {
		subscription, before, status := a.orders[n].Subscription, Subscription{}, a.orders[n].Status
		if subscription != None {
			before = a.subscriptions[subscription]
		}
		if a.retryPayment(r, n); subscription != None {
			a.subscriptionHappened(&before, subscription)
		}
		if a.orders[n].Status == OrderVoid && status != OrderVoid {
			a.orderVoided(n)
		}
		a.watchUnpaidOrder(r, n)
	})
}

// roundAtRandom rounds an expected number up or down at random.
func roundAtRandom(r *rand.Rand, expected float64) int {
	n := int(expected)
	if r.Float64() < expected-float64(n) {
		n++
	}
	return n
}

// customerArrives makes a new customer that buys or subscribes.
func (a *advance) customerArrives(r *rand.Rand, at Time) {
	n := Ref(len(a.customers))
	c := a.newCustomer(r, int(n))
	c.CreatedAt = at
	if chance(r, 60) { // imported from elsewhere, with the time it had there
		c.CreatedAt = (at - Time(30+r.IntN(300))*day).floor(second)
	}
	a.customers = append(a.customers, c)
	a.addMembers(r, n)
	a.customerHappened(evCustomerCreated, n, "")
	for m := range a.membersOf(n) {
		a.tellWebhooks("member.created", KindMember, m)
	}
	switch {
	case chance(r, 450):
		a.startSubscription(r, n, pick(r, subscribable), at)
	case chance(r, 600):
		a.billOrder(r, a.insertOrder(a.newPurchase(r, n, at)))
	}
}

// customerBuysAgain lets an existing customer buy something.
func (a *advance) customerBuysAgain(r *rand.Rand, at Time) {
	n := Ref(r.IntN(len(a.customers)))
	if a.customers[n].DeletedAt != 0 {
		return
	}
	a.billOrder(r, a.insertOrder(a.newPurchase(r, n, at)))
}

// useMeters adds usage to metered subscriptions, and to the meters of their customers.
func (a *advance) useMeters(r *rand.Rand, d time.Duration) {
	for i := range a.subscriptions {
		s := &a.subscriptions[i]
		if !s.Live() || len(s.Meters) == 0 || !chance(r, 700) {
			continue
		}
		for k := range s.Meters {
			units := float64(int(float64(r.IntN(100_000))*min(d.Hours(), 72)/24)) / 1000
			m := &s.Meters[k]
			m.Consumed += units
			m.Amount = a.meterCharge(s, m)
			m.ModifiedAt = a.now
			found := false
			for number, cm := range a.metersOf(s.Customer) {
				if cm.Meter == m.Meter {
					cm.Consumed += units
					cm.ModifiedAt, found = a.now, true
					a.usedMeter(number)
				}
			}
			if !found {
				a.addCustomerMeter(CustomerMeter{Customer: s.Customer, Meter: m.Meter, CreatedAt: a.now, Consumed: units})
			}
		}
	}
}
