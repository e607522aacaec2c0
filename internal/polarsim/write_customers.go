package polarsim

import (
	"net/http"
	"strconv"
)

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
	w.tellWebhooks("member.created", KindMember, w.addMember(owner))
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
	w.changeRow(func() *Time { return &row.ModifiedAt }, func(o *object) { w.renderCustomer(o, n) }, func() {
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
				w.changeRow(func() *Time { return &member.ModifiedAt }, func(o *object) { w.renderMember(o, m) }, func() { member.Email = email })
				w.tellWebhooks("member.updated", KindMember, m)
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
		c.w.deleteCustomer(n, c.w.stamp(), anonymize)
		c.status = http.StatusNoContent
	}
}

// deleteCustomer deletes a customer softly, and its members at once; subscriptions and grants follow later, as upstream, by background jobs
// (polarsource/polar, server/polar/customer/service.py delete).
func (w *World) deleteCustomer(n Ref, at Time, anonymize bool) {
	c := &w.customers[n]
	c.DeletedAt, c.ModifiedAt = at, at
	if c.ExternalID != "" { // freed for reuse; kept in the metadata
		c.Metadata = withKey(c.Metadata, "__external_id", c.ExternalID)
		c.ExternalID = ""
	}
	if anonymize {
		c.Email = strconv.FormatUint(mix(w.seed^uint64(n)), 16) + "@anonymized.invalid"
		c.EmailVerified = false
		c.BillingName = ""
		if c.TaxID == nil {
			c.Name = strconv.FormatUint(mix(w.seed+uint64(n)), 16)
		}
		c.Address = nil
		c.Metadata = withKey(c.Metadata, "__anonymized_at", at.String())
	}
	for i, m := range w.membersOf(n) {
		if m.DeletedAt == 0 {
			m.DeletedAt, m.ModifiedAt = at, at
			w.tellWebhooks("member.deleted", KindMember, i)
		}
	}
	w.customerHappened(evCustomerDeleted, n, "")
}
