package polarsim

import "strconv"

// exportColumn is one column of an export: the name for the parameter `columns`, the text in the header, and how a row fills it.
type exportColumn struct {
	name, header string
	write        func(w *World, r *record, n Ref)
}

// customerColumns is the fixed header of the customers' export (polarsource/polar, server/polar/customer/endpoints.py).
func customerColumns() []exportColumn {
	text := func(get func(w *World, n Ref, c *Customer) string) func(w *World, r *record, n Ref) {
		return func(w *World, r *record, n Ref) { r.text(get(w, n, &w.customers[n])) }
	}
	address := func(get func(a *Address) string) func(w *World, r *record, n Ref) {
		return text(func(_ *World, _ Ref, c *Customer) string {
			if c.Address == nil {
				return ""
			}
			return get(c.Address)
		})
	}
	return []exportColumn{
		{"id", "ID", text(func(w *World, n Ref, _ *Customer) string { return w.id(KindCustomer, int(n)).String() })},
		{"external_id", "External ID", text(func(_ *World, _ Ref, c *Customer) string { return c.ExternalID })},
		{"created_at", "Created At", func(w *World, r *record, n Ref) { r.time(w.customers[n].CreatedAt) }},
		{"email", "Email", text(func(_ *World, _ Ref, c *Customer) string { return c.Email })},
		{"name", "Name", text(func(_ *World, _ Ref, c *Customer) string { return c.Name })},
		{"tax_id", "Tax ID", text(func(_ *World, _ Ref, c *Customer) string { return taxTuple(c.TaxID) })},
		{"line1", "Billing Address Line 1", address(func(a *Address) string { return a.Line1 })},
		{"line2", "Billing Address Line 2", address(func(a *Address) string { return a.Line2 })},
		{"city", "Billing Address City", address(func(a *Address) string { return a.City })},
		{"state", "Billing Address State", address(func(a *Address) string { return a.State })},
		{"postal_code", "Billing Address Zip", address(func(a *Address) string { return a.PostalCode })},
		{"country", "Billing Address Country", address(func(a *Address) string { return a.Country })},
		{"metadata", "Metadata", text(func(_ *World, _ Ref, c *Customer) string { return pythonJSON(c.Metadata) })},
	}
}

// orderColumns are the columns that the orders' export knows; the first seven are its default (polarsource/polar, server/polar/order/export.py).
func orderColumns() []exportColumn {
	text := func(get func(w *World, o *Order) string) func(w *World, r *record, n Ref) {
		return func(w *World, r *record, n Ref) { r.text(get(w, &w.orders[n])) }
	}
	money := func(get func(o *Order) int64) func(w *World, r *record, n Ref) {
		return func(w *World, r *record, n Ref) { r.money(get(&w.orders[n])) }
	}
	return []exportColumn{
		{"email", "Email", text(func(w *World, o *Order) string { return w.customers[o.Customer].Email })},
		{"created_at", "Created At", func(w *World, r *record, n Ref) { r.time(w.orders[n].CreatedAt) }},
		{"product", "Product", text((*World).orderDescription)},
		{"net_amount", "Net Amount", money((*Order).Net)},
		{"currency", "Currency", text(func(_ *World, o *Order) string { return o.Currency })},
		{"status", "Status", text(func(_ *World, o *Order) string { return o.Status })},
		{"invoice_number", "Invoice number", func(w *World, r *record, n Ref) { r.text(w.invoiceNumber(n)) }},
		{"customer_name", "Customer Name", text(func(w *World, o *Order) string { return w.customers[o.Customer].Name })},
		{"billing_name", "Billing Name", text(func(_ *World, o *Order) string { return o.BillingName })},
		{"billing_country", "Billing Country", text(func(_ *World, o *Order) string {
			if o.BillingAddress == nil {
				return ""
			}
			return o.BillingAddress.Country
		})},
		{"subtotal_amount", "Subtotal", money(func(o *Order) int64 { return o.Subtotal })},
		{"discount_amount", "Discount", money(func(o *Order) int64 { return o.DiscountAmount })},
		{"tax_amount", "Tax", money(func(o *Order) int64 { return o.Tax })},
		{"total_amount", "Total", money((*Order).Total)},
		{"refunded_amount", "Refunded Amount", money(func(o *Order) int64 { return o.RefundedAmount })},
		{"billing_reason", "Billing Reason", text(func(_ *World, o *Order) string { return o.Reason })},
	}
}

// orderDescription is the product's name, or what the first line says where there is no product.
func (w *World) orderDescription(o *Order) string {
	if o.Product != None {
		return w.products[o.Product].Name
	}
	return o.Items[0].Label
}

// subscriptionColumns are the columns that the subscriptions' export knows; the first seven are its default (polarsource/polar,
// server/polar/subscription/export.py).
func subscriptionColumns() []exportColumn {
	text := func(get func(w *World, s *Subscription) string) func(w *World, r *record, n Ref) {
		return func(w *World, r *record, n Ref) { r.text(get(w, &w.subscriptions[n])) }
	}
	at := func(get func(s *Subscription) Time) func(w *World, r *record, n Ref) {
		return func(w *World, r *record, n Ref) { r.time(get(&w.subscriptions[n])) }
	}
	customer := func(get func(c *Customer) string) func(w *World, r *record, n Ref) {
		return text(func(w *World, s *Subscription) string { return get(&w.customers[s.Customer]) })
	}
	return []exportColumn{
		{"email", "Email", customer(func(c *Customer) string { return c.Email })},
		{"started_at", "Started At", at(func(s *Subscription) Time { return s.StartedAt })},
		{"product", "Product", text(func(w *World, s *Subscription) string { return w.products[s.Product].Name })},
		{"amount", "Amount", func(w *World, r *record, n Ref) { r.money(w.amountOf(&w.subscriptions[n])) }},
		{"currency", "Currency", text(func(_ *World, s *Subscription) string { return s.Currency })},
		{"status", "Status", text(func(_ *World, s *Subscription) string { return s.Status })},
		{"recurring_interval", "Billing Interval", text(func(_ *World, s *Subscription) string {
			if s.IntervalCount == 1 {
				return s.Interval
			}
			return strconv.Itoa(s.IntervalCount) + " " + s.Interval + "s"
		})},
		{"customer_name", "Customer Name", customer(func(c *Customer) string { return c.Name })},
		{"billing_name", "Billing Name", customer(func(c *Customer) string { return firstOf(c.BillingName, c.Name) })},
		{"billing_country", "Billing Country", customer(func(c *Customer) string {
			if c.Address == nil {
				return ""
			}
			return c.Address.Country
		})},
		{"net_amount", "Net Amount", func(w *World, r *record, n Ref) { r.money(w.netAmount(&w.subscriptions[n])) }},
		{"discount", "Discount", text(func(w *World, s *Subscription) string {
			if s.Discount == None {
				return ""
			}
			return firstOf(w.discounts[s.Discount].Code, w.discounts[s.Discount].Name)
		})},
		{"seats", "Seats", text(func(_ *World, s *Subscription) string {
			if s.Seats == 0 {
				return ""
			}
			return strconv.Itoa(int(s.Seats))
		})},
		{"current_period_start", "Current Period Start", at(func(s *Subscription) Time { return s.PeriodStart })},
		{"current_period_end", "Current Period End", at(func(s *Subscription) Time { return s.PeriodEnd })},
		{"cancel_at_period_end", "Cancels At Period End", text(func(_ *World, s *Subscription) string { return strconv.FormatBool(s.CancelAtPeriodEnd) })},
		{"canceled_at", "Canceled At", at(func(s *Subscription) Time { return s.CanceledAt })},
		{"ends_at", "Ends At", at(func(s *Subscription) Time { return s.EndsAt })},
		{"ended_at", "Ended At", at(func(s *Subscription) Time { return s.EndedAt })},
		{"cancellation_reason", "Cancellation Reason", text(func(_ *World, s *Subscription) string { return s.CancellationReason })},
		{"trial_start", "Trial Start", at(func(s *Subscription) Time { return s.TrialStart })},
		{"trial_end", "Trial End", at(func(s *Subscription) Time { return s.TrialEnd })},
	}
}

// oldHeader gives the columns of an export before August 2026, which had no parameter `columns` and other names.
func oldHeader(path string, all []exportColumn) []exportColumn {
	switch path {
	case "/v1/orders/export":
		old := append([]exportColumn{}, all[:defaultColumns]...)
		old[3].header = "Amount"
		return old
	case "/v1/subscriptions/export":
		old := []exportColumn{all[0], all[1], {"active", "Active", func(w *World, r *record, n Ref) {
			if w.subscriptions[n].Live() {
				r.text("True")
				return
			}
			r.text("False")
		}}, all[2], all[3], all[4], all[6]}
		old[1].header, old[4].header, old[6].header = "Created At", "Price", "Interval"
		return old
	}
	return all
}

// defaultColumns is how many of their columns the exports of orders and subscriptions show when asked for none.
const defaultColumns = 7
