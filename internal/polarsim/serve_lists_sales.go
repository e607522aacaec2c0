package polarsim

func orderList() *resource {
	return &resource{
		path: "/v1/orders/", kind: KindOrder, scopes: []string{"orders:read"},
		rows: func(w *World) int { return len(w.orders) },
		sorts: []sortKey{byTime("created_at", orderCreated),
			byNumber("status", func(w *World, n Ref) int { return orderRank[w.orders[n].Status] }),
			byText("invoice_number", (*World).invoiceNumber),
			byNumber("amount", func(w *World, n Ref) int64 { return w.orders[n].Net() }),
			byNumber("net_amount", func(w *World, n Ref) int64 { return w.orders[n].Net() }),
			byText("customer", func(w *World, n Ref) string { return w.customers[w.orders[n].Customer].Email }),
			byFolded("product", func(w *World, n Ref) string { return w.nameOf(w.orders[n].Product) }),
			byText("discount", func(w *World, n Ref) string { return w.discountName(w.orders[n].Discount) }),
			byID("subscription", KindSubscription, orderSubscription)},
		natural: "created_at", sorting: []string{"-created_at"},
		ranges: map[string]rangeFilter{"created_after": {key: "created_at", after: true, time: orderCreated}, "created_before": {key: "created_at", time: orderCreated}},
		filters: map[string]filter{
			"status": oneOf("OrderStatus", func(w *World, n Ref) string { return w.orders[n].Status }, OrderDraft, OrderPending, OrderPaid, OrderRefunded,
				OrderPartiallyRefunded, OrderVoid),
			"customer_id": reference(KindCustomer, orderCustomer), "external_customer_id": external(orderCustomer),
			"product_id":           reference(KindProduct, func(w *World, n Ref) Ref { return w.orders[n].Product }),
			"product_billing_type": oneOf("ProductBillingType", (*World).billingType, "recurring", "one_time"),
			"subscription_id":      reference(KindSubscription, orderSubscription),
			"checkout_id":          reference(KindCheckout, func(w *World, n Ref) Ref { return w.orders[n].Checkout }),
			"discount_id":          reference(KindDiscount, func(w *World, n Ref) Ref { return w.orders[n].Discount }),
			"metadata":             metadata(func(w *World, n Ref) string { return w.orders[n].Metadata })},
		render: (*World).renderOrder,
	}
}

func subscriptionList() *resource {
	return &resource{
		path: "/v1/subscriptions/", kind: KindSubscription, scopes: []string{"subscriptions:read", "subscriptions:write"},
		rows:   func(w *World) int { return len(w.subscriptions) },
		hidden: func(w *World, n Ref) bool { return w.subscriptions[n].StartedAt == 0 },
		sorts: []sortKey{byText("customer", func(w *World, n Ref) string { return w.customers[w.subscriptions[n].Customer].Email }),
			byNumber("status", subscriptionStatus), byTime("started_at", subscriptionStarted),
			byTime("current_period_end", func(w *World, n Ref) Time { return w.subscriptions[n].PeriodEnd }),
			byTime("ended_at", func(w *World, n Ref) Time { return w.subscriptions[n].EndedAt }),
			byTime("ends_at", func(w *World, n Ref) Time { return w.subscriptions[n].EndsAt }),
			byNumber("amount", func(w *World, n Ref) int64 { return w.amountOf(&w.subscriptions[n]) }),
			byFolded("product", func(w *World, n Ref) string { return w.nameOf(w.subscriptions[n].Product) }),
			byText("discount", func(w *World, n Ref) string { return w.discountName(w.subscriptions[n].Discount) })},
		sorting: []string{"-started_at"},
		ranges: map[string]rangeFilter{"started_after": {key: "started_at", after: true, time: subscriptionStarted},
			"started_before":     {key: "started_at", time: subscriptionStarted},
			"canceled_at_after":  {key: "canceled_at", after: true, closed: true, time: subscriptionCanceled},
			"canceled_at_before": {key: "canceled_at", closed: true, time: subscriptionCanceled}},
		filters: map[string]filter{
			"status": oneOf("SubscriptionStatus", func(w *World, n Ref) string { return w.subscriptions[n].Status }, SubIncomplete, SubIncompleteExpired, SubTrialing,
				SubActive, SubPastDue, SubCanceled, SubUnpaid, SubPaused),
			"active":               flag(func(w *World, n Ref) bool { return w.subscriptions[n].Live() }),
			"cancel_at_period_end": flag(func(w *World, n Ref) bool { return w.subscriptions[n].CancelAtPeriodEnd }),
			"customer_cancellation_reason": oneOf("CustomerCancellationReason", func(w *World, n Ref) string { return w.subscriptions[n].CancellationReason },
				cancellationReasonNames[:len(cancellationReasonNames)-1]...),
			"product_id":  reference(KindProduct, func(w *World, n Ref) Ref { return w.subscriptions[n].Product }),
			"customer_id": reference(KindCustomer, subscriptionCustomer), "external_customer_id": external(subscriptionCustomer),
			"discount_id": reference(KindDiscount, func(w *World, n Ref) Ref { return w.subscriptions[n].Discount }),
			"metadata":    metadata(func(w *World, n Ref) string { return w.subscriptions[n].Metadata })},
		render: (*World).renderSubscription,
	}
}

func paymentList() *resource {
	return &resource{
		path: "/v1/payments/", kind: KindPayment, scopes: []string{"payments:read"},
		rows: func(w *World) int { return len(w.payments) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.payments[n].CreatedAt }),
			byText("status", func(w *World, n Ref) string { return w.payments[n].Status }),
			byNumber("amount", func(w *World, n Ref) int64 { return w.payments[n].Amount }),
			byText("method", func(w *World, n Ref) string { return w.payments[n].Method })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{
			"status":      oneOf("PaymentStatus", func(w *World, n Ref) string { return w.payments[n].Status }, "pending", "succeeded", "failed"),
			"order_id":    reference(KindOrder, func(w *World, n Ref) Ref { return w.payments[n].Order }),
			"checkout_id": reference(KindCheckout, func(w *World, n Ref) Ref { return w.payments[n].Checkout }),
			"customer_id": reference(KindCustomer, func(w *World, n Ref) Ref { return w.payments[n].Customer }),
			"method":      among(func(w *World, n Ref) string { return w.payments[n].Method }),
			"customer_email": folded(func(w *World, n Ref) string {
				if c := w.payments[n].Customer; c != None {
					return w.customers[c].Email
				}
				return ""
			})},
		render: (*World).renderPayment,
	}
}

// Ranks are the order in which upstream sorts statuses.
var (
	orderRank = map[string]int{OrderDraft: 1, OrderPending: 2, OrderPaid: 3, OrderPartiallyRefunded: 4, OrderRefunded: 5, OrderVoid: 6}

	subscriptionRank = map[string]int{SubIncomplete: 1, SubIncompleteExpired: 2, SubTrialing: 3, SubActive: 4, SubPaused: 6, SubPastDue: 7, SubCanceled: 8, SubUnpaid: 9}
)

// subscriptionStatus ranks an active subscription that will end after the others that are active.
func subscriptionStatus(w *World, n Ref) int {
	s := &w.subscriptions[n]
	return subscriptionRank[s.Status] + b2i(s.Status == SubActive && s.CancelAtPeriodEnd)
}

func orderCreated(w *World, n Ref) Time         { return w.orders[n].CreatedAt }
func orderCustomer(w *World, n Ref) Ref         { return w.orders[n].Customer }
func orderSubscription(w *World, n Ref) Ref     { return w.orders[n].Subscription }
func subscriptionStarted(w *World, n Ref) Time  { return w.subscriptions[n].StartedAt }
func subscriptionCanceled(w *World, n Ref) Time { return w.subscriptions[n].CanceledAt }
func subscriptionCustomer(w *World, n Ref) Ref  { return w.subscriptions[n].Customer }

func (w *World) invoiceNumber(n Ref) string {
	o := &w.orders[n]
	if o.Invoice == 0 {
		return ""
	}
	return string(w.appendSequence(nil, invoicePrefix, o.Customer, o.Invoice))
}

func (w *World) nameOf(product Ref) string {
	if product == None {
		return ""
	}
	return w.products[product].Name
}

func (w *World) discountName(n Ref) string {
	if n == None {
		return ""
	}
	return w.discounts[n].Name
}

func (w *World) billingType(n Ref) string {
	p := w.orders[n].Product
	if p == None {
		return ""
	}
	if w.products[p].Recurring() {
		return "recurring"
	}
	return "one_time"
}

func refundList() *resource {
	refundOrder := func(w *World, n Ref) *Order { return &w.orders[w.refunds[n].Order] }
	refundCustomer := func(w *World, n Ref) Ref { return refundOrder(w, n).Customer }
	return &resource{
		path: "/v1/refunds/", kind: KindRefund, scopes: []string{"refunds:read", "refunds:write"}, noID: true,
		rows: func(w *World) int { return len(w.refunds) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.refunds[n].CreatedAt }),
			byNumber("amount", func(w *World, n Ref) int64 { return w.refunds[n].Amount })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"id": reference(KindRefund, itself),
			"order_id":        reference(KindOrder, func(w *World, n Ref) Ref { return w.refunds[n].Order }),
			"subscription_id": reference(KindSubscription, func(w *World, n Ref) Ref { return refundOrder(w, n).Subscription }),
			"customer_id":     reference(KindCustomer, refundCustomer), "external_customer_id": external(refundCustomer),
			"succeeded": flag(func(w *World, n Ref) bool { return w.refunds[n].Status == "succeeded" })},
		render: (*World).renderRefund,
	}
}

func disputeList() *resource {
	return &resource{
		path: "/v1/disputes/", kind: KindDispute, scopes: []string{"disputes:read", "disputes:write"},
		rows: func(w *World) int { return len(w.disputes) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.disputes[n].CreatedAt }),
			byNumber("amount", func(w *World, n Ref) int64 { return w.orders[w.disputes[n].Order].Net() })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"order_id": reference(KindOrder, func(w *World, n Ref) Ref { return w.disputes[n].Order }),
			"status": oneOf("DisputeStatus", func(w *World, n Ref) string { return w.disputes[n].Status }, "prevented", "early_warning", "needs_response", "under_review", "lost", "won")},
		render: (*World).renderDispute,
	}
}

func checkoutList() *resource {
	checkoutCustomer := func(w *World, n Ref) Ref { return w.checkouts[n].Customer }
	return &resource{
		path: "/v1/checkouts/", kind: KindCheckout, scopes: []string{"checkouts:read", "checkouts:write"},
		rows: func(w *World) int { return len(w.checkouts) },
		sorts: []sortKey{byTime("created_at", checkoutCreated), byTime("expires_at", checkoutCreated),
			byText("status", func(w *World, n Ref) string { return w.checkouts[n].Status })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"product_id": reference(KindProduct, func(w *World, n Ref) Ref { return w.checkouts[n].Product }),
			"customer_id": reference(KindCustomer, checkoutCustomer),
			"external_customer_id": among(func(w *World, n Ref) string {
				if c := w.checkouts[n].Customer; c != None {
					return w.customers[c].ExternalID
				}
				return ""
			}),
			"status": oneOf("CheckoutStatus", func(w *World, n Ref) string { return w.checkouts[n].Status }, "open", "expired", "confirmed", "succeeded", "failed"),
			"query": containing(func(w *World, n Ref) []string {
				if email := w.checkoutEmail(n); email != "" {
					return []string{email}
				}
				return nil
			})},
		render: (*World).renderCheckout,
	}
}

func checkoutCreated(w *World, n Ref) Time { return w.checkouts[n].CreatedAt }
