package polarsim

import (
	"math/rand/v2"
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

// setTotals sets the amounts of an order from its lines and shares the tax among them.
func (w *World) setTotals(o *Order) {
	o.Subtotal = 0
	for i := range o.Items {
		o.Subtotal += o.Items[i].Amount
	}
	if o.Discount != None && o.Subtotal > 0 {
		o.DiscountAmount = w.discounts[o.Discount].AmountOff(o.Subtotal, o.Currency)
	}
	rate := int64(0)
	if o.BillingAddress != nil {
		rate = taxes[o.BillingAddress.Country]
	}
	o.TaxInclusive = w.taxInclusive(o.firstPrice(), o.BillingAddress)
	whole := int64(1000)
	if o.TaxInclusive {
		whole += rate
	}
	for i := range o.Items {
		item := &o.Items[i]
		net := item.Amount
		if o.Subtotal != 0 {
			net -= o.DiscountAmount * item.Amount / o.Subtotal
		}
		item.Tax = net * rate / whole
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

// dropExpiredDiscount takes a discount off at the beginning of the period in which it holds no more.
func (w *World) dropExpiredDiscount(s *Subscription) {
	if !w.discountApplies(s) {
		s.Discount = None
	}
}

// subscriptionOrder is an order of a subscription, without lines.
func (w *World) subscriptionOrder(number Ref, at Time, reason string) Order {
	s := &w.subscriptions[number]
	o := w.newOrder(s.Customer, at)
	o.Reason, o.Subscription, o.Product, o.Currency, o.Seats, o.Units = reason, number, s.Product, s.Currency, s.Seats, s.Units
	o.Metadata, o.CustomFields = s.Metadata, s.CustomFields
	if w.discountApplies(s) {
		o.Discount = s.Discount
	}
	return o
}

// periodItems are the items of one period: one for each static price and, after the first period, the usage of the period before.
func (w *World) periodItems(r *rand.Rand, items []Item, s *Subscription, create bool) []Item {
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

func (w *World) trialItem(s *Subscription) Item {
	const format = "Jan 2, 2006"
	return Item{Price: None, Label: "Trial period for " + w.products[s.Product].Name + " (" + s.TrialStart.GoTime().Format(format) + " - " + s.TrialEnd.GoTime().Format(format) + ")"}
}

// addCheckout adds a checkout session that succeeded and, now and then, one before it that did not.
func (w *World) addCheckout(r *rand.Rand, at Time, product, customer Ref, recurring bool) Ref {
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
	w.noteEvent(moment{customer: customer, a: n, b: product, parent: None, name: evCheckoutCreated}, "")
	w.tellWebhooks("checkout.created", KindCheckout, n)
	return n
}
