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

// ownedStreams are the streams that Polar lists for one owner at a time, and owners that serve only for that.
func ownedStreams() []Entry {
	return []Entry{
		// The list is in order of creation. Each validation of a key changes its modified_at.
		{
			Stream: streams.Stream{Name: "license_keys", Path: "/v1/license-keys/", Get: "/v1/license-keys/{id}", Scope: "license_keys:read",
				Expect: item.Expect{
					Extra:  []string{"user_id"},                                  // undocumented, as is user
					Sparse: []string{"member_id", "subscription_id", "order_id"}, // of the versions from 2026-10 and from 2027-01 on
					Enums:  map[string][]string{"status": {"granted", "revoked", "disabled"}},
				},
				Scan:     scan.Offset{Fixed: []string{"created_at"}},
				Embedded: []string{"user", "customer", "activations", "member", "subscription", "order"},
				Secrets:  []string{"key"},
				Copies:   map[string]string{"customer": "customers"},
				Table:    store.TableOf((*db.Queries).LicenseKeysUpsert),
			},
			Personal: map[string]Personal{"license_keys": {Texts: "display_key", None: "status"}},
			Tail:     tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
			Audit:    audit.Against{Refers: []string{"benefit_id"}, Loose: []string{"customer_id", "member_id", "subscription_id", "order_id"}},
		},

		// Only a key fetched by its id has its activations. Source: license_key/endpoints.py.
		{
			Stream: streams.Stream{Name: "license_key_activations", Path: "/v1/license-keys/{license_key_id}", Get: "/v1/license-keys/{license_key_id}/activations/{id}", Scope: "license_keys:read",
				Scan:     scan.Nested{Field: "activations"},
				Parents:  []streams.Parent{{Stream: "license_keys", Column: "license_key_id"}},
				Embedded: []string{"license_key"},
				Secrets:  []string{"key"},
				Table:    store.TableOf((*db.Queries).LicenseKeyActivationsUpsert),
			},
			Personal: map[string]Personal{"license_key_activations": {Texts: "label", Documents: "meta"}},
			Tail:     tail.Spec{Unseen: "everything"},
			Audit:    audit.Against{Loose: []string{"license_key_id"}},
			Schedule: weekly,
			OptIn:    "it costs one request for each license key",
		},

		// The endpoint needs a subscription or an order. An order of a subscription has no seats of its own. Source:
		// customer_seat/endpoints.py.
		{
			Stream: streams.Stream{Name: "customer_seats", Path: "/v1/customer-seats", Scope: "customer_seats:read",
				Expect: item.Expect{Enums: map[string][]string{"status": {"pending", "claimed", "revoked"}}},
				Scan:   scan.Nested{Field: "seats"},
				Parents: []streams.Parent{
					{Stream: "subscriptions", Where: "seats IS NOT NULL", Column: "subscription_id", Price: "seat_based"},
					{Stream: "orders", Where: "seats IS NOT NULL AND subscription_id IS NULL", Column: "order_id", Price: "seat_based", Filter: url.Values{"product_billing_type": {"one_time"}}},
				},
				Embedded: []string{"member"},
				Copies:   map[string]string{"member": "members"},
				Table:    store.TableOf((*db.Queries).CustomerSeatsUpsert),
			},
			Personal: map[string]Personal{"customer_seats": {Identifiers: "email customer_email", Documents: "seat_metadata", None: "status"}},
			Tail: tail.Spec{Hook: "customer_seat.", Primary: true, // server/polar/customer_seat/endpoints.py
				Slow:   []tail.Probe{tail.Seats{}},
				Unseen: "what leaves the number of seats of a customer as it is: other e-mail addresses and metadata, a pending seat for somebody else; unless a webhook tells of it"},
			Audit: audit.Against{Loose: []string{"subscription_id", "order_id", "customer_id", "member_id"}},
		},

		{
			Stream: streams.Stream{Name: "payment_methods", Path: "/v1/customers/{customer_id}/payment-methods", Scope: "customers:read",
				Expect:  item.Expect{Sparse: []string{"method_metadata"}, Enums: map[string][]string{"processor": {"stripe"}}},
				Scan:    scan.Nested{Fixed: []string{"-created_at"}},
				Parents: []streams.Parent{{Stream: "customers", Column: "customer_id"}},
				Table:   store.TableOf((*db.Queries).PaymentMethodsUpsert),
			},
			Personal: map[string]Personal{"payment_methods": {Documents: "method_metadata", None: "processor type"}},
			Tail:     tail.Spec{Unseen: "everything"},
			Audit:    audit.Against{Loose: []string{"customer_id"}},
			Schedule: weekly,
			OptIn:    "it costs one request for each customer",
		},
	}
}

// bookings are the names of the events that make up the balance. Source: server/polar/event/system.py.
func bookings() []string {
	return []string{"balance.order", "balance.credit_order", "balance.refund", "balance.refund_reversal", "balance.dispute", "balance.dispute_reversal"}
}

// eventStreams are the events that Polar records.
func eventStreams() []Entry {
	return []Entry{
		// Which members the metadata have follows from the kind; the texts of product_id may be "None". Sources: event/system.py,
		// transaction/service/refund.py.
		{
			Stream: streams.Stream{Name: "balance_events", Path: "/v1/events/", Get: "/v1/events/{id}", Scope: "events:read",
				Query:  url.Values{"source": {"system"}, "name": bookings()},
				Expect: item.Expect{Enums: map[string][]string{"name": bookings()}},
				Blind:  "payments of orders that were created before the window. An order may be paid weeks later, and its payment has its date",
				Scan:   scan.Windows{Field: "timestamp", After: "start_timestamp", Before: "end_timestamp", Split: []string{"name", "customer_id"}},
				Inside: item.Inside{
					Field: "metadata", Null: "None",
					Columns: []string{"transaction_id", "order_id", "order_created_at", "subscription_id", "product_id", "refund_id", "dispute_id", "amount", "currency",
						"net_amount", "presentment_amount", "presentment_currency", "refundable_amount", "tax_amount", "tax_state", "tax_country", "fee", "exchange_rate"},
					Expect: item.Expect{Sparse: []string{"transaction_id", "order_id", "order_created_at", "subscription_id", "product_id", "refund_id", "dispute_id",
						"net_amount", "presentment_amount", "presentment_currency", "refundable_amount", "tax_state", "tax_country", "exchange_rate"}},
				},
				// Beside the customer: ids that are the customer's and the member's, words for the name, and a count of parts.
				Embedded: []string{"customer", "external_customer_id", "external_member_id", "label", "source", "child_count"},
				Copies:   map[string]string{"customer": "customers"},
				Table:    store.TableOf((*db.Queries).BalanceEventsUpsert),
			},
			Personal: map[string]Personal{"balance_events": {Regions: "tax_state", None: "name currency presentment_currency tax_country"}},
			Tail: tail.Spec{
				Carried: "balance.",
				// The payment of an order that was not paid at once has the date of the order.
				Touched: []tail.Touch{{Event: "order.paid", Field: "customer_id", Filter: "customer_id", Unless: "order_id"}},
				Unseen:  "the payment of an order that was paid more than ten minutes after its creation, where Polar writes it after the round that sees `order.paid`",
			},
			Audit:     audit.Against{Refers: []string{"order_id"}, Loose: []string{"customer_id", "member_id", "subscription_id", "product_id", "refund_id", "dispute_id"}},
			Schedule:  weekly,
			NoHistory: "an event never changes",
		},

		// There is no Get: an event fetched by its id says that it has no children. Source: event/service.py.
		{
			Stream: streams.Stream{Name: "events", Path: "/v1/events/", Scope: "events:read",
				Expect:   item.Expect{Enums: map[string][]string{"source": {"system", "user"}}},
				Blind:    "events with another timestamp. The sender sets it, so an event of the window may arrive years later",
				Scan:     scan.Windows{Field: "timestamp", After: "start_timestamp", Before: "end_timestamp", Split: []string{"source", "name", "customer_id"}},
				Embedded: []string{"customer"},
				Copies:   map[string]string{"customer": "customers"},
				Table:    store.TableOf((*db.Queries).EventsUpsert),
				Months:   "timestamp",
			},
			Personal: map[string]Personal{
				"events": {Identifiers: "external_customer_id external_member_id", Documents: "metadata", None: "name label source"},
			},
			Tail: tail.Spec{
				Slow:   []tail.Probe{tail.Recent{}},
				Unseen: "events that are sent with a time more than ten minutes before the newest one",
			},
			Audit:     audit.Against{Loose: []string{"customer_id", "member_id"}},
			Schedule:  weekly,
			OptIn:     "there may be very many, and more come all the time",
			NoHistory: "an event never changes",
		},
	}
}
