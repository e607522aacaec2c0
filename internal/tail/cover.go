package tail

import (
	"slices"
	"time"

	"syncd/internal/tail/hooks"
	"syncd/internal/tail/stand"
)

// cover is one thing that shows changes of a stream between sweeps: a feed, or a probe of its tail.
type cover struct {
	key   string // of the feed, or the probe's name in the position
	shows string // in words
	slow  bool   // a slow probe: it has its turn, and is not asked in every round
	whole bool   // a sweep: it certifies what it shows
}

// access is what an organization and its token offer beside the lists.
type access struct {
	events bool                   // the feed of events can be read
	counts bool                   // Polar's metrics can be read
	sent   func(hook string) bool // whether deliveries carry all changes of these objects; nil = of none
	// lacks says what deliveries need to carry all changes of these objects; nil = nobody asks.
	lacks func(hook string) string
}

func (a access) carries(hook string) bool { return hook != "" && a.sent != nil && a.sent(hook) }

// lackEvents is what shows changes earlier where endpoints do not matter: see hooks.Offered.
const lackEvents = "the scope events:read"

// covers returns what shows changes of a stream of this many rows between sweeps: together, all that a tail can see. If it is
// empty, the data are as old as the last complete sweep. lacking is what would show changes earlier; "" = nothing would.
//
// This is the one place that decides it: data_through, polled_at and the forecast of syncd plan follow from it.
func (s Spec) covers(rows int64, a access) (by []cover, lacking string) {
	var fast, slow []cover
	var whole *cover
	for _, p := range s.Fast {
		fast = append(fast, cover{key: p.Name(), shows: p.shows()})
	}
	for _, p := range s.Slow {
		if _, counts := p.(Seats); counts && !a.counts {
			continue
		}
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
	// It is too long to be read whole in a round; its events show part of its changes.
	case whole != nil:
		return nil, lacking
	// Heads show new rows, and nothing shows changes of old ones.
	case s.reads() && !a.events:
		return nil, lackEvents
	case s.reads():
		by = []cover{{key: eventsFeed, shows: eventsFeed}}
	}
	return append(append(by, fast...), slow...), lacking
}

// access is what the round can read beside the lists, as far as it completes the last complete sweep of a stream.
func (rd *round) access(swept time.Time) access {
	usable := func(f *stand.Feed, name string) bool {
		return !rd.engine.IsDisabled(Name+"/"+name) && !f.From.After(swept)
	}
	a := access{events: usable(&rd.feeds.Events, eventsFeed), counts: !rd.engine.IsDisabled(countsOff)}
	if usable(&rd.feeds.Deliveries, deliveriesFeed) {
		a.sent = func(hook string) bool { return hooks.Sent(rd.endpoints, hook, swept) }
	}
	return a
}

// claim is the moment up to which the stream is mirrored, as far as its covers can see: that of the newest mirrored change, and
// no later than what each cover is known to have shown. Zero: nothing can be claimed.
func (t *stream) claim(by []cover) time.Time {
	if len(by) == 0 {
		return time.Time{}
	}
	through := t.at.Through
	for _, c := range by {
		at := t.at.Reach[c.key].Add(-t.overlap)
		switch {
		case c.key == eventsFeed:
			at = t.round.feeds.Events.Through(t.overlap)
		case c.key == deliveriesFeed:
			at = t.round.feeds.Deliveries.Through(t.overlap)
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

// polled: Polar answered about the stream in this round: a probe of its own, or a feed that covers it.
func (t *stream) polled(by []cover) bool {
	return t.answered || slices.ContainsFunc(by, func(c cover) bool {
		return c.key == eventsFeed && t.round.feeds.Events.Answered || c.key == deliveriesFeed && t.round.feeds.Deliveries.Answered
	})
}

// reached records up to when the answers to the current probe show all that it can: the moment of its request.
func (t *stream) reached(at time.Time) {
	if t.at.Reach == nil {
		t.at.Reach = map[string]time.Time{}
	}
	t.at.Reach[t.probe] = at.UTC()
}
