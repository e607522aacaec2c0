package polarsim

import (
	"net/http"
	"reflect"
)

// catalogueList is what the API offers to change in one list of the catalogue, and what webhooks tell of it.
type catalogueList[T any] struct {
	path, scope               string
	kind                      Kind
	created, updated, deleted string // webhook events; "" = none
	table                     func(w *World) *[]T
	times                     func(row *T) (created, modified, deleted *Time)
	links                     func(row *T) *[]Ref // what other tables hold for the row, which does not move modified_at; nil: nothing
	// read reads a body into a row: n is its number, or None for a new one, which needs more.
	read func(w *World, f *form, row *T, n Ref)
	// after does what a change and a deletion entail; nil: nothing. Both have happened, and before is the row as it was.
	after func(w *World, before *T, n Ref)
}

// catalogueWrite is a list whose rows can be made, changed and deleted, whatever they are.
type catalogueWrite struct {
	path, scope            string
	create, update, remove func(c *call)
}

// catalogueWrites are discounts, benefits, checkout links and custom fields. A deletion is soft: lists and GET no longer show
// the row, and of a benefit a webhook says that it was updated (polarsource/polar, server/polar/*/service.py).
func catalogueWrites() []catalogueWrite {
	return []catalogueWrite{
		catalogueList[Discount]{path: "/v1/discounts/", scope: "discounts:write", kind: KindDiscount,
			created: "discount.created", updated: "discount.updated", deleted: "discount.deleted",
			table: func(w *World) *[]Discount { return &w.discounts },
			times: func(d *Discount) (c, m, x *Time) { return &d.CreatedAt, &d.ModifiedAt, &d.DeletedAt },
			links: func(d *Discount) *[]Ref { return &d.Products },
			read:  readDiscount}.writes(),
		catalogueList[Benefit]{path: "/v1/benefits/", scope: "benefits:write", kind: KindBenefit,
			created: "benefit.created", updated: "benefit.updated", deleted: "benefit.updated",
			table: func(w *World) *[]Benefit { return &w.benefits },
			times: func(b *Benefit) (c, m, x *Time) { return &b.CreatedAt, &b.ModifiedAt, &b.DeletedAt },
			read:  readBenefit,
			after: func(w *World, _ *Benefit, n Ref) {
				if w.benefits[n].DeletedAt != 0 {
					w.benefitDeleted(n)
				}
			}}.writes(),
		catalogueList[CheckoutLink]{path: "/v1/checkout-links/", scope: "checkout_links:write", kind: KindCheckoutLink,
			table: func(w *World) *[]CheckoutLink { return &w.checkoutLinks },
			times: func(l *CheckoutLink) (c, m, x *Time) { return &l.CreatedAt, &l.ModifiedAt, &l.DeletedAt },
			links: func(l *CheckoutLink) *[]Ref { return &l.Products },
			read:  readCheckoutLink}.writes(),
		catalogueList[CustomField]{path: "/v1/custom-fields/", scope: "custom_fields:write", kind: KindCustomField,
			table: func(w *World) *[]CustomField { return &w.customFields },
			times: func(f *CustomField) (c, m, x *Time) { return &f.CreatedAt, &f.ModifiedAt, &f.DeletedAt },
			read:  readCustomField,
			after: func(w *World, before *CustomField, n Ref) { w.renameAnswers(before.Slug, w.customFields[n].Slug) }}.writes(),
	}
}

func (x catalogueList[T]) writes() catalogueWrite {
	return catalogueWrite{x.path, x.scope, x.create, x.update, x.remove}
}

func (x catalogueList[T]) tell(w *World, event string, n Ref) {
	if event != "" {
		w.tellWebhooks(event, x.kind, n)
	}
}

func (x catalogueList[T]) create(c *call) {
	f, ok := c.form()
	if !ok {
		return
	}
	f.organization()
	var row T
	if x.read(c.w, f, &row, None); c.invalid(f.problems) {
		return
	}
	created, _, _ := x.times(&row)
	*created = c.w.stamp()
	table := x.table(c.w)
	n := Ref(len(*table))
	*table = append(*table, row)
	x.tell(c.w, x.created, n)
	c.show(x.path, n, http.StatusCreated)
}

// find is the live row of the path.
func (x catalogueList[T]) find(c *call) (n Ref, ok bool) {
	table := *x.table(c.w)
	if n, ok = c.id("id", x.kind, len(table)); !ok {
		return None, false
	}
	if _, _, deleted := x.times(&table[n]); *deleted != 0 {
		c.notFound()
		return None, false
	}
	return n, true
}

func (x catalogueList[T]) update(c *call) {
	f, ok := c.form()
	if !ok {
		return
	}
	n, ok := x.find(c)
	if !ok {
		return
	}
	row := &(*x.table(c.w))[n]
	before, changed := *row, *row
	if x.read(c.w, f, &changed, n); c.invalid(f.problems) {
		return
	}
	*row = changed
	c.w.version++
	if _, modified, _ := x.times(row); !reflect.DeepEqual(x.own(before), x.own(changed)) {
		*modified = c.w.stamp()
	}
	if x.after != nil {
		x.after(c.w, &before, n)
	}
	x.tell(c.w, x.updated, n)
	c.show(x.path, n, http.StatusOK)
}

// own is a row without what other tables hold for it.
func (x catalogueList[T]) own(row T) T {
	if x.links != nil {
		*x.links(&row) = nil
	}
	return row
}

func (x catalogueList[T]) remove(c *call) {
	n, ok := x.find(c)
	if !ok {
		return
	}
	row := &(*x.table(c.w))[n]
	before := *row
	_, modified, deleted := x.times(row)
	*deleted = c.w.stamp()
	*modified = *deleted
	x.tell(c.w, x.deleted, n)
	if x.after != nil {
		x.after(c.w, &before, n)
	}
	c.status = http.StatusNoContent
}
