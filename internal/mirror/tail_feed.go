package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/store"
)

// The feeds tell what has changed, for all streams at once: the events that
// Polar itself records of what happens to an organization, and what it has sent
// to a webhook endpoint, if there is one.
const (
	eventsPath     = "/v1/events/"
	deliveriesPath = "/v1/webhooks/deliveries"
	// Names of the feeds, in logs and tables.
	eventsFeed     = "events"
	deliveriesFeed = "webhook deliveries"
	// maxFeedPages bounds what is read of a feed in one piece, which is held in memory.
	maxFeedPages = 50
	// feedShare: a longer feed is read where that costs no more than this part of the sweeps that would make up for it, which
	// leaves as much again for the objects that it names; and no more than maxFeedPieces of it in one round.
	feedShare     = 10
	maxFeedPieces = 4
	// feedSpare is what may be asked about entries of one time that do not fit on a page: as many are told of in one second
	// only when many objects are made at once.
	feedSpare = 24
	// hookSlack is by how much the event of a change may be dated later than the payload that tells of it.
	hookSlack = 2 * time.Second
)

// feedPosition is where the feeds stand.
type feedPosition struct {
	Events     feedState `json:"events,omitzero"`
	Deliveries feedState `json:"deliveries,omitzero"`
	// Moments are what is known of Polar's clock beside sync_clock.
	Moments []fetch.Moment `json:"moments,omitempty"`
}

func (rd *round) readFeeds(ctx context.Context) (err error) {
	var touched, hooked bool
	for _, t := range rd.followed() { // a feed that none of these needs stays where it is
		touched = touched || len(t.s.Tail.Touched) > 0
		hooked = hooked || t.s.Tail.Hook != ""
	}
	if hooked && rd.r.streams["webhook_endpoints"] != nil {
		if rd.endpoints, err = rd.r.Store.Feeds().Endpoints(ctx); err != nil {
			return err
		}
	}
	if touched {
		if err := rd.feed(ctx, eventsFeed, &rd.feeds.Events, func() error { return rd.events(ctx) }); err != nil {
			return err
		}
	}
	if len(rd.endpoints) == 0 {
		return nil
	}
	return rd.feed(ctx, deliveriesFeed, &rd.feeds.Deliveries, func() error { return rd.deliveries(ctx) })
}

// feed reads one feed. One that the token has no scope for is left out from then
// on; the rest of the round does without, and says so.
func (rd *round) feed(ctx context.Context, name string, f *feedState, read func() error) error {
	key := TailStream + "/" + name
	if rd.r.isDisabled(key) {
		return nil
	}
	err := read()
	if err == nil && f.answered {
		if !f.At.IsZero() {
			if err := rd.r.Store.Feeds().ForgetEntries(ctx, name, f.At.Add(-2*f.overlap(rd.r.TailOverlap)-lagHalves)); err != nil {
				return err
			}
		}
		if !f.Asked.IsZero() {
			return rd.r.Store.Feeds().Save(ctx, f.report(name, rd.r.TailOverlap))
		}
		return nil
	}
	switch {
	case errors.Is(err, fetch.ErrScope):
		rd.r.disable(key, err.Error())
		rd.r.Log.WarnContext(ctx, "tails do without a feed until the next start: changes are seen later", "feed", name, "error", err)
		return nil
	case err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, fetch.ErrAuth) && !store.IsStore(err):
		rd.res.Err = errors.Join(rd.res.Err, err)
		rd.partial("%s: %v", name, err)
		return nil
	}
	return err
}

// oldest is the age of the oldest of the complete sweeps that the followed streams build on.
func (rd *round) oldest() (age time.Duration) {
	for _, t := range rd.tails {
		age = max(age, t.at.Complete)
	}
	return age
}

func (rd *round) list(ctx context.Context, path string, query url.Values) (fetch.Page, error) {
	page, err := rd.r.Client.Salvage(ctx, path, query)
	rd.requests += int64(page.Requests)
	return page, err
}

// feed is one of the feeds, as it is read.
type feed struct {
	path, field string // where it is; the time of its entries
	scan        scan.Offset
	query       url.Values
	depends     func(Tail) bool              // which streams are swept for what of it is not read
	visit       func([]jsontext.Value) error // is given each entry once a piece
	take        func() error                 // ends a piece
}

// feedPages reads all pages of a feed, and gives each item once. A feed of more than maxFeedPages is not read; its first page
// is returned in any case.
func (rd *round) feedPages(ctx context.Context, f feed, query url.Values) (first fetch.Page, err error) {
	came := map[string]bool{}
	for page, err := range f.scan.Pages(ctx, rd.r.Client, f.path, query, scan.Cursor{}) {
		rd.requests += int64(page.Requests)
		if err != nil {
			return first, err
		}
		if first.Query == nil {
			if first = page.Page; first.MaxPage > maxFeedPages {
				return first, nil
			}
		}
		fresh := slices.DeleteFunc(page.Items, func(object jsontext.Value) bool {
			id := item.FieldText(object, "id")
			known := came[id]
			came[id] = true
			return known
		})
		if len(fresh) > 0 {
			if err := f.visit(fresh); err != nil {
				return first, err
			}
		}
	}
	return first, nil
}

// feedPieces reads a feed from start on, and takes what it has visited piece by piece, the oldest first. What it does not
// read, because sweeps of the streams that depend on it cost less, it returns the first page of.
func (rd *round) feedPieces(ctx context.Context, f feed, start time.Time) (rest fetch.Page, err error) {
	for most := -1; ; {
		query := withQuery(f.query, url.Values{"start_timestamp": {start.UTC().Format(time.RFC3339Nano)}})
		rest, err = rd.feedPages(ctx, f, query)
		if err != nil {
			return rest, err
		}
		if rest.MaxPage <= maxFeedPages {
			return fetch.Page{}, f.take()
		}
		if most < 0 {
			if most, err = rd.worth(ctx, f.depends); err != nil {
				return rest, err
			}
		}
		if rest.MaxPage > most {
			return rest, nil
		}
		end, err := rd.oldestPiece(ctx, f, query, rest)
		if err != nil || !end.After(start.Add(2*time.Second)) { // as many at once are no feed
			return rest, err
		}
		piece, err := rd.feedPages(ctx, f, withQuery(query, url.Values{"end_timestamp": {end.Format(time.RFC3339)}}))
		if err != nil || piece.MaxPage > maxFeedPages {
			return rest, err
		}
		if err := f.take(); err != nil {
			return rest, err
		}
		most -= piece.MaxPage
		start = end.Add(-time.Second)
	}
}

// worth is how many pages of a feed may be read in place of sweeps of the streams that depend on it.
func (rd *round) worth(ctx context.Context, depends func(Tail) bool) (pages int, err error) {
	for _, t := range rd.tails {
		if depends(t.s.Tail) {
			rows, err := rd.r.Store.Rows(t.s.Name).CountLive(ctx)
			if err != nil {
				return 0, err
			}
			pages += int(rows / 100)
		}
	}
	return min(pages/feedShare, maxFeedPieces*maxFeedPages), nil
}

// oldestPiece is a whole second before which a feed has some maxFeedPages pages, by one of the entries that are there: events
// are listed by time, deliveries the other way round. Zero if there is none.
func (rd *round) oldestPiece(ctx context.Context, f feed, query url.Values, first fetch.Page) (time.Time, error) {
	n := maxFeedPages
	if f.path == deliveriesPath {
		n = first.MaxPage - maxFeedPages + 2 // some may come meanwhile
	}
	page, err := rd.list(ctx, f.path, withQuery(query, url.Values{"page": {strconv.Itoa(n)}}))
	if err != nil || len(page.Items) == 0 {
		return time.Time{}, err
	}
	return item.FieldTime(page.Items[0], f.field).Truncate(time.Second), nil
}

// dueAll brings the sweeps of all streams forward that depend on a feed.
func (rd *round) dueAll(reason string, depends func(Tail) bool) {
	for _, t := range rd.tails {
		if depends(t.s.Tail) {
			t.sweepDue = reason
		}
	}
}

// events reads Polar's own events since the newest one known. The bounds are
// whole seconds: Polar's store of events may cut them to that.
// Source: server/polar/event/service.py, server/tinybird/datasources.
func (rd *round) events(ctx context.Context) error {
	f := &rd.feeds.Events
	query := url.Values{"source": {"system"}, "limit": {"100"}, "sorting": {"timestamp"}}
	asked := rd.r.Client.Now().UTC()
	from := f.since(rd.now(), f.overlap(rd.r.TailOverlap))
	if f.At.IsZero() {
		newest, err := rd.list(ctx, eventsPath, withQuery(query, url.Values{"limit": {"1"}, "sorting": {"-timestamp"}}))
		if err != nil {
			return err
		}
		if len(newest.Items) == 0 {
			f.end(asked)
			return nil
		}
		from = earlier(item.FieldTime(newest.Items[0], "timestamp"), asked).Add(-rd.oldest() - rd.r.TailOverlap)
	}
	newest := f.At
	depends := func(t Tail) bool { return len(t.Touched) > 0 }
	rest, err := rd.feedPieces(ctx, feed{eventsPath, "timestamp", scan.Offset{Sort: []string{"-timestamp"}, Spare: feedSpare}, query, depends, func(items []jsontext.Value) error {
		var list []event
		var entries []store.Entry
		for _, item := range items {
			var e event
			if err := json.Unmarshal(item, &e); err != nil {
				rd.r.Log.WarnContext(ctx, "an event that cannot be read tells nothing", "error", err)
				continue
			}
			e.Timestamp = e.Timestamp.UTC()
			list, entries = append(list, e), append(entries, store.Entry{ID: e.ID, At: e.Timestamp})
		}
		fresh, err := rd.news(ctx, eventsFeed, entries)
		if err != nil {
			return err
		}
		var changes []store.Changed
		for _, e := range list {
			if !fresh[e.ID] {
				continue
			}
			f.read(e.Timestamp, e.Timestamp, asked, !e.datedBack())
			if !e.Timestamp.After(asked) {
				newest = later(newest, e.Timestamp)
			}
			for _, t := range rd.tails {
				for _, c := range t.touched(e, asked) {
					f.tells(c.Stream, c.Value)
					changes = append(changes, c)
				}
			}
		}
		if err := rd.r.Store.Changes().Note(ctx, changes); err != nil {
			return err
		}
		return rd.r.Store.Feeds().KeepEntries(ctx, eventsFeed, slices.DeleteFunc(entries, func(e store.Entry) bool { return !fresh[e.ID] }))
	}, func() error {
		f.reach(newest, asked, rd.now())
		return nil
	}}, from.UTC().Truncate(time.Second).Add(-time.Second))
	if err != nil {
		return err
	}
	if rest.TotalCount == 0 {
		f.end(asked)
		return nil
	}
	rd.dueAll(fmt.Sprintf("%d events since %s", rest.TotalCount, from.UTC().Format(time.RFC3339)), depends)
	end, err := rd.list(ctx, eventsPath, withQuery(query, url.Values{"limit": {"1"}, "sorting": {"-timestamp"}}))
	if err != nil || len(end.Items) == 0 {
		return err
	}
	f.reach(earlier(item.FieldTime(end.Items[0], "timestamp"), asked), asked, rd.now())
	f.skip(rd.begun)
	return nil
}

// event is what is needed of an event.
type event struct {
	ID         uuid.UUID                  `json:"id"`
	Timestamp  time.Time                  `json:"timestamp"`
	Name       string                     `json:"name"`
	CustomerID *uuid.UUID                 `json:"customer_id"`
	Metadata   map[string]json.RawMessage `json:"metadata"`
}

func (e event) field(name string) string {
	var id string
	if raw, ok := e.Metadata[name]; ok && json.Unmarshal(raw, &id) == nil {
		return id
	}
	if name == "customer_id" && e.CustomerID != nil {
		return e.CustomerID.String()
	}
	return ""
}

// datedBack tells whether Polar dates such an event by what it is about rather than by when it writes it: balances by their
// order, which may be paid days later, and a creation by the object, which an import dates back.
// Source: server/polar/order/service.py, server/polar/customer/tasks.py.
func (e event) datedBack() bool {
	return strings.HasPrefix(e.Name, "balance.") || e.Name == "customer.created" || e.Name == "checkout.created"
}

// by tells whether an event of this name is meant.
func (t Touch) by(event string) bool {
	return t.Event == event || strings.HasSuffix(t.Event, ".") && strings.HasPrefix(event, t.Event)
}

// touched tells what an event has changed in the stream.
func (t *tail) touched(e event, asked time.Time) (changes []store.Changed) {
	for _, touch := range t.s.Tail.Touched {
		if !touch.by(e.Name) {
			continue
		}
		value := e.field(touch.Field)
		if _, err := uuid.Parse(value); err != nil {
			continue
		}
		c := store.Changed{Stream: t.s.Name, Filter: touch.Filter, Value: value, At: earlier(e.Timestamp, asked)}
		if c.Filter == "" {
			c.Filter = store.ByID
		}
		if e.CustomerID != nil {
			c.Owner = *e.CustomerID
		}
		changes = append(changes, c)
	}
	return changes
}

// delivery is what is needed of a webhook delivery.
type delivery struct {
	CreatedAt time.Time `json:"created_at"`
	Event     struct {
		ID      uuid.UUID `json:"id"`
		Payload *string   `json:"payload"`
	} `json:"webhook_event"`
}

// payload is the message that an endpoint of the format raw is sent.
type payload struct {
	event     uuid.UUID
	listed    time.Time      // when the delivery was made that brought it
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Version   string         `json:"api_version"` // that of its endpoint, which need not be the one asked for; "" = none was told
	Data      jsontext.Value `json:"data"`
}

// deliveries reads what Polar has sent to webhook endpoints since the newest
// delivery known. A payload holds the whole object as of the moment of its
// event, so it needs no further request.
// Source: server/polar/webhook/service.py.
func (rd *round) deliveries(ctx context.Context) error {
	f := &rd.feeds.Deliveries
	query := url.Values{"limit": {"100"}}
	asked := rd.r.Client.Now().UTC()
	from := f.since(rd.now(), f.overlap(rd.r.TailOverlap))
	if f.At.IsZero() {
		newest, err := rd.list(ctx, deliveriesPath, url.Values{"limit": {"1"}})
		if err != nil {
			return err
		}
		if len(newest.Items) == 0 {
			f.end(asked)
			return nil
		}
		from = earlier(item.FieldTime(newest.Items[0], "created_at"), asked).Add(-rd.oldest() - rd.r.TailOverlap)
	}
	newest := f.At
	sent := map[uuid.UUID]payload{} // by event: of several attempts the first one counts
	depends := func(t Tail) bool { return t.Hook != "" }
	rest, err := rd.feedPieces(ctx, feed{deliveriesPath, "created_at", scan.Offset{Fixed: []string{"-created_at"}, Spare: feedSpare}, query, depends, func(items []jsontext.Value) error {
		for _, item := range items {
			var d delivery
			if json.Unmarshal(item, &d) != nil {
				continue
			}
			d.CreatedAt = d.CreatedAt.UTC()
			if !d.CreatedAt.After(asked) {
				newest = later(newest, d.CreatedAt)
			}
			if p, again := sent[d.Event.ID]; d.Event.Payload == nil || again && !d.CreatedAt.Before(p.listed) {
				continue
			}
			p := payload{event: d.Event.ID, listed: d.CreatedAt}
			if json.Unmarshal([]byte(*d.Event.Payload), &p) == nil && len(p.Data) > 0 && !p.Timestamp.IsZero() {
				p.Timestamp = p.Timestamp.UTC()
				sent[p.event] = p
			}
		}
		return nil
	}, func() error {
		if err := rd.take(ctx, slices.Collect(maps.Values(sent)), asked); err != nil {
			return err
		}
		clear(sent)
		f.reach(newest, asked, rd.now())
		return nil
	}}, from)
	if err != nil {
		return err
	}
	if rest.TotalCount == 0 {
		f.end(asked)
		return nil
	}
	rd.dueAll(fmt.Sprintf("%d webhook deliveries since %s", rest.TotalCount, from.UTC().Format(time.RFC3339)), depends)
	f.reach(earlier(item.FieldTime(rest.Items[0], "created_at"), asked), asked, rd.now())
	f.skip(rd.begun)
	return nil
}

// take deals with what has been sent and was not dealt with before.
func (rd *round) take(ctx context.Context, sent []payload, asked time.Time) error {
	f := &rd.feeds.Deliveries
	entries := make([]store.Entry, len(sent))
	for i, p := range sent {
		entries[i] = store.Entry{ID: p.event, At: p.listed}
	}
	fresh, err := rd.news(ctx, deliveriesFeed, entries)
	if err != nil {
		return err
	}
	sent = slices.DeleteFunc(sent, func(p payload) bool { return !fresh[p.event] })
	for i, p := range sent {
		f.read(p.listed, p.Timestamp, asked, true)
		if t := rd.hooked(p.Type); t != nil {
			f.tells(t.s.Name, item.FieldText(p.Data, "id"))
		}
		sent[i].Timestamp = earlier(p.Timestamp, asked)
	}
	slices.SortFunc(sent, func(a, b payload) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), a.listed.Compare(b.listed), slices.Compare(a.event[:], b.event[:]))
	})
	if err := rd.deliver(ctx, sent); err != nil {
		return err
	}
	return rd.r.Store.Feeds().KeepEntries(ctx, deliveriesFeed, slices.DeleteFunc(entries, func(e store.Entry) bool { return !fresh[e.ID] }))
}

// deliver stores the newest payload of each object.
func (rd *round) deliver(ctx context.Context, sent []payload) error {
	newest := map[string]int{}
	for i, p := range sent {
		if rd.hooked(p.Type) != nil { // the state of a customer has the customer's id, and is none
			newest[item.FieldText(p.Data, "id")] = i
		}
	}
	now, err := rd.r.Store.Stamp(ctx)
	if err != nil {
		return err
	}
	for i, p := range sent {
		id := item.FieldText(p.Data, "id")
		t := rd.hooked(p.Type)
		if t == nil || newest[id] != i || id == "" {
			continue
		}
		if t.listens || p.gone() || !p.understood() {
			if err := rd.r.Store.Changes().Note(ctx, t.sought(p)); err != nil {
				return err
			}
			continue
		}
		// The time of a payload is Polar's, that of a reply the database's. It is taken to be as early as it can be, so that a
		// payload never overwrites a later reply; where nothing tells, it overwrites nothing.
		dated := rd.r.Client.Before(p.Timestamp, now)
		if lost, err := t.unlisted(ctx, id, dated); err != nil {
			return err
		} else if lost {
			if err := rd.r.Store.Changes().Note(ctx, t.sought(p)); err != nil {
				return err
			}
			continue
		}
		stale := t.record.Counts.Stale
		page := fetch.Page{Items: []jsontext.Value{p.Data}, TotalCount: -1, RequestedAt: dated}
		if _, err := t.keep(ctx, page, ""); err != nil {
			return err
		}
		t.through = later(t.through, p.Timestamp)
		if t.record.Counts.Stale > stale {
			// What is here may be older all the same.
			if err := rd.r.Store.Changes().Note(ctx, t.sought(p)); err != nil {
				return err
			}
			continue
		}
		if _, err := rd.r.Store.Changes().Settle(ctx, t.s.Name, store.ByID, []string{id}, now.Add(max(0, rd.r.TailLag)), p.Timestamp.Add(hookSlack)); err != nil {
			return err
		}
	}
	return nil
}

// unlisted tells of an object as of a moment, as Stamp tells the time, that a complete sweep which began later did not bring
// it: it may be gone, and what tells of that comes later still where the feed is late.
func (t *tail) unlisted(ctx context.Context, id string, asOf time.Time) (bool, error) {
	u, err := uuid.Parse(id)
	if err != nil || !asOf.Before(t.swept) {
		return false, nil //nolint:nilerr // what is no id is set aside as any item without one
	}
	known, err := t.r.Store.Rows(t.s.Name).LookUpIDs(ctx, []uuid.UUID{u})
	return !known[u], err
}

// understood tells whether the payload is in a version of the API that this syncd knows; one that is not is fetched instead.
// Source: server/polar/webhook/service.py.
func (p payload) understood() bool {
	_, known := fetch.FindVersion(p.Version)
	return known || p.Version == ""
}

// gone tells whether a payload says that its object no longer exists. What becomes of the row its own endpoint decides.
func (p payload) gone() bool {
	var object struct {
		IsDeleted bool    `json:"is_deleted"`
		DeletedAt *string `json:"deleted_at"`
	}
	return strings.HasSuffix(p.Type, ".deleted") || json.Unmarshal(p.Data, &object) == nil && (object.IsDeleted || object.DeletedAt != nil)
}

// sought is the object of a payload as a change to be fetched: by id, or by what the list can be filtered by where neither
// an endpoint nor the list finds it by its id. None if that is no id.
func (t *tail) sought(p payload) []store.Changed {
	c := store.Changed{Stream: t.s.Name, Filter: store.ByID, Value: item.FieldText(p.Data, "id"), At: p.Timestamp}
	if t.s.Get == "" && t.s.Tail.Batch == "" && t.s.Pick.Param != "" {
		c.Filter, c.Value = t.s.Pick.Param, item.FieldText(p.Data, t.s.Pick.Column)
	}
	if _, err := uuid.Parse(c.Value); err != nil {
		return nil
	}
	if owner, err := uuid.Parse(item.FieldText(p.Data, "customer_id")); err == nil {
		c.Owner = owner
	}
	return []store.Changed{c}
}

// hooked is the followed stream whose objects a webhook event carries.
func (rd *round) hooked(event string) *tail {
	for _, t := range rd.tails {
		if h := t.s.Tail.Hook; h != "" && strings.HasPrefix(event, h) && event != "customer.state_changed" {
			return t
		}
	}
	return nil
}
