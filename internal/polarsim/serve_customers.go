package polarsim

import (
	"net/http"
	"net/url"
	"time"
)

// extraRoutes are the operations besides lists and GET by id.
func extraRoutes() []route {
	customers, orders, meters := []string{"customers:read", "customers:write"}, []string{"orders:read"}, []string{"meters:read", "meters:write"}
	members := []string{"members:read", "members:write"}
	table := []route{
		// Since June 2026 only web sessions may read tokens (polarsource/polar, server/polar/organization_access_token/auth.py).
		{method: "GET", pattern: "/v1/organization-access-tokens/", webOnly: true, handle: (*call).notFound},
		{method: "GET", pattern: "/v1/customers/external/{external_id}", scopes: customers, handle: (*call).getCustomerExternal},
		{method: "GET", pattern: "/v1/customers/{id}/state", scopes: customers, handle: (*call).getState},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/state", scopes: customers, handle: (*call).getState},
		{method: "GET", pattern: "/v1/customers/{id}/members/{member_id}", scopes: members, handle: (*call).getMember},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/members/{member_external_id}", scopes: members, handle: (*call).getMember},
		{method: "GET", pattern: "/v1/customers/{id}/payment-methods", scopes: customers, handle: (*call).listPaymentMethods},
		{method: "GET", pattern: "/v1/license-keys/{id}", scopes: []string{"license_keys:read", "license_keys:write"}, handle: (*call).getLicenseKey},
		{method: "GET", pattern: "/v1/license-keys/{id}/activations/{activation_id}", scopes: []string{"license_keys:read", "license_keys:write"}, handle: (*call).getActivation},
		{method: "GET", pattern: "/v1/customer-seats", scopes: []string{"customer_seats:read"}, handle: (*call).listSeats},
		{method: "GET", pattern: "/v1/orders/{id}/invoice", scopes: orders, handle: (*call).getInvoice},
		{method: "GET", pattern: "/v1/orders/{id}/receipt", scopes: orders, handle: (*call).getReceipt},
		{method: "GET", pattern: "/v1/meters/{id}/quantities", scopes: meters, handle: (*call).getQuantities},
	}
	table = append(append(table, exportRoutes()...), eventRoutes()...)
	table = append(table, webhookRoutes()...)
	return append(append(table, metricRoutes()...), writeRoutes()...)
}

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
	n, ok = c.id(name, KindMember, len(c.w.members))
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

// getState answers with the state of a customer, from a cache of an hour. Upstream refreshes it when it sends customer.state_changed, and not for changes
// that do not (polarsource/polar, server/polar/customer/service.py get_state).
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

// renderState writes a customer with its live subscriptions, benefits and meters.
func (w *World) renderState(o *object, n Ref) {
	o.open()
	w.customerFields(o, n)
	var live []Ref
	for s, sub := range w.subscriptionsOf(n) {
		if sub.Status == SubActive || sub.Status == SubTrialing {
			live = append(live, s)
		}
	}
	list(o, "active_subscriptions", live, w.stateSubscription)
	type grant struct{ subscription, benefit Ref }
	var grants []grant
	for _, s := range live {
		for _, b := range w.products[w.subscriptions[s].Product].Benefits {
			if w.benefits[b].DeletedAt == 0 {
				grants = append(grants, grant{s, b})
			}
		}
	}
	list(o, "granted_benefits", grants, func(o *object, g grant) {
		s, b := &w.subscriptions[g.subscription], &w.benefits[g.benefit]
		o.open()
		o.id("id", w.id(KindBenefitGrant, int(g.subscription)<<8|int(g.benefit)))
		o.times(s.CreatedAt+second, 0)
		o.time("granted_at", s.CreatedAt+second)
		w.ref(o, "benefit_id", KindBenefit, g.benefit)
		o.str("benefit_type", b.Type)
		o.raw("benefit_metadata", b.Metadata)
		o.raw("properties", w.grantProperties(Grant{Subscription: g.subscription, Benefit: g.benefit}))
		o.close()
	})
	var meters []Ref
	for m := range w.metersOf(n) {
		meters = append(meters, m)
	}
	list(o, "active_meters", meters, func(o *object, n Ref) {
		m := &w.customerMeters[n]
		o.open()
		o.id("id", w.id(KindCustomerMeter, int(n)))
		o.times(m.CreatedAt, m.ModifiedAt)
		w.ref(o, "meter_id", KindMeter, m.Meter)
		o.num("consumed_units", m.Consumed)
		o.int("credited_units", m.Credited)
		o.num("balance", m.Balance())
		o.close()
	})
	o.close()
}

func (w *World) stateSubscription(o *object, n Ref) {
	s := &w.subscriptions[n]
	o.open()
	o.id("id", w.id(KindSubscription, int(n)))
	o.times(s.CreatedAt, s.ModifiedAt)
	o.raw("custom_field_data", s.CustomFields)
	o.raw("metadata", s.Metadata)
	o.str("status", s.Status)
	o.int("amount", s.Amount)
	o.str("currency", s.Currency)
	o.str("recurring_interval", s.Interval)
	o.time("current_period_start", s.PeriodStart)
	o.time("current_period_end", s.PeriodEnd)
	o.time("trial_start", s.TrialStart)
	o.time("trial_end", s.TrialEnd)
	o.bool("cancel_at_period_end", s.CancelAtPeriodEnd)
	o.time("canceled_at", s.CanceledAt)
	o.time("started_at", s.StartedAt)
	o.time("ends_at", s.EndsAt)
	w.ref(o, "product_id", KindProduct, s.Product)
	w.ref(o, "discount_id", KindDiscount, s.Discount)
	w.ref(o, "price_id", KindPrice, s.Prices[0])
	w.usage(o, "meters", n, false)
	o.close()
}

// getQuantities answers with the usage of a meter by period. The world keeps sums and no events, so a meter's whole usage falls into the period of
// its customers' last change.
func (c *call) getQuantities() {
	n, ok := c.id("id", KindMeter, len(c.w.meters))
	if !ok {
		return
	}
	p := &problems{}
	from, to := quantityBound(p, c.query, "start_timestamp"), quantityBound(p, c.query, "end_timestamp")
	interval := c.query.Get("interval")
	if !c.query.Has("interval") {
		p.add("missing", []any{"query", "interval"}, "Field required", nil, "")
	} else {
		checkEnum(p, []any{"query", "interval"}, interval, []string{"year", "month", "week", "day", "hour"})
	}
	if c.invalid(p) {
		return
	}
	starts := periodStarts(from, to, interval)
	sums, total := make([]float64, len(starts)), 0.0
	for i := range c.w.customerMeters {
		m := &c.w.customerMeters[i]
		if m.Meter != n || m.ModifiedAt < from || m.ModifiedAt > to || len(starts) == 0 {
			continue
		}
		period := len(starts) - 1
		for period > 0 && starts[period] > m.ModifiedAt {
			period--
		}
		sums[period] += m.Consumed
		total += m.Consumed
	}
	var o object
	o.open()
	i := 0
	list(&o, "quantities", starts, func(o *object, t Time) {
		o.open()
		o.time("timestamp", t)
		o.num("quantity", sums[i])
		o.close()
		i++
	})
	o.num("total", total)
	o.close()
	c.json(http.StatusOK, o.b)
}

func quantityBound(p *problems, q url.Values, name string) Time {
	if !q.Has(name) {
		p.add("missing", []any{"query", name}, "Field required", nil, "")
		return 0
	}
	t, naive := parseTime(p, name, q.Get(name))
	if naive {
		p.add("timezone_aware", []any{"query", name}, "Input should have timezone info", q.Get(name), "")
	}
	return t
}

// periodStarts are the beginnings of the periods, in UTC, that touch [from, to].
func periodStarts(from, to Time, interval string) (starts []Time) {
	g := from.Go()
	switch interval {
	case "hour":
		g = g.Truncate(time.Hour)
	case "day":
		g = time.Date(g.Year(), g.Month(), g.Day(), 0, 0, 0, 0, time.UTC)
	case "week":
		g = time.Date(g.Year(), g.Month(), g.Day()-(int(g.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	case "month":
		g = time.Date(g.Year(), g.Month(), 1, 0, 0, 0, 0, time.UTC)
	default:
		g = time.Date(g.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	const most = 10_000
	for t := At(g); t <= to && len(starts) < most; {
		starts = append(starts, t)
		if interval == "hour" {
			t += hour
		} else {
			t = t.after(interval, 1)
		}
	}
	return starts
}
