package polarsim

// grantList is the list of benefit grants. There is no GET by id.
func grantList() *resource {
	grant := func(w *World, n Ref) Grant { return w.allGrants()[n] }
	customer := func(w *World, n Ref) Ref { return w.subscriptions[grant(w, n).Subscription].Customer }
	return &resource{
		path: "/v1/benefit-grants/", kind: KindBenefitGrant, scopes: []string{"benefits:read", "benefits:write"}, noID: true,
		rows: func(w *World) int { return len(w.allGrants()) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.subscriptions[grant(w, n).Subscription].CreatedAt }),
			byTime("granted_at", func(w *World, n Ref) Time { return grant(w, n).since() }),
			byTime("revoked_at", func(w *World, n Ref) Time { return grant(w, n).Revoked })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"is_granted": flag(func(w *World, n Ref) bool { return grant(w, n).since() != 0 }),
			"customer_id": reference(KindCustomer, customer), "external_customer_id": external(customer)},
		render: (*World).renderGrant,
	}
}
