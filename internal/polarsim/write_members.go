package polarsim

import (
	"net/http"
	"strings"
)

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// memberMissing is what the 404 of a member says.
const memberMissing = "Member not found"

func (c *call) memberNotFound() { c.refuse(http.StatusNotFound, "ResourceNotFound", memberMissing) }

// createMember adds a member to the customer of the path, or of the body where the path has none. An email address that the customer has already
// gives the member there is.
func (c *call) createMember() {
	f, ok := c.form()
	if !ok {
		return
	}
	row := Member{Email: f.email("email"), Name: f.text("name", 256), ExternalID: f.text("external_id", 1000), Role: firstOf(f.enum("role", "member", "billing_manager"), "member")}
	if !f.sent("email") || f.null("email") {
		f.missing("email")
	}
	w := c.w
	live := func(n Ref) bool { return int(n) < len(w.customers) && w.customers[n].DeletedAt == 0 }
	nested := len(c.params) > 0
	if !nested {
		if !f.sent("customer_id") {
			f.missing("customer_id")
		}
		row.Customer = f.ref(w, "customer_id", KindCustomer, func(Ref) bool { return true }, "")
	}
	if c.invalid(f.problems) {
		return
	}
	if nested {
		if row.Customer, ok = c.customer(); !ok {
			return
		}
	} else if row.Customer == None || !live(row.Customer) {
		c.refuse(http.StatusNotFound, "ResourceNotFound", "Customer not found")
		return
	}
	if !w.customers[row.Customer].Team && w.liveMembers(row.Customer) > 0 {
		c.refuse(http.StatusForbidden, "NotPermitted", "Individual customers can only have one member (the owner). Upgrade to a team customer to add more members.")
		return
	}
	for n, m := range w.membersOf(row.Customer) {
		if m.DeletedAt == 0 && equalFold(m.Email, row.Email) {
			c.showMember(http.StatusCreated, n)
			return
		}
	}
	row.CreatedAt = w.stamp()
	n := w.addMember(row)
	w.tellWebhooks("member.created", KindMember, n)
	c.showMember(http.StatusCreated, n)
}

func (w *World) liveMembers(customer Ref) (n int) {
	for _, m := range w.membersOf(customer) {
		if m.DeletedAt == 0 {
			n++
		}
	}
	return n
}

// updateMember changes name, email or role. A new owner makes the one before a billing manager: two rows change.
func (c *call) updateMember() {
	f, ok := c.form()
	if !ok {
		return
	}
	name, email, role := f.text("name", 256), f.email("email"), f.enum("role", "owner", "billing_manager", "member")
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.member()
	if !ok {
		return
	}
	w, m := c.w, &c.w.members[n]
	email = strings.TrimSpace(email)
	if email != "" && email != m.Email {
		if !w.customers[m.Customer].Team {
			f.refuse("email", "value_error", "Cannot change the email of an individual customer's owner. Update the customer's email instead.")
		}
		for other, o := range w.membersOf(m.Customer) {
			if other != n && o.DeletedAt == 0 && equalFold(o.Email, email) {
				f.refuse("email", "value_error", "A member with this email already exists for this customer.")
			}
		}
	}
	if role != "" && role != "owner" && m.Role == "owner" {
		f.refuse("role", "value_error", "Cannot change role. Customer must have exactly one owner.")
	}
	if c.invalid(f.problems) {
		return
	}
	set := func(n Ref, change func(m *Member)) {
		m := &w.members[n]
		w.changeRow(func() *Time { return &m.ModifiedAt }, func(o *object) { w.renderMember(o, n) }, func() { change(m) })
		w.tellWebhooks("member.updated", KindMember, n)
	}
	if role == "owner" && m.Role != "owner" {
		for other, o := range w.membersOf(m.Customer) {
			if o.DeletedAt == 0 && o.Role == "owner" {
				set(other, func(m *Member) { m.Role = "billing_manager" })
			}
		}
	}
	set(n, func(m *Member) {
		m.Name, m.Email, m.Role = firstOf(name, m.Name), firstOf(email, m.Email), firstOf(role, m.Role)
	})
	c.showMember(http.StatusOK, n)
}

func (c *call) deleteMember() {
	n, ok := c.member()
	if !ok {
		return
	}
	m := &c.w.members[n]
	if m.Role == "owner" {
		p := &problems{polar: true}
		p.add("value_error", []any{"body"}, "Cannot delete the only owner. Transfer ownership first.", c.w.id(KindMember, int(n)).String(), "")
		c.invalid(p)
		return
	}
	m.DeletedAt = c.w.stamp()
	m.ModifiedAt = m.DeletedAt
	c.w.tellWebhooks("member.deleted", KindMember, n)
	c.status = http.StatusNoContent
}
