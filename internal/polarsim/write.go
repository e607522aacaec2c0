package polarsim

import (
	"bytes"
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
	add(products, "DELETE", "/v1/products/{id}", (*call).deleteProduct)
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
	add("meters:write", "POST", "/v1/meters/", (*call).createMeter)
	add("meters:write", "PATCH", "/v1/meters/{id}", (*call).updateMeter)
	add("files:write", "PATCH", "/v1/files/{id}", (*call).updateFile)
	add("files:write", "DELETE", "/v1/files/{id}", (*call).deleteFile)
	add("license_keys:write", "POST", "/v1/license-keys/{id}/rotate", (*call).rotateLicenseKey)
	add("checkouts:write", "POST", "/v1/checkouts/", (*call).createCheckout)
	add("customer_seats:write", "POST", "/v1/customer-seats", (*call).assignSeat)
	add("customer_seats:write", "DELETE", "/v1/customer-seats/{id}", (*call).revokeSeat)
	add("refunds:write", "POST", "/v1/refunds/", (*call).createRefund)
	table = append(table, route{method: "POST", pattern: "/v1/orders/{id}/invoice", scopes: []string{orders, "orders:read"}, lock: lockWrite, handle: (*call).generateInvoice})
	return table
}

// changeRow makes a change to a row and sets its modified_at if the row's own columns differ afterwards: as upstream's ORM, an update that changes
// nothing leaves it alone, and so does a change of related rows. show writes the columns that count.
func (w *World) changeRow(modified func() *Time, show func(o *object), change func()) {
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
