package polarsim

import (
	"math"
	"net/http"
	"strconv"
)

// licenseKeyLists is the list of licence keys: one for each grant of such a benefit. Its order cannot be chosen
// (polarsource/polar, server/polar/license_key/endpoints.py).
func licenseKeyLists() []*resource {
	return []*resource{{
		path: "/v1/license-keys/", kind: KindLicenseKey, scopes: []string{"license_keys:read", "license_keys:write"}, fixed: true, noID: true,
		rows: func(w *World) int { return len(w.allGrants()) },
		hidden: func(w *World, n Ref) bool {
			g := w.allGrants()[n]
			return g.At == 0 || w.benefits[g.Benefit].Type != "license_keys"
		},
		sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.allGrants()[n].At })},
		sorting: []string{"created_at"},
		filters: map[string]filter{"benefit_id": reference(KindBenefit, func(w *World, n Ref) Ref { return w.allGrants()[n].Benefit }),
			"status": oneOf(func(w *World, n Ref) string { return w.allGrants()[n].keyStatus() }, "granted", "revoked", "disabled")},
		render: func(w *World, o *object, n Ref) {
			o.open()
			w.licenseKeyFields(o, w.allGrants()[n])
			o.close()
		},
	}}
}

func (g Grant) keyStatus() string {
	switch {
	case g.Revoked != 0:
		return "revoked"
	case g.Subscription%37 == 5:
		return "disabled"
	}
	return "granted"
}

func (w *World) licenseKeyID(g Grant) ID {
	return w.id(KindLicenseKey, int(g.Subscription)<<8|int(g.Benefit))
}

func (w *World) licenseKeyFields(o *object, g Grant) {
	s, id := &w.subscriptions[g.Subscription], w.licenseKeyID(g)
	validations := int64(g.Subscription%23) + int64((w.now-g.At)/(30*day))
	validated := g.At + Time(validations-int64(g.Subscription%23))*30*day
	o.id("id", id)
	o.times(g.At, validated)
	w.organization(o)
	w.ref(o, "customer_id", KindCustomer, s.Customer)
	o.key("customer")
	w.renderCustomer(o, s.Customer)
	w.ref(o, "benefit_id", KindBenefit, g.Benefit)
	o.str("key", "SIM-"+w.hiddenText("license key", int(g.Subscription)))
	o.str("display_key", "****-"+id.String()[:6])
	o.str("status", g.keyStatus())
	if g.Subscription%2 == 0 {
		o.int("limit_activations", 3)
	} else {
		o.null("limit_activations")
	}
	o.int("usage", int64(g.Subscription%5))
	o.null("limit_usage")
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

// licenseKeyMember is the member whom a key was given to: the oldest of its customer.
func (w *World) licenseKeyMember(o *object, customer Ref) {
	oldest := None
	for n, m := range w.membersOf(customer) {
		if m.DeletedAt == 0 {
			oldest = n
		}
	}
	w.ref(o, "member_id", KindMember, oldest)
	if oldest == None {
		o.null("member")
		return
	}
	o.key("member")
	w.renderMember(o, oldest)
}

// licenseKey finds the grant of the key in the path.
func (c *call) licenseKey() (g Grant, ok bool) {
	n, ok := c.id("id", KindLicenseKey, math.MaxInt32)
	if !ok {
		return g, false
	}
	for _, g := range c.w.allGrants() {
		if g.Subscription<<8|g.Benefit == n && g.At != 0 && c.w.benefits[g.Benefit].Type == "license_keys" {
			return g, true
		}
	}
	c.notFound()
	return g, false
}

func (c *call) getLicenseKey() {
	g, ok := c.licenseKey()
	if !ok {
		return
	}
	o := object{version: c.version}
	o.open()
	c.w.licenseKeyFields(&o, g)
	var numbers []int
	for n := range int(g.Subscription % 4) {
		numbers = append(numbers, n)
	}
	list(&o, "activations", numbers, func(o *object, n int) {
		o.open()
		c.w.activationFields(o, g, n)
		o.close()
	})
	o.close()
	c.json(http.StatusOK, o.b)
}

func (w *World) activationFields(o *object, g Grant, n int) {
	o.id("id", w.activationID(g, n))
	o.id("license_key_id", w.licenseKeyID(g))
	o.str("label", "machine "+strconv.Itoa(n)+" “büro”")
	o.raw("meta", `{"ip":"192.0.2.`+strconv.Itoa(n)+`","cores":8,"ratio":0.50}`)
	o.times(g.At+Time(n+1)*hour, 0)
}

func (w *World) activationID(g Grant, n int) ID {
	return w.id(KindActivation, (int(g.Subscription)<<8|int(g.Benefit))<<2|n)
}

func (c *call) getActivation() {
	g, ok := c.licenseKey()
	if !ok {
		return
	}
	for n := range int(g.Subscription % 4) {
		if c.w.activationID(g, n).String() == c.params["activation_id"] {
			o := object{version: c.version}
			o.open()
			c.w.activationFields(&o, g, n)
			o.key("license_key")
			o.open()
			c.w.licenseKeyFields(&o, g)
			o.close()
			o.close()
			c.json(http.StatusOK, o.b)
			return
		}
	}
	c.notFound()
}
