package catalog

import (
	"net/url"

	"syncd/internal/audit"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/tail"
)

// catalogueStreams are what an organization offers.
func catalogueStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "organizations", Path: "/v1/organizations/", Get: "/v1/organizations/{id}", Scope: "organizations:read", Whose: "id",
				Expect: item.Expect{
					Extra: []string{"bio", "company", "blog", "location", "twitter_username", "pledge_minimum_amount", "pledge_badge_show_amount",
						"default_upfront_split_to_contributors", "notification_settings"},
					Enums: map[string][]string{
						"status":               {"created", "review", "snoozed", "denied", "active", "blocked", "offboarding", "offboarded"},
						"proration_behavior":   {"invoice", "prorate", "next_period", "reset"},
						"default_tax_behavior": {"location", "inclusive", "exclusive"},
					},
				},
				Scan:  scan.Offset{Sort: []string{"-created_at", "slug"}},
				Table: store.TableOf((*db.Queries).OrganizationsUpsert),
			},
			Personal: map[string]Personal{
				"organizations": {None: "name slug status email website avatar_url country socials default_presentment_currency default_tax_behavior proration_behavior embed_hosts feature_settings subscription_settings customer_email_settings customer_portal_settings dispute_settings capabilities"},
			},
			Tail: tail.Spec{Hook: "organization.", Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},

		{
			Stream: streams.Stream{Name: "benefits", Path: "/v1/benefits/", Get: "/v1/benefits/{id}", Scope: "benefits:read",
				Expect: item.Expect{
					Extra: []string{"is_tax_applicable"},
					Enums: map[string][]string{
						"type":       {"custom", "discord", "github_repository", "downloadables", "license_keys", "meter_credit", "feature_flag", "slack_shared_channel"},
						"visibility": {"draft", "private", "public"},
					},
				},
				Scan:  scan.Offset{Sort: []string{"-created_at", "description"}},
				Table: store.TableOf((*db.Queries).BenefitsUpsert),
			},
			Personal: map[string]Personal{"benefits": {None: "type description visibility metadata properties"}},
			Tail:     tail.Spec{Hook: "benefit.", Batch: "id", Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},

		{
			Stream: streams.Stream{Name: "custom_fields", Path: "/v1/custom-fields/", Get: "/v1/custom-fields/{id}", Scope: "custom_fields:read",
				Expect: item.Expect{Enums: map[string][]string{"type": {"text", "number", "date", "checkbox", "select"}}},
				Scan:   scan.Offset{Sort: []string{"-created_at", "slug"}},
				Table:  store.TableOf((*db.Queries).CustomFieldsUpsert),
			},
			Personal: map[string]Personal{"custom_fields": {None: "type slug name metadata properties"}},
			Tail:     tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},

		// The list has no order, so any page may repeat rows of another one. It is whole when as many different rows came as
		// Polar counts. Source: file/repository.py.
		{
			Stream: streams.Stream{Name: "files", Path: "/v1/files/", Pick: streams.Pick{Param: "ids", Column: "id"}, Scope: "files:read",
				Expect: item.Expect{
					Sparse: []string{"flagged_malicious_at", "public_url"}, // only services that have one send these
					Enums:  map[string][]string{"service": {"downloadable", "product_media", "organization_avatar", "support_case_attachment"}},
				},
				Scan:  scan.Offset{},
				Table: store.TableOf((*db.Queries).FilesUpsert),
			},
			Personal: map[string]Personal{
				"files": {None: "service name path mime_type size_readable storage_version checksum_etag checksum_sha256_base64 checksum_sha256_hex version public_url"},
			},
			Tail: tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},
	}
}

// productStreams are products and what belongs to them.
func productStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "products", Path: "/v1/products/", Get: "/v1/products/{id}", Scope: "products:read",
				Expect: item.Expect{
					Sparse: []string{"is_deletable"}, // since October 2026
					Enums: map[string][]string{
						"visibility":         {"draft", "private", "public"},
						"recurring_interval": intervals(),
						"meter_interval":     intervals(),
						"trial_interval":     intervals(),
					},
				},
				Scan:  scan.Offset{Sort: []string{"-created_at", "name"}},
				Table: store.TableOf((*db.Queries).ProductsUpsert),
				// The description of an order is its product's current name. Source: server/polar/models/order.py.
				Invalidates: []store.Invalidation{{Column: "name", Stream: "orders", Filter: "product_id"}},
				Children: []streams.Child{
					// The list holds only current catalogue prices; orders and subscriptions still refer to prices that have left
					// it.
					{Child: item.Child{Field: "prices", Name: "product_prices", Parent: "product_id", Key: "id", Embedded: []string{"meter"}, Expect: expectedOfPrices()},
						Table: store.TableOf((*db.Queries).ProductPricesUpsert)},
					{Child: item.Child{Field: "benefits", Name: "product_benefits", Parent: "product_id", Key: "benefit_id", OnlyKey: true},
						Table: store.TableOf((*db.Queries).ProductBenefitsUpsert)},
				},
			},
			Personal: map[string]Personal{
				"products":         {None: "name description visibility recurring_interval meter_interval trial_interval medias attached_custom_fields metadata"},
				"product_prices":   {None: "source amount_type type recurring_interval price_currency tax_behavior seat_tiers tiers unit_label"},
				"product_benefits": {},
			},
			// One that nobody has bought can be deleted: https://polar.sh/docs/api-reference/products/delete.
			Tail: tail.Spec{Hook: "product.", Batch: "id", Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},
	}
}

// mayHaveMembers are the customers whose members are requested one by one: teams, customers that have or had a member, and those that
// are new or have changed since the last complete sweep of members. No other customer had a member then.
const mayHaveMembers = `type IS DISTINCT FROM 'individual' OR EXISTS (SELECT FROM members m WHERE m.customer_id = customers.id)
	OR _synced_at >= COALESCE((SELECT complete_at FROM sync_streams WHERE stream = 'members'), '-infinity')`

// customerStreams are customers and what they have used.
func customerStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "customers", Path: "/v1/customers/", Get: "/v1/customers/{id}",
				Ours: "/v1/customers/external/{external_id}", Scope: "customers:read",
				Expect: item.Expect{Enums: map[string][]string{"type": {"individual", "team"}}},
				Scan:   scan.Offset{Sort: []string{"-created_at", "email"}},
				Table:  store.TableOf((*db.Queries).CustomersUpsert),
			},
			Personal: map[string]Personal{
				"customers": {Identifiers: "external_id email", Texts: "name billing_name billing_address tax_id avatar_url", Documents: "metadata", None: "type locale"},
			},
			Tail: tail.Spec{
				Hook:    "customer.",
				Touched: []tail.Touch{{Event: "customer.", Field: "customer_id"}},
				Named:   []tail.Touch{{Event: "customer.state_changed", Field: "id"}},
				Told:    tail.Told{Event: "customer.created"},
				Fast:    []tail.Probe{tail.Head{}},
				Census:  customersPair(),
				Unseen:  "changes without an event: avatar_url, first_user_event_at, default_payment_method_id",
			},
			Audit: audit.Against{Export: customersPair()},
		},

		{
			Stream: streams.Stream{Name: "members", Path: "/v1/members/", Get: "/v1/customers/{customer_id}/members/{id}",
				Ours: "/v1/customers/external/{external_id}/members/{member_external_id}", Scope: "members:read",
				Expect: item.Expect{Enums: map[string][]string{"role": {"owner", "billing_manager", "member"}}},
				Scan:   scan.Offset{Sort: []string{"-created_at"}},
				Table:  store.TableOf((*db.Queries).MembersUpsert),
				// Deprecated, and left out of the documentation; what is documented is the list of one customer:
				// https://polar.sh/docs/api-reference/customers/list-members.
				Fallback: &streams.Fallback{Path: "/v1/customers/{customer_id}/members", Scan: scan.Nested{Fixed: []string{"-created_at"}},
					Parents: []streams.Parent{{Stream: "customers", Column: "customer_id", Where: mayHaveMembers}}},
			},
			Personal: map[string]Personal{"members": {Identifiers: "email external_id", Texts: "name", None: "role"}},
			Tail: tail.Spec{
				Hook:    "member.",
				Touched: []tail.Touch{{Event: "customer.", Field: "customer_id", Filter: "customer_id"}},
				Batch:   "customer_id",
				Slow:    []tail.Probe{tail.Head{}},
				Unseen:  "changes of members whose customer has no event, unless a webhook tells of them",
			},
			Audit: audit.Against{Refers: []string{"customer_id"}},
		},

		{
			Stream: streams.Stream{Name: "meters", Path: "/v1/meters/", Get: "/v1/meters/{id}", Scope: "meters:read",
				Expect: item.Expect{Enums: map[string][]string{"unit": {"scalar", "token", "custom"}}},
				Scan:   scan.Offset{Sort: []string{"-created_at", "name"}},
				Table:  store.TableOf((*db.Queries).MetersUpsert),
			},
			Personal: map[string]Personal{"meters": {None: "name unit custom_label filter aggregation metadata"}},
			Tail:     tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
			Audit:    audit.Against{Lasting: true},
		},

		// The plain list leaves out the rows of archived meters. Polar returns them by meter. Source: customer_meter/service.py.
		{
			Stream: streams.Stream{Name: "customer_meters", Path: "/v1/customer-meters/", Get: "/v1/customer-meters/{id}", Scope: "customer_meters:read",
				Scan: scan.Offset{Sort: []string{"-created_at", "customer_id", "meter_id"},
					Each: &scan.Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}, "sorting": {"-created_at", "name"}}, Param: "meter_id"}},
				Embedded: []string{"customer", "meter"},
				Copies:   map[string]string{"customer": "customers", "meter": "meters"},
				Table:    store.TableOf((*db.Queries).CustomerMetersUpsert),
			},
			Personal: map[string]Personal{"customer_meters": {}},
			Tail: tail.Spec{
				Touched: []tail.Touch{{Event: "meter.", Field: "customer_id", Filter: "customer_id"}},
				Named:   []tail.Touch{{Event: "customer.state_changed", Field: "id", Filter: "customer_id"}},
				Fast:    []tail.Probe{tail.Modified{Then: []string{"customer_id", "meter_id"}}},
				Unseen:  "rows of archived meters",
			},
			Audit: audit.Against{Refers: []string{"customer_id", "meter_id"}, Lasting: true},
		},
	}
}

// discountStreams are discounts.
func discountStreams() []Entry {
	return []Entry{
		// A redemption does not change modified_at: a trigger of Polar's database counts it.
		{
			Stream: streams.Stream{Name: "discounts", Path: "/v1/discounts/", Get: "/v1/discounts/{id}", Scope: "discounts:read",
				Expect: item.Expect{
					Extra:  []string{"amount", "currency"},
					Sparse: []string{"amounts", "basis_points", "duration_in_months"}, // type and duration decide which of these it has
					Enums: map[string][]string{
						"type":     {"fixed", "percentage"},
						"duration": {"once", "forever", "repeating"},
					},
				},
				Scan:  scan.Offset{Sort: []string{"-created_at", "code", "name"}},
				Table: store.TableOf((*db.Queries).DiscountsUpsert),
				Children: []streams.Child{
					{Child: item.Child{Field: "products", Name: "discount_products", Parent: "discount_id", Key: "product_id", OnlyKey: true},
						Table: store.TableOf((*db.Queries).DiscountProductsUpsert)},
				},
			},
			Personal: map[string]Personal{
				"discounts":         {None: "name type duration code amounts metadata"},
				"discount_products": {},
			},
			Tail: tail.Spec{
				Hook:    "discount.",
				Touched: []tail.Touch{{Event: "order.paid", Field: "discount_id"}},
				Slow:    []tail.Probe{tail.Whole{}},
				Unseen:  unseenWhole,
			},
		},
	}
}

// subscriptionStreams are subscriptions.
func subscriptionStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "subscriptions", Path: "/v1/subscriptions/", Get: "/v1/subscriptions/{id}", Scope: "subscriptions:read",
				Expect: item.Expect{
					Extra:  []string{"price_id", "user_id"},
					Sparse: []string{"units"}, // newer than the OpenAPI document
					Enums: map[string][]string{
						"status":             {"incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"},
						"recurring_interval": intervals(),
						"customer_cancellation_reason": {"customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive",
							"unused", "other"},
					},
				},
				Blind:    "subscriptions that started at another time (maybe long before Polar had them), even if they changed in the window; and those that never started",
				Scan:     scan.Keyset{Sort: "started_at", After: "started_after", Before: "started_before", Else: []string{"customer", "product", "amount", "status", "current_period_end"}},
				Embedded: []string{"customer", "user", "product", "discount", "price"},
				Copies:   map[string]string{"customer": "customers", "product": "products", "discount": "discounts"},
				Table:    store.TableOf((*db.Queries).SubscriptionsUpsert),
				Children: []streams.Child{
					{Child: item.Child{Field: "prices", Name: "subscription_prices", Parent: "subscription_id", Key: "id", Embedded: []string{"meter"}, Expect: expectedOfPrices()},
						Table: store.TableOf((*db.Queries).SubscriptionPricesUpsert)},
					{Child: item.Child{Field: "meters", Name: "subscription_meters", Parent: "subscription_id", Key: "id", Embedded: []string{"meter"}},
						Table: store.TableOf((*db.Queries).SubscriptionMetersUpsert)},
				},
			},
			Personal: map[string]Personal{
				"subscriptions":       {Texts: "customer_cancellation_comment", Documents: "metadata custom_field_data", None: "status currency recurring_interval customer_cancellation_reason pending_update"},
				"subscription_prices": {None: "source amount_type type recurring_interval price_currency tax_behavior seat_tiers tiers unit_label"},
				"subscription_meters": {},
			},
			Tail: tail.Spec{
				Hook:    "subscription.",
				Touched: []tail.Touch{{Event: "subscription.", Field: "subscription_id"}},
				Told:    tail.Told{Event: "subscription.created"},
				Batch:   "customer_id",
				Fast:    []tail.Probe{tail.Since{}, tail.Due{Columns: []string{"current_period_end", "trial_end", "ends_at", "resumes_at"}}},
				Slow:    []tail.Probe{tail.Hot{Filter: "status", Values: []string{"past_due", "unpaid"}}, tail.Count{}}, // events tell of most changes of such subscriptions
				Unseen:  "started_at set back (imports), consumption on its meters, metadata, changes of prices and custom fields without an event",
			},
			Audit: audit.Against{Export: subscriptionsPair(), Refers: []string{"customer_id", "product_id"}, Loose: []string{"discount_id", "checkout_id"}, Lasting: true},
		},
	}
}

// orderStreams are orders and their payments.
func orderStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "orders", Path: "/v1/orders/", Get: "/v1/orders/{id}", Scope: "orders:read",
				Expect: item.Expect{
					Extra:  []string{"amount", "from_balance_amount", "user_id", "product_price_id"},
					Sparse: []string{"units"},
					Enums: map[string][]string{
						"status":         {"draft", "pending", "paid", "refunded", "partially_refunded", "void"},
						"billing_reason": {"purchase", "subscription_create", "subscription_cycle", "subscription_update", "subscription_meter_cycle"},
					},
				},
				Blind:    "orders that were created at another time, even if they changed in the window",
				Scan:     scan.Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Then: []string{"invoice_number"}, Else: []string{"customer", "product", "net_amount", "status"}},
				Embedded: []string{"customer", "user", "product", "product_price", "discount", "subscription"},
				Copies:   map[string]string{"customer": "customers", "product": "products", "discount": "discounts", "subscription": "subscriptions"},
				Table:    store.TableOf((*db.Queries).OrdersUpsert),
				Children: []streams.Child{
					{Child: item.Child{Field: "items", Name: "order_items", Parent: "order_id", Key: "id",
						Expect: item.Expect{Sparse: []string{"start_timestamp", "end_timestamp"}}}, // since October 2026
						Table: store.TableOf((*db.Queries).OrderItemsUpsert)},
				},
			},
			Personal: map[string]Personal{
				"orders":      {Texts: "billing_name billing_address", Documents: "metadata custom_field_data", None: "status billing_reason description currency platform_fee_currency invoice_number receipt_number"},
				"order_items": {None: "label"},
			},
			Tail: tail.Spec{
				Hook:    "order.",
				Touched: []tail.Touch{{Event: "order.", Field: "order_id"}, {Event: "balance.", Field: "order_id"}},
				Told:    tail.Told{Event: "order.paid", Field: "status", Value: "paid"},
				Batch:   "checkout_id subscription_id customer_id",
				Fast:    []tail.Probe{tail.Since{}, tail.Hot{Filter: "status", Values: []string{"draft", "pending"}}},
				Slow:    []tail.Probe{tail.Count{}},
				Census:  ordersPair(),
				Unseen:  "metadata, answers to custom fields, billing name and address, invoice and receipt flags",
			},
			Audit: audit.Against{Export: ordersPair(), Refers: []string{"customer_id", "product_id", "subscription_id"}, Loose: []string{"discount_id", "checkout_id"}, Lasting: true},
		},

		{
			Stream: streams.Stream{Name: "payments", Path: "/v1/payments/", Get: "/v1/payments/{id}", Scope: "payments:read",
				Expect: item.Expect{
					Sparse: []string{"method_metadata"}, // Polar sends it for methods that have any
					Enums: map[string][]string{
						"processor": {"stripe"},
						"status":    {"pending", "succeeded", "failed"},
						"trigger":   {"purchase", "subscription_cycle", "retry_dunning", "retry_customer", "retry_payment_method_update", "retry_admin"},
					},
				},
				Scan:  scan.Offset{Sort: []string{"-created_at", "amount", "method", "status"}},
				Table: store.TableOf((*db.Queries).PaymentsUpsert),
			},
			Personal: map[string]Personal{
				"payments": {Texts: "decline_message", Documents: "method_metadata processor_metadata", None: "status currency processor method trigger decline_reason"},
			},
			Tail: tail.Spec{
				Touched: []tail.Touch{{Event: "order.paid", Field: "order_id", Filter: "order_id"}},
				Fast:    []tail.Probe{tail.Head{}},
				Slow:    []tail.Probe{tail.Hot{Filter: "status", Values: []string{"pending"}}},
				Unseen:  "order_id filled in later, for an order without an event",
			},
			Audit: audit.Against{Refers: []string{"order_id"}, Loose: []string{"checkout_id"}, Lasting: true},
		},
	}
}

// afterSaleStreams are what follows an order: refunds, disputes and grants of benefits.
func afterSaleStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "disputes", Path: "/v1/disputes/", Get: "/v1/disputes/{id}", Scope: "disputes:read",
				Expect:   item.Expect{Enums: map[string][]string{"status": {"prevented", "early_warning", "needs_response", "under_review", "lost", "won"}}},
				Scan:     scan.Offset{Sort: []string{"-created_at", "amount"}},
				Embedded: []string{"customer"},
				Copies:   map[string]string{"customer": "customers"},
				Lifted:   map[string]string{"customer_id": "customer"},
				Table:    store.TableOf((*db.Queries).DisputesUpsert),
			},
			Personal: map[string]Personal{"disputes": {None: "status currency reason"}},
			Tail: tail.Spec{
				Touched: []tail.Touch{{Event: "balance.dispute", Field: "order_id", Filter: "order_id"}, {Event: "balance.dispute_reversal", Field: "order_id", Filter: "order_id"}},
				Slow:    []tail.Probe{tail.Head{}, tail.Hot{Filter: "status", Values: []string{"early_warning", "needs_response", "under_review"}}},
				Unseen:  "case_id, and changes of disputes that were over",
			},
			Audit: audit.Against{Refers: []string{"order_id", "payment_id"}, Loose: []string{"customer_id"}, Lasting: true},
		},

		// The list leaves out refunds without an order. Source: refund/repository.py.
		{
			Stream: streams.Stream{Name: "refunds", Path: "/v1/refunds/", Pick: streams.Pick{Param: "id", Column: "id"}, Scope: "refunds:read",
				Expect: item.Expect{Enums: map[string][]string{
					"status": {"pending", "succeeded", "failed", "canceled"},
					"reason": {"duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other"},
				}},
				Scan:     scan.Offset{Sort: []string{"-created_at", "amount"}},
				Embedded: []string{"dispute"},
				Copies:   map[string]string{"dispute": "disputes"},
				Lifted:   map[string]string{"dispute_id": "dispute"},
				Table:    store.TableOf((*db.Queries).RefundsUpsert),
			},
			Personal: map[string]Personal{"refunds": {Documents: "metadata", None: "status reason currency"}},
			Tail: tail.Spec{
				Hook:    "refund.",
				Touched: []tail.Touch{{Event: "order.refunded", Field: "order_id", Filter: "order_id"}, {Event: "balance.refund", Field: "order_id", Filter: "order_id"}, {Event: "balance.refund_reversal", Field: "order_id", Filter: "order_id"}},
				Batch:   "id",
				Primary: true, // server/polar/refund/endpoints.py
				Slow:    []tail.Probe{tail.Head{}},
				Unseen:  "a pending refund that fails or is canceled, and metadata, unless a webhook tells of them",
			},
			Audit: audit.Against{Refers: []string{"order_id", "customer_id"}, Loose: []string{"subscription_id", "dispute_id"}, Lasting: true},
		},

		// A webhook also brings the properties before the change. A license key that the customer chose is a secret, and so is an
		// invitation to Slack.
		{
			Stream: streams.Stream{Name: "benefit_grants", Path: "/v1/benefit-grants/", Pick: streams.Pick{Param: "customer_id", Column: "customer_id"}, Scope: "benefits:read",
				Expect:   item.Expect{Extra: []string{"user_id"}},
				Scan:     scan.Offset{Sort: []string{"-created_at", "granted_at", "revoked_at"}},
				Embedded: []string{"customer", "member", "benefit", "previous_properties"},
				Secrets:  []string{"user_provided_key", "invite_url"},
				Copies:   map[string]string{"customer": "customers", "member": "members", "benefit": "benefits"},
				Table:    store.TableOf((*db.Queries).BenefitGrantsUpsert),
			},
			Personal: map[string]Personal{"benefit_grants": {Documents: "error properties"}},
			Tail: tail.Spec{
				Hook:    "benefit_grant.",
				Touched: []tail.Touch{{Event: "benefit.", Field: "customer_id", Filter: "customer_id"}},
				Primary: true, // server/polar/benefit/grant/endpoints.py
				Slow:    []tail.Probe{tail.Head{}},
				Unseen:  "errors and properties that change without an event",
			},
			Audit: audit.Against{Refers: []string{"subscription_id", "customer_id", "benefit_id"}, Loose: []string{"order_id", "member_id"}, Lasting: true},
		},
	}
}

// checkoutStreams are the ways to buy.
func checkoutStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "checkout_links", Path: "/v1/checkout-links/", Get: "/v1/checkout-links/{id}", Scope: "checkout_links:read",
				Expect: item.Expect{
					Extra:  []string{"product_id", "product_price_id"},
					Sparse: []string{"units"},
					Enums: map[string][]string{
						"payment_processor": {"stripe"},
						"trial_interval":    intervals(),
					},
				},
				Scan:     scan.Offset{Sort: []string{"-created_at", "label", "success_url"}},
				Embedded: []string{"product", "product_price", "discount"},
				Secrets:  []string{"url"},
				Copies:   map[string]string{"discount": "discounts"},
				Table:    store.TableOf((*db.Queries).CheckoutLinksUpsert),
				Children: []streams.Child{
					{Child: item.Child{Field: "products", Name: "checkout_link_products", Parent: "checkout_link_id", Key: "product_id", OnlyKey: true},
						Table: store.TableOf((*db.Queries).CheckoutLinkProductsUpsert)},
				},
			},
			Personal: map[string]Personal{
				"checkout_links":         {None: "payment_processor success_url return_url label trial_interval metadata"},
				"checkout_link_products": {},
			},
			Tail:  tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
			Audit: audit.Against{Loose: []string{"discount_id"}},
		},

		// The default of success_url holds the client secret. Source: models/checkout.py.
		{
			Stream: streams.Stream{Name: "checkouts", Path: "/v1/checkouts/", Get: "/v1/checkouts/{id}", Scope: "checkouts:read",
				Expect: item.Expect{
					Extra:  []string{"product_price_id", "customer_billing_address_fields", "subtotal_amount"},
					Sparse: []string{"units", "min_units", "max_units", "customer_external_id"},
					Enums: map[string][]string{
						"status":                {"open", "expired", "confirmed", "succeeded", "failed"},
						"payment_processor":     {"stripe"},
						"tax_behavior":          {"inclusive", "exclusive"},
						"active_trial_interval": intervals(),
						"trial_interval":        intervals(),
					},
				},
				Scan:     scan.Offset{Sort: []string{"-created_at", "expires_at"}},
				Embedded: []string{"product", "product_price", "discount"},
				Secrets:  []string{"url", "success_url", "payment_processor_metadata"},
				Copies:   map[string]string{"product": "products", "discount": "discounts"},
				Table:    store.TableOf((*db.Queries).CheckoutsUpsert),
				Children: []streams.Child{
					{Child: item.Child{Field: "products", Name: "checkout_products", Parent: "checkout_id", Key: "product_id", OnlyKey: true},
						Table: store.TableOf((*db.Queries).CheckoutProductsUpsert)},
				},
			},
			Personal: map[string]Personal{
				"checkouts":         {Identifiers: "external_customer_id customer_external_id customer_email", Texts: "customer_name customer_billing_name customer_billing_address customer_tax_id return_url", Documents: "metadata customer_metadata custom_field_data", None: "status payment_processor embed_origin tax_behavior currency active_trial_interval trial_interval locale payment_method_type billing_address_fields prices attached_custom_fields"},
				"checkout_products": {},
			},
			Tail: tail.Spec{
				Hook:    "checkout.",
				Touched: []tail.Touch{{Event: "checkout.created", Field: "checkout_id"}},
				Slow:    []tail.Probe{tail.Head{}, tail.Hot{Filter: "status", Values: []string{"open", "confirmed"}}},
				Unseen:  "changes of sessions that were over, and of prices and fields of their products",
			},
			Audit: audit.Against{Loose: []string{"product_id", "discount_id", "customer_id", "subscription_id"}},
			OptIn: "most sessions are abandoned, and new ones come all the time",
		},
	}
}
