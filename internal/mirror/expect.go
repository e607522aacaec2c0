package mirror

import "syncd/internal/item"

// expecting completes the table of streams with what is known of their objects.
func expecting(streams []Stream) []Stream {
	known := expected()
	for i := range streams {
		s := &streams[i]
		s.Expect = known[s.Name]
		for k := range s.Children {
			s.Children[k].Expect = known[s.Children[k].Name]
		}
	}
	return streams
}

// expected is by table.
func expected() map[string]item.Expect {
	intervals := []string{"day", "week", "month", "year"}
	// A price is one of a union: which of the sparse fields it has follows from its amount_type and age.
	price := item.Expect{
		Extra: []string{"price_per_seat", "tiers", "minimum_units", "maximum_units", "unit_label"},
		Sparse: []string{"type", "recurring_interval", "legacy", "price_amount", "minimum_amount", "maximum_amount", "preset_amount",
			"unit_amount", "cap_amount", "meter_id", "seat_tiers"},
		Enums: map[string][]string{
			"source":             {"catalog", "ad_hoc"},
			"amount_type":        {"fixed", "custom", "metered_unit", "seat_based", "unit_based"},
			"tax_behavior":       {"location", "inclusive", "exclusive"},
			"type":               {"recurring", "one_time"},
			"recurring_interval": intervals,
		},
	}
	return map[string]item.Expect{
		"organizations": {
			Extra: []string{"bio", "company", "blog", "location", "twitter_username", "pledge_minimum_amount", "pledge_badge_show_amount",
				"default_upfront_split_to_contributors", "notification_settings"},
			Enums: map[string][]string{
				"status":               {"created", "review", "snoozed", "denied", "active", "blocked", "offboarding", "offboarded"},
				"proration_behavior":   {"invoice", "prorate", "next_period", "reset"},
				"default_tax_behavior": {"location", "inclusive", "exclusive"},
			},
		},
		"products": {Enums: map[string][]string{
			"visibility":         {"draft", "private", "public"},
			"recurring_interval": intervals,
			"meter_interval":     intervals,
			"trial_interval":     intervals,
		}},
		"product_prices": price,
		"benefits": {
			Extra: []string{"is_tax_applicable"},
			Enums: map[string][]string{
				"type":       {"custom", "discord", "github_repository", "downloadables", "license_keys", "meter_credit", "feature_flag", "slack_shared_channel"},
				"visibility": {"draft", "private", "public"},
			},
		},
		"customers": {Enums: map[string][]string{"type": {"individual", "team"}}},
		"members":   {Enums: map[string][]string{"role": {"owner", "billing_manager", "member"}}},
		"meters":    {Enums: map[string][]string{"unit": {"scalar", "token", "custom"}}},
		"subscriptions": {
			Extra:  []string{"price_id", "user_id"},
			Sparse: []string{"units"}, // newer than the OpenAPI document
			Enums: map[string][]string{
				"status":             {"incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"},
				"recurring_interval": intervals,
				"customer_cancellation_reason": {"customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive",
					"unused", "other"},
			},
		},
		"subscription_prices": price,
		"orders": {
			Extra:  []string{"amount", "from_balance_amount", "user_id", "product_price_id"},
			Sparse: []string{"units"},
			Enums: map[string][]string{
				"status":         {"draft", "pending", "paid", "refunded", "partially_refunded", "void"},
				"billing_reason": {"purchase", "subscription_create", "subscription_cycle", "subscription_update", "subscription_meter_cycle"},
			},
		},
		"subscriptions_export": {Sparse: []string{"active"}},
		"custom_fields":        {Enums: map[string][]string{"type": {"text", "number", "date", "checkbox", "select"}}},
		"files": {
			Sparse: []string{"flagged_malicious_at", "public_url"}, // of the services that have any
			Enums:  map[string][]string{"service": {"downloadable", "product_media", "organization_avatar", "support_case_attachment"}},
		},
		"discounts": {
			Extra:  []string{"amount", "currency"},
			Sparse: []string{"amounts", "basis_points", "duration_in_months"}, // which follow from type and duration
			Enums: map[string][]string{
				"type":     {"fixed", "percentage"},
				"duration": {"once", "forever", "repeating"},
			},
		},
		"disputes": {Enums: map[string][]string{"status": {"prevented", "early_warning", "needs_response", "under_review", "lost", "won"}}},
		"refunds": {Enums: map[string][]string{
			"status": {"pending", "succeeded", "failed", "canceled"},
			"reason": {"duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other"},
		}},
		"benefit_grants": {Extra: []string{"user_id"}},
		"checkout_links": {
			Extra:  []string{"product_id", "product_price_id"},
			Sparse: []string{"units"},
			Enums: map[string][]string{
				"payment_processor": {"stripe"},
				"trial_interval":    intervals,
			},
		},
		"checkouts": {
			Extra:  []string{"product_price_id", "customer_billing_address_fields", "subtotal_amount"},
			Sparse: []string{"units", "min_units", "max_units"},
			Enums: map[string][]string{
				"status":                {"open", "expired", "confirmed", "succeeded", "failed"},
				"payment_processor":     {"stripe"},
				"tax_behavior":          {"inclusive", "exclusive"},
				"active_trial_interval": intervals,
				"trial_interval":        intervals,
			},
		},
		"webhook_endpoints": {Enums: map[string][]string{"format": {"raw", "discord", "slack"}}},
		"license_keys": {
			Extra: []string{"member_id", "subscription_id", "order_id"}, // of the versions from 2026-10 and from 2027-01 on
			Enums: map[string][]string{"status": {"granted", "revoked", "disabled"}},
		},
		"customer_seats":  {Enums: map[string][]string{"status": {"pending", "claimed", "revoked"}}},
		"payment_methods": {Sparse: []string{"method_metadata"}, Enums: map[string][]string{"processor": {"stripe"}}},
		"events":          {Enums: map[string][]string{"source": {"system", "user"}}},
		"payments": {
			Sparse: []string{"method_metadata"}, // of payments whose method has any
			Enums: map[string][]string{
				"processor": {"stripe"},
				"status":    {"pending", "succeeded", "failed"},
				"trigger":   {"purchase", "subscription_cycle", "retry_dunning", "retry_customer", "retry_payment_method_update", "retry_admin"},
			},
		},
	}
}
