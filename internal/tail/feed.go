package tail

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/tails"
	"syncd/internal/tail/stand"
)

const (
	// putOff is for how long rounds of feeds put off what has no room: many objects cost as much as one where a list takes their ids.
	// It is also how often they fetch once more what they fetched before Polar's replicas had caught up; without room, half as often.
	putOff = 30 * time.Second
	// listsEvery is how often they ask at most for what only lists show of changes, while much changes.
	listsEvery = 10 * time.Second
	// knownEntries of a feed are read again in a round of feeds: with what is new they fit on one page.
	knownEntries = 60
	// mostNamed bounds how many changes of a stream a round of feeds fetches, the newest first. A round of tails fetches the rest.
	mostNamed = 100
	// mostAgain bounds how many objects a round fetches once more at a request each, so that the feeds are asked again soon. The next
	// round goes on.
	mostAgain = 8
)

// Question is what a round of feeds asks.
type Question struct {
	// Every is how often the feeds are asked: they are not if this or another process asked one a moment ago. 0 = ask now.
	Every time.Duration
	// Unasked: the feeds are not asked at all. Only what is named is fetched.
	Unasked bool
	// Each feed is asked. Otherwise they take turns, and the others are asked if one has news.
	Each bool
	// Room is how many requests the round may cost and still fetch more than the objects that are known by their ids; these are
	// fetched in any case. Then comes what lists show of their changes, and last what is fetched once more.
	Room int
	// Named are objects that somebody says have changed. They are fetched, whether or not the feeds are asked.
	Named []tails.Changed
}

// Answer is the result of a round of feeds.
type Answer struct {
	mirror.Result
	News  bool // a feed told of something new, or something was named
	Feeds int  // how many feeds were asked
}

// Feed makes one round of the feeds alone: the part of a round of tails that Polar answers in one request for all streams, and that
// may be made every few seconds. It asks the feeds, and fetches what they name, or what the question names.
//
// It runs under the lease of rounds of tails. A feed is read back as far as one page shows; the next round of tails reads the
// rest of the overlap, for entries that come late.
func (f *Follower) Feed(ctx context.Context, q Question) (Answer, error) {
	var rd *round
	names := f.listeners(nil)
	res, err := f.make(ctx, store.KindFeed, func(ctx context.Context, run *mirror.Run) error {
		rd = &round{Follower: f, run: run, question: &q}
		return rd.listen(ctx, names)
	})
	a := Answer{Result: res}
	if rd != nil {
		a.News = rd.feeds.Events.News+rd.feeds.Deliveries.News > 0 || len(q.Named) > 0 && res.Outcome == mirror.Succeeded
		for _, f := range []*stand.Feed{&rd.feeds.Events, &rd.feeds.Deliveries} {
			if f.Answered {
				a.Feeds++
			}
		}
	}
	return a, err
}

// NamedBy is what a webhook event says has changed of a stream: the object that its payload is, and what the stream finds by an id in it.
// It is to be fetched by a round of feeds: the payload itself is not believed. It is empty for an event of another stream, and for a
// payload without a usable id.
func (s Spec) NamedBy(of *streams.Stream, event string, at time.Time, data jsontext.Value) (changes []tails.Changed) {
	if s.carriedBy(event) {
		t := &stream{s: of, spec: s}
		changes = t.changeOf(payload{Type: event, Timestamp: at, Data: data})
	}
	for _, touch := range s.Named {
		if id, err := uuid.Parse(item.FieldText(data, touch.Field)); err == nil && touch.by(event) {
			changes = append(changes, tails.Changed{Stream: of.Name, Filter: cmp.Or(touch.Filter, tails.ByID), Value: id.String(), At: at})
		}
	}
	return changes
}

// listen is a round of feeds.
func (rd *round) listen(ctx context.Context, names []string) error {
	if err := rd.open(ctx, names, names); err != nil {
		return err
	}
	followed := map[string]bool{}
	for _, t := range rd.tails {
		followed[t.s.Name] = true
	}
	named := slices.DeleteFunc(slices.Clone(rd.question.Named), func(c tails.Changed) bool { return !followed[c.Stream] })
	if err := rd.kept().Changes().NoteTold(ctx, named); err != nil {
		return err
	}
	if err := rd.readFeeds(ctx); err != nil {
		return err
	}
	if err := rd.fetchNamed(ctx); err != nil {
		return err
	}
	return rd.close(ctx)
}

// interlude looks at the feeds in the midst of a round of tails, and fetches what they name: the round has the lease, so what changes
// while it waits for the budget would else be seen after it.
func (rd *round) interlude(ctx context.Context) error {
	if rd.listens <= 0 || time.Since(rd.heard) < rd.listens {
		return nil
	}
	rd.question, rd.aside = &Question{Each: true}, rd.aside-rd.spent()
	defer func() { rd.question, rd.heard, rd.aside = nil, time.Now(), rd.aside+rd.spent() }()
	if err := rd.readFeeds(ctx); err != nil {
		return err
	}
	return rd.fetchPending(ctx, tails.Wanted{Only: tails.Objects, Lag: -1})
}

// fetchNamed fetches what has changed. What there is no room for stays pending, for a later round or for one of tails.
func (rd *round) fetchNamed(ctx context.Context) error {
	now, at := rd.now(), &rd.feeds
	if err := rd.fetchPending(ctx, tails.Wanted{Only: tails.Objects, Lag: -1}); err != nil {
		return err
	}
	if since := now.Sub(at.Listed); since >= putOff || rd.hasRoom() && (!rd.question.Each || since >= listsEvery) {
		at.Listed = now
		if err := rd.fetchPending(ctx, tails.Wanted{Only: tails.Lists, Lag: -1}); err != nil {
			return err
		}
	}
	// What is left to a round of tails makes that round long, and the next of feeds wait for it.
	if since := now.Sub(at.Again); since < putOff || !rd.hasRoom() && since < 2*putOff {
		return nil
	}
	if err := rd.fetchPending(ctx, tails.Wanted{Lag: rd.lag}); err != nil {
		return err
	}
	if !slices.ContainsFunc(rd.tails, func(t *stream) bool { return t.more }) {
		at.Again = now
	}
	return nil
}

// fetchPending fetches these changes of all streams.
func (rd *round) fetchPending(ctx context.Context, wanted tails.Wanted) error {
	wanted.Most, wanted.Newest = mostNamed, true
	pending, err := rd.kept().Changes().PendingStreams(ctx, wanted)
	if err != nil {
		return err
	}
	for _, t := range rd.tails {
		if t.listens || !slices.Contains(pending, t.s.Name) {
			continue
		}
		most := wanted
		if wanted.Lag >= 0 && t.spec.Batch == "" {
			most.Most = mostAgain
		}
		t.attempt(func() error { return t.fetchChanges(ctx, most) })
		if err := t.fatal(); err != nil {
			return err
		}
	}
	return nil
}

// hasRoom: there are requests left for more than what is known by its id.
func (rd *round) hasRoom() bool { return int(rd.spent()) < rd.question.Room }

// source is one of the feeds of a round.
type source struct {
	name   string
	state  *stand.Feed
	needed bool // a followed stream is told of
	read   func() error
}

// turns puts the feeds of a round in order: of those that take turns, the one first that was asked longest ago.
func (rd *round) turns(sources []source) []source {
	sources = slices.DeleteFunc(sources, func(s source) bool { return !s.needed })
	if rd.question != nil {
		slices.SortStableFunc(sources, func(a, b source) int { return a.state.Polled.Compare(b.state.Polled) })
	}
	return sources
}

// due: the next of the feeds is to be asked.
func (rd *round) due() bool {
	q := rd.question
	if q == nil || q.Unasked {
		return q == nil
	}
	if events, deliveries := rd.feeds.Events, rd.feeds.Deliveries; events.Answered || deliveries.Answered {
		return q.Each || events.News+deliveries.News > 0
	}
	// A part of the time is left for the round itself: two rounds of one process are never much closer.
	return rd.now().Sub(later(rd.feeds.Events.Polled, rd.feeds.Deliveries.Polled)) >= q.Every-q.Every/4
}

// start is from when on a feed is read. whole: as far back as it may still tell of something late. A round of feeds reads what fits
// on a page with what is new.
func (rd *round) start(ctx context.Context, name string, f *stand.Feed, asked time.Time) (from time.Time, whole bool, err error) {
	if f.At.IsZero() {
		return rd.unswept(asked), true, nil
	}
	overlap := f.Overlap(rd.overlap)
	if from = f.Since(rd.now(), overlap); f.Glanced.After(f.Asked) && !f.Asked.IsZero() {
		from = earlier(from, f.Asked.Add(-overlap))
	}
	if rd.question == nil {
		return from, true, nil
	}
	page, err := rd.kept().Feeds().NewestEntry(ctx, name, knownEntries)
	if page = earlier(page, f.At); page.After(from) {
		return page, false, err
	}
	return from, true, err
}
