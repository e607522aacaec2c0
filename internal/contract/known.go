package contract

import "strings"

// Exception is shapes that one server has and the other has not, and why.
type Exception struct {
	Why string
	// Shapes are patterns: "list: path type", or "path type" of any list; a star stands for anything.
	Shapes []string
}

// Exceptions are those that are known.
type Exceptions []Exception

// MatchingPatterns gives the patterns that name a shape; none: it is not known.
func (e Exceptions) MatchingPatterns(x Shape) (patterns []string) {
	for _, known := range e {
		for _, pattern := range known.Shapes {
			if matches(pattern, x) {
				patterns = append(patterns, pattern)
			}
		}
	}
	return patterns
}

func matches(pattern string, x Shape) bool {
	if list, rest, named := strings.Cut(pattern, ": "); named {
		if list != x.List {
			return false
		}
		pattern = rest
	}
	text := x.Path + " " + x.Kind
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	rest, begins := strings.CutPrefix(text, parts[0])
	if !begins {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// OnlySimulated are shapes that the simulated Polar makes and that were not seen of the real one.
func OnlySimulated() Exceptions {
	return Exceptions{
		{"values that the recorded organization does not have", []string{
			"return_url string", "checkouts: customer_billing_name string", "checkouts: customer_ip_address string", "checkouts: customer_tax_id string",
			"checkouts: locale string", "checkouts: payment_method_type string", "disputes: case_id string", "files: flagged_malicious_at string",
			"orders: subscription.checkout_id string", "subscriptions: checkout_id string", "organizations: avatar_url null", "organizations: bio null",
			"webhook_endpoints: modified_at null", "*user.avatar_url null", "*clauses[].clauses[].value string", "*meters[].modified_at string",
			"states: granted_benefits[].properties.*"}},
		{"what Polar has sent since August 2026", []string{"*is_deletable bool", "states: active_subscriptions[].seats *", "states: active_subscriptions[].units null",
			"webhook_endpoints: api_version string", "webhook_endpoints: uses_standard_webhook_signature bool"}},
		{"files that were uploaded without a sum, which newer uploads have", []string{"*checksum_sha256_base64 null", "*checksum_sha256_hex null"}},
		{"nobody with a subscription to a product with fields of its own was recorded", []string{"subscriptions: product.attached_custom_fields[]*"}},
		{"fields that events have by what happened: with a subscription, a state, a discount, a recurring product (server/polar/event/system.py)", []string{
			"events: balance_*.tax_state string", "events: balance_*.subscription_id string", "events: balance_*.order_created_at string", "events: balance_order.net_amount int",
			"events: customer_*.customer_external_id string", "events: customer_*.customer_email null", "events: customer_*.customer_name null", "events: order_paid.*",
			"events: subscription_canceled.*"}},
		{"what is to stay secret is served here wherever a schema has room for it, so that tests can look for it",
			[]string{"benefit_grants: properties.invite_url string", "benefit_grants: properties.user_provided_key string"}},
		{"four seats and one license key by itself were recorded", []string{"customer_seats: seats[].*", "license_key_activations: *"}},
		{"a sum of costs has a point only where it needs one, and the recorded ones do", []string{"metrics: totals.cashflow int", "metrics: totals.costs int"}},
	}
}

// OnlyReal are shapes of the real Polar that the simulated one does not make.
func OnlyReal() Exceptions {
	return Exceptions{
		{"nobody has bought by units", []string{"*units int", "events: subscription_units_updated*"}},
		{"no checkout is restricted in its seats", []string{"checkouts: max_seats int", "checkouts: min_seats int"}},
		{"the address of every visitor is known", []string{"checkouts: customer_ip_address null"}},
		{"grants come with subscriptions only, and the only download belongs to a product that is bought once", []string{
			"benefit_grants: order_id string", "benefit_grants: subscription_id null", "benefit_grants: properties.files*"}},
		{"the benefit with an empty note is deleted", []string{"*properties.note null"}},
		{"events that nothing here leads to", []string{"events: benefit_updated*", "events: order_unvoided*",
			"events: subscription_billing_period_updated*", "events: subscription_reinstated*", "events: subscription_updated*", "events: customer_updated.updated_fields.metadata object"}},
		{"a delivery is answered, and tried once; none is without a payload before it is archived", []string{
			"webhook_deliveries: http_code null", "webhook_deliveries: modified_at string", "webhook_deliveries: response null", "webhook_deliveries: webhook_event.*"}},
		{"rows that never change here, or always do", []string{"orders: items[].modified_at string", "refunds: modified_at null", "states: active_subscriptions[].meters[].modified_at null",
			"states: granted_benefits[].modified_at string", "customer_seats: seats[].modified_at string"}},
		{"every order and subscription names a checkout, or none does", []string{"orders: subscription.checkout_id null", "subscriptions: checkout_id null"}},
		{"what this organization does not have", []string{"organizations: avatar_url string", "organizations: bio string"}},
		{"a sum of costs has a point only where it needs one, and those of the simulated organization do", []string{
			"metrics: periods[].cumulative_costs int", "metrics: periods[].gross_margin int"}},
	}
}
