package polarsim

import "strconv"

func (w *World) renderRefund(o *object, n Ref) {
	r := &w.refunds[n]
	order := &w.orders[r.Order]
	o.open()
	o.times(r.CreatedAt, r.ModifiedAt)
	o.id("id", w.id(KindRefund, int(n)))
	o.raw("metadata", r.Metadata)
	o.str("status", r.Status)
	o.str("reason", r.Reason)
	o.int("amount", r.Amount)
	o.int("tax_amount", r.Tax)
	o.str("currency", order.Currency)
	w.organization(o)
	w.ref(o, "order_id", KindOrder, r.Order)
	w.ref(o, "subscription_id", KindSubscription, order.Subscription)
	w.ref(o, "customer_id", KindCustomer, order.Customer)
	o.bool("revoke_benefits", r.RevokeBenefits)
	dispute := None
	if r.Reason == "dispute_prevention" {
		for i := range w.disputes {
			if w.disputes[i].Refund == n+1 {
				dispute = Ref(i)
			}
		}
	}
	if dispute == None {
		o.null("dispute")
	} else {
		o.key("dispute")
		o.open()
		w.disputeFields(o, dispute)
		o.close()
	}
	o.close()
}

// disputeFields are those that a refund's dispute has too.
func (w *World) disputeFields(o *object, n Ref) {
	d := &w.disputes[n]
	order := &w.orders[d.Order]
	o.times(d.CreatedAt, d.ModifiedAt)
	o.id("id", w.id(KindDispute, int(n)))
	o.str("status", d.Status)
	o.bool("resolved", disputeClosed(d.Status))
	o.bool("closed", disputeClosed(d.Status))
	o.int("amount", order.Net())
	o.int("tax_amount", order.Tax)
	o.str("currency", order.Currency)
	o.text("reason", d.Reason)
	if d.Status == "needs_response" {
		o.time("evidence_due_by", d.CreatedAt+9*day)
	} else {
		o.null("evidence_due_by")
	}
	o.bool("past_due", d.Status == "needs_response" && w.now > d.CreatedAt+9*day)
	w.ref(o, "order_id", KindOrder, d.Order)
	w.ref(o, "payment_id", KindPayment, d.Payment)
}

func (w *World) renderDispute(o *object, n Ref) {
	d := &w.disputes[n]
	o.open()
	w.disputeFields(o, n)
	o.key("customer")
	w.renderCustomer(o, w.orders[d.Order].Customer)
	if d.Case {
		o.id("case_id", w.id(KindDispute, int(n)|1<<40))
	} else {
		o.null("case_id")
	}
	o.close()
}

// checkoutSale is what a checkout offers, or has sold.
type checkoutSale struct {
	subtotal, discounted, tax int64
	currency                  string
	seats                     int32
	discount                  Ref
	taxKnown, taxInclusive    bool
}

// saleOf is the sale of the order that a checkout led to; without one, the price in the customer's currency.
func (w *World) saleOf(c *Checkout, prices []Ref) (s checkoutSale) {
	if c.Order != 0 {
		o := &w.orders[c.Order-1]
		return checkoutSale{o.Subtotal, o.DiscountAmount, o.Tax, o.Currency, o.Seats, o.Discount, true, o.TaxInclusive}
	}
	s = checkoutSale{currency: "usd", discount: None}
	if c.Customer != None {
		s.currency = w.customers[c.Customer].Currency
	}
	for _, n := range prices {
		switch p := &w.prices[n]; {
		case p.Currency != s.currency:
		case p.Kind == PriceFixed:
			s.subtotal += p.Amount
		case p.Kind == PriceCustom:
			s.subtotal += max(p.Min, p.Preset)
		case p.Kind == PriceSeats:
			s.seats = 2
			s.subtotal += p.forSeats(2)
		}
	}
	return s
}

func (w *World) renderCheckout(o *object, n Ref) {
	c := &w.checkouts[n]
	product := &w.products[c.Product]
	prices := w.catalogPrices(c.Product)
	s := w.saleOf(c, prices)
	secret := "polar_c_" + w.hiddenText("checkout", int(n))
	o.open()
	o.id("id", w.id(KindCheckout, int(n)))
	o.times(c.CreatedAt, c.ModifiedAt)
	o.raw("custom_field_data", "")
	o.str("payment_processor", "stripe")
	o.str("status", c.Status)
	o.str("client_secret", secret)
	o.str("url", "https://polar.sh/checkout/"+secret)
	o.time("expires_at", c.CreatedAt+checkoutLife)
	o.str("success_url", "https://simulated-tools.example/thanks?checkout_id="+w.id(KindCheckout, int(n)).String())
	o.null("return_url")
	o.null("embed_origin")
	total := s.subtotal - s.discounted
	if !s.taxInclusive {
		total += s.tax
	}
	w.checkoutAmounts(o, &s, total)
	o.bool("allow_trial", true)
	if product.TrialInterval != "" {
		o.str("active_trial_interval", product.TrialInterval)
		o.int("active_trial_interval_count", int64(product.TrialCount))
		o.time("trial_end", c.CreatedAt.after(product.TrialInterval, product.TrialCount))
	} else {
		o.null("active_trial_interval")
		o.null("active_trial_interval_count")
		o.null("trial_end")
	}
	w.organization(o)
	w.ref(o, "product_id", KindProduct, c.Product)
	first := None
	if len(prices) > 0 {
		first = prices[0]
	}
	w.ref(o, "product_price_id", KindPrice, first)
	w.ref(o, "discount_id", KindDiscount, s.discount)
	o.bool("allow_discount_codes", true)
	o.bool("require_billing_address", false)
	o.bool("is_discount_applicable", s.subtotal > 0)
	o.bool("is_free_product_price", s.subtotal == 0)
	o.bool("is_payment_required", total > 0)
	o.bool("is_payment_setup_required", c.Recurring)
	o.bool("is_payment_form_required", total > 0 || c.Recurring)
	w.checkoutCustomer(o, n, c)
	o.text("trial_interval", product.TrialInterval)
	o.count("trial_interval_count", int64(product.TrialCount))
	o.raw("metadata", "")
	external := ""
	if c.Customer != None {
		external = w.customers[c.Customer].ExternalID
	}
	o.text("external_customer_id", external)
	o.text("customer_external_id", external)
	list(o, "products", []Ref{c.Product}, w.saleProduct)
	o.key("product")
	w.saleProduct(o, c.Product)
	if first == None {
		o.null("product_price")
	} else {
		o.key("product_price")
		w.renderPrice(o, first)
	}
	o.key("prices")
	o.open()
	list(o, w.id(KindProduct, int(c.Product)).String(), prices, w.renderPrice)
	o.close()
	w.checkoutDiscount(o, s.discount)
	o.null("subscription_id")
	w.attachedFields(o, c.Product)
	o.raw("customer_metadata", "")
	o.close()
}

func (w *World) checkoutAmounts(o *object, s *checkoutSale, total int64) {
	o.int("amount", s.subtotal)
	o.int("subtotal_amount", s.subtotal)
	o.count("seats", int64(s.seats))
	o.null("min_seats")
	o.null("max_seats")
	for _, key := range []string{"units", "min_units", "max_units"} {
		o.null(key)
	}
	o.int("discount_amount", s.discounted)
	o.int("net_amount", total-s.tax)
	if s.taxKnown {
		o.int("tax_amount", s.tax)
		if s.taxInclusive {
			o.str("tax_behavior", "inclusive")
		} else {
			o.str("tax_behavior", "exclusive")
		}
	} else {
		o.null("tax_amount")
		o.null("tax_behavior")
	}
	o.int("total_amount", total)
	o.str("currency", s.currency)
}

func (w *World) checkoutCustomer(o *object, n Ref, c *Checkout) {
	w.ref(o, "customer_id", KindCustomer, c.Customer)
	if c.Customer == None {
		o.bool("is_business_customer", false)
		o.null("customer_name")
	} else {
		customer := &w.customers[c.Customer]
		o.bool("is_business_customer", customer.Team)
		o.text("customer_name", customer.Name)
	}
	o.text("customer_email", w.checkoutEmail(n))
	o.str("customer_ip_address", w.address(int(n)))
	if c.Customer == None {
		o.null("customer_billing_name")
		o.null("customer_billing_address")
		o.null("customer_tax_id")
		o.null("locale")
	} else {
		customer := &w.customers[c.Customer]
		o.text("customer_billing_name", customer.BillingName)
		o.address("customer_billing_address", customer.Address)
		if customer.TaxID == nil {
			o.null("customer_tax_id")
		} else {
			o.str("customer_tax_id", customer.TaxID[0])
		}
		o.text("locale", customer.Locale)
	}
	if c.Status == "succeeded" {
		o.str("payment_method_type", "card")
	} else {
		o.null("payment_method_type")
	}
	o.key("payment_processor_metadata")
	o.open()
	if c.Status == "confirmed" || c.Status == "succeeded" || c.Status == "failed" { // the processor was asked
		o.str("publishable_key", "pk_"+w.hiddenText("processor", int(n)))
	}
	o.close()
	o.raw("customer_billing_address_fields", `{"country":true,"state":false,"city":false,"postal_code":false,"line1":false,"line2":false}`)
	o.raw("billing_address_fields", `{"country":"required","state":"disabled","city":"disabled","postal_code":"optional","line1":"disabled","line2":"disabled"}`)
}

// checkoutEmail is the customer's, or what a visitor has typed so far; "" = null.
func (w *World) checkoutEmail(n Ref) string {
	if c := w.checkouts[n].Customer; c != None {
		return w.customers[c].Email
	}
	if n%3 == 0 {
		return "visitor" + strconv.Itoa(int(n)) + "@visitors.example"
	}
	return ""
}

// address is where a checkout was opened from: an address of the prefix that RFC 3849 keeps for documentation. No address can spell canary; that prefix
// is what a test has to look for.
func (w *World) address(n int) string {
	return "2001:db8:ca:" + strconv.FormatInt(int64(n>>16), 16) + "::" + strconv.FormatInt(int64(n&0xffff)|1, 16)
}

func (w *World) checkoutDiscount(o *object, n Ref) {
	if n == None {
		o.null("discount")
		return
	}
	d := &w.discounts[n]
	o.key("discount")
	o.open()
	w.discountKind(o, d)
	o.id("id", w.id(KindDiscount, int(n)))
	o.str("name", d.Name)
	o.text("code", d.Code)
	o.close()
}
