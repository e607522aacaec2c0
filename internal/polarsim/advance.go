package polarsim

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Advance moves the clock on. What was due by then happens at its time: trials end, subscriptions renew, past due payments are tried again,
// canceled subscriptions end, those of deleted customers too; customers come and buy at about the rate they did before; meters are used.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record()
	w.steps++
	w.version++
	r := w.random(randAdvance + w.steps)
	until := w.now + Time(d.Microseconds())
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}, until: until}
	a.plan(r)
	for len(a.agenda) > 0 {
		e := heap.Pop(&a.agenda).(event)
		w.now = max(w.now, e.at)
		e.happen()
	}
	w.now = max(w.now, until)
	a.meter(r, d)
	a.afterwards()
}

// advance makes what happens in one step.
type advance struct {
	generator
	until  Time
	agenda agenda
	seq    int
}

// event is something that happens at a time; seq keeps those of one time in the order they were planned in.
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

// at plans an event, unless it lies beyond the step.
func (a *advance) at(t Time, happen func()) {
	if t == 0 || t > a.until {
		return
	}
	a.seq++
	heap.Push(&a.agenda, event{t, a.seq, happen})
}

// plan puts on the agenda what is due by the end of the step, and who comes and buys meanwhile.
func (a *advance) plan(r *rand.Rand) {
	for i := range a.subscriptions {
		a.watch(r, Ref(i))
	}
	for i := range a.orders {
		a.chase(r, Ref(i))
	}
	span := a.until - a.now
	days := float64(span) / float64(day)
	sometime := func() Time { return a.now + Time(r.Int64N(int64(span))) }
	for range poissonish(r, days*(1+float64(len(a.customers))/900)) {
		a.at(sometime(), func() { a.arrive(r, a.now) })
	}
	for range poissonish(r, days*float64(len(a.orders))/4000) {
		a.at(sometime(), func() { a.returning(r, a.now) })
	}
}

// watch plans what a subscription has coming, and chase the next attempt to have an order paid.
func (a *advance) watch(r *rand.Rand, n Ref) {
	a.at(a.due(&a.subscriptions[n]), func() {
		if a.due(&a.subscriptions[n]) > a.now {
			a.watch(r, n) // it was put off meanwhile
			return
		}
		before := a.subscriptions[n]
		a.pass(r, n, a.now)
		a.subscriptionHappened(&before, n)
		a.watch(r, n)
	})
}

func (a *advance) chase(r *rand.Rand, n Ref) {
	if a.orders[n].NextPaymentAt == 0 {
		return
	}
	a.at(max(a.orders[n].NextPaymentAt, a.now), func() {
		subscription, before, status := a.orders[n].Subscription, Subscription{}, a.orders[n].Status
		if subscription != None {
			before = a.subscriptions[subscription]
		}
		if a.dun(r, n); subscription != None {
			a.subscriptionHappened(&before, subscription)
		}
		if a.orders[n].Status == OrderVoid && status != OrderVoid {
			a.orderVoided(n)
		}
		a.chase(r, n)
	})
}

// poissonish rounds an expected number up or down at random.
func poissonish(r *rand.Rand, expected float64) int {
	n := int(expected)
	if r.Float64() < expected-float64(n) {
		n++
	}
	return n
}

// arrive makes a new customer that buys or subscribes.
func (a *advance) arrive(r *rand.Rand, at Time) {
	n := Ref(len(a.customers))
	c := a.customer(r, int(n))
	c.CreatedAt = at
	if chance(r, 60) { // imported from elsewhere, with the time it had there
		c.CreatedAt = (at - Time(30+r.IntN(300))*day).floor(second)
	}
	a.customers = append(a.customers, c)
	a.team(r, n)
	a.customerHappened(evCustomerCreated, n, "")
	for m := range a.membersOf(n) {
		a.hook("member.created", KindMember, m)
	}
	switch {
	case chance(r, 450):
		a.begin(r, n, pick(r, subscribable), at)
	case chance(r, 600):
		a.bill(r, a.place(a.purchase(r, n, at)))
	}
}

// returning lets a customer of before buy something.
func (a *advance) returning(r *rand.Rand, at Time) {
	n := Ref(r.IntN(len(a.customers)))
	if a.customers[n].DeletedAt != 0 {
		return
	}
	a.bill(r, a.place(a.purchase(r, n, at)))
}

// meter lets metered subscriptions be used: their customers' meters move with them.
func (a *advance) meter(r *rand.Rand, d time.Duration) {
	for i := range a.subscriptions {
		s := &a.subscriptions[i]
		if !s.Live() || len(s.Meters) == 0 || !chance(r, 700) {
			continue
		}
		for k := range s.Meters {
			units := float64(int(float64(r.IntN(100_000))*min(d.Hours(), 72)/24)) / 1000
			m := &s.Meters[k]
			m.Consumed += units
			m.Amount = a.charge(s, m)
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
