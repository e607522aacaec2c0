package polarsim

import (
	"cmp"
	"sync"
)

// eventName is the name of an event: of the system's, all that Polar has (polarsource/polar, server/polar/event/system.py), and of users' some.
type eventName uint16

const (
	evMeterCredited eventName = iota
	evMeterReset
	evBenefitGranted
	evBenefitCycled
	evBenefitRevoked
	evSubscriptionCreated
	evSubscriptionUpdated
	evSubscriptionCanceled
	evSubscriptionCycled
	evSubscriptionRevoked
	evSubscriptionPastDue
	evSubscriptionReactivated
	evSubscriptionPaused
	evSubscriptionResumed
	evSubscriptionUncanceled
	evSubscriptionProductUpdated
	evSubscriptionSeatsUpdated
	evSubscriptionUnitsUpdated
	evSubscriptionUpdateCleared
	evSubscriptionMigrated
	evOrderPaid
	evOrderRefunded
	evOrderVoided
	evCheckoutCreated
	evCustomerCreated
	evCustomerUpdated
	evCustomerDeleted
	evBalanceOrder
	evBalanceCreditOrder
	evBalanceRefund
	evBalanceRefundReversal
	evBalanceDispute
	evBalanceDisputeReversal
	evRequest // the first of the users' names
	evInference
	evUpload
	eventNameCount
)

// eventTexts are name and label by eventName.
var eventTexts = [eventNameCount][2]string{
	{"meter.credited", "Meter Credited"}, {"meter.reset", "Meter Reset"},
	{"benefit.granted", "Benefit Granted"}, {"benefit.cycled", "Benefit Cycled"}, {"benefit.revoked", "Benefit Revoked"},
	{"subscription.created", "Subscription Created"}, {"subscription.updated", "Subscription Updated"}, {"subscription.canceled", "Subscription Canceled"},
	{"subscription.cycled", "Subscription Cycled"}, {"subscription.revoked", "Subscription Revoked"}, {"subscription.past_due", "Subscription Past Due"},
	{"subscription.reactivated", "Subscription Reactivated"}, {"subscription.paused", "Subscription Paused"}, {"subscription.resumed", "Subscription Resumed"},
	{"subscription.uncanceled", "Subscription Uncanceled"}, {"subscription.product_updated", "Subscription Product Updated"},
	{"subscription.seats_updated", "Subscription Seats Updated"}, {"subscription.units_updated", "Subscription Units Updated"},
	{"subscription.update_cleared", "Subscription Update Cleared"}, {"subscription.migrated", "Subscription Migrated"},
	{"order.paid", "Order Paid"}, {"order.refunded", "Order Refunded"}, {"order.voided", "Order Voided"},
	{"checkout.created", "Checkout Created"},
	{"customer.created", "Customer Created"}, {"customer.updated", "Customer Updated"}, {"customer.deleted", "Customer Deleted"},
	{"balance.order", "Balance Order"}, {"balance.credit_order", "Balance Credit Order"}, {"balance.refund", "Balance Refund"}, {"balance.refund_reversal", "Balance Refund Reversal"},
	{"balance.dispute", "Balance Dispute"}, {"balance.dispute_reversal", "Balance Dispute Reversal"},
	{"api.request", "api.request"}, {"llm.inference", "llm.inference"}, {"File Upload ⬆", "File Upload ⬆"},
}

func (n eventName) user() bool { return n >= evRequest }

// text is the name of an event, and its label unless that was changed.
func (j *journal) text(n eventName) (name, label string) {
	if n >= eventNameCount {
		name = j.names[n-eventNameCount]
		return name, name
	}
	return eventTexts[n][0], eventTexts[n][1]
}

// named finds the name of a user's event, or adds it.
func (j *journal) named(text string) eventName {
	for n := evRequest; n < j.nameCount(); n++ {
		if known, _ := j.text(n); known == text {
			return n
		}
	}
	j.names = append(j.names, text)
	return j.nameCount() - 1
}

func (j *journal) nameCount() eventName { return eventNameCount + eventName(len(j.names)) }

// moment is an event. What it is about stands in a and b, numbers of rows whose tables follow from the name, and in n, an amount or a quantity; its
// metadata follow from those and from what never changes, so that an event stays what it was.
type moment struct {
	at             Time
	n              int64
	customer, a, b Ref
	parent         Ref // number of the event above it, which lies before it
	name           eventName
}

// external tells whether a user's event came with the customer's id in the organization's own system, instead of Polar's: then b is not None.
func (m *moment) external() bool { return m.name.user() && m.b != None }

// cancellation is what an event of one says, which may be taken back later.
type cancellation struct {
	at, ends         Time // ends: 0 = it does not say
	reason, metadata string
}

// note is an event after the making of the world.
type note struct {
	moment
	inserted Time
	shown    Time   // when it is listed
	metadata string // JSON text, where it does not follow from the moment
}

// identity is how a customer was identified when the world was made.
type identity struct{ email, name, external string }

// journal holds the events. Those of the history that a world is made with follow from its rows: they are worked out when events are first asked for
// or, at the latest, before the first change.
type journal struct {
	once       sync.Once
	on         bool                 // changes are noted
	past       []moment             // in the order in which they were made, which numbers them
	order      []Ref                // of past, by time
	canceled   map[Ref]cancellation // by number of the event
	live       []note               // numbered on from past
	identities []identity
	names      []string        // of events that were sent in, beside those of eventTexts
	external   map[string]bool // the senders' ids of events that were sent in
}

// startJournal begins the journal. The caller holds the world's lock, for reading at least, and has not changed anything yet.
func (w *World) startJournal() *journal {
	w.journal.once.Do(func() {
		h := historian{World: w, journal: &w.journal}
		h.write()
		w.journal.on = true
	})
	return &w.journal
}

func (j *journal) count() int { return len(j.past) + len(j.live) }

// event gives an event by number, and its metadata where they do not follow from it.
func (j *journal) event(n Ref) (m *moment, metadata string) {
	if int(n) < len(j.past) {
		if m = &j.past[n]; m.name == evSubscriptionCanceled {
			metadata = j.canceled[n].metadata
		}
		return m, metadata
	}
	l := &j.live[int(n)-len(j.past)]
	return &l.moment, l.metadata
}

// noteEvent notes an event, now unless it has a time.
func (w *World) noteEvent(m moment, metadata string) Ref {
	j := &w.journal
	if !j.on {
		return None
	}
	m.at = cmp.Or(m.at, w.now)
	w.version++
	j.live = append(j.live, note{moment: m, inserted: w.now, shown: w.workerDone(), metadata: metadata})
	return Ref(j.count() - 1)
}

// children counts the direct children of an event: they were made right after it.
func (j *journal) children(n Ref) (count int64) {
	for i := n + 1; int(i) < j.count(); i++ {
		if m, _ := j.event(i); m.parent != n {
			break
		}
		count++
	}
	return count
}

const millisecond = 1000 * microsecond
