package polarsim

import "slices"

// resources is the table of lists. Sort keys, filters and what is hidden are those of polarsource/polar, server/polar/*/endpoints.py,
// sorting.py and repository.py.
func resources() []*resource {
	return slices.Concat(people(), sales(), listsOfSales())
}

func people() []*resource {
	customer := func(get func(c *Customer) string) func(w *World, n Ref) string {
		return func(w *World, n Ref) string { return get(&w.customers[n]) }
	}
	email := customer(func(c *Customer) string { return c.Email })
	name := customer(func(c *Customer) string { return c.Name })
	return []*resource{
		{
			path: "/v1/organizations/", kind: KindOrganization, scopes: []string{"organizations:read", "organizations:write"}, noOrg: true,
			rows:   func(*World) int { return 1 },
			hidden: func(w *World, _ Ref) bool { return w.org.Status == "blocked" },
			sorts: []sortKey{byTime("created_at", func(w *World, _ Ref) Time { return w.org.CreatedAt }),
				byText("slug", func(w *World, _ Ref) string { return w.org.Slug }), byFolded("name", func(w *World, _ Ref) string { return w.org.Name }),
				byNumber("next_review_threshold", func(*World, Ref) int { return 0 }), byNumber("days_in_status", func(*World, Ref) int { return 0 })},
			sorting: []string{"created_at"},
			filters: map[string]filter{"slug": among(func(w *World, _ Ref) string { return w.org.Slug })},
			render:  (*World).renderOrganization,
		},
		{
			path: "/v1/customers/", kind: KindCustomer, scopes: []string{"customers:read", "customers:write"},
			rows:    func(w *World) int { return len(w.customers) },
			hidden:  func(w *World, n Ref) bool { return w.customers[n].DeletedAt != 0 },
			sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.customers[n].CreatedAt }), byText("email", email), byText("name", name)},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"email": folded(email), "active": flag((*World).buys),
				"query": containing(func(w *World, n Ref) []string {
					return []string{w.customers[n].Email, w.customers[n].Name, w.customers[n].ExternalID}
				}),
				"metadata": metadata(customer(func(c *Customer) string { return c.Metadata }))},
			render: (*World).renderCustomer,
		},
		{
			path: "/v1/members/", kind: KindMember, scopes: []string{"members:read", "members:write"}, noOrg: true,
			rows:    func(w *World) int { return len(w.members) },
			hidden:  func(w *World, n Ref) bool { return w.members[n].DeletedAt != 0 },
			sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.members[n].CreatedAt })},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"customer_id": reference(KindCustomer, memberCustomer), "external_customer_id": external(memberCustomer),
				"role": oneOf(func(w *World, n Ref) string { return w.members[n].Role }, "owner", "billing_manager", "member")},
			render: (*World).renderMember,
		},
		{
			path: "/v1/meters/", kind: KindMeter, scopes: []string{"meters:read", "meters:write"},
			rows: func(w *World) int { return len(w.meters) },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.meters[n].CreatedAt }),
				byText("name", func(w *World, n Ref) string { return w.meters[n].Name })},
			sorting: []string{"name"},
			filters: map[string]filter{"is_archived": flag(func(w *World, n Ref) bool { return w.meters[n].ArchivedAt != 0 }),
				"query":    containing(func(w *World, n Ref) []string { return []string{w.meters[n].Name} }),
				"metadata": metadata(func(w *World, n Ref) string { return w.meters[n].Metadata })},
			render: (*World).renderMeter,
		},
		{
			path: "/v1/customer-meters/", kind: KindCustomerMeter, scopes: []string{"customer_meters:read"},
			rows:   func(w *World) int { return len(w.customerMeters) },
			unless: func(w *World, n Ref) bool { return w.meters[w.customerMeters[n].Meter].ArchivedAt != 0 }, asked: "meter_id",
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.customerMeters[n].CreatedAt }),
				byTime("modified_at", func(w *World, n Ref) Time { return w.customerMeters[n].ModifiedAt }),
				byID("customer_id", KindCustomer, meterCustomer), byText("customer_name", func(w *World, n Ref) string { return name(w, meterCustomer(w, n)) }),
				byID("meter_id", KindMeter, meterMeter), byText("meter_name", func(w *World, n Ref) string { return w.meters[meterMeter(w, n)].Name }),
				byNumber("consumed_units", func(w *World, n Ref) float64 { return w.customerMeters[n].Consumed }),
				byNumber("credited_units", func(w *World, n Ref) int64 { return w.customerMeters[n].Credited }),
				byNumber("balance", func(w *World, n Ref) float64 { return w.customerMeters[n].Balance() })},
			sorting: []string{"-modified_at"},
			filters: map[string]filter{"customer_id": reference(KindCustomer, meterCustomer), "external_customer_id": external(meterCustomer),
				"meter_id": reference(KindMeter, meterMeter)},
			render: (*World).renderCustomerMeter,
		},
		{
			path: "/v1/products/", kind: KindProduct, scopes: []string{"products:read", "products:write"},
			rows: func(w *World) int { return len(w.products) },
			sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.products[n].CreatedAt }),
				byFolded("name", productName), byNumber("price_amount_type", (*World).amountType), byNumber("price_amount", (*World).leastAmount)},
			sorting: []string{"-created_at"},
			filters: map[string]filter{"id": reference(KindProduct, func(_ *World, n Ref) Ref { return n }),
				"is_archived":  flag(func(w *World, n Ref) bool { return w.products[n].Archived }),
				"is_recurring": flag(func(w *World, n Ref) bool { return w.products[n].Recurring() }),
				"visibility":   oneOf(func(w *World, n Ref) string { return w.products[n].Visibility }, "draft", "private", "public"),
				"query":        containing(func(w *World, n Ref) []string { return []string{w.products[n].Name} }),
				"benefit_id":   gives,
				"metadata":     metadata(func(w *World, n Ref) string { return w.products[n].Metadata })},
			render: (*World).renderProduct,
		},
	}
}

func memberCustomer(w *World, n Ref) Ref { return w.members[n].Customer }
func meterCustomer(w *World, n Ref) Ref  { return w.customerMeters[n].Customer }
func meterMeter(w *World, n Ref) Ref     { return w.customerMeters[n].Meter }
func productName(w *World, n Ref) string { return w.products[n].Name }

// metadata is the filter metadata[key]=value.
func metadata(get func(w *World, n Ref) string) filter {
	return func(w *World, key string, values []string, _ *problems) func(Ref) bool {
		return hasMetadata(w, key, values, get)
	}
}

// external accepts rows of customers with one of the external ids.
func external(customer func(w *World, n Ref) Ref) filter {
	return among(func(w *World, n Ref) string { return w.customers[customer(w, n)].ExternalID })
}

// gives accepts products that give one of the benefits.
func gives(w *World, name string, values []string, p *problems) func(Ref) bool {
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

// buys tells whether a customer has a live subscription.
func (w *World) buys(n Ref) bool {
	for _, s := range w.subscriptionsOf(n) {
		if s.Live() {
			return true
		}
	}
	return false
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

// listsOfSales are the lists next to those of people and sales.
func listsOfSales() []*resource {
	return slices.Concat(catalogueLists(), afterSales(), uploadLists(), grantLists(), licenseKeyLists())
}
