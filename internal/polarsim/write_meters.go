package polarsim

import (
	"net/http"
	"strings"
)

// createMeter adds a meter, of which no customer has a balance yet.
func (c *call) createMeter() {
	f, ok := c.form()
	if !ok {
		return
	}
	f.organization()
	m := Meter{Name: f.required("name", 3, 1<<20), Unit: "scalar", Metadata: f.metadata()}
	for name, into := range map[string]*string{"filter": &m.Filter, "aggregation": &m.Aggregation} {
		if sub, ok := f.under(name); ok && name == "filter" {
			if sub.enum("conjunction", "and", "or"); !sub.sent("conjunction") {
				sub.missing("conjunction")
			}
			if sub.elements("clauses"); !sub.sent("clauses") {
				sub.missing("clauses")
			}
		} else if ok {
			if sub.enum("func", "count", "sum", "max", "min", "avg", "unique") != "count" {
				sub.required("property", 0, 1<<20)
			}
		} else if !f.sent(name) {
			f.missing(name)
		}
		*into = string(f.fields[name])
	}
	if c.invalid(f.problems) {
		return
	}
	m.CreatedAt = c.w.stamp()
	c.w.meters = append(c.w.meters, m)
	c.show("/v1/meters/", Ref(len(c.w.meters)-1), http.StatusCreated)
}

// updateMeter changes name and metadata of a meter and archives it, which nothing tells of. One that something is still sold
// by cannot be archived (polarsource/polar, server/polar/meter/service.py).
func (c *call) updateMeter() {
	f, ok := c.form()
	if !ok {
		return
	}
	n, ok := c.id("id", KindMeter, len(c.w.meters))
	if !ok {
		return
	}
	m := &c.w.meters[n]
	changed := *m
	if f.given("name") {
		changed.Name = f.required("name", 3, 1<<20)
	}
	if f.sent("metadata") {
		changed.Metadata = f.metadata()
	}
	if f.given("is_archived") {
		changed.ArchivedAt = 0
		if f.bool("is_archived") {
			changed.ArchivedAt = c.w.stamp()
			if what := c.w.meteredBy(n); what != "" {
				f.refuse("is_archived", "value_error", "Cannot archive meter that is still "+what)
			}
		}
	}
	if c.invalid(f.problems) {
		return
	}
	c.w.version++
	c.w.changeRow(func() *Time { return &m.ModifiedAt }, func(o *object) { c.w.renderMeter(o, n) }, func() { *m = changed })
	c.show("/v1/meters/", n, http.StatusOK)
}

// meteredBy is what keeps a meter in use; "" = nothing does.
func (w *World) meteredBy(n Ref) string {
	for _, p := range w.prices {
		if p.Kind == PriceMetered && p.Meter == n && !p.Archived && !w.products[p.Product].Archived {
			return "attached to active products"
		}
	}
	id := w.id(KindMeter, int(n)).String()
	for _, b := range w.benefits {
		if b.Type == "meter_credit" && b.DeletedAt == 0 && strings.Contains(b.Properties, id) {
			return "referenced by active benefits"
		}
	}
	return ""
}
