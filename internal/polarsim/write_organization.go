package polarsim

import (
	"net/http"
)

// updateOrganization changes the name; of what else upstream takes, nothing is served that could change.
func (c *call) updateOrganization() {
	f, ok := c.form()
	if !ok {
		return
	}
	name := ""
	if f.given("name") {
		name = f.required("name", 3, 1<<20)
	}
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.id("id", KindOrganization, 1)
	if !ok {
		return
	}
	w := c.w
	w.version++
	w.changeRow(func() *Time { return &w.org.ModifiedAt }, func(o *object) { w.renderOrganization(o, n) }, func() { w.org.Name = firstOf(name, w.org.Name) })
	w.tellWebhooks("organization.updated", KindOrganization, n)
	c.show("/v1/organizations/", n, http.StatusOK)
}
