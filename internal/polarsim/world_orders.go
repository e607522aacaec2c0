package polarsim

import (
	"math/rand/v2"
	"time"
)

// taxes are rates in 1/1000 by country; elsewhere nothing is charged.
var taxes = map[string]int64{"CA": 130, "GB": 200, "DE": 190, "FR": 200, "ES": 210, "IE": 230, "JP": 100}

// newOrder is an order of a customer at a time, without lines.
func (w *World) newOrder(n Ref, at Time) Order {
	c := &w.customers[n]
	o := Order{CreatedAt: at, Status: OrderPending, Reason: ReasonPurchase, Currency: c.Currency, Customer: n, Product: None, Discount: None,
		Subscription: None, Checkout: None, BillingName: c.BillingName, BillingAddress: c.Address}
	if o.BillingName == "" {
		o.BillingName = c.Name
	}
	return o
}

// total sets the amounts of an order from its lines and shares the tax among them.
func (w *World) total(o *Order) {
	o.Subtotal = 0
	for i := range o.Items {
		o.Subtotal += o.Items[i].Amount
	}
	if o.Discount != None && o.Subtotal > 0 {
		o.DiscountAmount = w.discounts[o.Discount].Of(o.Subtotal, o.Currency)
	}
	rate := int64(0)
	if o.BillingAddress != nil {
		rate = taxes[o.BillingAddress.Country]
	}
	for i := range o.Items {
		item := &o.Items[i]
		net := item.Amount
		if o.Subtotal != 0 {
			net -= o.DiscountAmount * item.Amount / o.Subtotal
		}
		item.Tax = net * rate / 1000
		o.Tax += item.Tax
	}
}

// discountApplies tells whether a subscription's discount still holds in a cycle.
func (w *World) discountApplies(s *Subscription) bool {
	if s.Discount == None {
		return false
	}
	switch d := &w.discounts[s.Discount]; d.Duration {
	case "once":
		return s.Cycle <= 0
	case "repeating":
		return s.Cycle*s.IntervalCount < d.Months
	default:
		return true
	}
}

// subscriptionOrder is an order of a subscription, without lines.
func (w *World) subscriptionOrder(number Ref, at Time, reason string) Order {
	s := &w.subscriptions[number]
	o := w.newOrder(s.Customer, at)
	o.Reason, o.Subscription, o.Product, o.Currency, o.Seats = reason, number, s.Product, s.Currency, s.Seats
	o.Metadata, o.CustomFields = s.Metadata, s.CustomFields
	if w.discountApplies(s) {
		o.Discount = s.Discount
	}
	return o
}

// cycleOrder is the order for the subscription's current period; create tells that it is the first.
func (g *generator) cycleOrder(r *rand.Rand, number Ref, at Time, create bool) Order {
	s := &g.subscriptions[number]
	reason := ReasonCycle
	if create {
		reason = ReasonCreate
	} else if s.Product == productUsage && chance(r, 100) {
		reason = ReasonMeterCycle
	}
	o := g.subscriptionOrder(number, at, reason)
	if create {
		o.Checkout = s.Checkout
	}
	var few [4]Item
	o.Items = g.takeItems(g.lines(r, few[:0], s, create)...)
	g.total(&o)
	return o
}

// lines are those of one period: a static price each, and after the first period the usage of the one before.
func (w *World) lines(r *rand.Rand, items []Item, s *Subscription, create bool) []Item {
	name := w.products[s.Product].Name
	for _, n := range s.Prices {
		price := &w.prices[n]
		switch price.Kind {
		case PriceFixed:
			items = append(items, Item{Label: name, Amount: price.Amount, Price: n})
		case PriceSeats:
			items = append(items, Item{Label: name + seatLabels[min(s.Seats, int32(len(seatLabels)-1))], Amount: price.forSeats(int(s.Seats)), Price: n})
		case PriceMetered:
			if !create {
				amount := int64(r.IntN(6000))
				if price.Cap > 0 {
					amount = min(amount, price.Cap)
				}
				items = append(items, Item{Label: w.meters[price.Meter].Name, Amount: amount, Price: n})
			}
		default:
			items = append(items, Item{Label: name, Amount: s.Amount, Price: n})
		}
	}
	if len(items) == 0 {
		items = append(items, Item{Label: name, Price: None})
	}
	return items
}

// seatLabels are the ends of labels by number of seats, made once: a million orders share them.
var seatLabels = func() (labels [101]string) {
	for i := range labels {
		labels[i] = " (" + string(digitsOf(i)) + " seats)"
	}
	labels[1] = " (1 seat)"
	return labels
}()

func digitsOf(n int) []byte {
	if n < 10 {
		return []byte{byte('0' + n)}
	}
	return append(digitsOf(n/10), byte('0'+n%10))
}

// trialOrder is the order of nothing that begins a trial.
func (g *generator) trialOrder(number Ref, at Time) Order {
	s := &g.subscriptions[number]
	o := g.subscriptionOrder(number, at, ReasonCreate)
	o.Checkout = s.Checkout
	o.Items = g.takeItems(g.trialItem(s))
	return o
}

func (w *World) trialItem(s *Subscription) Item {
	const format = "Jan 2, 2006"
	return Item{Price: None, Label: "Trial period for " + w.products[s.Product].Name + " (" + s.TrialStart.Go().Format(format) + " - " + s.TrialEnd.Go().Format(format) + ")"}
}

// seatsOrder is the proration of more seats in the middle of a period.
func (g *generator) seatsOrder(r *rand.Rand, number Ref, at Time) Order {
	s := &g.subscriptions[number]
	o := g.subscriptionOrder(number, at, ReasonUpdate)
	o.Discount = None
	price := &g.prices[s.Prices[0]]
	before := price.forSeats(int(s.Seats)) / 2
	after := price.forSeats(int(s.Seats)+1+r.IntN(5)) / 2
	name := g.products[s.Product].Name
	month := time.Month(1 + r.IntN(12)).String()
	o.Items = g.takeItems(Item{Label: "Remaining time on " + name + " — From " + month, Amount: -before, Price: s.Prices[0], Proration: true},
		Item{Label: name + " — To " + month, Amount: after, Price: s.Prices[0], Proration: true})
	g.total(&o)
	return o
}

func (g *generator) add(o Order) { g.orders = append(g.orders, o) }

// buy makes a one-time purchase, now and then a top-up of the customer's wallet, which has no product. It gives the number of orders made: 1.
func (g *generator) buy(r *rand.Rand, n Ref) int {
	from := max(g.customers[n].CreatedAt, g.start+151*day)
	at := from + Time(r.Int64N(int64(max(g.now-10*second-from, 1))))
	g.add(g.purchase(r, n, at))
	return 1
}

func (g *generator) purchase(r *rand.Rand, n Ref, at Time) Order {
	o := g.newOrder(n, at)
	if chance(r, 300) {
		o.Metadata = pick(r, metadatas)
	}
	if chance(r, 12) {
		o.Items = g.takeItems(Item{Label: "Wallet Top-Up for " + g.org.Name, Amount: 5000, Price: None})
		g.total(&o)
		return o
	}
	o.Product = pick(r, buyable)
	if extra := len(g.products) - catalogueSize; extra > 0 && chance(r, 300) {
		if p := Ref(catalogueSize + r.IntN(extra)); g.products[p].CreatedAt < at && !g.products[p].Recurring() {
			o.Product = p
		}
	}
	prices, amount, _ := g.sale(r, o.Product, o.Currency, at)
	item := Item{Label: g.products[o.Product].Name, Amount: amount, Price: None}
	if len(prices) > 0 {
		item.Price = prices[0]
	}
	o.Discount = discountFor(r)
	o.Items = g.takeItems(item)
	o.Checkout = g.checkout(r, at-Time(20+r.IntN(600))*second, o.Product, n, false)
	g.total(&o)
	return o
}

// checkout makes a session that succeeded and, before it, one now and then that did not.
func (w *World) checkout(r *rand.Rand, at Time, product, customer Ref, recurring bool) Ref {
	for chance(r, 380) {
		status := "expired"
		if chance(r, 80) {
			status = "failed"
		}
		lost := at - Time(r.Int64N(int64(20*day)))
		w.checkouts = append(w.checkouts, Checkout{CreatedAt: lost, ModifiedAt: min(lost+day, w.now), Status: status, Product: product, Customer: None, Recurring: recurring})
	}
	w.checkouts = append(w.checkouts, Checkout{CreatedAt: at, ModifiedAt: at + 90*second, Status: "succeeded", Product: product, Customer: customer, Recurring: recurring})
	n := Ref(len(w.checkouts) - 1)
	w.happened(moment{customer: customer, a: n, b: product, parent: None, name: evCheckoutCreated}, "")
	w.hook("checkout.created", KindCheckout, n)
	return n
}
