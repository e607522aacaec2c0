package rebuild

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/store/history"
)

const (
	day = 24 * time.Hour
	// slack is how far apart the times of one change may be: that of its event, and modified_at of its row.
	slack = 5 * time.Second
	// near is how far apart two pieces of evidence of one change may be, such as a renewal and its order.
	near = time.Hour
)

// eventsWritten is when Polar began to write subscription.created, .canceled and .revoked. Earlier ones were written later, from the
// rows of that day, so amount, product and interval in them are not of their time. Source: polarsource/polar,
// scripts/backfill_system_events.py (removed since).
var eventsWritten = time.Date(2025, 11, 27, 0, 0, 0, 0, time.UTC)

// Kinds of evidence that are no event.
const (
	created    = "subscription.created" // with or without an event
	firstOrder = "first order"
	nextOrder  = "next order" // of a period whose renewal no event tells of
	sameOrder  = "same order" // of a renewal that an event tells of
	rowTells   = "row"
)

// evidence is something that is known of a subscription at a time.
type evidence struct {
	at       time.Time
	rank     int // among those of the same time
	name     string
	source   string
	metadata values
}

// terms are the product and what it costs, as far as they are told.
func (e evidence) terms() values {
	told := values{}
	if e.name != "subscription.cycled" && e.source == fromEvent && e.at.Before(eventsWritten) {
		return told
	}
	for _, column := range []string{"product_id", "amount", "currency", "recurring_interval", "recurring_interval_count"} {
		if v := e.metadata[column]; v != nil {
			told[column] = v
		}
	}
	return told
}

// decode reads a JSON object, numbers as they are written.
func decode(raw []byte) (values, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v values
	err := d.Decode(&v)
	return v, err
}

// evidenceOf is all that is known of a subscription from before a time. The first piece is its creation.
func evidenceOf(p history.Past, baseline values, until time.Time) ([]evidence, error) {
	from := baseline.time("created_at")
	all := []evidence{{at: from, name: created, source: fromBaseline, metadata: values{}}}
	modified := baseline.time("modified_at")
	for _, e := range p.Events {
		metadata, err := decode(e.Metadata)
		if err != nil {
			return nil, fmt.Errorf("event %s of subscription %s at %s: %w", e.Name, p.ID, e.At.Format(time.RFC3339), err)
		}
		// The first sweep takes a while: the row may have been read before an event of that time, which is seen as a change then.
		if e.At.After(until.Add(-day)) && e.At.After(later(modified, from).Add(slack)) {
			continue
		}
		if e.Name == created {
			all[0].source, all[0].metadata = fromEvent, metadata
			continue
		}
		all = append(all, evidence{at: later(e.At.UTC(), from), rank: 1, name: e.Name, source: fromEvent, metadata: metadata})
	}
	told := all // without orders
	trial := baseline.time("trial_start")
	for _, o := range p.Orders {
		e := evidence{at: later(o.At.UTC(), from), rank: 2, source: fromOrder, metadata: values{}}
		if o.ProductID != nil {
			e.metadata["product_id"] = o.ProductID.String()
		}
		if o.DiscountID != nil {
			e.metadata["discount_id"] = o.DiscountID.String()
		}
		if o.Interval != "" {
			e.metadata["recurring_interval"], e.metadata["recurring_interval_count"] = o.Interval, number(o.Count)
		}
		if o.Amount >= 0 {
			e.metadata["amount"] = number(o.Amount)
		}
		switch renewal, is := nearby(told, e.at, "subscription.cycled"); {
		case o.Reason == "purchase" || o.Reason == "subscription_create":
			e.name, e.at = firstOrder, from
			if !trial.IsZero() {
				delete(e.metadata, "amount") // a trial costs nothing
			}
			if _, is := told[0].terms()["amount"]; is {
				delete(e.metadata, "amount")
			}
		case is:
			e.name, e.at = sameOrder, renewal.at
		default:
			e.name = nextOrder
		}
		all = append(all, e)
	}
	all = append(all, rowEvidence(all, baseline, until)...)
	sortEvidence(all)
	return all, nil
}

// rowEvidence is what the times in a row tell, where nothing else does.
func rowEvidence(all []evidence, baseline values, until time.Time) (more []evidence) {
	from := baseline.time("created_at")
	tell := func(column string, told values, events ...string) {
		at := baseline.time(column)
		if _, is := nearby(all, at, events...); is || at.IsZero() || at.After(until) {
			return
		}
		more = append(more, evidence{at: later(at, from), rank: 3, name: rowTells, source: fromBaseline, metadata: told})
	}
	of := func(columns ...string) values {
		told := values{}
		for _, c := range columns {
			told[c] = baseline[c]
		}
		return told
	}
	if ended := baseline.time("ended_at"); ended.IsZero() || ended.Sub(baseline.time("trial_end")) > near {
		tell("trial_end", values{"status": "active"}, "subscription.cycled", nextOrder)
	}
	tell("canceled_at", of("canceled_at", "ends_at", "cancel_at_period_end", "customer_cancellation_reason", "customer_cancellation_comment"), "subscription.canceled")
	tell("past_due_at", values{"status": "past_due", "past_due_at": baseline["past_due_at"]}, "subscription.past_due")
	tell("paused_at", values{"status": "paused", "paused_at": baseline["paused_at"], "resumes_at": baseline["resumes_at"]}, "subscription.paused")
	tell("ended_at", of("status", "ended_at"), "subscription.revoked")
	tell("_deleted_at", of("_deleted_at"))
	return more
}

// nearby finds evidence of one of these names that is about the same change.
func nearby(all []evidence, at time.Time, names ...string) (evidence, bool) {
	for _, e := range all {
		if e.at.Sub(at).Abs() < near {
			for _, name := range names {
				if e.name == name {
					return e, true
				}
			}
		}
	}
	return evidence{}, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
