package polarsim

func organizationList() *resource {
	return &resource{
		path: "/v1/organizations/", kind: KindOrganization, scopes: []string{"organizations:read", "organizations:write"}, noOrg: true,
		rows:   func(*World) int { return 1 },
		hidden: func(w *World, _ Ref) bool { return w.org.Status == "blocked" },
		sorts: []sortKey{byTime("created_at", func(w *World, _ Ref) Time { return w.org.CreatedAt }),
			byText("slug", func(w *World, _ Ref) string { return w.org.Slug }), byFolded("name", func(w *World, _ Ref) string { return w.org.Name }),
			byNumber("next_review_threshold", func(*World, Ref) int { return 0 }), byNumber("days_in_status", func(*World, Ref) int { return 0 })},
		sorting: []string{"created_at"},
		filters: map[string]filter{"slug": among(func(w *World, _ Ref) string { return w.org.Slug })},
		render:  (*World).renderOrganization,
	}
}

func customerList() *resource {
	return &resource{
		path: "/v1/customers/", kind: KindCustomer, scopes: []string{"customers:read", "customers:write"},
		rows:    func(w *World) int { return len(w.customers) },
		hidden:  func(w *World, n Ref) bool { return w.customers[n].DeletedAt != 0 },
		sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.customers[n].CreatedAt }), byText("email", customerEmail), byText("name", customerName)},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"email": folded(customerEmail), "active": flag((*World).hasLiveSubscription),
			"query": containing(func(w *World, n Ref) []string {
				return []string{w.customers[n].Email, w.customers[n].Name, w.customers[n].ExternalID}
			}),
			"metadata": metadata(func(w *World, n Ref) string { return w.customers[n].Metadata })},
		render: (*World).renderCustomer,
	}
}

func memberList() *resource {
	return &resource{
		path: "/v1/members/", kind: KindMember, scopes: []string{"members:read", "members:write"}, noOrg: true, missing: memberMissing,
		rows:    func(w *World) int { return len(w.members) },
		hidden:  func(w *World, n Ref) bool { return w.members[n].DeletedAt != 0 },
		sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.members[n].CreatedAt })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"customer_id": reference(KindCustomer, memberCustomer), "external_customer_id": external(memberCustomer),
			"role": oneOf("MemberRole", func(w *World, n Ref) string { return w.members[n].Role }, "owner", "billing_manager", "member")},
		render: (*World).renderMember,
	}
}

func customerEmail(w *World, n Ref) string { return w.customers[n].Email }
func customerName(w *World, n Ref) string  { return w.customers[n].Name }

func memberCustomer(w *World, n Ref) Ref { return w.members[n].Customer }

// hasLiveSubscription tells whether a customer has a live subscription.
func (w *World) hasLiveSubscription(n Ref) bool {
	for _, s := range w.subscriptionsOf(n) {
		if s.Live() {
			return true
		}
	}
	return false
}
