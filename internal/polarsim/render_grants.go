package polarsim

import "strconv"

func (w *World) renderGrant(o *object, n Ref) {
	o.open()
	w.grantFields(o, w.allGrants()[n])
	o.close()
}

// tellGrant writes a grant as webhooks do, with the properties before the change; these do not change here.
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
	member := None
	if w.customers[s.Customer].Team { // then it is given to somebody in particular
		member = w.oldestMember(s.Customer)
	}
	w.ref(o, "member_id", KindMember, member)
	w.ref(o, "benefit_id", KindBenefit, g.Benefit)
	if g.At == 0 {
		o.key("error")
		o.open()
		o.str("message", "The account is not connected yet.")
		o.str("type", "BenefitActionRequiredError")
		o.str("timestamp", (s.CreatedAt + 2*second).String())
		o.close()
	} else {
		o.null("error")
	}
	o.key("customer")
	w.renderCustomer(o, s.Customer)
	if member == None {
		o.null("member")
	} else {
		o.key("member")
		w.renderMember(o, member)
	}
	o.key("benefit")
	w.renderBenefit(o, g.Benefit)
	properties = w.grantProperties(g)
	switch w.benefits[g.Benefit].Type { // what customer state does not show
	case "license_keys":
		properties = `{"user_provided_key":"` + w.hiddenText("own key", int(g.Subscription)) + `",` + properties[1:]
	case "slack_shared_channel":
		properties = `{"invite_url":"https://join.slack.example/` + w.hiddenText("invitation", int(g.Subscription)) + `",` + properties[1:]
	}
	o.raw("properties", properties)
	return properties
}

// grantProperties are what a grant says beside its benefit; of credits for a meter nothing gets through the shapes that
// Polar answers with (polarsource/polar, server/polar/benefit/schemas.py).
func (w *World) grantProperties(g Grant) string {
	switch w.benefits[g.Benefit].Type {
	case "license_keys":
		return `{"license_key_id":"` + w.licenseKeyID(g).String() + `","display_key":"` + w.firstDisplayKey(g) + `"}` // a rotation of the key is not told here
	case "downloadables":
		return `{"files":["` + w.id(KindMedia, uploadDownloads).String() + `"]}`
	case "discord":
		return `{"account_id":"9876543210","guild_id":"1029384756","role_id":"5647382910","granted_account_id":"9876543210"}`
	case "github_repository":
		return `{"account_id":"4711","repository_owner":"simulated-tools","repository_name":"pro","permission":"pull","granted_account_id":"4711"}`
	case "slack_shared_channel":
		number := strconv.Itoa(int(g.Subscription))
		return `{"invited_email":"team@customers.example","channel_id":"C` + number + `","channel_name":"ext-` + number + `"}`
	}
	return ""
}
