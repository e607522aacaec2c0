package polarsim

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
