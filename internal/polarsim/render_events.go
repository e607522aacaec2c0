package polarsim

import (
	"strconv"

	"syncd/internal/polarsim/metrics"
)

// renderEvent writes an event. children is 0 for an event fetched by its id: upstream counts them for lists only.
func (w *World) renderEvent(o *object, n Ref, children int64) {
	m, metadata := w.journal.event(n)
	o.open()
	o.id("id", w.id(KindEvent, int(n)))
	o.time("timestamp", m.at)
	w.organization(o)
	if m.external() { // either id is as it came with the event, the customer is found by both (polarsource/polar, server/polar/models/event.py)
		o.null("customer_id")
	} else {
		w.ref(o, "customer_id", KindCustomer, m.customer)
	}
	if m.customer == None {
		o.null("customer")
		o.null("external_customer_id")
	} else {
		o.key("customer")
		w.renderCustomer(o, m.customer)
		external := ""
		if c := &w.customers[m.customer]; m.external() {
			external = firstOf(c.ExternalID, savedExternalID(c.Metadata))
		}
		o.text("external_customer_id", external)
	}
	o.null("member_id")
	o.null("external_member_id")
	o.int("child_count", children)
	w.ref(o, "parent_id", KindEvent, m.parent)
	o.str("label", w.eventLabel(m.name))
	if m.name.user() {
		o.str("source", "user")
	} else {
		o.str("source", "system")
	}
	name, _ := w.journal.text(m.name)
	o.str("name", name)
	o.key("metadata")
	if metadata != "" {
		o.b = append(o.b, metadata...)
	} else {
		w.eventMetadata(o, m)
	}
	o.close()
}

// eventMetadata writes the metadata of an event that follow from its rows.
func (w *World) eventMetadata(o *object, m *moment) {
	o.open()
	switch m.name {
	case evMeterReset:
		w.ref(o, "meter_id", KindMeter, m.a)
	case evMeterCredited:
		w.ref(o, "meter_id", KindMeter, m.a)
		o.int("units", m.n)
		o.bool("rollover", false)
	case evBenefitGranted, evBenefitCycled, evBenefitRevoked:
		w.ref(o, "benefit_id", KindBenefit, m.b)
		o.id("benefit_grant_id", w.id(KindBenefitGrant, int(m.a)<<8|int(m.b)))
		o.str("benefit_type", w.benefits[m.b].Type)
	case evCheckoutCreated:
		w.ref(o, "checkout_id", KindCheckout, m.a)
		o.str("checkout_status", "open")
		w.ref(o, "product_id", KindProduct, m.b)
	case evCustomerCreated, evCustomerUpdated, evCustomerDeleted:
		id := w.journal.identities[m.a]
		w.customerIdentity(o, m.a, id)
		if m.name == evCustomerUpdated {
			o.raw("updated_fields", `{"name":`+quote(id.name)+`}`)
		}
	case evOrderPaid, evOrderVoided, evOrderRefunded, evBalanceOrder, evBalanceCreditOrder, evBalanceRefund, evBalanceRefundReversal, evBalanceDispute, evBalanceDisputeReversal:
		w.orderMetadata(o, m)
	case evRequest, evInference, evUpload:
		w.usageMetadata(o, m)
	default:
		w.subscriptionMetadata(o, m)
	}
	o.close()
}

func (w *World) customerIdentity(o *object, n Ref, id identity) {
	w.ref(o, "customer_id", KindCustomer, n)
	o.text("customer_email", id.email)
	o.text("customer_name", id.name)
	o.text("customer_external_id", id.external)
}

// idText is how upstream writes a reference into the metadata of some events: Python's None is the text "None".
func (w *World) idText(o *object, key string, kind Kind, n Ref) {
	if n == None {
		o.str(key, "None")
		return
	}
	w.ref(o, key, kind, n)
}

func (w *World) orderMetadata(o *object, m *moment) {
	r := &w.orders[m.a]
	w.ref(o, "order_id", KindOrder, m.a)
	switch m.name {
	case evOrderVoided:
		o.int("amount", r.Total())
		o.str("currency", r.Currency)
	case evOrderRefunded:
		o.int("refunded_amount", m.n)
		o.str("currency", r.Currency)
	case evOrderPaid:
		w.paidMetadata(o, r)
	case evBalanceCreditOrder:
		o.int("amount", r.Net())
		o.str("currency", r.Currency)
		o.int("tax_amount", r.Tax)
		o.taxed(r.Currency)
		if m.n != 0 {
			o.num("exchange_rate", float64(m.n)/metrics.RateUnit)
		}
		o.int("fee", r.PlatformFee)
		w.knownRef(o, "subscription_id", KindSubscription, r.Subscription)
		w.knownRef(o, "product_id", KindProduct, r.Product)
	case evBalanceRefund, evBalanceRefundReversal:
		number := int(m.b)<<1 | 1
		if m.name == evBalanceRefundReversal {
			number |= 1 << 41
		}
		o.id("transaction_id", w.id(KindTransaction, number))
		w.ref(o, "refund_id", KindRefund, m.b)
		o.str("order_created_at", r.CreatedAt.String())
		w.returnedMetadata(o, r, w.returnedBy(m))
	case evBalanceDispute, evBalanceDisputeReversal:
		number := int(m.b) << 1
		if m.name == evBalanceDisputeReversal {
			number |= 1
		}
		o.id("transaction_id", w.id(KindTransaction, number|1<<40))
		w.ref(o, "dispute_id", KindDispute, m.b)
		w.returnedMetadata(o, r, w.returnedBy(m))
	default: // evBalanceOrder
		o.id("transaction_id", w.id(KindTransaction, int(m.a)<<1))
		w.knownRef(o, "subscription_id", KindSubscription, r.Subscription)
		w.knownRef(o, "product_id", KindProduct, r.Product)
		paid := max(0, r.Due()-r.Tax)
		o.int("amount", converted(paid, m.n))
		o.int("net_amount", r.Net())
		o.str("currency", "usd")
		o.int("presentment_amount", paid)
		o.str("presentment_currency", r.Currency)
		o.int("tax_amount", r.Tax)
		o.taxed(r.Currency)
		o.num("exchange_rate", float64(m.n)/metrics.RateUnit)
		o.int("fee", r.PlatformFee)
	}
}

// taxed writes where tax was due.
func (o *object) taxed(currency string) {
	country, state := "US", "CA"
	switch currency {
	case "eur":
		country, state = "FR", ""
	case "jpy":
		country, state = "JP", ""
	}
	o.text("tax_state", state)
	o.str("tax_country", country)
}

// knownRef is ref, without a key where there is no row.
func (w *World) knownRef(o *object, key string, kind Kind, n Ref) {
	if n != None {
		w.ref(o, key, kind, n)
	}
}

// paidMetadata is that of order.paid.
func (w *World) paidMetadata(o *object, r *Order) {
	w.idText(o, "product_id", KindProduct, r.Product)
	recurring := r.Product != None && w.products[r.Product].Recurring()
	if recurring {
		o.str("billing_type", "recurring")
	} else {
		o.str("billing_type", "one_time")
	}
	o.int("amount", r.Total())
	o.str("currency", r.Currency)
	o.int("net_amount", r.Net())
	o.int("tax_amount", r.Tax)
	o.int("applied_balance_amount", r.Balance)
	o.int("discount_amount", r.DiscountAmount)
	o.int("platform_fee", r.PlatformFee)
	w.knownRef(o, "discount_id", KindDiscount, r.Discount)
	w.knownRef(o, "subscription_id", KindSubscription, r.Subscription)
	if recurring {
		o.str("recurring_interval", w.products[r.Product].Interval)
		o.int("recurring_interval_count", int64(w.products[r.Product].IntervalCount))
	}
}

// returned is money that left the balance, or came back to it, without the tax and the tax: in the currency of the order, and in US cents at the rate of
// the day, which is that of both together.
type returned struct {
	amount, tax, settled, settledTax, fee int64
	rate                                  float64
}

// returnedBy is what a refund or a dispute took, or what its reversal gave back.
func (w *World) returnedBy(m *moment) (b returned) {
	o := &w.orders[m.a]
	switch m.name {
	case evBalanceRefund, evBalanceRefundReversal:
		b.amount, b.tax = -w.refunds[m.b].Amount, -w.refunds[m.b].Tax
	default:
		b.amount, b.tax, b.fee = -o.Net(), -o.Tax, disputeFee
	}
	if m.name == evBalanceRefundReversal || m.name == evBalanceDisputeReversal {
		b.amount, b.tax, b.fee = -b.amount, -b.tax, 0
	}
	rate, total := rateAt(o.Currency, m.at), b.amount+b.tax
	whole := converted(total, rate)
	b.settled, b.rate = converted(b.amount, rate), 1
	b.settledTax = whole - b.settled
	if total != 0 {
		b.rate = float64(whole) / float64(total)
	}
	return b
}

// returnedMetadata is that of money that left the balance, or came back to it. Its amount is without the tax, in US cents
// (polarsource/polar, server/polar/transaction/service/refund.py and dispute.py).
func (w *World) returnedMetadata(o *object, r *Order, b returned) {
	w.idText(o, "product_id", KindProduct, r.Product)
	w.knownRef(o, "subscription_id", KindSubscription, r.Subscription)
	o.int("amount", b.settled)
	o.str("currency", "usd")
	o.int("presentment_amount", b.amount)
	o.str("presentment_currency", r.Currency)
	o.int("tax_amount", b.settledTax)
	o.taxed(r.Currency)
	o.num("exchange_rate", b.rate)
	o.int("fee", b.fee)
}

// subscriptionMetadata are those of the events of a subscription: a is the subscription, b its product and n its amount at the time.
func (w *World) subscriptionMetadata(o *object, m *moment) {
	p := &w.products[m.b]
	w.ref(o, "subscription_id", KindSubscription, m.a)
	if m.name == evSubscriptionUpdateCleared {
		return
	}
	w.ref(o, "product_id", KindProduct, m.b)
	o.int("amount", m.n)
	o.str("currency", w.subscriptions[m.a].Currency)
	o.str("recurring_interval", p.Interval)
	o.int("recurring_interval_count", int64(p.IntervalCount))
	switch m.name {
	case evSubscriptionCreated:
		o.str("started_at", w.subscriptions[m.a].StartedAt.String())
	case evSubscriptionPastDue:
		o.str("past_due_at", m.at.String())
	case evSubscriptionPaused:
		o.str("paused_at", m.at.String())
	}
}

// usageMetadata are those of a user's event, drawn by n: plain values, a cost with more digits than a float holds, a model's tokens.
func (w *World) usageMetadata(o *object, m *moment) {
	draw := uint64(m.n)
	o.int("units", int64(draw%500))
	o.str("route", []string{"/v1/search", "/v1/embed?q=ü", "/health", "\"quoted\""}[draw>>9%4])
	if draw>>11%3 == 0 {
		o.num("duration_ms", float64(draw%100_000)/1000)
	}
	if draw>>13%8 == 0 {
		o.raw("big", "9007199254740993")
	}
	if m.name == evInference {
		tokens := int64(draw % 9000)
		o.raw("_cost", `{"amount":"`+inferenceCost(draw)+`","currency":"usd"}`)
		o.raw("_llm", `{"vendor":"simulated","model":"sim-1","prompt":null,"response":null,"input_tokens":`+strconv.FormatInt(tokens, 10)+
			`,"cached_input_tokens":0,"output_tokens":17,"total_tokens":`+strconv.FormatInt(tokens+17, 10)+`}`)
	}
}

// inferenceCost is what an event of a model cost, in US cents.
func inferenceCost(draw uint64) string {
	return "0." + strconv.FormatUint(100_000_000_000+draw%900_000_000_000, 10)
}
