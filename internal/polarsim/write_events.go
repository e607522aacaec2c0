package polarsim

import (
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// ingest takes in events that a shop sends. One whose external_id is known already is a duplicate; of a customer that there is
// the balances of meters change, here at once (polarsource/polar, server/polar/event/service.py ingest).
func (c *call) ingest() {
	f, ok := c.form()
	if !ok {
		return
	}
	if !f.sent("events") {
		f.missing("events")
	}
	elements, _ := f.elements("events")
	sent := make([]usage, len(elements))
	for i, raw := range elements {
		sub := &form{problems: f.problems, loc: append(f.at("events"), i)}
		if json.Unmarshal(raw, &sub.fields) != nil {
			f.pydantic("model_attributes_type", sub.loc, raw)
			continue
		}
		sent[i] = c.w.readUsage(sub)
	}
	if c.invalid(f.problems) {
		return
	}
	j, inserted := &c.w.journal, 0
	for _, u := range sent {
		if u.key != "" && j.external[u.key] {
			continue
		}
		if u.key != "" {
			if j.external == nil {
				j.external = map[string]bool{}
			}
			j.external[u.key] = true
		}
		c.w.takeUsage(u)
		inserted++
	}
	c.respond(http.StatusOK, `{"inserted":`+strconv.Itoa(inserted)+`,"duplicates":`+strconv.Itoa(len(sent)-inserted)+`}`)
}

// usage is an event as a shop sends it.
type usage struct {
	name, key, metadata string // key: the sender's id
	customer, named     Ref    // named: the customer too, where the event names it by the shop's own id
	at                  Time   // 0 = now
}

func (w *World) readUsage(f *form) (u usage) {
	u = usage{name: f.required("name", 1, 128), named: None, key: f.text("external_id", 1<<20), metadata: firstOf(f.metadata(), "{}"), at: f.time("timestamp")}
	u.customer = f.ref(w, "customer_id", KindCustomer, func(n Ref) bool { return int(n) < len(w.customers) && w.customers[n].DeletedAt == 0 }, "Customer does not exist.")
	if u.at > w.now {
		f.invalid("timestamp", "Timestamp must be in the past.")
	}
	if !f.sent("customer_id") && !f.sent("external_customer_id") {
		f.missing("customer_id")
	}
	if external := f.text("external_customer_id", 1<<20); external != "" {
		u.customer = w.customerByExternalID(external)
		u.named = u.customer
	}
	return u
}

// takeUsage notes the event, and what it means for the balances of its customer.
func (w *World) takeUsage(u usage) {
	at, first := w.stamp(), None
	for m := range w.meters {
		meter := &w.meters[m]
		var f meterFilter
		if u.customer == None || meter.ArchivedAt != 0 || json.Unmarshal([]byte(meter.Filter), &f) != nil || !f.accepts(u) {
			continue
		}
		n := w.balanceOf(u.customer, Ref(m), at)
		balance := &w.customerMeters[n]
		balance.Consumed, balance.ModifiedAt = meter.aggregate(balance.Consumed, u), at
		if first == None {
			first = n
		}
	}
	m := moment{customer: u.customer, a: first, b: u.named, parent: None, name: w.journal.named(u.name)}
	if u.at != 0 {
		m.at = u.at
	}
	w.noteEvent(m, u.metadata)
	if first != None {
		w.stateChanged(u.customer)
	}
}

// balanceOf finds the balance of a customer on a meter, or makes it.
func (w *World) balanceOf(customer, meter Ref, at Time) Ref {
	for n := range w.metersOf(customer) {
		if w.customerMeters[n].Meter == meter {
			return n
		}
	}
	return w.addCustomerMeter(CustomerMeter{Customer: customer, Meter: meter, CreatedAt: at})
}

// aggregate is the consumption of a meter after one more event. The simulator keeps sums and no list of events by meter: of
// "avg" it takes the last value, and for "unique" each event is another one.
func (m *Meter) aggregate(consumed float64, u usage) float64 {
	var a struct{ Func, Property string }
	if json.Unmarshal([]byte(m.Aggregation), &a) != nil {
		return consumed
	}
	raw, _ := lookup(u.metadata, a.Property)
	value, _ := strconv.ParseFloat(string(raw), 64) // no number counts as 0
	switch a.Func {
	case "sum":
		return consumed + value
	case "max":
		return math.Max(consumed, value)
	case "min":
		return math.Min(consumed, value)
	case "avg":
		return value
	}
	return consumed + 1
}

// meterFilter says which events count: clauses, each of which may be a filter again (server/polar/meter/filter.py).
type meterFilter struct {
	Conjunction        string
	Clauses            []meterFilter
	Property, Operator string
	Value              json.RawMessage
}

func (m *meterFilter) accepts(u usage) bool {
	if m.Operator != "" {
		return m.compare(u)
	}
	for i := range m.Clauses {
		if m.Clauses[i].accepts(u) == (m.Conjunction == "or") {
			return m.Conjunction == "or"
		}
	}
	return m.Conjunction != "or"
}

func (m *meterFilter) compare(u usage) bool {
	got, is := lookup(u.metadata, m.Property)
	if m.Property == "name" {
		got, is = json.RawMessage(quote(u.name)), true
	}
	if !is {
		return false
	}
	text, want := strings.Trim(string(got), `"`), strings.Trim(string(m.Value), `"`)
	x, err1 := strconv.ParseFloat(text, 64)
	y, err2 := strconv.ParseFloat(want, 64)
	numbers := err1 == nil && err2 == nil
	switch m.Operator {
	case "eq":
		return text == want || numbers && x == y
	case "ne":
		return text != want && !(numbers && x == y)
	case "gt":
		return numbers && x > y
	case "gte":
		return numbers && x >= y
	case "lt":
		return numbers && x < y
	case "lte":
		return numbers && x <= y
	}
	pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(want), "%", ".*") + "$"
	like, err := regexp.MatchString(pattern, text)
	return err == nil && like == (m.Operator == "like")
}
