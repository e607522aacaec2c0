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
	if l.beyond() {
		c.crash()
		return
	}
	c.offset = l.offset()
	page := all[min(c.offset, len(all)):min(c.offset+l.limit, len(all))]
	var o object
	o.open()
	list(&o, "items", page, func(o *object, id int) { c.w.renderPaymentMethod(o, n, id) })
	o.pagination(len(all), l.limit)
	o.close()
	c.json(http.StatusOK, o.b)
}
