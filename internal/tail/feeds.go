package tail

import (
	"context"
	"errors"
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
	"syncd/internal/store/tails"
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
	// Endpoints are those that deliveries are sent to, where no stream mirrors them.
	Endpoints endpointList `json:"endpoints,omitzero"`
	// Moments are what is known of Polar's clock beside sync_clock.
	Moments []fetch.Moment `json:"moments,omitempty"`
}

func (rd *round) readFeeds(ctx context.Context) (err error) {
	var touched, hooked bool
	for _, t := range rd.followed() { // a feed that none of these needs stays where it is
		touched = touched || len(t.spec.Touched) > 0
		hooked = hooked || t.spec.Hook != ""
	}
	if touched {
		if err := rd.feed(ctx, eventsFeed, &rd.feeds.Events, func() error { return rd.events(ctx) }); err != nil {
			return err
		}
	}
	if !hooked {
		return nil
	}
	return rd.feed(ctx, deliveriesFeed, &rd.feeds.Deliveries, func() error {
		if err := rd.readEndpoints(ctx); err != nil || len(rd.endpoints) == 0 {
			return err
		}
		return rd.deliveries(ctx)
	})
}

// feed reads one feed. One that the token has no scope for is left out from then
// on; the rest of the round does without, and says so.
func (rd *round) feed(ctx context.Context, name string, f *feedState, read func() error) error {
	key := Name + "/" + name
	if rd.engine.IsDisabled(key) {
		return nil
	}
	err := read()
	if err == nil && f.answered {
		if !f.At.IsZero() {
			if err := rd.kept().Feeds().ForgetEntries(ctx, name, f.At.Add(-2*f.overlap(rd.overlap)-lagHalves)); err != nil {
				return err
			}
		}
		if !f.Asked.IsZero() {
			return rd.kept().Feeds().Save(ctx, f.report(name, rd.overlap))
		}
		return nil
	}
	switch {
	case errors.Is(err, fetch.ErrScope):
		rd.engine.Disable(key, err.Error())
		rd.engine.Log.WarnContext(ctx, "tails do without a feed until the next start: changes are seen later", "feed", name, "error", err)
		return nil
	case err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, fetch.ErrAuth) && !store.IsStore(err):
		rd.run.AddError(err)
		rd.run.MarkPartial("%s: %v", name, err)
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
	page, err := rd.engine.Client.SalvagePage(ctx, path, query)
	rd.run.CountRequests(page.Requests)
	return page, err
}

// feed is one of the feeds, as it is read.
type feed struct {
	path, field string // where it is; the time of its entries
	scan        scan.Offset
	query       url.Values
	depends     func(Spec) bool              // which streams are swept for what of it is not read
	visit       func([]jsontext.Value) error // is given each entry once a piece
	take        func() error                 // ends a piece
}

// feedPages reads all pages of a feed, and gives each item once. A feed of more than maxFeedPages is not read; its first page
// is returned in any case.
func (rd *round) feedPages(ctx context.Context, f feed, query url.Values) (first fetch.Page, err error) {
	came := map[string]bool{}
	for page, err := range f.scan.Pages(ctx, rd.engine.Client, f.path, query, scan.Cursor{}) {
		rd.run.CountRequests(page.Requests)
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
func (rd *round) worth(ctx context.Context, depends func(Spec) bool) (pages int, err error) {
	for _, t := range rd.tails {
		if depends(t.spec) {
			rows, err := rd.engine.Store.Rows(t.s.Name).CountLive(ctx)
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
func (rd *round) dueAll(reason string, depends func(Spec) bool) {
	for _, t := range rd.tails {
		if depends(t.spec) {
			t.sweepDue = reason
		}
	}
}

// news are the entries that have not been dealt with before.
func (rd *round) news(ctx context.Context, feed string, entries []tails.Entry) (map[uuid.UUID]bool, error) {
	known, err := rd.kept().Feeds().KnownEntries(ctx, feed, entries)
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

// hooked is the followed stream whose objects a webhook event carries.
func (rd *round) hooked(event string) *stream {
	for _, t := range rd.tails {
		if h := t.spec.Hook; h != "" && strings.HasPrefix(event, h) && event != "customer.state_changed" {
			return t
		}
	}
	return nil
}
