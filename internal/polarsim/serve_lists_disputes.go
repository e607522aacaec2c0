package polarsim

// afterSales are the lists of what follows a sale.
func afterSales() []*resource {
	refundOrder := func(w *World, n Ref) *Order { return &w.orders[w.refunds[n].Order] }
	refundCustomer := func(w *World, n Ref) Ref { return refundOrder(w, n).Customer }
	checkoutCustomer := func(w *World, n Ref) Ref { return w.checkouts[n].Customer }
	return []*resource{
		{
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
		},
		{
			path: "/v1/disputes/", kind: KindDispute, scopes: []string{"disputes:read", "disputes:write"},
			rows: func(w *World) int { return len(w.disputes) },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.disputes[n].CreatedAt }),
				byNumber("amount", func(w *World, n Ref) int64 { return w.orders[w.disputes[n].Order].Net() })},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"order_id": reference(KindOrder, func(w *World, n Ref) Ref { return w.disputes[n].Order }),
				"status": oneOf(func(w *World, n Ref) string { return w.disputes[n].Status }, "prevented", "early_warning", "needs_response", "under_review", "lost", "won")},
			render: (*World).renderDispute,
		},
		{
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
				"status": oneOf(func(w *World, n Ref) string { return w.checkouts[n].Status }, "open", "expired", "confirmed", "succeeded", "failed"),
				"query": containing(func(w *World, n Ref) []string {
					if email := w.checkoutEmail(n); email != "" {
						return []string{email}
					}
					return nil
				})},
			render: (*World).renderCheckout,
		},
	}
}

func checkoutCreated(w *World, n Ref) Time { return w.checkouts[n].CreatedAt }
