package polarsim

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
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

// due is when the next thing happens to a subscription by itself; 0 = never.
func (w *World) due(s *Subscription) Time {
	if s.EndedAt != 0 || s.StartedAt == 0 {
		return 0
	}
	if c := &w.customers[s.Customer]; c.DeletedAt != 0 { // a background job some minutes after the customer went
		return max(c.DeletedAt+5*minute, w.now)
	}
	return s.Scheduled
}

// pass lets one due moment of a subscription pass.
func (a *advance) pass(r *rand.Rand, n Ref, at Time) {
	s := &a.subscriptions[n]
	switch {
	case a.customers[s.Customer].DeletedAt != 0:
		s.close(at)
		s.CanceledAt = cmp.Or(s.CanceledAt, at)
	case s.CancelAtPeriodEnd:
		s.close(at)
	case s.Status == SubPaused:
		s.Status, s.PausedAt, s.ResumesAt = SubActive, 0, 0
		s.Anchor, s.Cycle = at, -1
		a.renew(r, n, at)
	case s.PauseAtPeriodEnd:
		s.Status, s.PauseAtPeriodEnd, s.PausedAt, s.ModifiedAt, s.Scheduled = SubPaused, false, at, at, 0
	default:
		a.renew(r, n, at)
	}
}

// close ends a subscription.
func (s *Subscription) close(at Time) {
	s.Status, s.EndedAt, s.EndsAt, s.ModifiedAt, s.Scheduled = SubCanceled, at, cmp.Or(s.EndsAt, at), at, 0
	s.PastDueAt, s.PendingAppliesAt = 0, 0
}

// renew begins the next period, with an order for it.
func (a *advance) renew(r *rand.Rand, n Ref, at Time) {
	s := &a.subscriptions[n]
	if s.PendingAppliesAt != 0 && s.PendingAppliesAt <= at {
		before := s.Product
		if a.applyPending(s); s.Product != before { // the new product's periods begin now
			s.Anchor, s.Cycle = at, -1
		}
	}
	s.Status = SubActive
	s.Cycle++
	s.PeriodStart, s.PeriodEnd = s.Anchor.after(s.Interval, s.Cycle*s.IntervalCount), s.Anchor.after(s.Interval, (s.Cycle+1)*s.IntervalCount)
	if s.PeriodStart < at-day { // it was past due meanwhile
		s.PeriodStart = at
	}
	s.Scheduled, s.ModifiedAt = s.PeriodEnd, at
	for i := range s.Meters {
		s.Meters[i].Consumed, s.Meters[i].Amount, s.Meters[i].ModifiedAt = 0, 0, at
	}
	a.cycled(n)
	o := a.place(a.cycleOrder(r, n, at, false))
	s = &a.subscriptions[n]
	if a.orders[o].Due() > 0 && chance(r, 40) {
		s.Status, s.PastDueAt = SubPastDue, at
	}
	a.bill(r, o)
	if s.Status == SubPastDue {
		a.orders[o].NextPaymentAt = at + 2*day
		a.chase(r, o)
	}
}

// applyPending makes the change that waited for the end of the period.
func (w *World) applyPending(s *Subscription) {
	if s.PendingSeats > 0 {
		s.Seats = s.PendingSeats
		s.Amount = w.prices[s.Prices[0]].forSeats(int(s.Seats))
	}
	if s.PendingProduct != None {
		w.moveTo(s, s.PendingProduct)
	}
	s.PendingAppliesAt, s.PendingCreatedAt, s.PendingSeats, s.PendingProduct = 0, 0, 0, None
}

// moveTo gives a subscription another product, at its catalogue prices in the subscription's currency.
func (w *World) moveTo(s *Subscription, product Ref) {
	var prices []Ref
	var amount int64
	for _, p := range w.catalogPrices(product) {
		price := &w.prices[p]
		if price.Currency != s.Currency || price.Kind == PriceCustom && price.LegacyInterval != "" {
			continue
		}
		prices = append(prices, p)
		switch price.Kind {
		case PriceFixed:
			amount += price.Amount
		case PriceSeats:
			s.Seats = max(s.Seats, 1)
			amount += price.forSeats(int(s.Seats))
		}
	}
	if len(prices) == 0 {
		return
	}
	s.Product, s.Prices, s.Amount, s.Meters = product, prices, amount, nil
	s.Interval, s.IntervalCount = w.products[product].Interval, w.products[product].IntervalCount
	w.attachMeters(s)
}

// place adds an order at the end of the table, which is sorted by time.
func (w *World) place(o Order) Ref {
	if n := len(w.orders); n > 0 {
		o.CreatedAt = max(o.CreatedAt, w.orders[n-1].CreatedAt)
	}
	w.orders = append(w.orders, o)
	return Ref(len(w.orders) - 1)
}

// dun tries again to have a past due order paid: half succeed; after four failures the subscription ends.
func (a *advance) dun(r *rand.Rand, n Ref) {
	o := &a.orders[n]
	at := a.now
	if o.Subscription == None || o.Status != OrderPending {
		o.NextPaymentAt = 0
		return
	}
	s := &a.subscriptions[o.Subscription]
	if s.EndedAt != 0 {
		o.Status, o.NextPaymentAt, o.ModifiedAt = OrderVoid, 0, at
		return
	}
	if chance(r, 500) {
		s.Status, s.PastDueAt, s.ModifiedAt = SubActive, 0, at
		a.pay(r, n, at, "retry_dunning")
		return
	}
	a.fail(r, n, at, "retry_dunning")
	o.NextPaymentAt = at + 5*day
	if at-o.CreatedAt > 20*day {
		o.NextPaymentAt, o.Status = 0, OrderVoid
		s.CanceledAt = cmp.Or(s.CanceledAt, at)
		s.close(at)
	}
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

// begin starts a subscription now, with its first order.
func (a *advance) begin(r *rand.Rand, n, product Ref, at Time) Ref {
	p := &a.products[product]
	if p.Archived || !p.Recurring() {
		return None
	}
	s := Subscription{Customer: n, Product: product, Discount: discountFor(r), Checkout: None, Interval: p.Interval, IntervalCount: p.IntervalCount,
		Currency: a.customers[n].Currency, PendingProduct: None, Status: SubActive, CreatedAt: at, StartedAt: at, Anchor: at}
	s.Prices, s.Amount, s.Seats = a.sale(r, product, s.Currency, at)
	if len(s.Prices) == 0 {
		return None
	}
	a.attachMeters(&s)
	s.Checkout = a.checkout(r, at, product, n, true)
	s.PeriodStart, s.PeriodEnd = at, at.after(s.Interval, s.IntervalCount)
	if p.TrialInterval != "" {
		s.Status, s.TrialStart, s.TrialEnd, s.Cycle = SubTrialing, at, at.after(p.TrialInterval, p.TrialCount), -1
		s.Anchor, s.PeriodEnd = s.TrialEnd, s.TrialEnd
	}
	s.Scheduled = s.PeriodEnd
	number := a.addSubscription(s)
	a.subscribed(number)
	if s.Status == SubTrialing {
		a.bill(r, a.place(a.trialOrder(number, at)))
	} else {
		a.bill(r, a.place(a.cycleOrder(r, number, at, true)))
	}
	a.watch(r, number)
	return number
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

// Churn makes n changes of the kinds that customers and merchants make, each a little later than the one before, and tells what they were.
func (w *World) Churn(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record()
	w.steps++
	r := w.random(randAdvance + w.steps)
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}}
	done := make([]string, 0, n)
	for range n {
		done = append(done, a.change(r))
	}
	return done
}

// Dispute has a payment disputed, or one of the disputes decided, and tells which; "" = there is nothing to dispute.
func (w *World) Dispute() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record()
	w.steps++
	r := w.random(randAdvance + w.steps)
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}}
	return a.disputeHappens(r, a.stamp())
}

// change makes one change.
func (a *advance) change(r *rand.Rand) string {
	at := a.stamp()
	n := Ref(r.IntN(len(a.customers)))
	c := &a.customers[n]
	id := a.id(KindCustomer, int(n)).String()
	switch r.IntN(8) {
	case 0:
		a.arrive(r, at)
		return "customer arrives"
	case 1:
		if c.DeletedAt == 0 && chance(r, 300) {
			a.remove(n, at, chance(r, 500))
			return "customer deleted " + id
		}
		if done := a.disputeHappens(r, at); done != "" {
			return done
		}
	case 2:
		if c.DeletedAt == 0 {
			before := *c
			c.Name, c.ModifiedAt = pick(a.draw, givenNames)+" "+pick(r, familyNames), at
			a.customerHappened(evCustomerUpdated, n, a.updatedFields(&before, n))
			return "customer renamed " + id
		}
	case 3, 4:
		if c.DeletedAt == 0 {
			a.bill(r, a.place(a.purchase(r, n, at)))
			return "purchase by " + id
		}
	case 5:
		if len(a.orders) > 0 {
			o := Ref(r.IntN(len(a.orders)))
			if a.orders[o].Status == OrderPaid && a.orders[o].Due() > 0 {
				a.refund(Refund{CreatedAt: at, Order: o, Amount: max(1, a.orders[o].Net()/2), Reason: "customer_request"})
				return "refund of order " + a.id(KindOrder, int(o)).String()
			}
		}
	case 6:
		for s, sub := range a.subscriptionsOf(n) {
			if sub.Live() {
				before := *sub
				sub.cancelAtEnd(at)
				a.reason(r, sub)
				a.subscriptionHappened(&before, s)
				return "subscription canceled " + a.id(KindSubscription, int(s)).String()
			}
		}
	default:
		number := Ref(r.IntN(len(a.products)))
		p := &a.products[number]
		p.Description, p.ModifiedAt = fmt.Sprintf("Changed at %s", at), at
		a.hook("product.updated", KindProduct, number)
		return "product described anew: " + p.Name
	}
	return "nothing"
}

// disputeHappens decides a dispute that is open, or has a payment disputed.
func (a *advance) disputeHappens(r *rand.Rand, at Time) string {
	if len(a.disputes) > 0 {
		if n := Ref(r.IntN(len(a.disputes))); !closed(a.disputes[n].Status) {
			a.decide(n, pick(r, verdicts), at)
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
	a.question(payment, pick(r, disputeReasons), at)
	return "payment disputed " + a.id(KindPayment, int(payment)).String()
}

// cancelAtEnd lets a subscription run out.
func (s *Subscription) cancelAtEnd(at Time) {
	s.CancelAtPeriodEnd, s.CanceledAt, s.EndsAt, s.ModifiedAt, s.Scheduled = true, at, s.PeriodEnd, at, s.PeriodEnd
}
