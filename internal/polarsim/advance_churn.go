package polarsim

import (
	"fmt"
	"math/rand/v2"
)

// Churn makes n random changes, as customers and merchants make them, each a little later than the one before. It returns a description of each.
func (w *World) Churn(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	w.steps++
	r := w.random(randAdvance + w.steps)
	a := &advance{generator: generator{World: w, start: w.org.CreatedAt, draw: r}}
	done := make([]string, 0, n)
	for range n {
		done = append(done, a.changeSomething(r))
	}
	return done
}

// Migrate moves a subscription to Polar from another provider, as a merchant may have it done: one that began two months ago, of the oldest customer
// that is left. Polar makes no order for it. It returns the id.
func (w *World) Migrate(provider, theirs string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	at := w.stamp()
	began := at.after("month", -2)
	s := Subscription{CreatedAt: at, StartedAt: began, Anchor: began, Cycle: 2, PeriodStart: at, PeriodEnd: began.after("month", 3), Discount: None, Checkout: None,
		PendingProduct: None, Status: SubActive, Currency: "usd"}
	for w.customers[s.Customer].DeletedAt != 0 {
		s.Customer++
	}
	w.changeProduct(&s, productPro)
	s.Scheduled = s.PeriodEnd
	n := w.addSubscription(s)
	w.version++
	w.subscriptionEvent(evSubscriptionMigrated, n, w.about(n, func(o *object) {
		o.str("provider", provider)
		o.str("provider_subscription_id", theirs)
	}))
	w.grantsHappened(evBenefitGranted, n, s.Product)
	w.stateChanged(s.Customer)
	return w.id(KindSubscription, int(n)).String()
}

// changeSomething makes one change.
func (a *advance) changeSomething(r *rand.Rand) string {
	at := a.stamp()
	n := Ref(r.IntN(len(a.customers)))
	c := &a.customers[n]
	id := a.id(KindCustomer, int(n)).String()
	switch r.IntN(8) {
	case 0:
		a.customerArrives(r, at)
		return "customer arrives"
	case 1:
		if c.DeletedAt == 0 && chance(r, 300) {
			a.deleteCustomer(n, at, chance(r, 500) && !a.opts.Named)
			return "customer deleted " + id
		}
		if done := a.changeDispute(r, at); done != "" {
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
			a.billOrder(r, a.insertOrder(a.newPurchase(r, n, at)))
			return "purchase by " + id
		}
	case 5:
		if len(a.orders) > 0 {
			o := Ref(r.IntN(len(a.orders)))
			if a.orders[o].Status == OrderPaid && a.orders[o].Due() > 0 {
				a.refundOrder(Refund{CreatedAt: at, Order: o, Amount: max(1, a.orders[o].Net()/2), Reason: "customer_request"})
				return "refund of order " + a.id(KindOrder, int(o)).String()
			}
		}
	case 6:
		for s, sub := range a.subscriptionsOf(n) {
			if sub.Live() {
				before := *sub
				sub.cancelAtEnd(at)
				a.giveReason(r, sub)
				a.subscriptionHappened(&before, s)
				return "subscription canceled " + a.id(KindSubscription, int(s)).String()
			}
		}
	default:
		number := Ref(r.IntN(len(a.products)))
		p := &a.products[number]
		p.Description, p.ModifiedAt = fmt.Sprintf("Changed at %s", at), at
		a.tellWebhooks("product.updated", KindProduct, number)
		return "product described anew: " + p.Name
	}
	return "nothing"
}
