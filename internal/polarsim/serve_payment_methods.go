package polarsim

import "net/http"

// secondCard is what tells a customer's older means of payment from the first.
const secondCard = 1 << 32

// methods are the numbers of a customer's means of payment, the newest first.
func (w *World) methods(n Ref) (list []int) {
	if !w.customers[n].HasCard {
		return nil
	}
	if list = []int{int(n)}; n%4 == 1 {
		list = append(list, int(n)+secondCard)
	}
	return list
}

// listPaymentMethods lists the means of payment of a customer (polarsource/polar, server/polar/customer/endpoints.py).
func (c *call) listPaymentMethods() {
	n, ok := c.customer()
	if !ok {
		return
	}
	p := &problems{}
	l := c.w.parse(&resource{fixed: true, noOrg: true}, c.query, p)
	if c.invalid(p) {
		return
	}
	all := c.w.methods(n)
	c.offset = (l.page - 1) * l.limit
	page := all[min(c.offset, len(all)):min(c.offset+l.limit, len(all))]
	var o object
	o.open()
	list(&o, "items", page, func(o *object, id int) { c.w.renderPaymentMethod(o, n, id) })
	o.pagination(len(all), l.limit)
	o.close()
	c.json(http.StatusOK, o.b)
}

func (w *World) renderPaymentMethod(o *object, n Ref, id int) {
	customer := &w.customers[n]
	first := id == int(n)
	o.open()
	o.times(customer.CreatedAt+minute, 0)
	o.id("id", w.id(KindPaymentMethod, id))
	o.str("processor", "stripe")
	o.id("customer_id", w.id(KindCustomer, int(n)))
	if first {
		o.str("type", "card")
		o.key("method_metadata")
		o.open()
		o.str("brand", []string{"visa", "mastercard", "amex"}[n%3])
		o.str("last4", "4242")
		o.int("exp_month", int64(1+n%12))
		o.int("exp_year", 2031)
		if n%5 == 0 {
			o.str("wallet", "apple_pay")
		} else {
			o.null("wallet")
		}
		o.close()
	} else {
		o.str("type", "sepa_debit")
	}
	o.bool("is_default", first)
	o.close()
}
