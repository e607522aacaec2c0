package polarsim

import "net/http"

// updateOrder changes the billing name and address; country and state stay.
func (c *call) updateOrder() {
	f, ok := c.form()
	if !ok {
		return
	}
	name, address := f.text("billing_name", 1000), f.address("billing_address")
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.id("id", KindOrder, len(c.w.orders))
	if !ok {
		return
	}
	w, o := c.w, &c.w.orders[n]
	if address != nil && o.BillingAddress != nil {
		if address.Country != o.BillingAddress.Country {
			f.polar = true
			f.add("value_error", append(f.at("billing_address"), "country"), "Country cannot be changed", address.Country, "")
		}
		if address.State != o.BillingAddress.State {
			f.polar = true
			f.add("value_error", append(f.at("billing_address"), "state"), "State cannot be changed", address.State, "")
		}
	}
	if c.invalid(f.problems) {
		return
	}
	w.changeRow(func() *Time { return &o.ModifiedAt }, func(b *object) { w.renderOrder(b, n) }, func() {
		if f.sent("billing_name") {
			o.BillingName = name
		}
		if f.sent("billing_address") {
			o.BillingAddress = address
		}
	})
	w.tellWebhooks("order.updated", KindOrder, n)
	c.show("/v1/orders/", n, http.StatusOK)
}

// generateInvoice has an invoice made: upstream by a background job, here at once. It stays for good.
func (c *call) generateInvoice() {
	n, ok := c.id("id", KindOrder, len(c.w.orders))
	if !ok {
		return
	}
	o := &c.w.orders[n]
	switch {
	case o.Status == OrderDraft || o.Status == OrderVoid:
		c.refuse(http.StatusConflict, "OrderNotEligibleForInvoice", "Order "+c.w.id(KindOrder, int(n)).String()+" is not eligible for invoice generation (current status: "+o.Status+").")
		return
	case o.BillingName == "" || o.BillingAddress == nil:
		c.refuse(http.StatusUnprocessableEntity, "MissingInvoiceBillingDetails", "Billing name and address are required to generate an invoice for this order.")
		return
	case !o.InvoiceGenerated:
		o.InvoiceGenerated, o.ModifiedAt = true, c.w.stamp()
		c.w.tellWebhooks("order.updated", KindOrder, n)
	}
	c.json(http.StatusAccepted, []byte("null"))
}
