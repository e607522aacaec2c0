package polarsim

import "net/http"

// member finds the live member of the path: of a customer, or by itself.
func (c *call) member() (n Ref, ok bool) {
	owner := None
	if c.params["id"] != "" && c.params["member_id"] != "" || c.params["external_id"] != "" && c.params["member_external_id"] != "" {
		if owner, ok = c.customer(); !ok {
			return None, false
		}
	}
	if external, given := c.params["member_external_id"]; given {
		for n, m := range c.w.membersOf(owner) {
			if m.DeletedAt == 0 && m.ExternalID == external && external != "" {
				return n, true
			}
		}
		c.memberNotFound()
		return None, false
	}
	name := "member_id"
	if owner == None {
		name = "id"
	}
	n, ok = c.idOf(name, KindMember, len(c.w.members), memberMissing)
	if ok && (c.w.members[n].DeletedAt != 0 || owner != None && c.w.members[n].Customer != owner) {
		c.memberNotFound()
		return None, false
	}
	return n, ok
}

func (c *call) showMember(status int, n Ref) {
	var o object
	c.w.renderMember(&o, n)
	c.json(status, c.spoilt(o.b, -1, c.w.id(KindMember, int(n))))
}

func (c *call) getMember() {
	if n, ok := c.member(); ok {
		c.showMember(http.StatusOK, n)
	}
}
