package polarsim

// catalogueLists are the lists of what is sold with products: discounts, benefits, checkout links and custom fields.
func catalogueLists() []*resource {
	discount := func(n Ref, w *World) *Discount { return &w.discounts[n] }
	link := func(n Ref, w *World) *CheckoutLink { return &w.checkoutLinks[n] }
	field := func(n Ref, w *World) *CustomField { return &w.customFields[n] }
	benefit := func(n Ref, w *World) *Benefit { return &w.benefits[n] }
	return []*resource{
		{
			path: "/v1/discounts/", kind: KindDiscount, scopes: []string{"discounts:read", "discounts:write"},
			rows:   func(w *World) int { return len(w.discounts) },
			hidden: func(w *World, n Ref) bool { return w.discounts[n].DeletedAt != 0 },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return discount(n, w).CreatedAt }),
				byFolded("name", func(w *World, n Ref) string { return discount(n, w).Name }), byText("code", func(w *World, n Ref) string { return discount(n, w).Code }),
				byNumber("redemptions_count", func(w *World, n Ref) int { return discount(n, w).Redemptions }),
				byTime("ends_at", func(w *World, n Ref) Time { return discount(n, w).EndsAt })},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"query": containing(func(w *World, n Ref) []string { return []string{discount(n, w).Name, discount(n, w).Code} })},
			render:  (*World).renderDiscount,
		},
		{
			path: "/v1/benefits/", kind: KindBenefit, scopes: []string{"benefits:read", "benefits:write"},
			rows:   func(w *World) int { return len(w.benefits) },
			hidden: func(w *World, n Ref) bool { return w.benefits[n].DeletedAt != 0 },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return benefit(n, w).CreatedAt }),
				byFolded("description", func(w *World, n Ref) string { return benefit(n, w).Description }),
				byText("type", func(w *World, n Ref) string { return benefit(n, w).Type }),
				asNamed("user_order", "id", KindBenefit)},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"type": oneOf(func(w *World, n Ref) string { return benefit(n, w).Type }, benefitTypes...),
				"id": reference(KindBenefit, itself), "exclude_id": negated(reference(KindBenefit, itself)),
				"query":    containing(func(w *World, n Ref) []string { return []string{benefit(n, w).Description} }),
				"metadata": metadata(func(w *World, n Ref) string { return benefit(n, w).Metadata })},
			render: (*World).renderBenefit,
		},
		{
			path: "/v1/checkout-links/", kind: KindCheckoutLink, scopes: []string{"checkout_links:read", "checkout_links:write"},
			rows:   func(w *World) int { return len(w.checkoutLinks) },
			hidden: func(w *World, n Ref) bool { return w.checkoutLinks[n].DeletedAt != 0 },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return link(n, w).CreatedAt }),
				byText("label", func(w *World, n Ref) string { return link(n, w).Label }), byText("success_url", func(w *World, n Ref) string { return link(n, w).SuccessURL }),
				byNumber("allow_discount_codes", func(w *World, n Ref) int { return b2i(link(n, w).AllowDiscountCodes) })},
			sorting: []string{"created_at"},
			filters: map[string]filter{"product_id": ofProducts(func(w *World, n Ref) []Ref { return link(n, w).Products })},
			render:  (*World).renderCheckoutLink,
		},
		{
			path: "/v1/custom-fields/", kind: KindCustomField, scopes: []string{"custom_fields:read", "custom_fields:write"},
			rows:   func(w *World) int { return len(w.customFields) },
			hidden: func(w *World, n Ref) bool { return w.customFields[n].DeletedAt != 0 },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return field(n, w).CreatedAt }),
				byText("slug", func(w *World, n Ref) string { return field(n, w).Slug }),
				byText("name", func(w *World, n Ref) string { return field(n, w).Name }), byText("type", func(w *World, n Ref) string { return field(n, w).Type })},
			sorting: []string{"slug"},
			filters: map[string]filter{"type": oneOf(func(w *World, n Ref) string { return field(n, w).Type }, fieldTypes...),
				"query": containing(func(w *World, n Ref) []string { return []string{field(n, w).Name, field(n, w).Slug} })},
			render: (*World).renderCustomField,
		},
	}
}

var (
	benefitTypes = []string{"custom", "discord", "github_repository", "downloadables", "license_keys", "meter_credit", "feature_flag", "slack_shared_channel"}
	fieldTypes   = []string{"text", "number", "date", "checkbox", "select"}
)

func itself(_ *World, n Ref) Ref { return n }

// negated accepts what a filter does not.
func negated(f filter) filter {
	return func(w *World, name string, values []string, p *problems) func(Ref) bool {
		test := f(w, name, values, p)
		return func(n Ref) bool { return !test(n) }
	}
}

// ofProducts accepts rows with one of the products.
func ofProducts(get func(w *World, n Ref) []Ref) filter {
	return func(w *World, name string, values []string, p *problems) func(Ref) bool {
		current := None
		wanted := reference(KindProduct, func(*World, Ref) Ref { return current })(w, name, values, p)
		return func(n Ref) bool {
			for _, product := range get(w, n) {
				if current = product; wanted(n) {
					return true
				}
			}
			return false
		}
	}
}
