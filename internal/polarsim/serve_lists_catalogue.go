package polarsim

func productList() *resource {
	return &resource{
		path: "/v1/products/", kind: KindProduct, scopes: []string{"products:read", "products:write"},
		rows:   func(w *World) int { return len(w.products) },
		hidden: func(w *World, n Ref) bool { return w.products[n].DeletedAt != 0 },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.products[n].CreatedAt }),
			byFolded("name", productName), byNumber("price_amount_type", (*World).amountType), byNumber("price_amount", (*World).leastAmount)},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"id": reference(KindProduct, itself),
			"is_archived":  flag(func(w *World, n Ref) bool { return w.products[n].Archived }),
			"is_recurring": flag(func(w *World, n Ref) bool { return w.products[n].Recurring() }),
			"visibility":   oneOf("ProductVisibility", func(w *World, n Ref) string { return w.products[n].Visibility }, "draft", "private", "public"),
			"query":        containing(func(w *World, n Ref) []string { return []string{w.products[n].Name} }),
			"benefit_id":   givesBenefit,
			"metadata":     metadata(func(w *World, n Ref) string { return w.products[n].Metadata })},
		render: (*World).renderProduct,
	}
}

func discountList() *resource {
	discount := func(w *World, n Ref) *Discount { return &w.discounts[n] }
	return &resource{
		path: "/v1/discounts/", kind: KindDiscount, scopes: []string{"discounts:read", "discounts:write"},
		rows:   func(w *World) int { return len(w.discounts) },
		hidden: func(w *World, n Ref) bool { return w.discounts[n].DeletedAt != 0 },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return discount(w, n).CreatedAt }),
			byFolded("name", func(w *World, n Ref) string { return discount(w, n).Name }), byText("code", func(w *World, n Ref) string { return discount(w, n).Code }),
			byNumber("redemptions_count", func(w *World, n Ref) int { return discount(w, n).Redemptions }),
			byTime("ends_at", func(w *World, n Ref) Time { return discount(w, n).EndsAt })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"query": containing(func(w *World, n Ref) []string { return []string{discount(w, n).Name, discount(w, n).Code} })},
		render:  (*World).renderDiscount,
	}
}

func benefitList() *resource {
	benefit := func(w *World, n Ref) *Benefit { return &w.benefits[n] }
	return &resource{
		path: "/v1/benefits/", kind: KindBenefit, scopes: []string{"benefits:read", "benefits:write"},
		rows:   func(w *World) int { return len(w.benefits) },
		hidden: func(w *World, n Ref) bool { return w.benefits[n].DeletedAt != 0 },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return benefit(w, n).CreatedAt }),
			byFolded("description", func(w *World, n Ref) string { return benefit(w, n).Description }),
			byText("type", func(w *World, n Ref) string { return benefit(w, n).Type }),
			asNamed("user_order", "id", KindBenefit)},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"type": oneOf("BenefitType", func(w *World, n Ref) string { return benefit(w, n).Type }, benefitTypes...),
			"id": reference(KindBenefit, itself), "exclude_id": negated(reference(KindBenefit, itself)),
			"query":    containing(func(w *World, n Ref) []string { return []string{benefit(w, n).Description} }),
			"metadata": metadata(func(w *World, n Ref) string { return benefit(w, n).Metadata })},
		render: (*World).renderBenefit,
	}
}

func checkoutLinkList() *resource {
	link := func(w *World, n Ref) *CheckoutLink { return &w.checkoutLinks[n] }
	return &resource{
		path: "/v1/checkout-links/", kind: KindCheckoutLink, scopes: []string{"checkout_links:read", "checkout_links:write"},
		rows:   func(w *World) int { return len(w.checkoutLinks) },
		hidden: func(w *World, n Ref) bool { return w.checkoutLinks[n].DeletedAt != 0 },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return link(w, n).CreatedAt }),
			byText("label", func(w *World, n Ref) string { return link(w, n).Label }), byText("success_url", func(w *World, n Ref) string { return link(w, n).SuccessURL }),
			byNumber("allow_discount_codes", func(w *World, n Ref) int { return b2i(link(w, n).AllowDiscountCodes) })},
		sorting: []string{"created_at"},
		filters: map[string]filter{"product_id": ofProducts(func(w *World, n Ref) []Ref { return link(w, n).Products })},
		render:  (*World).renderCheckoutLink,
	}
}

func customFieldList() *resource {
	field := func(w *World, n Ref) *CustomField { return &w.customFields[n] }
	return &resource{
		path: "/v1/custom-fields/", kind: KindCustomField, scopes: []string{"custom_fields:read", "custom_fields:write"},
		rows:   func(w *World) int { return len(w.customFields) },
		hidden: func(w *World, n Ref) bool { return w.customFields[n].DeletedAt != 0 },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return field(w, n).CreatedAt }),
			byText("slug", func(w *World, n Ref) string { return field(w, n).Slug }),
			byText("name", func(w *World, n Ref) string { return field(w, n).Name }), byText("type", func(w *World, n Ref) string { return field(w, n).Type })},
		sorting: []string{"slug"},
		filters: map[string]filter{"type": oneOf("CustomFieldType", func(w *World, n Ref) string { return field(w, n).Type }, fieldTypes...),
			"query": containing(func(w *World, n Ref) []string { return []string{field(w, n).Name, field(w, n).Slug} })},
		render: (*World).renderCustomField,
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

func productName(w *World, n Ref) string { return w.products[n].Name }

// givesBenefit accepts products that give one of the benefits.
func givesBenefit(w *World, name string, values []string, p *problems) func(Ref) bool {
	current := None
	wanted := reference(KindBenefit, func(*World, Ref) Ref { return current })(w, name, values, p)
	return func(n Ref) bool {
		for _, b := range w.products[n].Benefits {
			if current = b; wanted(n) {
				return true
			}
		}
		return false
	}
}

// amountType ranks a product by its cheapest kind of price, and leastAmount by its lowest price, as upstream sorts them.
func (w *World) amountType(n Ref) int {
	rank := 9
	for _, p := range w.catalogPrices(n) {
		switch price := &w.prices[p]; {
		case price.Kind == PriceFixed && price.Amount == 0:
			rank = min(rank, 1)
		case price.Kind == PriceCustom:
			rank = min(rank, 2)
		default:
			rank = min(rank, 3)
		}
	}
	return rank
}

func (w *World) leastAmount(n Ref) int64 {
	least := int64(1) << 40
	for _, p := range w.catalogPrices(n) {
		switch price := &w.prices[p]; price.Kind {
		case PriceFixed:
			least = min(least, price.Amount)
		case PriceCustom:
			least = min(least, price.Min)
		}
	}
	return least
}
