package polarsim

import (
	"bytes"
	"net/http"
)

// writeRoutes are the writes that Polar offers on the resources served (polarsource/polar, server/polar/*/endpoints.py).
func writeRoutes() []route {
	var table []route
	add := func(scope, method, pattern string, handle func(c *call)) {
		table = append(table, route{method: method, pattern: pattern, scopes: []string{scope}, lock: lockWrite, handle: handle})
	}
	const customers, members, products, subscriptions, orders = "customers:write", "members:write", "products:write", "subscriptions:write", "orders:write"
	add(customers, "POST", "/v1/customers/", (*call).createCustomer)
	for _, path := range []string{"/v1/customers/{id}", "/v1/customers/external/{external_id}"} {
		add(customers, "PATCH", path, (*call).updateCustomer)
		add(customers, "DELETE", path, (*call).deleteCustomer)
		add(members, "POST", path+"/members", (*call).createMember)
	}
	for _, path := range []string{"/v1/customers/{id}/members/{member_id}", "/v1/customers/external/{external_id}/members/{member_external_id}", "/v1/members/{id}"} {
		add(members, "PATCH", path, (*call).updateMember)
		add(members, "DELETE", path, (*call).deleteMember)
	}
	add(members, "POST", "/v1/members/", (*call).createMember)
	add(products, "POST", "/v1/products/", (*call).createProduct)
	add(products, "PATCH", "/v1/products/{id}", (*call).updateProduct)
	add(products, "POST", "/v1/products/{id}/benefits", (*call).updateBenefits)
	add(subscriptions, "POST", "/v1/subscriptions/", (*call).createSubscription)
	add(subscriptions, "PATCH", "/v1/subscriptions/{id}", (*call).updateSubscription)
	add(subscriptions, "DELETE", "/v1/subscriptions/{id}", (*call).revokeSubscription)
	add(orders, "PATCH", "/v1/orders/{id}", (*call).updateOrder)
	for _, x := range catalogueWrites() {
		add(x.scope, "POST", x.path, x.create)
		add(x.scope, "PATCH", x.path+"{id}", x.update)
		add(x.scope, "DELETE", x.path+"{id}", x.remove)
	}
	add("organizations:write", "PATCH", "/v1/organizations/{id}", (*call).updateOrganization)
	add("meters:write", "PATCH", "/v1/meters/{id}", (*call).updateMeter)
	add("files:write", "PATCH", "/v1/files/{id}", (*call).updateFile)
	add("files:write", "DELETE", "/v1/files/{id}", (*call).deleteFile)
	add("refunds:write", "POST", "/v1/refunds/", (*call).createRefund)
	table = append(table, route{method: "POST", pattern: "/v1/orders/{id}/invoice", scopes: []string{orders, "orders:read"}, lock: lockWrite, handle: (*call).generateInvoice})
	return table
}

// changed makes a change to a row and sets its modified_at if the row's own columns differ afterwards: as upstream's ORM, an update that changes
// nothing leaves it alone, and so does a change of related rows. show writes the columns that count.
func (w *World) changed(modified func() *Time, show func(o *object), change func()) {
	var before, after object
	show(&before)
	change()
	if show(&after); !bytes.Equal(before.b, after.b) {
		*modified() = w.stamp()
	}
}

// resourceAt is the resource of a path.
func (s *Server) resourceAt(path string) *resource {
	for _, r := range s.lists {
		if r.path == path {
			return r
		}
	}
	return nil
}

// show answers with a row of the resource of a path.
func (c *call) show(path string, n Ref, status int) { c.row(c.resourceAt(path), n, status) }

func (c *call) createCustomer() {
	f, ok := c.form()
	if !ok {
		return
	}
	w := c.w
	f.organization()
	kind := f.text("type", 100)
	if kind != "" && kind != "individual" && kind != "team" {
		f.add("union_tag_invalid", f.loc, "Input tag '"+kind+"' found using _customer_create_type() does not match any of the expected tags: 'individual', 'team'", f.fields,
			`{"discriminator":"_customer_create_type()","tag":`+quote(kind)+`,"expected_tags":"'individual', 'team'"}`)
	}
	row := Customer{Team: kind == "team", LastMember: None, LastSubscription: None, LastMeter: None, Currency: "usd"}
	if row.Team {
		f.loc = append(f.loc, "team")
	} else {
		f.loc = append(f.loc, "individual")
	}
	row.Email, row.ExternalID, row.Name, row.Locale = f.email("email"), f.text("external_id", 1000), f.text("name", 256), f.text("locale", 20)
	row.Metadata, row.Address = f.metadata(), f.address("billing_address")
	var owner Member
	if sub, ok := f.under("owner"); ok {
		owner = Member{Email: sub.email("email"), Name: sub.text("name", 256), ExternalID: sub.text("external_id", 1000)}
		if owner.Email == "" && !sub.sent("email") {
			sub.missing("email")
		}
	}
	if row.Email == "" && (!row.Team || owner.Email == "") && len(f.list) == 0 {
		f.missing("email")
	}
	f.loc = f.loc[:1]
	if row.Email != "" && w.customerByEmail(row.Email) != None {
		f.refuse("email", "value_error", "A customer with this email address already exists.")
	}
	if row.ExternalID != "" && w.customerByExternalID(row.ExternalID) != None {
		f.refuse("external_id", "value_error", "A customer with this external ID already exists.")
	}
	if row.TaxID = f.taxID(row.Address); c.invalid(f.problems) {
		return
	}
	row.CreatedAt = w.stamp()
	n := Ref(len(w.customers))
	w.customers = append(w.customers, row)
	if owner.Email == "" {
		owner.Email, owner.Name, owner.ExternalID = row.Email, firstOf(owner.Name, row.Name), firstOf(owner.ExternalID, row.ExternalID)
	}
	owner.CreatedAt, owner.Customer, owner.Role = row.CreatedAt, n, "owner"
	w.customerHappened(evCustomerCreated, n, "")
	w.hook("member.created", KindMember, w.addMember(owner))
	c.show("/v1/customers/", n, http.StatusCreated)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (w *World) customerByEmail(email string) Ref {
	for i := range w.customers {
		if c := &w.customers[i]; c.DeletedAt == 0 && equalFold(c.Email, email) {
			return Ref(i)
		}
	}
	return None
}

func (c *call) updateCustomer() {
	f, ok := c.form()
	if !ok {
		return
	}
	email, address := f.email("email"), f.address("billing_address")
	name, external, kind, locale, metadata := f.text("name", 256), f.text("external_id", 1000), f.enum("type", "individual", "team"), f.text("locale", 20), f.metadata()
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.customer()
	if !ok {
		return
	}
	w, row := c.w, &c.w.customers[n]
	_, byExternal := c.params["external_id"]
	if email != "" && !equalFold(email, row.Email) && w.customerByEmail(email) != None {
		f.refuse("email", "value_error", "A customer with this email address already exists.")
	}
	if f.sent("billing_address") && f.null("billing_address") {
		f.refuse("billing_address", "value_error", "Customer billing address cannot be reset to null once set.")
	}
	if setsExternal := f.sent("external_id") && !byExternal && external != row.ExternalID; setsExternal && row.ExternalID != "" {
		f.refuse("external_id", "value_error", "Customer external ID cannot be updated.")
	} else if setsExternal && w.customerByExternalID(external) != None {
		f.refuse("external_id", "value_error", "A customer with this external ID already exists.")
	}
	if f.sent("type") && !byExternal && row.Team && kind != "team" {
		f.refuse("type", "value_error", "Customer type cannot be downgraded from 'team' to 'individual'.")
	}
	if address == nil {
		address = row.Address
	}
	taxID := row.TaxID
	if f.sent("tax_id") {
		taxID = f.taxID(address)
	}
	if c.invalid(f.problems) {
		return
	}
	before := *row
	newEmail := email != "" && !equalFold(email, row.Email)
	w.changed(func() *Time { return &row.ModifiedAt }, func(o *object) { w.renderCustomer(o, n) }, func() {
		if newEmail {
			row.Email, row.EmailVerified = email, false
		}
		row.Address, row.TaxID = address, taxID
		if f.sent("name") {
			row.Name = name
		}
		if f.sent("locale") {
			row.Locale = locale
		}
		if f.sent("metadata") {
			row.Metadata = metadata
		}
		if !byExternal && f.sent("external_id") {
			row.ExternalID = external
		}
		row.Team = row.Team || !byExternal && kind == "team"
	})
	if newEmail && !row.Team { // the owner of an individual customer follows
		for m, member := range w.membersOf(n) {
			if member.Role == "owner" && member.DeletedAt == 0 {
				w.changed(func() *Time { return &member.ModifiedAt }, func(o *object) { w.renderMember(o, m) }, func() { member.Email = email })
				w.hook("member.updated", KindMember, m)
			}
		}
	}
	w.customerHappened(evCustomerUpdated, n, w.updatedFields(&before, n))
	c.show("/v1/customers/", n, http.StatusOK)
}

func (c *call) deleteCustomer() {
	p := &problems{}
	anonymize := c.query.Has("anonymize") && parseBool(p, "anonymize", c.query.Get("anonymize"))
	if c.invalid(p) {
		return
	}
	if n, ok := c.customer(); ok {
		c.w.remove(n, c.w.stamp(), anonymize)
		c.status = http.StatusNoContent
	}
}
