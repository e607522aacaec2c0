package rebuild

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// values are columns of a subscription: nil, text, json.Number, bool or time.Time.
type values map[string]any

// moment is a time at which something is told of a subscription.
type moment struct {
	at      time.Time
	source  string   // changes.source
	before  values   // what was so until then
	after   values   // what is so from then on
	unknown []string // what is otherwise from then on, and not told

	discounted bool // the amount may be otherwise from then on
}

// Sources, the best first.
const (
	fromEvent    = "event"
	fromOrder    = "order"
	fromBaseline = "baseline"
)

// forget: the columns are otherwise from now on, unless something of the same time tells them.
func (m *moment) forget(columns ...string) { m.unknown = append(m.unknown, columns...) }

func (m *moment) tell(more values) {
	for column, v := range more {
		m.after[column] = v
	}
}

// teller goes through the evidence in the order of time.
type teller struct {
	baseline values
	evidence []evidence
	moments  []moment
	status   string // as told so far
	pending  values // changes scheduled for the next period
	discount any    // as told so far
}

// tell makes the moments of a subscription. The first is its creation.
func (t *teller) tell() {
	t.pending = values{}
	for i, e := range t.evidence {
		if i == 0 || !e.at.Equal(t.evidence[i-1].at) {
			t.moments = append(t.moments, moment{at: e.at, source: e.source, before: values{}, after: values{}})
		}
		m := &t.moments[len(t.moments)-1]
		if e.source == fromEvent || m.source == fromBaseline {
			m.source = e.source
		}
		if tell := tells[e.name]; tell != nil {
			tell(t, m, e)
		}
		if status, is := m.after["status"].(string); is {
			t.status = status
		}
	}
	untold := false // the amount changes before it is told again, with the product or a quantity
	for i := range slices.Backward(t.moments) {
		m := &t.moments[i]
		_, told := m.after["amount"]
		if m.discounted && !untold {
			m.forget("amount")
		}
		untold = !told && (untold || slices.Contains(m.unknown, "amount"))
	}
}

// tells is what each kind of evidence tells. Source: polarsource/polar, server/polar/subscription/service.py and server/polar/event/system.py.
var tells = map[string]func(*teller, *moment, evidence){
	created: func(t *teller, m *moment, e evidence) {
		m.tell(values{"cancel_at_period_end": false, "pause_at_period_end": false})
		for _, none := range []string{"canceled_at", "ends_at", "ended_at", "past_due_at", "paused_at", "resumes_at", "pending_update", "customer_cancellation_reason", "customer_cancellation_comment", "_deleted_at"} {
			m.after[none] = nil
		}
		status, trial := t.baseline.text("status"), t.baseline.time("trial_start")
		switch {
		case e.source != fromEvent && (status == "incomplete" || status == "incomplete_expired"):
			m.after["status"] = "incomplete"
		case !trial.IsZero() && trial.Sub(e.at) < day:
			m.after["status"] = "trialing"
		default:
			m.tell(values{"status": "active", "trial_start": nil, "trial_end": nil})
		}
		m.after["current_period_start"] = cmp.Or(t.baseline.time("started_at"), e.at)
		m.tell(e.terms())
	},
	"subscription.cycled": (*teller).renewed,
	"subscription.updated": func(t *teller, m *moment, e evidence) {
		if discount, changed := e.metadata["discount_id"]; changed {
			m.before["discount_id"], m.after["discount_id"] = t.discount, discount
			t.discount = discount
			m.discounted = true
		}
		if end := e.metadata.time("trial_end"); !end.IsZero() {
			m.after["trial_end"] = end
			if end.After(e.at) && t.status != "trialing" {
				m.after["status"] = "trialing"
				m.forget("trial_start")
			}
		}
	},
	"subscription.product_updated": func(t *teller, m *moment, e evidence) {
		t.changed(m, e, "product_id", e.metadata["old_product_id"], e.metadata["new_product_id"], t.behavior(e), "amount", "recurring_interval", "recurring_interval_count")
	},
	"subscription.seats_updated": func(t *teller, m *moment, e evidence) {
		t.changed(m, e, "seats", e.metadata["old_seats"], e.metadata["new_seats"], e.metadata.text("proration_behavior"), "amount")
	},
	"subscription.units_updated": func(t *teller, m *moment, e evidence) {
		t.changed(m, e, "units", e.metadata["old_units"], e.metadata["new_units"], e.metadata.text("proration_behavior"), "amount")
	},
	"subscription.update_cleared": func(t *teller, _ *moment, _ evidence) { t.pending = values{} },
	"subscription.billing_period_updated": func(_ *teller, m *moment, e evidence) {
		m.before["current_period_end"], m.after["current_period_end"] = e.metadata.orNil("old_period_end"), e.metadata.orNil("new_period_end")
	},
	"subscription.canceled": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"canceled_at": e.metadata.orNil("canceled_at"), "ends_at": e.metadata.orNil("ends_at"),
			"customer_cancellation_reason": e.metadata["customer_cancellation_reason"], "customer_cancellation_comment": e.metadata["customer_cancellation_comment"]})
		if at, told := e.metadata["cancel_at_period_end"]; told {
			m.after["cancel_at_period_end"] = at
		}
	},
	"subscription.uncanceled": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(uncanceled)
	},
	"subscription.revoked": func(t *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"status": "canceled", "ended_at": e.at})
		if t.baseline.text("status") == "unpaid" {
			m.after["status"] = "unpaid"
		}
		t.pending = values{}
	},
	"subscription.reinstated": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(uncanceled)
		m.tell(values{"status": "active", "ended_at": nil, "past_due_at": nil})
	},
	"subscription.past_due": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"status": "past_due", "past_due_at": e.metadata.orNil("past_due_at")})
	},
	"subscription.reactivated": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"status": "active", "past_due_at": nil})
	},
	"subscription.paused": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"status": "paused", "paused_at": e.metadata.orNil("paused_at"), "resumes_at": e.metadata.orNil("resumes_at"), "pause_at_period_end": false})
		m.before["current_period_end"] = e.at
	},
	"subscription.resumed": func(_ *teller, m *moment, e evidence) {
		m.tell(e.terms())
		m.tell(values{"status": "active", "paused_at": nil, "resumes_at": nil, "current_period_start": e.at})
		m.forget("current_period_end")
	},
	firstOrder: func(t *teller, m *moment, e evidence) {
		m.tell(e.terms())
		t.discount = e.metadata["discount_id"]
		m.after["discount_id"] = t.discount
	},
	nextOrder: func(t *teller, m *moment, e evidence) {
		t.renewed(m, e)
		t.discounted(m, e)
	},
	sameOrder: func(t *teller, m *moment, e evidence) {
		if _, told := m.after["amount"]; !told {
			m.tell(e.terms())
		}
		t.discounted(m, e)
	},
	rowTells: func(t *teller, m *moment, e evidence) {
		if status := e.metadata.text("status"); status == "active" && t.status != "trialing" {
			return // the trial had ended otherwise
		}
		m.tell(e.metadata)
	},
}

// uncanceled is what a subscription has that nobody has canceled.
var uncanceled = values{"cancel_at_period_end": false, "canceled_at": nil, "ends_at": nil, "customer_cancellation_reason": nil, "customer_cancellation_comment": nil}

// renewed: the next period has begun. One that is past due stays so.
func (t *teller) renewed(m *moment, e evidence) {
	m.tell(t.pending)
	t.pending = values{}
	m.tell(e.terms())
	if t.status != "past_due" {
		m.tell(values{"status": "active", "paused_at": nil, "resumes_at": nil})
	}
	if t.status != "paused" {
		m.before["current_period_end"] = e.at
	}
	m.after["current_period_start"] = e.at
	m.forget("current_period_end")
}

// discounted: the order of a period has the discount that is in force, so one that it lacks is gone, unless the row still has it. Source:
// polarsource/polar, server/polar/subscription/service.py.
func (t *teller) discounted(m *moment, e evidence) {
	if is := e.metadata["discount_id"]; is != t.discount && (is != nil || t.discount != t.baseline["discount_id"]) {
		t.discount, m.after["discount_id"] = is, is
	}
}

// changed: a column has another value, at once or from the next period on. others change with it, and are not told.
func (t *teller) changed(m *moment, e evidence, column string, was, is any, behavior string, others ...string) {
	if t.pending[column] == nil {
		m.before[column] = was
	}
	if behavior == "next_period" {
		t.pending[column] = is
		return
	}
	delete(t.pending, column)
	m.after[column] = is
	m.forget(others...)
}

// behavior tells when a change of product applies. Its own event does not; that of the update does, since Polar has written it.
func (t *teller) behavior(e evidence) string {
	for _, other := range t.evidence {
		if other.name == "subscription.updated" && other.metadata["product_id"] != nil && other.at.Sub(e.at).Abs() < slack {
			return other.metadata.text("proration_behavior")
		}
	}
	return ""
}

func (v values) text(column string) string {
	text, _ := v[column].(string)
	return text
}

// time reads a time, as Polar or Postgres write it; zero if there is none.
func (v values) time(column string) time.Time {
	if at, is := v[column].(time.Time); is {
		return at
	}
	at, err := time.Parse(time.RFC3339Nano, v.text(column))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// orNil is time, with nil for none.
func (v values) orNil(column string) any {
	if at := v.time(column); !at.IsZero() {
		return at
	}
	return nil
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// same compares two values of a column.
func same(a, b any) bool {
	x, is := a.(time.Time)
	y, too := b.(time.Time)
	return is && too && x.Equal(y) || reflect.DeepEqual(a, b)
}

// sortEvidence puts evidence in the order of time; at one time events come first, in the order of their names.
func sortEvidence(list []evidence) {
	slices.SortStableFunc(list, func(a, b evidence) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
}
