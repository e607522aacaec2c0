package polarsim

import "strconv"

// Objects are written with their keys in the order of Polar's schemas, deprecated keys that its documentation leaves out included. Embedded objects
// are the current rows, as upstream joins them, not snapshots.

func (w *World) ref(o *object, key string, kind Kind, n Ref) {
	if n == None {
		o.null(key)
		return
	}
	o.id(key, w.id(kind, int(n)))
}

func (o *object) times(created, modified Time) {
	o.time("created_at", created)
	o.time("modified_at", modified)
}

func (w *World) organization(o *object) { o.id("organization_id", w.id(KindOrganization, 0)) }

func (o *object) address(key string, a *Address) {
	if a == nil {
		o.null(key)
		return
	}
	o.key(key)
	o.open()
	o.text("line1", a.Line1)
	o.text("line2", a.Line2)
	o.text("postal_code", a.PostalCode)
	o.text("city", a.City)
	o.text("state", a.State)
	o.str("country", a.Country)
	o.close()
}

func (w *World) renderOrganization(o *object, _ Ref) {
	g := &w.org
	o.open()
	o.id("id", w.id(KindOrganization, 0))
	o.times(g.CreatedAt, g.ModifiedAt)
	o.str("name", g.Name)
	o.str("slug", g.Slug)
	o.null("avatar_url")
	o.str("proration_behavior", "prorate")
	o.bool("allow_customer_updates", true)
	o.text("email", g.Email)
	o.str("website", "https://"+g.Slug+".example/")
	o.raw("socials", `[{"platform":"github","url":"https://github.com/simulated-tools"},{"platform":"other","url":"https://social.example/@simulated"}]`)
	o.str("status", g.Status)
	o.time("details_submitted_at", g.CreatedAt+day)
	o.null("onboarding_resubmission_requested_at")
	o.bool("sso_enforced", false)
	o.str("default_presentment_currency", "usd")
	o.str("default_tax_behavior", "location")
	o.raw("feature_settings", `{"issue_funding_enabled":false,"seat_based_pricing_enabled":true,"wallets_enabled":false,"member_model_enabled":true,"checkout_localization_enabled":false,"overview_metrics":null,"unit_based_pricing_enabled":false,"reset_proration_behavior_enabled":false,"off_session_charges_enabled":false,"meter_cycling_enabled":true,"slack_benefit_enabled":true,"preview_access_enabled":false,"disputes_enabled":true,"sso_enabled":false,"dispute_auto_accept_enabled":false,"compass_enabled":false,"merchant_migration_enabled":false}`)
	o.raw("subscription_settings", `{"allow_multiple_subscriptions":true,"proration_behavior":"prorate","benefit_revocation_grace_period":0,"prevent_trial_abuse":false,"allow_customer_updates":true}`)
	o.raw("customer_email_settings", `{"order_confirmation":true,"payment_method_expiration_reminder":true,"subscription_cancellation":true,"subscription_confirmation":true,"subscription_cycled":true,"subscription_cycled_after_trial":true,"subscription_past_due":true,"subscription_paused":true,"subscription_resumed":true,"subscription_renewal_reminder":false,"subscription_revoked":true,"subscription_trial_conversion_reminder":true,"subscription_uncanceled":true,"subscription_updated":true}`)
	o.raw("customer_portal_settings", `{"usage":{"show":true},"subscription":{"update_seats":true,"update_plan":true},"customer":{"allow_email_change":false}}`)
	o.raw("dispute_settings", `{"auto_accept_below_amount":null}`)
	o.raw("embed_hosts", `["simulated-tools.example"]`)
	o.bool("embed_hosts_enforced", false)
	o.str("country", "DE")
	o.id("account_id", w.id(KindAccount, 0))
	o.null("payout_account_id")
	o.raw("capabilities", `{"checkout_payments":true,"subscription_renewals":true,"payouts":true,"refunds":true,"api_access":true,"dashboard_access":true}`)
	for _, k := range []string{"bio", "company", "blog", "location", "twitter_username"} {
		o.null(k)
	}
	o.int("pledge_minimum_amount", 0)
	o.bool("pledge_badge_show_amount", false)
	o.null("default_upfront_split_to_contributors")
	o.raw("notification_settings", `{"new_order":true,"new_subscription":true,"chargeback_prevention":true,"subscription_renewal":false}`)
	o.close()
}

func (w *World) renderCustomer(o *object, n Ref) {
	o.open()
	w.customerFields(o, n)
	o.close()
}

func (w *World) customerFields(o *object, n Ref) {
	c := &w.customers[n]
	o.id("id", w.id(KindCustomer, int(n)))
	o.times(c.CreatedAt, c.ModifiedAt)
	o.raw("metadata", c.Metadata)
	if c.DeletedAt != 0 && c.ExternalID == "" {
		o.text("external_id", savedExternalID(c.Metadata))
	} else {
		o.text("external_id", c.ExternalID)
	}
	o.text("email", c.Email)
	o.bool("email_verified", c.EmailVerified)
	if c.Team {
		o.str("type", "team")
	} else {
		o.str("type", "individual")
	}
	o.text("name", c.Name)
	if c.BillingName != "" {
		o.str("billing_name", c.BillingName)
	} else {
		o.text("billing_name", c.Name)
	}
	o.address("billing_address", c.Address)
	if c.TaxID == nil {
		o.null("tax_id")
	} else {
		list(o, "tax_id", c.TaxID[:], func(o *object, s string) { o.b = appendString(o.b, s) })
	}
	o.text("locale", c.Locale)
	w.organization(o)
	if c.HasCard {
		o.id("default_payment_method_id", w.id(KindPaymentMethod, int(n)))
	} else {
		o.null("default_payment_method_id")
	}
	o.time("deleted_at", c.DeletedAt)
	o.time("first_user_event_at", c.FirstUserEventAt)
	email := c.Email
	if email == "" {
		email = w.ownerEmail(n)
	}
	o.avatar(email)
}

// savedExternalID is the external id of a deleted customer, which its metadata keep.
func savedExternalID(metadata string) string {
	raw, ok := lookup(metadata, "__external_id")
	if !ok {
		return ""
	}
	return unquote(raw)
}

func (w *World) ownerEmail(n Ref) string {
	for _, m := range w.membersOf(n) {
		if m.Role == "owner" && m.DeletedAt == 0 {
			return m.Email
		}
	}
	return ""
}

// avatar appends a URL that changes with the email address. Upstream hashes with SHA-256; nothing depends on which hash it is.
func (o *object) avatar(email string) {
	o.key("avatar_url")
	if email == "" {
		o.b = append(o.b, "null"...)
		return
	}
	h := uint64(14695981039346656037)
	for i := range len(email) {
		h = (h ^ uint64(email[i])) * 1099511628211
	}
	o.b = append(o.b, `"https://www.gravatar.com/avatar/`...)
	for range 4 {
		h = mix(h)
		for s := 60; s >= 0; s -= 4 {
			o.b = append(o.b, hexDigits[h>>s&15])
		}
	}
	o.b = append(o.b, `?d=404"`...)
}

// legacyUser is what older clients read instead of the customer. Licence keys have it without the last field.
func (w *World) legacyUser(o *object, n Ref) {
	o.id("user_id", w.id(KindCustomer, int(n)))
	o.key("user")
	o.open()
	w.legacyUserFields(o, n)
	o.null("github_username")
	o.close()
}

func (w *World) legacyUserFields(o *object, n Ref) {
	c := &w.customers[n]
	o.id("id", w.id(KindCustomer, int(n)))
	o.text("email", c.Email)
	switch {
	case c.Name != "":
		o.str("public_name", firstRune(c.Name))
	case c.Email != "":
		o.str("public_name", firstRune(c.Email))
	default:
		o.str("public_name", "?")
	}
	o.avatar(c.Email)
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

func (w *World) renderMember(o *object, n Ref) {
	m := &w.members[n]
	o.open()
	o.id("id", w.id(KindMember, int(n)))
	o.times(m.CreatedAt, m.ModifiedAt)
	w.ref(o, "customer_id", KindCustomer, m.Customer)
	o.str("email", m.Email)
	o.text("name", m.Name)
	o.text("external_id", m.ExternalID)
	o.str("role", m.Role)
	o.close()
}

func (w *World) renderMeter(o *object, n Ref) {
	m := &w.meters[n]
	o.open()
	o.raw("metadata", m.Metadata)
	o.times(m.CreatedAt, m.ModifiedAt)
	o.id("id", w.id(KindMeter, int(n)))
	o.str("name", m.Name)
	o.str("unit", m.Unit)
	o.text("custom_label", m.Label)
	o.count("custom_multiplier", int64(m.Multiplier))
	o.raw("filter", m.Filter)
	o.raw("aggregation", m.Aggregation)
	w.organization(o)
	o.time("archived_at", m.ArchivedAt)
	o.close()
}

func (w *World) renderCustomerMeter(o *object, n Ref) {
	m := &w.customerMeters[n]
	o.open()
	o.id("id", w.id(KindCustomerMeter, int(n)))
	o.times(m.CreatedAt, m.ModifiedAt)
	w.ref(o, "customer_id", KindCustomer, m.Customer)
	w.ref(o, "meter_id", KindMeter, m.Meter)
	o.num("consumed_units", m.Consumed)
	o.int("credited_units", m.Credited)
	o.num("balance", m.Balance())
	o.key("customer")
	w.renderCustomer(o, m.Customer)
	o.key("meter")
	w.renderMeter(o, m.Meter)
	o.close()
}

// Balance is what is left of the credits; negative if more was used.
func (m *CustomerMeter) Balance() float64 { return float64(m.Credited) - m.Consumed }

func (w *World) renderPayment(o *object, n Ref) {
	p := &w.payments[n]
	o.open()
	o.times(p.CreatedAt, p.ModifiedAt)
	o.id("id", w.id(KindPayment, int(n)))
	o.str("processor", "stripe")
	o.str("status", p.Status)
	o.int("amount", p.Amount)
	o.str("currency", p.Currency)
	o.str("method", p.Method)
	o.text("trigger", p.Trigger)
	o.text("decline_reason", p.DeclineReason)
	if p.DeclineReason == "" {
		o.null("decline_message")
	} else {
		o.str("decline_message", "Your card was declined: "+p.DeclineReason+".")
	}
	w.organization(o)
	w.ref(o, "checkout_id", KindCheckout, p.Checkout)
	w.ref(o, "order_id", KindOrder, p.Order)
	o.raw("processor_metadata", "")
	if p.Brand != "" {
		o.key("method_metadata")
		o.open()
		o.str("brand", p.Brand)
		o.str("last4", p.Last4)
		o.close()
	}
	o.close()
}

// sequence appends a number such as SIM-00004D2F-0007: a code of the customer and a count of four digits or more.
func (w *World) sequence(o *object, key, prefix string, customer Ref, n int32) {
	o.key(key)
	o.b = append(o.b, '"')
	o.b = w.appendSequence(o.b, prefix, customer, n)
	o.b = append(o.b, '"')
}

func (w *World) appendSequence(b []byte, prefix string, customer Ref, n int32) []byte {
	b = append(b, prefix...)
	code := mix(w.seed ^ uint64(customer)<<8)
	for s := 28; s >= 0; s -= 4 {
		b = append(b, "0123456789ABCDEF"[code>>s&15])
	}
	b = append(b, '-')
	for limit := int32(1000); n < limit && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(n), 10)
}

const invoicePrefix, receiptPrefix = "SIM-", "RCPT-SIM-"

func (w *World) appendDashboard(b []byte, n int) []byte {
	d, o := &w.dashboards[n], object{b: b}
	o.open()
	o.time("created_at", d.CreatedAt)
	o.time("modified_at", d.ModifiedAt)
	o.id("id", w.id(KindDashboard, n))
	o.str("name", d.Name)
	list(&o, "metrics", d.Metrics, func(o *object, slug string) { o.b = appendString(o.b, slug) })
	o.id("organization_id", w.id(KindOrganization, 0))
	o.close()
	return o.b
}
