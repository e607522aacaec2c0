package polarsim

import (
	"slices"
	"time"
)

// replicas are the lists that upstream answers from a read replica (get_db_read_session in polarsource/polar, server/polar/*/endpoints.py).
var replicas = []string{"/v1/organizations/", "/v1/products/", "/v1/customers/", "/v1/members/", "/v1/meters/", "/v1/orders/", "/v1/subscriptions/", "/v1/payments/",
	"/v1/disputes/", "/v1/checkouts/", "/v1/custom-fields/", "/v1/license-keys/", "/v1/files/"}

// lag is how far behind the replica is that answers for r; 0 = not at all.
func (c *call) lag(r *resource) (lag time.Duration) {
	for _, h := range c.hits {
		if h.Kind == "replica" && slices.Contains(replicas, r.path) {
			lag = h.For
		}
	}
	return lag
}

// arrived tells whether a replica that is behind has a row already: one made since it has not. Changes of rows it has at once: the simulator
// keeps no older states.
func (c *call) arrived(r *resource, n Ref, lag time.Duration) bool {
	made := Time(0)
	if r.kind == KindSubscription {
		made = c.w.subscriptions[n].CreatedAt
	} else if key := r.find("created_at"); key != nil && key.time != nil {
		made = key.time(c.w, n)
	}
	return made <= c.w.now-Time(lag.Microseconds())
}

// replicated leaves out the rows that the replica does not have yet.
func (c *call) replicated(r *resource, rows []Ref) []Ref {
	lag := c.lag(r)
	if lag == 0 {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(n Ref) bool { return !c.arrived(r, n, lag) })
}
