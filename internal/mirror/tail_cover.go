package mirror

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store"
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
}

// What a user can do to have changes seen earlier.
const (
	lackEndpoint = "a raw webhook endpoint"
	lackEvents   = "the scope events:read"
)

// covers tells what shows changes of a stream with so many rows between sweeps: together all that a tail can see. None:
// its data are as old as its last complete sweep. lacking is what would show them earlier; "" = nothing that there is.
//
// It is the one place where this is decided: data_through, polled_at and the forecast of syncd plan follow from it.
func (t Tail) covers(rows int64, a access) (by []cover, lacking string) {
	var fast, slow []cover
	var whole *cover
	for _, p := range t.Fast {
		fast = append(fast, cover{key: p.Name(), shows: p.shows()})
	}
	for _, p := range t.Slow {
		c := cover{key: p.Name(), shows: p.shows(), slow: true}
		if _, c.whole = p.(Whole); c.whole {
			whole = &c
		} else if c.shows != "" {
			slow = append(slow, c)
		}
	}
	if a.carries(t.Hook) {
		return append([]cover{{key: deliveriesFeed, shows: deliveriesFeed}}, fast...), ""
	}
	if t.Hook != "" {
		lacking = lackEndpoint
	}
	switch {
	case whole != nil && rows <= wholeRows:
		return []cover{*whole}, lacking
	case whole != nil: // too long to be read as a whole; its events tell of a part of its changes
		return nil, lacking
	case len(t.Touched) > 0 && !a.events: // heads show new rows, and nothing the changes of old ones
		return nil, lackEvents
	case len(t.Touched) > 0:
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

// sent tells whether endpoints together are sent every change of the objects of a hook, and were when a sweep began: of
// what happened before an endpoint was made, changed or enabled there may be no record.
func sent(endpoints []store.Endpoint, hook string, swept time.Time) bool {
	return !slices.ContainsFunc(hookTypes, func(kind string) bool {
		return strings.HasPrefix(kind, hook) && !slices.ContainsFunc(endpoints, func(e store.Endpoint) bool {
			return e.Since.Before(swept) && slices.Contains(e.Events, kind)
		})
	})
}

// access is what the round can read beside the lists, as far as it completes the last complete sweep of a stream.
func (rd *round) access(swept time.Time) access {
	usable := func(f *feedState, name string) bool {
		return !rd.r.isDisabled(TailStream+"/"+name) && !f.From.After(swept)
	}
	a := access{events: usable(&rd.feeds.Events, eventsFeed)}
	if usable(&rd.feeds.Deliveries, deliveriesFeed) {
		a.sent = func(hook string) bool { return sent(rd.endpoints, hook, swept) }
	}
	return a
}

// covered tells what covers the stream now.
func (t *tail) covered(ctx context.Context) ([]cover, error) {
	var rows int64
	if slices.ContainsFunc(t.s.Tail.Slow, func(p Probe) bool { _, is := p.(Whole); return is }) {
		var err error
		if rows, err = t.r.Store.Rows(t.s.Name).CountLive(ctx); err != nil {
			return nil, err
		}
	}
	by, _ := t.s.Tail.covers(rows, t.round.access(t.at.Since))
	return by, nil
}

// claim is the moment up to which Polar's state is mirrored, as far as what covers the stream can see: that of the newest
// change mirrored, and no later than what each of them is known to have shown. Zero: nothing is to be said.
func (t *tail) claim(by []cover) time.Time {
	if len(by) == 0 {
		return time.Time{}
	}
	through := t.at.Through
	for _, c := range by {
		at := t.at.Reach[c.key].Add(-t.r.TailOverlap)
		switch {
		case c.key == eventsFeed:
			at = t.round.feeds.Events.through(t.r.TailOverlap)
		case c.key == deliveriesFeed:
			at = t.round.feeds.Deliveries.through(t.r.TailOverlap)
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
func (t *tail) polled(by []cover) bool {
	return t.answered || slices.ContainsFunc(by, func(c cover) bool {
		return c.key == eventsFeed && t.round.feeds.Events.answered || c.key == deliveriesFeed && t.round.feeds.Deliveries.answered
	})
}

// reached notes up to when the answers to the question being asked show all that it can: the moment at which it was asked.
func (t *tail) reached(at time.Time) {
	if t.at.Reach == nil {
		t.at.Reach = map[string]time.Time{}
	}
	t.at.Reach[t.probe] = at.UTC()
}

// feedState is where a feed is read on from, and how far it can be trusted.
type feedState struct {
	mark                          // of its newest entry
	Told     time.Time            `json:"told,omitzero"`     // newest change that it has told of
	Asked    time.Time            `json:"asked,omitzero"`    // when it was read to its end last, by the clock that dates requests
	From     time.Time            `json:"from,omitzero"`     // when a part of it was left out, by the clock of the database: sweeps that began before lack it
	Lag      time.Duration        `json:"lag,omitzero"`      // by how much it tells late, at least
	Measured time.Time            `json:"measured,omitzero"` // when Lag was
	Untold   map[string]time.Time `json:"untold,omitempty"`  // rows that lists show as new and that it has not told of: when they were made

	late     time.Duration   // the most that this round has met
	told     map[string]bool // rows that it has told of in this round
	answered bool            // it was read in this round
}

const (
	// lagHalves is how long a measured lag counts; after that it is half.
	lagHalves = time.Hour
	// mostOverlap bounds how far back a feed is read again: behind it sweeps take over.
	mostOverlap = 6 * time.Hour
	// mostUntold bounds how many new rows are waited for; as many tell enough.
	mostUntold = 100
)

// overlap is how much of what a feed has told is read again: twice as much as it was late lately.
func (f *feedState) overlap(least time.Duration) time.Duration {
	return max(least, min(2*f.Lag, mostOverlap))
}

// through is the moment up to which the feed has told everything: not later than the newest change that it told of, since one
// that stands still answers too; not later than it is late; and not later than anything that it is known to owe.
func (f *feedState) through(least time.Duration) time.Time {
	if f.Asked.IsZero() || f.Told.IsZero() {
		return time.Time{}
	}
	at := earlier(f.Told, f.Asked.Add(-f.overlap(least)))
	if owed := f.owed(); !owed.IsZero() {
		at = earlier(at, owed.Add(-time.Microsecond))
	}
	return at
}

// owed is when the oldest row was made that the feed has not told of; zero: it owes none.
func (f *feedState) owed() (at time.Time) {
	for _, made := range f.Untold {
		if at.IsZero() || made.Before(at) {
			at = made
		}
	}
	return at
}

// read notes an entry that has not been read before: listed at a time, of a change at a time. dated: that is the time at
// which the entry was written.
func (f *feedState) read(listed, change, asked time.Time, dated bool) {
	if change.After(asked) {
		return // wrongly dated: nothing is told by it
	}
	f.Told = later(f.Told, change)
	if !dated || f.Asked.IsZero() || asked.Sub(listed) > lagHalves {
		return
	}
	late := listed.Sub(change)
	if listed.Before(f.Asked) {
		late = f.Asked.Sub(change) // it was not there when the feed was read last
	}
	f.late = max(f.late, late)
}

// tells settles that the feed was to tell of a row.
func (f *feedState) tells(stream, id string) {
	key := stream + "/" + id
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[key] = true
	if made, owed := f.Untold[key]; owed {
		f.late = max(f.late, f.Asked.Sub(made))
		delete(f.Untold, key)
	}
}

// end notes that the feed has been read to its end.
func (f *feedState) end(asked time.Time) {
	for key, made := range f.Untold {
		if owes := asked.Sub(made); owes > lagHalves && f.Told.After(made) {
			delete(f.Untold, key) // it goes on and will not tell of this one
		} else {
			f.late = max(f.late, owes)
		}
	}
	for ; f.Lag > 0 && asked.Sub(f.Measured) > lagHalves; f.Lag /= 2 {
		f.Measured = f.Measured.Add(lagHalves)
	}
	if late := f.late.Round(time.Second); late >= f.Lag {
		f.Lag, f.Measured = late, asked
	}
	f.Asked, f.answered, f.late = asked, true, 0
}

// skip notes that a part of the feed was not read: sweeps make up for it.
func (f *feedState) skip(now time.Time) { f.From, f.Asked, f.answered = now, time.Time{}, true }

// report is what is published of a feed. One stands still when lists have shown newer rows than anything that it tells of
// for longer than it is late at any time.
func (f *feedState) report(name string, least time.Duration) store.Feed {
	r := store.Feed{Name: name, AskedAt: f.Asked, ToldThrough: f.Told, Lag: f.Lag, Untold: len(f.Untold), UntoldSince: f.owed()}
	for _, made := range f.Untold {
		r.StandsStill = r.StandsStill || made.After(f.Told) && f.Asked.Sub(made) > least
	}
	return r
}

// news are the entries that have not been dealt with before.
func (rd *round) news(ctx context.Context, feed string, entries []store.Entry) (map[uuid.UUID]bool, error) {
	known, err := rd.r.Store.Feeds().KnownEntries(ctx, feed, entries)
	if err != nil {
		return nil, err
	}
	fresh := make(map[uuid.UUID]bool, len(entries))
	for _, e := range entries {
		if !known[e.ID] {
			fresh[e.ID] = true
		}
	}
	return fresh, nil
}

// newcomers notes rows on a page that the mirror does not have: the feeds that tell of each new row have to tell of these, too.
func (t *tail) newcomers(ctx context.Context, page fetch.Page) error {
	var feeds []*feedState
	a := t.round.access(t.at.Since)
	if f := &t.round.feeds.Deliveries; a.carries(t.s.Tail.Hook) && slices.Contains(hookTypes, t.s.Tail.Hook+"created") {
		feeds = append(feeds, f)
	}
	if a.events && t.s.Tail.Told.Event != "" {
		feeds = append(feeds, &t.round.feeds.Events)
	}
	feeds = slices.DeleteFunc(feeds, func(f *feedState) bool { return f.Asked.IsZero() || len(f.Untold) >= mostUntold })
	if len(feeds) == 0 {
		return nil
	}
	made := map[uuid.UUID]time.Time{}
	var ids []uuid.UUID
	before, now := t.at.Reach[t.probe], t.r.Client.Now()
	if before.IsZero() {
		return nil
	}
	for _, object := range page.Items {
		id, err := uuid.Parse(item.FieldText(object, "id"))
		at := item.FieldTime(object, "created_at")
		if told := t.s.Tail.Told; err != nil || at.Before(before.Add(-t.r.TailOverlap)) || at.After(now) || told.Field != "" && item.FieldText(object, told.Field) != told.Value {
			continue
		}
		ids, made[id] = append(ids, id), at
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := t.r.Store.Rows(t.s.Name).LookUpIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, is := known[id]; is {
			continue
		}
		key := t.s.Name + "/" + id.String()
		for _, f := range feeds {
			if f.told[key] { // what it tells of is fetched later in the round
				continue
			}
			if f.Untold == nil {
				f.Untold = map[string]time.Time{}
			}
			f.Untold[key] = made[id]
		}
	}
	return nil
}

func (a access) carries(hook string) bool { return hook != "" && a.sent != nil && a.sent(hook) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
