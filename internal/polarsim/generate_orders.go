package polarsim

import (
	"math/rand/v2"
	"time"
)

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
	o.Items = g.takeItems(g.periodItems(r, few[:0], s, create)...)
	g.setTotals(&o)
	return o
}

// trialOrder is the order that begins a trial: its total is 0.
func (g *generator) trialOrder(number Ref, at Time) Order {
	s := &g.subscriptions[number]
	o := g.subscriptionOrder(number, at, ReasonCreate)
	o.Checkout = s.Checkout
	o.Items = g.takeItems(g.trialItem(s))
	return o
}

// seatsOrder is the proration of more seats in the middle of a period.
func (g *generator) seatsOrder(r *rand.Rand, number Ref, at Time) Order {
	s := &g.subscriptions[number]
	o := g.subscriptionOrder(number, at, ReasonUpdate)
	o.Discount = None
	price := &g.prices[s.Prices[0]]
	before := price.forSeats(int(s.Seats)) / 2
	seats := int(s.Seats) + 1 + r.IntN(5)
	if chance(r, 300) { // fewer: a credit
		seats = max(1, int(s.Seats)-1-r.IntN(5))
	}
	after := price.forSeats(seats) / 2
	name := g.products[s.Product].Name
	month := time.Month(1 + r.IntN(12)).String()
	o.Items = g.takeItems(Item{Label: "Remaining time on " + name + " — From " + month, Amount: -before, Price: s.Prices[0], Proration: true},
		Item{Label: name + " — To " + month, Amount: after, Price: s.Prices[0], Proration: true})
	g.setTotals(&o)
	return o
}

func (g *generator) appendOrder(o Order) {
	g.orders = append(g.orders, o)
	g.sold(o.Product)
}

// makePurchase makes a one-time purchase, now and then a top-up of the customer's wallet, which has no product. It gives the number of orders made: 1.
func (g *generator) makePurchase(r *rand.Rand, n Ref) int {
	from := max(g.customers[n].CreatedAt, g.start+151*day)
	at := from + Time(r.Int64N(int64(max(g.now-10*second-from, 1))))
	g.appendOrder(g.newPurchase(r, n, at))
	return 1
}

func (g *generator) newPurchase(r *rand.Rand, n Ref, at Time) Order {
	o := g.newOrder(n, at)
	if chance(r, 300) {
		o.Metadata = pick(r, metadatas)
	}
	if chance(r, 12) {
		o.Items = g.takeItems(Item{Label: "Wallet Top-Up for " + g.org.Name, Amount: 5000, Price: None})
		g.setTotals(&o)
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
	o.Checkout = g.addCheckout(r, at-Time(20+r.IntN(600))*second, o.Product, n, false)
	g.setTotals(&o)
	return o
}
