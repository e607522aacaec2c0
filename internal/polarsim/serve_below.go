package polarsim

import (
	"encoding/json"
	"maps"
)

// below answers with the rows of a list that belong to one object, in the list's own order; asked are the filters of this list.
func (c *call) below(r *resource, belongs func(n Ref) bool, asked ...string) {
	some := *r
	some.path, some.fixed, some.noOrg = c.r.URL.Path, true, true
	some.hidden = func(w *World, n Ref) bool { return r.hidden != nil && r.hidden(w, n) || !belongs(n) }
	some.filters = maps.Clone(r.filters)
	maps.DeleteFunc(some.filters, func(name string, _ filter) bool {
		for _, a := range asked {
			if a == name {
				return false
			}
		}
		return true
	})
	some.list(c)
}

// listMembers lists the members of a customer (https://polar.sh/docs/api-reference/customers/list-members).
func (c *call) listMembers() {
	if n, ok := c.customer(); ok {
		c.below(c.resourceAt("/v1/members/"), func(m Ref) bool { return c.w.members[m].Customer == n }, "role")
	}
}

// benefit finds the benefit of the path; ok is false when the response is set already.
func (c *call) benefit() (n Ref, ok bool) {
	n, ok = c.id("id", KindBenefit, len(c.w.benefits))
	if ok && c.w.benefits[n].DeletedAt != 0 {
		c.notFound()
		return None, false
	}
	return n, ok
}

// listBenefitGrants lists the grants of a benefit (polarsource/polar, server/polar/benefit/endpoints.py).
func (c *call) listBenefitGrants() {
	if n, ok := c.benefit(); ok {
		c.below(c.resourceAt("/v1/benefit-grants/"), func(g Ref) bool { return c.w.allGrants()[g].Benefit == n }, "is_granted", "customer_id")
	}
}

// listBenefitFiles lists the files that a benefit lets customers download; other benefits have no such list.
func (c *call) listBenefitFiles() {
	n, ok := c.benefit()
	if !ok {
		return
	}
	b := &c.w.benefits[n]
	if b.Type != "downloadables" {
		c.notFound()
		return
	}
	var given struct{ Files []string }
	_ = json.Unmarshal([]byte(b.Properties), &given) // of this package's making
	files := map[ID]bool{}
	for _, text := range given.Files {
		if id, ok := ParseID(text); ok {
			files[id] = true
		}
	}
	c.below(c.resourceAt("/v1/files/"), func(f Ref) bool { return files[c.w.id(KindMedia, int(f))] })
}
