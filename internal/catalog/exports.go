package catalog

import (
	"syncd/internal/fetch/scan"
	"syncd/internal/fetch/scan/sheet"
	"syncd/internal/item"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/tail"
)

// exportStreams are the CSV exports: the same objects through another code path of Polar's, for audits. Source:
// server/polar/*/export.py, customer/endpoints.py and metrics/endpoints.py, in polarsource/polar.
func exportStreams() []Entry {
	// They are read a little after the sweeps, so that the rows that they belong to are stored.
	const unseen = "everything: a file is read as a whole"
	const noHistory = "its rows show what others do, to be compared with them"
	return []Entry{
		{
			Stream: streams.Stream{Name: "customers_export", Path: "/v1/customers/export", Scope: "customers:read",
				Scan: scan.Export{Of: "/v1/customers/", Columns: customerColumns(), Key: [][]string{{"id"}}},
				Of:   []string{"customers"}, Snapshot: true, Link: (*db.Queries).CustomersExportLink,
				Table: store.TableOf((*db.Queries).CustomersExportUpsert),
			},
			Personal: map[string]Personal{
				"customers_export": {Identifiers: "external_id email", Texts: "name tax_id tax_id_text billing_line1 billing_line2 billing_city billing_postal_code", Documents: "metadata", Regions: "billing_state", None: "billing_country"},
			},
			Tail:      tail.Spec{Unseen: unseen},
			Schedule:  "20 4 * * *",
			NoHistory: noHistory,
		},

		// An order has no number while it is a draft.
		{
			Stream: streams.Stream{Name: "orders_export", Path: "/v1/orders/export", Scope: "orders:read",
				Scan: scan.Export{Of: "/v1/orders/", Columns: orderColumns(), Order: "created_at", Key: [][]string{{"invoice_number"}, {"created_at", "email"}},
					Choose: []string{"email", "created_at", "product", "net_amount", "currency", "status", "invoice_number", "customer_name", "billing_name",
						"billing_country", "subtotal_amount", "discount_amount", "tax_amount", "total_amount", "refunded_amount", "billing_reason"}},
				Of: []string{"customers", "orders"}, Snapshot: true, Link: (*db.Queries).OrdersExportLink,
				Table: store.TableOf((*db.Queries).OrdersExportUpsert),
			},
			Personal: map[string]Personal{
				"orders_export": {Identifiers: "email", Texts: "customer_name billing_name", None: "product currency status invoice_number billing_country billing_reason"},
			},
			Tail:      tail.Spec{Unseen: unseen},
			Schedule:  "25 4 * * *",
			NoHistory: noHistory,
		},

		{
			Stream: streams.Stream{Name: "subscriptions_export", Path: "/v1/subscriptions/export", Scope: "subscriptions:read",
				Expect: item.Expect{Sparse: []string{"active"}},
				Scan: scan.Export{Of: "/v1/subscriptions/", Columns: subscriptionColumns(), Order: "started_at", Key: [][]string{{"started_at", "email", "product"}},
					Choose: []string{"email", "started_at", "product", "amount", "currency", "status", "recurring_interval", "customer_name", "billing_name",
						"billing_country", "net_amount", "discount", "seats", "current_period_start", "current_period_end", "cancel_at_period_end",
						"canceled_at", "ends_at", "ended_at", "cancellation_reason", "trial_start", "trial_end"}},
				Of: []string{"customers", "products", "subscriptions"}, Snapshot: true, Link: (*db.Queries).SubscriptionsExportLink,
				Table: store.TableOf((*db.Queries).SubscriptionsExportUpsert),
			},
			Personal: map[string]Personal{
				"subscriptions_export": {Identifiers: "email", Texts: "customer_name billing_name", None: "product currency status recurring_interval billing_country discount cancellation_reason"},
			},
			Tail:      tail.Spec{Unseen: unseen},
			Schedule:  "30 4 * * *",
			NoHistory: noHistory,
		},

		{
			Stream: streams.Stream{Name: "metrics_export", Path: "/v1/metrics/export", Scope: "metrics:read",
				Scan: scan.MetricsExport{Of: "/v1/metrics/", Metrics: scan.Metrics{Intervals: []string{"day", "month"}}},
				Of:   []string{"metrics"}, Link: (*db.Queries).MetricsExportLink,
				Table: store.TableOf((*db.Queries).MetricsExportUpsert),
			},
			Personal:  map[string]Personal{"metrics_export": {None: "interval timezone display_name"}},
			Tail:      tail.Spec{Unseen: unseen},
			Schedule:  "35 4 * * *",
			NoHistory: noHistory,
		},
	}
}

// Of the headers below, the first is today's; the others are from before August 2026.

func customerColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "id", Headers: []string{"ID"}, Kind: sheet.ID},
		{Name: "external_id", Headers: []string{"External ID"}},
		{Name: "created_at", Headers: []string{"Created At"}, Kind: sheet.Time},
		{Name: "email", Headers: []string{"Email"}},
		{Name: "name", Headers: []string{"Name"}},
		{Name: "tax_id", Headers: []string{"Tax ID"}, Kind: sheet.Pair},
		{Name: "billing_line1", Headers: []string{"Billing Address Line 1"}},
		{Name: "billing_line2", Headers: []string{"Billing Address Line 2"}},
		{Name: "billing_city", Headers: []string{"Billing Address City"}},
		{Name: "billing_state", Headers: []string{"Billing Address State"}},
		{Name: "billing_postal_code", Headers: []string{"Billing Address Zip"}},
		{Name: "billing_country", Headers: []string{"Billing Address Country"}},
		{Name: "metadata", Headers: []string{"Metadata"}, Kind: sheet.JSON},
	}
}

func orderColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "email", Headers: []string{"Email"}},
		{Name: "created_at", Headers: []string{"Created At"}, Kind: sheet.Time},
		{Name: "product", Headers: []string{"Product"}},
		{Name: "net_amount", Headers: []string{"Net Amount", "Amount"}, Kind: sheet.Money},
		{Name: "currency", Headers: []string{"Currency"}},
		{Name: "status", Headers: []string{"Status"}},
		{Name: "invoice_number", Headers: []string{"Invoice number"}},
		{Name: "customer_name", Headers: []string{"Customer Name"}},
		{Name: "billing_name", Headers: []string{"Billing Name"}},
		{Name: "billing_country", Headers: []string{"Billing Country"}},
		{Name: "subtotal_amount", Headers: []string{"Subtotal"}, Kind: sheet.Money},
		{Name: "discount_amount", Headers: []string{"Discount"}, Kind: sheet.Money},
		{Name: "tax_amount", Headers: []string{"Tax"}, Kind: sheet.Money},
		{Name: "total_amount", Headers: []string{"Total"}, Kind: sheet.Money},
		{Name: "refunded_amount", Headers: []string{"Refunded Amount"}, Kind: sheet.Money},
		{Name: "billing_reason", Headers: []string{"Billing Reason"}},
	}
}

func subscriptionColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "email", Headers: []string{"Email"}},
		{Name: "started_at", Headers: []string{"Started At", "Created At"}, Kind: sheet.Time},
		{Name: "product", Headers: []string{"Product"}},
		{Name: "amount", Headers: []string{"Amount", "Price"}, Kind: sheet.Money},
		{Name: "currency", Headers: []string{"Currency"}},
		{Name: "status", Headers: []string{"Status"}},
		{Name: "recurring_interval", Headers: []string{"Billing Interval", "Interval"}},
		{Name: "customer_name", Headers: []string{"Customer Name"}},
		{Name: "billing_name", Headers: []string{"Billing Name"}},
		{Name: "billing_country", Headers: []string{"Billing Country"}},
		{Name: "net_amount", Headers: []string{"Net Amount"}, Kind: sheet.Money},
		{Name: "discount", Headers: []string{"Discount"}},
		{Name: "seats", Headers: []string{"Seats"}, Kind: sheet.Number},
		{Name: "current_period_start", Headers: []string{"Current Period Start"}, Kind: sheet.Time},
		{Name: "current_period_end", Headers: []string{"Current Period End"}, Kind: sheet.Time},
		{Name: "cancel_at_period_end", Headers: []string{"Cancels At Period End"}, Kind: sheet.Bool},
		{Name: "canceled_at", Headers: []string{"Canceled At"}, Kind: sheet.Time},
		{Name: "ends_at", Headers: []string{"Ends At"}, Kind: sheet.Time},
		{Name: "ended_at", Headers: []string{"Ended At"}, Kind: sheet.Time},
		{Name: "cancellation_reason", Headers: []string{"Cancellation Reason"}},
		{Name: "trial_start", Headers: []string{"Trial Start"}, Kind: sheet.Time},
		{Name: "trial_end", Headers: []string{"Trial End"}, Kind: sheet.Time},
		{Name: "active", Headers: []string{"Active"}, Kind: sheet.Bool},
	}
}
