package mirror

import (
	"context"
	"net/url"
	"slices"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// Stream is one mirrored Polar resource, as data: where it is listed, in which
// order it is read so that nothing is lost, and which table it goes to. One
// runner serves all of them.
type Stream struct {
	Name  string     // of the stream and of its table
	Path  string     // of the list endpoint, with the exact trailing slash
	Get   string     // path of one object, with {id} and other columns of the row; "" where there is none
	Pick  Pick       // how single objects are found where there is no Get
	Ours  string     // path of one object by ids of the user's own system; "" where there is none
	Scope string     // that the token needs
	Query url.Values // parameters of every list request; nil for most
	Scan  fetch.Scan // order in which the list is read
	Table Table      // columns, and how a row is written

	// Embedded names fields that are copies of other mirrored objects. They are
	// live joins made when the reply was rendered, so storing them would make
	// every order "change" when a product is renamed. They are dropped; the
	// object's own stream has them. Where an object does not name its organization,
	// the first of these that does tells whose it is.
	Embedded []string
	// Whose is the field that names the organization of an object; "" = organization_id.
	Whose string
	// Secrets names fields that are secrets, beside those that are so everywhere.
	// They are taken out of an item, at any depth, before anything is done with it.
	Secrets []string
	// Copies names those of Embedded whose stream is mirrored too. Where that
	// stream has no such row (deleted or hidden in Polar, yet referred to), the
	// copy is stored in its place, and marked. Its runs come first in a sync.
	Copies map[string]string
	// Lifted gives a column the id of a copy, where Polar sends that id nowhere
	// else: customer_id: customer.
	Lifted map[string]string
	// Children are lists without an endpoint of their own.
	Children []Child
	// Parents are the streams for each of whose rows the list is read, where Polar
	// has no list for all; with a fetch.Nested. They come first in the table.
	Parents []Parent
	// Of are the streams whose rows those of an export belong to; their runs come
	// first in a sync. Link finds out which row belongs to which, after a complete
	// sweep.
	Of   []string
	Link func(*db.Queries, context.Context) error
	// Snapshot: one reply is the whole list as it was at one moment, and proven to
	// be. A row that it lacks is gone from it; there is nothing to ask again.
	Snapshot bool
	// OptIn says why the stream is off unless it is asked for; "" = it is on.
	OptIn string
	Tail  Tail // how it is followed between sweeps; empty: not at all
	// Optional: Polar is known to refuse this list to some tokens. A refusal is
	// reported and is no failure.
	Optional bool
	// Schedule is when the stream is swept unless the settings say otherwise, as package sched has it; "" = once a night.
	Schedule string
	// Refers are the columns that name rows of other streams which the mirror has to have, and Loose those of which Polar
	// may hide or delete the row. Together they are all of them: order_id names a row of orders.
	Refers, Loose []string
	// Lasting: Polar never deletes such a row.
	Lasting bool
	// Blind says what a window of time of the list does not show; "" where there are no windows of it.
	Blind string
	// Export tells how rows are compared with those of their export; nil = they have none.
	Export *store.Pair
	Expect item.Expect // what is known of the objects beside their columns
}

// Pick is a filter of a list that finds single objects: those whose column has the value given.
type Pick struct {
	Param  string // of the list; may be repeated; "" = there is no such filter
	Column string // of the row: id, or customer_id to find the objects of the customer
}

// Child is a list inside an item whose elements go to a table of their own.
type Child struct {
	Field    string   // of the parent that holds the list
	Name     string   // of the table
	Parent   string   // column that holds the parent's id
	Key      string   // column that holds the element's own id; "id" unless it is renamed
	Embedded []string // fields of the element that are not kept
	// OnlyKey: the elements are copies of other mirrored objects; only which ones
	// they are is kept, in their order.
	OnlyKey bool
	Table   Table
	Expect  item.Expect
}

// shape says what becomes of the fields of the stream's objects.
func (s Stream) shape() *item.Shape {
	spec := item.Spec{Columns: s.Table.Columns, Embedded: s.Embedded, Whose: s.Whose, Secrets: s.Secrets, Lifted: s.Lifted, Expect: s.Expect}
	for _, c := range s.Children {
		spec.Children = append(spec.Children, item.Child{
			Field: c.Field, Name: c.Name, Parent: c.Parent, Key: c.Key, Embedded: c.Embedded, OnlyKey: c.OnlyKey, Columns: c.Table.Columns, Expect: c.Expect,
		})
	}
	return item.NewShape(spec)
}

// weekly is the schedule of what costs most, where it is on.
const weekly = "0 5 * * 0"

// unseenWhole: a list that the tail reads as a whole.
const unseenWhole = "nothing, while the list fits into one page; then all changes"

// Streams is the table of streams: the only place where a path of Polar's API
// meets a table. Parents come before what refers to them.
//
// A list that filters by time is read from its oldest row to its newest, each
// page from the time where the last one ended. One without such a filter is read
// by page number from its newest row to its oldest, so that new rows land where
// they hide nothing: see fetch.Offset. No list has a tie-breaker of its own, so a
// near-unique second criterion narrows the ties where there is one.
// Source: server/polar/*/sorting.py and kit/repository/base.py in polarsource/polar.
func Streams() []Stream {
	return append([]Stream{
		{Name: "organizations", Path: "/v1/organizations/", Get: "/v1/organizations/{id}", Scope: "organizations:read", Whose: "id",
			Expect: item.Expect{
				Extra: []string{"bio", "company", "blog", "location", "twitter_username", "pledge_minimum_amount", "pledge_badge_show_amount",
					"default_upfront_split_to_contributors", "notification_settings"},
				Enums: map[string][]string{
					"status":               {"created", "review", "snoozed", "denied", "active", "blocked", "offboarding", "offboarded"},
					"proration_behavior":   {"invoice", "prorate", "next_period", "reset"},
					"default_tax_behavior": {"location", "inclusive", "exclusive"},
				},
			},
			Scan:  fetch.Offset{Sort: []string{"-created_at", "slug"}},
			Table: rows((*db.Queries).OrganizationsUpsert),
			Tail:  Tail{Hook: "organization.", Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		{Name: "benefits", Path: "/v1/benefits/", Get: "/v1/benefits/{id}", Scope: "benefits:read",
			Expect: item.Expect{
				Extra: []string{"is_tax_applicable"},
				Enums: map[string][]string{
					"type":       {"custom", "discord", "github_repository", "downloadables", "license_keys", "meter_credit", "feature_flag", "slack_shared_channel"},
					"visibility": {"draft", "private", "public"},
				},
			},
			Scan:  fetch.Offset{Sort: []string{"-created_at", "description"}},
			Table: rows((*db.Queries).BenefitsUpsert),
			Tail:  Tail{Hook: "benefit.", Batch: "id", Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		{Name: "custom_fields", Path: "/v1/custom-fields/", Get: "/v1/custom-fields/{id}", Scope: "custom_fields:read",
			Expect: item.Expect{Enums: map[string][]string{"type": {"text", "number", "date", "checkbox", "select"}}},
			Scan:   fetch.Offset{Sort: []string{"-created_at", "slug"}},
			Table:  rows((*db.Queries).CustomFieldsUpsert),
			Tail:   Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		// The list has no order at all, so any page may repeat rows of another one:
		// it is whole when as many different rows came as Polar counts. Source:
		// file/repository.py.
		{Name: "files", Path: "/v1/files/", Pick: Pick{"ids", "id"}, Scope: "files:read",
			Expect: item.Expect{
				Sparse: []string{"flagged_malicious_at", "public_url"}, // of the services that have any
				Enums:  map[string][]string{"service": {"downloadable", "product_media", "organization_avatar", "support_case_attachment"}},
			},
			Scan:  fetch.Offset{},
			Table: rows((*db.Queries).FilesUpsert),
			Tail:  Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		{Name: "products", Path: "/v1/products/", Get: "/v1/products/{id}", Scope: "products:read",
			Expect: item.Expect{Enums: map[string][]string{
				"visibility":         {"draft", "private", "public"},
				"recurring_interval": intervals(),
				"meter_interval":     intervals(),
				"trial_interval":     intervals(),
			}},
			Lasting: true,
			Scan:    fetch.Offset{Sort: []string{"-created_at", "name"}},
			Table:   rows((*db.Queries).ProductsUpsert),
			Tail:    Tail{Hook: "product.", Batch: "id", Slow: []Probe{Whole{}}, Unseen: unseenWhole},
			Children: []Child{
				// The list holds current catalogue prices only: a price that leaves
				// it is still pointed at by orders and subscriptions.
				{Field: "prices", Name: "product_prices", Parent: "product_id", Key: "id", Embedded: []string{"meter"}, Expect: expectedOfPrices(),
					Table: rows((*db.Queries).ProductPricesUpsert)},
				{Field: "benefits", Name: "product_benefits", Parent: "product_id", Key: "benefit_id", OnlyKey: true,
					Table: rows((*db.Queries).ProductBenefitsUpsert)},
			}},

		{Name: "customers", Path: "/v1/customers/", Get: "/v1/customers/{id}",
			Ours: "/v1/customers/external/{external_id}", Scope: "customers:read",
			Expect: item.Expect{Enums: map[string][]string{"type": {"individual", "team"}}},
			Export: customersPair(),
			Scan:   fetch.Offset{Sort: []string{"-created_at", "email"}},
			Table:  rows((*db.Queries).CustomersUpsert),
			Tail: Tail{Hook: "customer.", Touched: []Touch{{"customer.", "customer_id", ""}}, Told: Told{Event: "customer.created"}, Fast: []Probe{Head{}}, Census: true,
				Unseen: "changes without an event: avatar_url, first_user_event_at, default_payment_method_id"}},

		{Name: "members", Path: "/v1/members/", Get: "/v1/customers/{customer_id}/members/{id}",
			Ours: "/v1/customers/external/{external_id}/members/{member_external_id}", Scope: "members:read",
			Expect: item.Expect{Enums: map[string][]string{"role": {"owner", "billing_manager", "member"}}},
			Refers: []string{"customer_id"},
			Scan:   fetch.Offset{Sort: []string{"-created_at"}},
			Table:  rows((*db.Queries).MembersUpsert),
			Tail: Tail{Hook: "member.", Touched: []Touch{{"customer.", "customer_id", "customer_id"}}, Batch: "customer_id", Slow: []Probe{Head{}},
				Unseen: "changes of members whose customer has no event, unless a webhook tells of them"}},

		{Name: "meters", Path: "/v1/meters/", Get: "/v1/meters/{id}", Scope: "meters:read",
			Expect:  item.Expect{Enums: map[string][]string{"unit": {"scalar", "token", "custom"}}},
			Lasting: true,
			Scan:    fetch.Offset{Sort: []string{"-created_at", "name"}},
			Table:   rows((*db.Queries).MetersUpsert),
			Tail:    Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		// The plain list leaves out the rows of archived meters; asked for by
		// meter, they come. Source: customer_meter/service.py.
		{Name: "customer_meters", Path: "/v1/customer-meters/", Get: "/v1/customer-meters/{id}", Scope: "customer_meters:read",
			Refers:  []string{"customer_id", "meter_id"},
			Lasting: true,
			Scan: fetch.Offset{Sort: []string{"-created_at", "customer_id", "meter_id"},
				Each: &fetch.Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}, "sorting": {"-created_at", "name"}}, Param: "meter_id"}},
			Embedded: []string{"customer", "meter"},
			Copies:   map[string]string{"customer": "customers", "meter": "meters"},
			Table:    rows((*db.Queries).CustomerMetersUpsert),
			Tail: Tail{Touched: []Touch{{"meter.", "customer_id", "customer_id"}}, Fast: []Probe{Modified{Then: []string{"customer_id", "meter_id"}}},
				Unseen: "rows of archived meters"}},

		// A redemption does not move modified_at: a trigger of the database counts it.
		{Name: "discounts", Path: "/v1/discounts/", Get: "/v1/discounts/{id}", Scope: "discounts:read",
			Expect: item.Expect{
				Extra:  []string{"amount", "currency"},
				Sparse: []string{"amounts", "basis_points", "duration_in_months"}, // which follow from type and duration
				Enums: map[string][]string{
					"type":     {"fixed", "percentage"},
					"duration": {"once", "forever", "repeating"},
				},
			},
			Scan:  fetch.Offset{Sort: []string{"-created_at", "code", "name"}},
			Table: rows((*db.Queries).DiscountsUpsert),
			Tail:  Tail{Hook: "discount.", Touched: []Touch{{"order.paid", "discount_id", ""}}, Slow: []Probe{Whole{}}, Unseen: unseenWhole},
			Children: []Child{
				{Field: "products", Name: "discount_products", Parent: "discount_id", Key: "product_id", OnlyKey: true,
					Table: rows((*db.Queries).DiscountProductsUpsert)},
			}},

		{Name: "subscriptions", Path: "/v1/subscriptions/", Get: "/v1/subscriptions/{id}", Scope: "subscriptions:read",
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
			Refers:   []string{"customer_id", "product_id"},
			Loose:    []string{"discount_id", "checkout_id"},
			Lasting:  true,
			Blind:    "subscriptions that started at another time, which may be long before Polar had them, whatever has changed in them since; and those that never started",
			Export:   subscriptionsPair(),
			Scan:     fetch.Keyset{Sort: "started_at", After: "started_after", Before: "started_before", Else: []string{"customer", "product", "amount", "status", "current_period_end"}},
			Embedded: []string{"customer", "user", "product", "discount", "price"},
			Copies:   map[string]string{"customer": "customers", "product": "products", "discount": "discounts"},
			Table:    rows((*db.Queries).SubscriptionsUpsert),
			Tail: Tail{Hook: "subscription.", Touched: []Touch{{"subscription.", "subscription_id", ""}}, Told: Told{Event: "subscription.created"}, Batch: "customer_id",
				Fast:   []Probe{Since{}, Due{[]string{"current_period_end", "trial_end", "ends_at", "resumes_at"}}},
				Slow:   []Probe{Hot{"status", []string{"past_due", "unpaid"}}, Count{}}, // events tell of most that such a subscription comes to
				Unseen: "started_at set back (imports), consumption on its meters, metadata, changes of prices and custom fields without an event"},
			Children: []Child{
				{Field: "prices", Name: "subscription_prices", Parent: "subscription_id", Key: "id", Embedded: []string{"meter"}, Expect: expectedOfPrices(),
					Table: rows((*db.Queries).SubscriptionPricesUpsert)},
				{Field: "meters", Name: "subscription_meters", Parent: "subscription_id", Key: "id", Embedded: []string{"meter"},
					Table: rows((*db.Queries).SubscriptionMetersUpsert)},
			}},

		{Name: "orders", Path: "/v1/orders/", Get: "/v1/orders/{id}", Scope: "orders:read",
			Expect: item.Expect{
				Extra:  []string{"amount", "from_balance_amount", "user_id", "product_price_id"},
				Sparse: []string{"units"},
				Enums: map[string][]string{
					"status":         {"draft", "pending", "paid", "refunded", "partially_refunded", "void"},
					"billing_reason": {"purchase", "subscription_create", "subscription_cycle", "subscription_update", "subscription_meter_cycle"},
				},
			},
			Refers:   []string{"customer_id", "product_id", "subscription_id"},
			Loose:    []string{"discount_id", "checkout_id"},
			Lasting:  true,
			Blind:    "orders that were created at another time, whatever has changed in them since",
			Export:   ordersPair(),
			Scan:     fetch.Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Then: []string{"invoice_number"}, Else: []string{"customer", "product", "net_amount", "status"}},
			Embedded: []string{"customer", "user", "product", "product_price", "discount", "subscription"},
			Copies:   map[string]string{"customer": "customers", "product": "products", "discount": "discounts", "subscription": "subscriptions"},
			Table:    rows((*db.Queries).OrdersUpsert),
			Tail: Tail{Hook: "order.", Touched: []Touch{{"order.", "order_id", ""}, {"balance.", "order_id", ""}}, Told: Told{"order.paid", "status", "paid"}, Batch: "customer_id",
				Fast:   []Probe{Since{}, Hot{"status", []string{"draft", "pending"}}},
				Slow:   []Probe{Count{}},
				Census: true,
				Unseen: "metadata, answers to custom fields, billing name and address, invoice and receipt flags, a renamed product's description"},
			Children: []Child{
				{Field: "items", Name: "order_items", Parent: "order_id", Key: "id",
					Table: rows((*db.Queries).OrderItemsUpsert)},
			}},

		{Name: "payments", Path: "/v1/payments/", Get: "/v1/payments/{id}", Scope: "payments:read",
			Expect: item.Expect{
				Sparse: []string{"method_metadata"}, // of payments whose method has any
				Enums: map[string][]string{
					"processor": {"stripe"},
					"status":    {"pending", "succeeded", "failed"},
					"trigger":   {"purchase", "subscription_cycle", "retry_dunning", "retry_customer", "retry_payment_method_update", "retry_admin"},
				},
			},
			Refers:  []string{"order_id"},
			Loose:   []string{"checkout_id"},
			Lasting: true,
			Scan:    fetch.Offset{Sort: []string{"-created_at", "amount", "method", "status"}},
			Table:   rows((*db.Queries).PaymentsUpsert),
			Tail: Tail{Touched: []Touch{{"order.paid", "order_id", "order_id"}}, Fast: []Probe{Head{}}, Slow: []Probe{Hot{"status", []string{"pending"}}},
				Unseen: "order_id filled in later, for an order without an event"}},

		{Name: "disputes", Path: "/v1/disputes/", Get: "/v1/disputes/{id}", Scope: "disputes:read",
			Expect:   item.Expect{Enums: map[string][]string{"status": {"prevented", "early_warning", "needs_response", "under_review", "lost", "won"}}},
			Refers:   []string{"order_id", "payment_id"},
			Loose:    []string{"customer_id"},
			Lasting:  true,
			Scan:     fetch.Offset{Sort: []string{"-created_at", "amount"}},
			Embedded: []string{"customer"},
			Copies:   map[string]string{"customer": "customers"},
			Lifted:   map[string]string{"customer_id": "customer"},
			Table:    rows((*db.Queries).DisputesUpsert),
			Tail: Tail{Touched: []Touch{{"balance.dispute", "order_id", "order_id"}, {"balance.dispute_reversal", "order_id", "order_id"}},
				Slow:   []Probe{Head{}, Hot{"status", []string{"early_warning", "needs_response", "under_review"}}},
				Unseen: "case_id, and changes of disputes that were over"}},

		// A refund without an order is not listed. Source: refund/repository.py.
		{Name: "refunds", Path: "/v1/refunds/", Pick: Pick{"id", "id"}, Scope: "refunds:read",
			Expect: item.Expect{Enums: map[string][]string{
				"status": {"pending", "succeeded", "failed", "canceled"},
				"reason": {"duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other"},
			}},
			Refers:   []string{"order_id", "customer_id"},
			Loose:    []string{"subscription_id", "dispute_id"},
			Lasting:  true,
			Scan:     fetch.Offset{Sort: []string{"-created_at", "amount"}},
			Embedded: []string{"dispute"},
			Copies:   map[string]string{"dispute": "disputes"},
			Lifted:   map[string]string{"dispute_id": "dispute"},
			Table:    rows((*db.Queries).RefundsUpsert),
			Tail: Tail{Hook: "refund.", Touched: []Touch{{"order.refunded", "order_id", "order_id"}, {"balance.refund", "order_id", "order_id"}, {"balance.refund_reversal", "order_id", "order_id"}},
				Batch: "id", Slow: []Probe{Head{}},
				Unseen: "a pending refund that fails or is canceled, and metadata, unless a webhook tells of them"}},

		// A webhook brings the properties before the change as well. A license key
		// that the customer chose is a secret, and so is an invitation into Slack.
		{Name: "benefit_grants", Path: "/v1/benefit-grants/", Pick: Pick{"customer_id", "customer_id"}, Scope: "benefits:read",
			Expect:   item.Expect{Extra: []string{"user_id"}},
			Refers:   []string{"subscription_id", "customer_id", "benefit_id"},
			Loose:    []string{"order_id", "member_id"},
			Lasting:  true,
			Scan:     fetch.Offset{Sort: []string{"-created_at", "granted_at", "revoked_at"}},
			Embedded: []string{"customer", "member", "benefit", "previous_properties"},
			Secrets:  []string{"user_provided_key", "invite_url"},
			Copies:   map[string]string{"customer": "customers", "member": "members", "benefit": "benefits"},
			Table:    rows((*db.Queries).BenefitGrantsUpsert),
			Tail: Tail{Hook: "benefit_grant.", Touched: []Touch{{"benefit.", "customer_id", "customer_id"}}, Slow: []Probe{Head{}},
				Unseen: "errors and properties that change without an event"}},

		{Name: "checkout_links", Path: "/v1/checkout-links/", Get: "/v1/checkout-links/{id}", Scope: "checkout_links:read",
			Expect: item.Expect{
				Extra:  []string{"product_id", "product_price_id"},
				Sparse: []string{"units"},
				Enums: map[string][]string{
					"payment_processor": {"stripe"},
					"trial_interval":    intervals(),
				},
			},
			Loose:    []string{"discount_id"},
			Scan:     fetch.Offset{Sort: []string{"-created_at", "label", "success_url"}},
			Embedded: []string{"product", "product_price", "discount"},
			Secrets:  []string{"url"},
			Copies:   map[string]string{"discount": "discounts"},
			Table:    rows((*db.Queries).CheckoutLinksUpsert),
			Tail:     Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole},
			Children: []Child{
				{Field: "products", Name: "checkout_link_products", Parent: "checkout_link_id", Key: "product_id", OnlyKey: true,
					Table: rows((*db.Queries).CheckoutLinkProductsUpsert)},
			}},

		// The default of success_url holds the client secret. Source: models/checkout.py.
		{Name: "checkouts", Path: "/v1/checkouts/", Get: "/v1/checkouts/{id}", Scope: "checkouts:read",
			Expect: item.Expect{
				Extra:  []string{"product_price_id", "customer_billing_address_fields", "subtotal_amount"},
				Sparse: []string{"units", "min_units", "max_units"},
				Enums: map[string][]string{
					"status":                {"open", "expired", "confirmed", "succeeded", "failed"},
					"payment_processor":     {"stripe"},
					"tax_behavior":          {"inclusive", "exclusive"},
					"active_trial_interval": intervals(),
					"trial_interval":        intervals(),
				},
			},
			Loose:    []string{"product_id", "discount_id", "customer_id", "subscription_id"},
			Scan:     fetch.Offset{Sort: []string{"-created_at", "expires_at"}},
			Embedded: []string{"product", "product_price", "discount"},
			Secrets:  []string{"url", "success_url", "payment_processor_metadata"},
			Copies:   map[string]string{"product": "products", "discount": "discounts"},
			Table:    rows((*db.Queries).CheckoutsUpsert),
			OptIn:    "most sessions are abandoned, and more come all the time",
			Tail: Tail{Hook: "checkout.", Touched: []Touch{{"checkout.created", "checkout_id", ""}}, Slow: []Probe{Head{}, Hot{"status", []string{"open", "confirmed"}}},
				Unseen: "changes of sessions that were over, and of prices and fields of their products"},
			Children: []Child{
				{Field: "products", Name: "checkout_products", Parent: "checkout_id", Key: "product_id", OnlyKey: true,
					Table: rows((*db.Queries).CheckoutProductsUpsert)},
			}},

		{Name: "metric_dashboards", Path: "/v1/metrics/dashboards", Get: "/v1/metrics/dashboards/{id}", Scope: "metrics:read",
			Scan:  fetch.Array{},
			Table: rows((*db.Queries).MetricDashboardsUpsert),
			Tail:  Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		{Name: "metrics", Path: "/v1/metrics/", Scope: "metrics:read",
			Schedule: "@every 1h", // they change by the hour, and cost a handful of requests whatever the size of the organization
			Blind:    "what changes later: Polar computes past periods again as late events and refunds come in",
			Scan:     fetch.Metrics{Intervals: []string{"day", "month"}},
			Table:    rows((*db.Queries).MetricsUpsert),
			Tail:     Tail{Unseen: "everything: metrics cost a few requests whatever their number, and are swept hourly instead"}},

		// A URL of Slack or Discord is all that it takes to post there, and others
		// may hold a key: it is a secret like the one that signs.
		{Name: "webhook_endpoints", Path: "/v1/webhooks/endpoints", Get: "/v1/webhooks/endpoints/{id}", Scope: "webhooks:read",
			Expect:  item.Expect{Enums: map[string][]string{"format": {"raw", "discord", "slack"}}},
			Scan:    fetch.Offset{Fixed: []string{"-created_at"}},
			Secrets: []string{"secret", "url"},
			Table:   rows((*db.Queries).WebhookEndpointsUpsert),
			Tail:    Tail{Slow: []Probe{Whole{}}, Unseen: unseenWhole}},

		// Since 2026-06-22 Polar answers this list to web sessions only.
		// Source: organization_access_token/auth.py.
		{Name: "organization_access_tokens", Path: "/v1/organization-access-tokens/", Scope: "organization_access_tokens:read",
			Scan:     fetch.Offset{Sort: []string{"-created_at", "comment"}},
			Embedded: []string{"token"},
			Table:    rows((*db.Queries).OrganizationAccessTokensUpsert),
			Tail:     Tail{Unseen: "everything"},
			Optional: true},
	}, slices.Concat(ownedStreams(), eventStreams(), exportStreams())...)
}
