package polarsim

import (
	"net/http"
)

// customer finds the live customer of the path, by id or by external id; ok is false when the response is set already.
func (c *call) customer() (n Ref, ok bool) {
	if external, given := c.params["external_id"]; given {
		if n = c.w.customerByExternalID(external); n == None {
			c.notFound()
		}
		return n, n != None
	}
	n, ok = c.id("id", KindCustomer, len(c.w.customers))
	if ok && c.w.customers[n].DeletedAt != 0 {
		c.notFound()
		return None, false
	}
	return n, ok
}

func (w *World) customerByExternalID(external string) Ref {
	for i := range w.customers {
		if c := &w.customers[i]; c.DeletedAt == 0 && c.ExternalID == external && external != "" {
			return Ref(i)
		}
	}
	return None
}

func (c *call) showCustomer(status int, n Ref) {
	var o object
	c.w.renderCustomer(&o, n)
	c.json(status, c.spoilt(o.b, -1, c.w.id(KindCustomer, int(n))))
}

func (c *call) getCustomerExternal() {
	if n, ok := c.customer(); ok {
		c.showCustomer(http.StatusOK, n)
	}
}

// getState answers with the state of a customer, from a cache of an hour. Upstream refreshes the cache when it sends
// customer.state_changed, and not after changes that do not send it (polarsource/polar, server/polar/customer/service.py
// get_state).
func (c *call) getState() {
	n, ok := c.customer()
	if !ok {
		return
	}
	type copied struct {
		at   Time
		body []byte
	}
	if c.opts.FreshState {
		var o object
		c.w.renderState(&o, n)
		c.json(http.StatusOK, o.b)
		return
	}
	if kept, found := c.w.states.Load(n); found {
		if s, is := kept.(copied); is && c.w.now-s.at < hour {
			c.json(http.StatusOK, s.body)
			return
		}
	}
	var o object
	c.w.renderState(&o, n)
	c.w.states.Store(n, copied{c.w.now, o.b})
	c.json(http.StatusOK, o.b)
}
