package tail

import (
	"context"
	"slices"
	"strings"
	"time"

	"syncd/internal/store/tails"
)

// cover is one of the things that show changes of a stream between sweeps: a feed, or a question of its tail.
type cover struct {
	key   string // of the feed, or the name under which the position keeps the question
	shows string // in words
	slow  bool   // it has its turn, rather than being asked in every round
	whole bool   // a sweep: what it shows, it certifies
}

// access is what an organization and its token give beside the lists.
type access struct {
	events bool                   // the feed of events can be read
	sent   func(hook string) bool // whether deliveries tell of all changes of these objects; nil = of none
	// lacks says what deliveries need to tell of all changes of these objects; nil = nobody will ask.
	lacks func(hook string) string
}

func (a access) carries(hook string) bool { return hook != "" && a.sent != nil && a.sent(hook) }

// lackEvents is what a user can do to have changes seen earlier, where endpoints do not matter: see endpointsOffered.
const lackEvents = "the scope events:read"

// covers tells what shows changes of a stream with so many rows between sweeps: together all that a tail can see. None:
// its data are as old as its last complete sweep. lacking is what would show them earlier; "" = nothing that there is.
//
// It is the one place where this is decided: data_through, polled_at and the forecast of syncd plan follow from it.
func (s Spec) covers(rows int64, a access) (by []cover, lacking string) {
	var fast, slow []cover
	var whole *cover
	for _, p := range s.Fast {
		fast = append(fast, cover{key: p.Name(), shows: p.shows()})
	}
	for _, p := range s.Slow {
		c := cover{key: p.Name(), shows: p.shows(), slow: true}
		if _, c.whole = p.(Whole); c.whole {
			whole = &c
		} else if c.shows != "" {
			slow = append(slow, c)
		}
	}
	if a.carries(s.Hook) {
		return append([]cover{{key: deliveriesFeed, shows: deliveriesFeed}}, fast...), ""
	}
	if s.Hook != "" && a.lacks != nil {
		lacking = a.lacks(s.Hook)
	}
	switch {
	case whole != nil && rows <= wholeRows:
		return []cover{*whole}, lacking
	case whole != nil: // too long to be read as a whole; its events tell of a part of its changes
		return nil, lacking
	case len(s.Touched) > 0 && !a.events: // heads show new rows, and nothing the changes of old ones
		return nil, lackEvents
	case len(s.Touched) > 0:
		by = []cover{{key: eventsFeed, shows: eventsFeed}}
	}
	return append(append(by, fast...), slow...), lacking
}

// hookTypes are the webhook events without which a change of the objects that they carry may go untold: the others are sent
// along with one of these. Source: server/polar/models/webhook_endpoint.py, server/polar/subscription/service.py.
var hookTypes = strings.Fields(`organization.updated benefit.created benefit.updated product.created product.updated

	customer.created customer.updated customer.deleted member.created member.updated member.deleted
	discount.created discount.updated discount.deleted subscription.created subscription.updated order.created order.updated
	refund.created refund.updated benefit_grant.created benefit_grant.updated benefit_grant.cycled benefit_grant.revoked
	checkout.created checkout.updated checkout.expired customer_seat.assigned customer_seat.claimed customer_seat.revoked`)

// sent tells whether endpoints together are sent every change of the objects of a hook, and were when a sweep began.
func sent(endpoints []tails.Endpoint, hook string, swept time.Time) bool {
	return len(unsentEvents(endpoints, hook, swept)) == 0
}

// unsentEvents are the webhook events of a hook that none of the endpoints is sent, or was not yet when a sweep began: of what
// happened before an endpoint was made, changed or enabled there may be no record.
func unsentEvents(endpoints []tails.Endpoint, hook string, swept time.Time) (events []string) {
	for _, event := range hookTypes {
		if strings.HasPrefix(event, hook) && !slices.ContainsFunc(endpoints, func(e tails.Endpoint) bool {
			return e.Since.Before(swept) && slices.Contains(e.Events, event)
		}) {
			events = append(events, event)
		}
	}
	return events
}

// access is what the round can read beside the lists, as far as it completes the last complete sweep of a stream.
func (rd *round) access(swept time.Time) access {
	usable := func(f *feedState, name string) bool {
		return !rd.engine.IsDisabled(Name+"/"+name) && !f.From.After(swept)
	}
	a := access{events: usable(&rd.feeds.Events, eventsFeed)}
	if usable(&rd.feeds.Deliveries, deliveriesFeed) {
		a.sent = func(hook string) bool { return sent(rd.endpoints, hook, swept) }
	}
	return a
}

// covered tells what covers the stream now.
func (t *stream) covered(ctx context.Context) ([]cover, error) {
	var rows int64
	if slices.ContainsFunc(t.spec.Slow, func(p Probe) bool { _, is := p.(Whole); return is }) {
		var err error
		if rows, err = t.engine.Store.Rows(t.s.Name).CountLive(ctx); err != nil {
			return nil, err
		}
	}
	by, _ := t.spec.covers(rows, t.round.access(t.at.Since))
	return by, nil
}

// claim is the moment up to which Polar's state is mirrored, as far as what covers the stream can see: that of the newest
// change mirrored, and no later than what each of them is known to have shown. Zero: nothing is to be said.
func (t *stream) claim(by []cover) time.Time {
	if len(by) == 0 {
		return time.Time{}
	}
	through := t.at.Through
	for _, c := range by {
		at := t.at.Reach[c.key].Add(-t.overlap)
		switch {
		case c.key == eventsFeed:
			at = t.round.feeds.Events.through(t.overlap)
		case c.key == deliveriesFeed:
			at = t.round.feeds.Deliveries.through(t.overlap)
		case t.at.Reach[c.key].IsZero(), c.whole:
			return time.Time{}
		}
		if at.IsZero() {
			return at
		}
		through = earlier(through, at)
	}
	return through
}

// polled tells whether Polar answered in this round about the stream: a question of its own, or a feed that covers it.
func (t *stream) polled(by []cover) bool {
	return t.answered || slices.ContainsFunc(by, func(c cover) bool {
		return c.key == eventsFeed && t.round.feeds.Events.answered || c.key == deliveriesFeed && t.round.feeds.Deliveries.answered
	})
}

// reached notes up to when the answers to the question being asked show all that it can: the moment at which it was asked.
func (t *stream) reached(at time.Time) {
	if t.at.Reach == nil {
		t.at.Reach = map[string]time.Time{}
	}
	t.at.Reach[t.probe] = at.UTC()
}
