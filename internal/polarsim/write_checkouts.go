package polarsim

import "net/http"

// createCheckout opens a checkout of a product (polarsource/polar, server/polar/checkout/service.py).
func (c *call) createCheckout() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	var products []Ref
	if f.given("products") {
		if products = f.refs(w, "products", KindProduct, w.unsellable); len(products) == 0 && len(f.list) == 0 {
			f.wrong("products", "too_short", "List", 1, 0)
		}
	} else {
		f.missing("products")
	}
	customer := f.ref(w, "customer_id", KindCustomer, func(n Ref) bool { return int(n) < len(w.customers) && w.customers[n].DeletedAt == 0 }, "Customer does not exist.")
	if external := f.text("external_customer_id", 1000); external != "" && customer == None {
		customer = w.customerByExternalID(external)
	}
	if c.invalid(f.problems) {
		return
	}
	c.show("/v1/checkouts/", w.openCheckout(products[0], customer, w.stamp()), http.StatusCreated)
}
