package polarsim

import (
	"math"
	"net/http"
)

// licenseKeyList is the list of licence keys: one for each grant of such a benefit. Its order cannot be chosen
// (polarsource/polar, server/polar/license_key/endpoints.py).
func licenseKeyList() *resource {
	return &resource{
		path: "/v1/license-keys/", kind: KindLicenseKey, scopes: []string{"license_keys:read", "license_keys:write"}, fixed: true, noID: true,
		rows: func(w *World) int { return len(w.allGrants()) },
		hidden: func(w *World, n Ref) bool {
			g := w.allGrants()[n]
			return g.At == 0 || w.benefits[g.Benefit].Type != "license_keys"
		},
		sorts:   []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.allGrants()[n].At })},
		sorting: []string{"created_at"},
		filters: map[string]filter{"benefit_id": reference(KindBenefit, func(w *World, n Ref) Ref { return w.allGrants()[n].Benefit }),
			"status": oneOf("LicenseKeyStatus", func(w *World, n Ref) string { return w.allGrants()[n].keyStatus() }, "granted", "revoked", "disabled")},
		render: func(w *World, o *object, n Ref) {
			o.open()
			w.licenseKeyFields(o, w.allGrants()[n])
			o.close()
		},
	}
}

func (w *World) licenseKeyID(g Grant) ID {
	return w.id(KindLicenseKey, int(g.number()))
}

// licenseKey finds the grant of the key in the path.
func (c *call) licenseKey() (g Grant, ok bool) {
	n, ok := c.id("id", KindLicenseKey, math.MaxInt32)
	if !ok {
		return g, false
	}
	for _, g := range c.w.allGrants() {
		if g.number() == n && g.At != 0 && c.w.benefits[g.Benefit].Type == "license_keys" {
			return g, true
		}
	}
	c.notFound()
	return g, false
}

// rotateLicenseKey gives a key of the same id another text (https://polar.sh/docs/api-reference/license-keys/rotate).
func (c *call) rotateLicenseKey() {
	g, ok := c.licenseKey()
	if !ok {
		return
	}
	c.w.rotations[g.number()] = rotation{c.w.rotations[g.number()].times + 1, c.w.stamp()}
	c.w.version++
	o := object{version: c.version}
	o.open()
	c.w.licenseKeyFields(&o, g)
	o.close()
	c.json(http.StatusOK, o.b)
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
