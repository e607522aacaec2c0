package polarsim

import "net/http"

// benefitDeleted tells that a deleted benefit was taken back from all who had it. Upstream there is a webhook for each grant but, unlike when a
// subscription ends, no event (polarsource/polar, server/polar/benefit/grant/service.py delete_benefit_grant); jobs do it, here it is done at once.
func (w *World) benefitDeleted(n Ref) {
	if !w.journal.on {
		return
	}
	for i, g := range w.allGrants() {
		if s := &w.subscriptions[g.Subscription]; g.Benefit == n && g.At != 0 && s.entitled() {
			w.tellWebhooks("benefit_grant.revoked", KindBenefitGrant, Ref(i))
			w.stateChanged(s.Customer)
		}
	}
}

// mostBenefits is how many a world holds: the ids of grants have eight bits for the benefit.
const mostBenefits = 1 << 8

// readBenefit reads what a body says of a benefit. Upstream the type has to be sent again with a change; here it may be.
func readBenefit(w *World, f *form, b *Benefit, n Ref) {
	fresh := n == None
	b.Type = f.keptEnum("type", b.Type, "Benefit type cannot be changed.", benefitTypes...)
	if fresh || f.given("description") {
		b.Description = f.required("description", 3, 42)
	}
	visibility := f.enum("visibility", "draft", "private", "public")
	if b.visibilityOpen() && visibility != "" {
		b.Visibility = visibility
	} else if fresh {
		b.Visibility = "public"
	}
	if f.sent("metadata") {
		b.Metadata = f.metadata()
	}
	if shape, known := benefitProperties[b.Type]; known && (fresh || f.given("properties")) {
		b.Properties = f.properties(shape)
		if sub, ok := f.under("properties"); ok && b.Type == "meter_credit" {
			sub.ref(w, "meter_id", KindMeter, func(m Ref) bool { return int(m) < len(w.meters) }, "Meter does not exist.")
		}
	}
	if fresh && len(w.benefits) >= mostBenefits {
		f.refuse("type", "value_error", "There are as many benefits as the simulator holds.")
	}
}

// visibilityOpen tells whether the merchant chooses who sees the benefit.
func (b *Benefit) visibilityOpen() bool { return b.Type == "custom" || b.Type == "feature_flag" }

// updateBenefits replaces the benefits of a product, in the order given. The product's own row does not change.
func (c *call) updateBenefits() {
	f, ok := c.form()
	if !ok {
		return
	}
	var benefits []Ref
	if f.sent("benefits") {
		benefits = f.refs(c.w, "benefits", KindBenefit, func(b Ref) string {
			if b == None || int(b) >= len(c.w.benefits) || c.w.benefits[b].DeletedAt != 0 {
				return "Benefit does not exist."
			}
			return ""
		})
	} else {
		f.missing("benefits")
	}
	if !f.polar && c.invalid(f.problems) {
		return
	}
	n, ok := c.product()
	if !ok || c.invalid(f.problems) {
		return
	}
	c.w.products[n].Benefits = benefits
	c.w.stamp()
	c.w.tellWebhooks("product.updated", KindProduct, n)
	c.show("/v1/products/", n, http.StatusOK)
}

// BenefitIDs are the ids of the benefits that products may give, for tests and scripts that change them.
func (w *World) BenefitIDs() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	ids := make([]string, 0, len(w.benefits))
	for i := range w.benefits {
		if w.benefits[i].DeletedAt == 0 {
			ids = append(ids, w.id(KindBenefit, i).String())
		}
	}
	return ids
}
