package catalog

import (
	"syncd/internal/store/audits"
)

// Pairs say how rows are compared with those of their export. The customer's address and name and the product's name are compared
// only where they belong: an order's row of the export has today's.

func text(name string) audits.PairField { return audits.PairField{Name: name, Text: true} }

func money(name string) audits.PairField { return audits.PairField{Name: name, Money: true} }

func plain(name string) audits.PairField { return audits.PairField{Name: name} }

func address(field, part string) audits.PairField {
	return audits.PairField{Name: field, Mirror: "o.billing_address ->> '" + part + "'", Text: true}
}

func customersPair() *audits.Pair {
	return &audits.Pair{Table: "customers", Export: "customers_export", Link: "customer_id", Deletable: true, Fields: []audits.PairField{
		text("external_id"), plain("created_at"), text("email"), text("name"), address("billing_line1", "line1"), address("billing_line2", "line2"),
		address("billing_city", "city"), address("billing_state", "state"), address("billing_postal_code", "postal_code"), address("billing_country", "country"),
		// A text that could not be read is not compared, nor are metadata that Python did not write as JSON.
		{Name: "tax_id", Mirror: "CASE WHEN e.tax_id_text IS NULL OR e.tax_id IS NOT NULL THEN NULLIF(o.tax_id, 'null') END"},
		{Name: "metadata", Mirror: "CASE WHEN COALESCE(jsonb_typeof(e.metadata), 'object') = 'object' THEN NULLIF(o.metadata, '{}') ELSE e.metadata END", Other: "NULLIF(e.metadata, '{}')"},
	}}
}

func ordersPair() *audits.Pair {
	return &audits.Pair{Table: "orders", Export: "orders_export", Link: "order_id", Time: "created_at", Number: "invoice_number", Fields: []audits.PairField{
		plain("created_at"), text("status"), text("currency"), text("invoice_number"), text("billing_name"), address("billing_country", "country"),
		money("net_amount"), money("subtotal_amount"), money("discount_amount"), money("tax_amount"), money("total_amount"), money("refunded_amount"),
		text("billing_reason"),
	}}
}

func subscriptionsPair() *audits.Pair {
	return &audits.Pair{Table: "subscriptions", Export: "subscriptions_export", Link: "subscription_id", Time: "started_at", Fields: []audits.PairField{
		text("status"), text("currency"), money("amount"), plain("seats"), plain("current_period_start"), plain("current_period_end"),
		{Name: "recurring_interval", Text: true, Mirror: "CASE WHEN o.recurring_interval_count = 1 THEN o.recurring_interval ELSE o.recurring_interval_count || ' ' || o.recurring_interval || 's' END"},
		plain("cancel_at_period_end"), plain("canceled_at"), plain("ends_at"), plain("ended_at"),
		{Name: "cancellation_reason", Mirror: "o.customer_cancellation_reason", Text: true}, plain("trial_start"), plain("trial_end"),
	}}
}
