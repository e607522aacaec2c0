package polarsim

// Grant is a benefit that a customer has by a subscription. Grants follow from subscriptions and the benefits of their
// products, so they are worked out when asked for.
type Grant struct {
	Subscription, Benefit Ref
	At, Revoked           Time // granted, taken back; 0 = not yet, not
}

// grants are those of the whole organization as of one state of the world.
type grants struct {
	version uint64
	list    []Grant
}

// allGrants lists the grants in the order of subscriptions. One that was taken back keeps its row; one that is not given
// yet has neither time (polarsource/polar, server/polar/models/benefit_grant.py).
func (w *World) allGrants() []Grant {
	if kept := w.granted.Load(); kept != nil && kept.version == w.version {
		return kept.list
	}
	list := make([]Grant, 0, len(w.subscriptions))
	for i := range w.subscriptions {
		s := &w.subscriptions[i]
		for _, b := range w.products[s.Product].Benefits {
			if deleted := w.benefits[b].DeletedAt; deleted != 0 && deleted <= s.CreatedAt {
				continue // it was the product's no longer
			}
			g := Grant{Subscription: Ref(i), Benefit: b}
			if s.StartedAt != 0 {
				g.At = s.CreatedAt + second
				g.Revoked = w.revoked(s, g)
			}
			list = append(list, g)
		}
	}
	w.granted.Store(&grants{w.version, list})
	return list
}

// revoked is when a benefit was taken back: with the subscription or, if that was sooner, because the benefit was deleted; 0 = it was not.
func (w *World) revoked(s *Subscription, g Grant) (at Time) {
	if !s.entitled() {
		at = max(g.At, s.EndedAt, s.PastDueAt)
	}
	if deleted := w.benefits[g.Benefit].DeletedAt; deleted != 0 && (at == 0 || deleted < at) {
		at = max(g.At, deleted)
	}
	return at
}

// entitled tells whether the subscription gives its product's benefits.
func (s *Subscription) entitled() bool { return s.Status == SubActive || s.Status == SubTrialing }

// benefitDeleted tells that a deleted benefit was taken back from all who had it. Upstream there is a webhook for each grant but, unlike when a
// subscription ends, no event (polarsource/polar, server/polar/benefit/grant/service.py delete_benefit_grant); jobs do it, here it is done at once.
func (w *World) benefitDeleted(n Ref) {
	if !w.journal.on {
		return
	}
	for i, g := range w.allGrants() {
		if s := &w.subscriptions[g.Subscription]; g.Benefit == n && g.At != 0 && s.entitled() {
			w.hook("benefit_grant.revoked", KindBenefitGrant, Ref(i))
			w.stateChanged(s.Customer)
		}
	}
}

// grantLists is the list of grants; nobody is given one by its id.
func grantLists() []*resource {
	grant := func(w *World, n Ref) Grant { return w.allGrants()[n] }
	customer := func(w *World, n Ref) Ref { return w.subscriptions[grant(w, n).Subscription].Customer }
	return []*resource{{
		path: "/v1/benefit-grants/", kind: KindBenefitGrant, scopes: []string{"benefits:read", "benefits:write"}, noID: true,
		rows: func(w *World) int { return len(w.allGrants()) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.subscriptions[grant(w, n).Subscription].CreatedAt }),
			byTime("granted_at", func(w *World, n Ref) Time { return grant(w, n).since() }),
			byTime("revoked_at", func(w *World, n Ref) Time { return grant(w, n).Revoked })},
		sorting: []string{"-created_at"},
		filters: map[string]filter{"is_granted": flag(func(w *World, n Ref) bool { return grant(w, n).since() != 0 }),
			"customer_id": reference(KindCustomer, customer), "external_customer_id": external(customer)},
		render: (*World).renderGrant,
	}}
}

// since is when a grant was given that stands; 0 for one that does not.
func (g Grant) since() Time {
	if g.Revoked != 0 {
		return 0
	}
	return g.At
}

func (w *World) grantID(g Grant) ID {
	return w.id(KindBenefitGrant, int(g.Subscription)<<8|int(g.Benefit))
}

func (w *World) renderGrant(o *object, n Ref) {
	o.open()
	w.grantFields(o, w.allGrants()[n])
	o.close()
}

// tellGrant writes a grant as webhooks do, with the properties before; those do not change here.
func (w *World) tellGrant(o *object, n Ref) {
	o.open()
	o.raw("previous_properties", w.grantFields(o, w.allGrants()[n]))
	o.close()
}

// grantFields writes what is the same for both, and gives the properties.
func (w *World) grantFields(o *object, g Grant) (properties string) {
	s := &w.subscriptions[g.Subscription]
	at := func(key string, t Time) {
		if t == 0 {
			o.null(key)
			return
		}
		o.time(key, t)
	}
	o.times(s.CreatedAt+second, g.Revoked)
	o.id("id", w.grantID(g))
	at("granted_at", g.since())
	o.bool("is_granted", g.since() != 0)
	at("revoked_at", g.Revoked)
	o.bool("is_revoked", g.Revoked != 0)
	w.ref(o, "subscription_id", KindSubscription, g.Subscription)
	o.null("order_id")
	w.ref(o, "customer_id", KindCustomer, s.Customer)
	w.ref(o, "user_id", KindUser, s.Customer)
	o.null("member_id")
	w.ref(o, "benefit_id", KindBenefit, g.Benefit)
	o.null("error")
	o.key("customer")
	w.renderCustomer(o, s.Customer)
	o.null("member")
	o.key("benefit")
	w.renderBenefit(o, g.Benefit)
	properties = w.grantProperties(g)
	switch w.benefits[g.Benefit].Type { // what customer state does not show
	case "license_keys":
		properties = `{"user_provided_key":"` + w.hiddenText("own key", int(g.Subscription)) + `",` + properties[1:]
	case "slack_shared_channel":
		properties = `{"invite_url":"https://join.slack.example/` + w.hiddenText("invitation", int(g.Subscription)) + `"}`
	}
	o.raw("properties", properties)
	return properties
}

// grantProperties are what a grant says beside its benefit; of credits for a meter nothing gets through the shapes that
// Polar answers with (polarsource/polar, server/polar/benefit/schemas.py).
func (w *World) grantProperties(g Grant) string {
	switch w.benefits[g.Benefit].Type {
	case "license_keys":
		id := w.id(KindLicenseKey, int(g.Subscription)<<8|int(g.Benefit)).String()
		return `{"license_key_id":"` + id + `","display_key":"****-` + id[:6] + `"}`
	case "downloadables":
		return `{"files":["` + w.id(KindMedia, uploadDownloads).String() + `"]}`
	case "discord":
		return `{"account_id":"9876543210","guild_id":"1029384756","role_id":"5647382910","granted_account_id":"9876543210"}`
	case "github_repository":
		return `{"account_id":"4711","repository_owner":"simulated-tools","repository_name":"pro","permission":"pull","granted_account_id":"4711"}`
	}
	return ""
}
