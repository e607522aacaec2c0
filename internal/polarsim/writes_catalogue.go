package polarsim

import "net/http"

// catalogueRow is what the catalogue's writes change of a row.
type catalogueRow struct {
	modified, deleted *Time
	name              *string
}

// catalogueWrite says which rows can be renamed and deleted under a path, and what webhooks tell of it.
type catalogueWrite struct {
	path, scope, field string // field: of the body, that renames
	kind               Kind
	row                func(w *World, n Ref) catalogueRow
	rows               func(w *World) int
	updated, deleted   string // webhook events; "" = none
}

// catalogueWrites are discounts, benefits, checkout links and custom fields. A deletion is soft: lists and GET no longer show
// the row, and of a benefit a webhook says that it was updated (polarsource/polar, server/polar/*/service.py).
func catalogueWrites() []catalogueWrite {
	return []catalogueWrite{
		{path: "/v1/discounts/", scope: "discounts:write", field: "name", kind: KindDiscount, updated: "discount.updated", deleted: "discount.deleted",
			rows: func(w *World) int { return len(w.discounts) },
			row: func(w *World, n Ref) catalogueRow {
				d := &w.discounts[n]
				return catalogueRow{&d.ModifiedAt, &d.DeletedAt, &d.Name}
			}},
		{path: "/v1/benefits/", scope: "benefits:write", field: "description", kind: KindBenefit, updated: "benefit.updated", deleted: "benefit.updated",
			rows: func(w *World) int { return len(w.benefits) },
			row: func(w *World, n Ref) catalogueRow {
				b := &w.benefits[n]
				return catalogueRow{&b.ModifiedAt, &b.DeletedAt, &b.Description}
			}},
		{path: "/v1/checkout-links/", scope: "checkout_links:write", field: "label", kind: KindCheckoutLink,
			rows: func(w *World) int { return len(w.checkoutLinks) },
			row: func(w *World, n Ref) catalogueRow {
				l := &w.checkoutLinks[n]
				return catalogueRow{&l.ModifiedAt, &l.DeletedAt, &l.Label}
			}},
		{path: "/v1/custom-fields/", scope: "custom_fields:write", field: "name", kind: KindCustomField,
			rows: func(w *World) int { return len(w.customFields) },
			row: func(w *World, n Ref) catalogueRow {
				f := &w.customFields[n]
				return catalogueRow{&f.ModifiedAt, &f.DeletedAt, &f.Name}
			}},
	}
}

func (x catalogueWrite) find(c *call) (n Ref, ok bool) {
	n, ok = c.id("id", x.kind, x.rows(c.w))
	if ok && *x.row(c.w, n).deleted != 0 {
		c.notFound()
		return None, false
	}
	return n, ok
}

func (x catalogueWrite) rename(c *call) {
	f, ok := c.form()
	if !ok {
		return
	}
	name := f.text(x.field, 256)
	if c.invalid(f.problems) {
		return
	}
	n, ok := x.find(c)
	if !ok {
		return
	}
	if row := x.row(c.w, n); name != "" && name != *row.name {
		*row.name, *row.modified = name, c.w.stamp()
		if x.updated != "" {
			c.w.hook(x.updated, x.kind, n)
		}
	}
	c.show(x.path, n, http.StatusOK)
}

func (x catalogueWrite) remove(c *call) {
	n, ok := x.find(c)
	if !ok {
		return
	}
	row := x.row(c.w, n)
	*row.deleted = c.w.stamp()
	*row.modified = *row.deleted
	if x.deleted != "" {
		c.w.hook(x.deleted, x.kind, n)
	}
	c.status = http.StatusNoContent
}
