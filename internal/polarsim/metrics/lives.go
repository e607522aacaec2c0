package metrics

import "cmp"

// ActKind says what an event of a subscription is about.
type ActKind uint8

const (
	Created   ActKind = iota // subscription.created
	Canceled                 // subscription.canceled
	Revoked                  // subscription.revoked
	TakenBack                // subscription.uncanceled
	GoneOn                   // subscription.cycled and subscription.product_updated
)

// Act is what metrics look at of an event of a subscription.
type Act struct {
	Kind         ActKind
	Counts       bool // the query's filters accept the subscription, as it was then
	Subscription int32
	At           Time
	StartedAt    Time   // Created
	CanceledAt   Time   // Canceled; so are the next ones
	EndsAt       Time   // 0 = not said
	Reason       string // "" = none
}

// life is a subscription, made of its events.
type life struct {
	started, created    Time // 0 = there is no event of its creation
	last, end           Time // of the last event, and the end that follows from it: 0 = none
	canceled, canceling Time // canceled_at of the latest cancellation, and when that was told
	takenBack           Time
	reason              string
	isNew, counts       bool // whether the query's filters accept it: as the last event has it, and the cancellation
}

func (l *life) add(a *Act) {
	if a.At >= l.last {
		l.last, l.isNew, l.end = a.At, a.Counts, 0
		switch a.Kind {
		case Canceled:
			l.end = cmp.Or(a.EndsAt, a.CanceledAt, a.At)
		case Revoked:
			l.end = a.At
		}
	}
	switch a.Kind {
	case Created:
		l.created = a.At
		if l.started == 0 || a.StartedAt < l.started {
			l.started = a.StartedAt
		}
	case Canceled:
		if a.CanceledAt > l.canceled || a.CanceledAt == l.canceled && a.At >= l.canceling {
			l.canceled, l.canceling, l.reason, l.counts = a.CanceledAt, a.At, a.Reason, a.Counts
		}
	case TakenBack:
		l.takenBack = max(l.takenBack, a.At)
	}
}

// cancellationReasons are the slugs' endings; a cancellation without a reason counts as other.
var cancellationReasons = []string{"customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive", "unused", "other"}

// beginnings counts what events tell of subscriptions: new ones, but for those that end in the period of their creation, and cancellations, the latest of
// each unless it was taken back (polarsource/polar, server/tinybird/endpoints/metrics_events.pipe and metrics_cancellations.pipe).
func (v *Values) beginnings() {
	created, canceled := v.ints("new_subscriptions"), v.ints("canceled_subscriptions")
	reasons := map[string][]int64{}
	for _, r := range cancellationReasons {
		reasons[r] = v.ints("canceled_subscriptions_" + r)
	}
	for i := range v.lives {
		l := &v.lives[i]
		// The first period counts whole, unlike elsewhere.
		if l.created != 0 && l.isNew && l.created >= v.starts[0] && l.created <= v.lastSecond() && (l.end == 0 || v.index(l.end) > v.index(l.created)) {
			created[v.index(l.created)]++
		}
		if l.canceled != 0 && l.counts && l.takenBack <= l.canceled && l.canceled >= v.first && l.canceled < v.lastSecond() {
			period := v.index(l.canceled)
			canceled[period]++
			if reason := reasons[cmp.Or(l.reason, "other")]; reason != nil {
				reason[period]++
			}
		}
	}
}
