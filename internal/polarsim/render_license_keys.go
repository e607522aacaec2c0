package polarsim

import "strconv"

func (g Grant) keyStatus() string {
	switch {
	case g.Revoked != 0:
		return "revoked"
	case g.Subscription%37 == 5:
		return "disabled"
	}
	return "granted"
}

func (w *World) licenseKeyFields(o *object, g Grant) {
	s, id := &w.subscriptions[g.Subscription], w.licenseKeyID(g)
	validations := int64(g.Subscription%23) + int64((w.now-g.At)/(30*day))
	if g.Subscription%9 == 4 { // nobody asked yet
		validations = 0
	}
	validated := g.At + Time(validations-int64(g.Subscription%23))*30*day
	o.id("id", id)
	modified := validated
	if validations == 0 {
		modified = 0
	}
	rotated := w.rotations[g.number()]
	o.times(g.At, max(modified, rotated.at))
	w.organization(o)
	w.ref(o, "user_id", KindCustomer, s.Customer)
	w.ref(o, "customer_id", KindCustomer, s.Customer)
	o.key("user")
	o.open()
	w.legacyUserFields(o, s.Customer)
	o.close()
	o.key("customer")
	w.renderCustomer(o, s.Customer)
	w.ref(o, "benefit_id", KindBenefit, g.Benefit)
	o.str("key", "SIM-"+w.hiddenText("license key", int(g.Subscription))+rotated.suffix())
	o.str("display_key", w.firstDisplayKey(g)+rotated.suffix())
	o.str("status", g.keyStatus())
	if g.Subscription%2 == 0 {
		o.int("limit_activations", 3)
	} else {
		o.null("limit_activations")
	}
	o.int("usage", int64(g.Subscription%5))
	o.count("limit_usage", int64(g.Subscription%7)*1000)
	o.int("validations", validations)
	if validations == 0 {
		o.null("last_validated_at")
	} else {
		o.time("last_validated_at", validated)
	}
	if g.Subscription%3 == 0 {
		o.time("expires_at", g.At+365*day)
	} else {
		o.null("expires_at")
	}
	if o.version >= "2026-10" {
		w.licenseKeyMember(o, s.Customer)
	}
	if o.version >= "2027-01" {
		w.ref(o, "subscription_id", KindSubscription, g.Subscription)
		o.key("subscription")
		w.renderSubscription(o, g.Subscription)
		o.null("order_id")
		o.null("order")
	}
}

// rotation is how often a licence key was replaced, and when last.
type rotation struct {
	times int
	at    Time
}

func (r rotation) suffix() string {
	if r.times == 0 {
		return ""
	}
	return "-" + strconv.Itoa(r.times)
}

// firstDisplayKey is the end of a licence key as it was granted, which is all of it that is shown.
func (w *World) firstDisplayKey(g Grant) string { return "****-" + w.licenseKeyID(g).String()[:6] }

// licenseKeyMember is the member whom a key was given to: the oldest of its customer.
func (w *World) licenseKeyMember(o *object, customer Ref) {
	oldest := w.oldestMember(customer)
	w.ref(o, "member_id", KindMember, oldest)
	if oldest == None {
		o.null("member")
		return
	}
	o.key("member")
	w.renderMember(o, oldest)
}

// oldestMember is the first member of a customer that is left.
func (w *World) oldestMember(customer Ref) Ref {
	oldest := None
	for n, m := range w.membersOf(customer) {
		if m.DeletedAt == 0 {
			oldest = n
		}
	}
	return oldest
}

func (w *World) activationFields(o *object, g Grant, n int) {
	o.id("id", w.activationID(g, n))
	o.id("license_key_id", w.licenseKeyID(g))
	o.str("label", "machine "+strconv.Itoa(n)+" “büro”")
	o.raw("meta", `{"ip":"192.0.2.`+strconv.Itoa(n)+`","cores":8,"ratio":0.50}`)
	o.times(g.At+Time(n+1)*hour, 0)
}
