package tail

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/tails"
	"syncd/internal/tail/stand"
)

// Feeds tell what has changed, for all streams at once: the events that Polar records of an organization, and what it has sent to
// a webhook endpoint, if there is one.
const (
	eventsPath     = "/v1/events/"
	deliveriesPath = "/v1/webhooks/deliveries"
	// Names of the feeds, in logs and tables.
	eventsFeed     = "events"
	deliveriesFeed = "webhook deliveries"
	// maxFeedPages bounds one piece of a feed, which is held in memory.
	maxFeedPages = 50
	// feedShare: a longer feed is read if that costs at most a tenth of the sweeps that would replace it, which leaves as much
	// again for the objects that it names. At most maxFeedPieces are read in one round.
	feedShare     = 10
	maxFeedPieces = 4
	// feedSpare bounds the requests for entries of one time that do not fit on a page: so many entries have one time only when
	// many objects are made at once.
	feedSpare = 24
	// hookSlack is how much later than its payload the event of a change may be dated.
	hookSlack = 2 * time.Second
)

// feedPosition is where the feeds stand.
type feedPosition struct {
	Events     stand.Feed `json:"events"`
	Deliveries stand.Feed `json:"deliveries"`
	// Endpoints are those that deliveries are sent to, where no stream mirrors them.
	Endpoints endpointList `json:"endpoints,omitzero"`
	// Listed is when a round of feeds last fetched what lists show of changes, by the clock of the database.
	Listed time.Time `json:"listed,omitzero"`
	// Again is when a round of feeds last fetched once more what it had fetched soon after its change, by the clock of the database.
	Again time.Time `json:"again,omitzero"`
	// Moments compare Polar's clock with sync_clock.
	Moments []fetch.Moment `json:"moments,omitempty"`
}

func (rd *round) readFeeds(ctx context.Context) (err error) {
	var touched, hooked bool
	// A feed that no followed stream needs stays where it is.
	for _, t := range rd.followed() {
		touched = touched || t.spec.reads()
		hooked = hooked || t.spec.Hook != ""
	}
	for _, s := range rd.turns([]source{
		{eventsFeed, &rd.feeds.Events, touched, func() error { return rd.events(ctx) }},
		{deliveriesFeed, &rd.feeds.Deliveries, hooked, func() error {
			if err := rd.readEndpoints(ctx); err != nil || len(rd.endpoints) == 0 || !rd.due() {
				return err
			}
			return rd.deliveries(ctx)
		}},
	}) {
		if err := rd.feed(ctx, s.name, s.state, s.read); err != nil {
			return err
		}
	}
	return nil
}

// feed reads one feed. If the token lacks its scope, the feed is skipped from then on; the rest of the round goes on without it,
// and says so.
func (rd *round) feed(ctx context.Context, name string, f *stand.Feed, read func() error) error {
	key := Name + "/" + name
	if rd.engine.IsDisabled(key) {
		return nil
	}
	err := read()
	if err == nil && f.Answered {
		f.Polled = rd.begun
		if !f.At.IsZero() && rd.question == nil { // rounds of feeds, every few seconds, leave it to those of tails
			if err := rd.kept().Feeds().ForgetEntries(ctx, name, f.At.Add(-2*f.Overlap(rd.overlap)-stand.LagHalves)); err != nil {
				return err
			}
		}
		if !f.Asked.IsZero() {
			return rd.kept().Feeds().Save(ctx, f.Report(name, rd.overlap))
		}
		return nil
	}
	switch {
	case errors.Is(err, fetch.ErrScope):
		rd.engine.DisableStream(key, err.Error())
		rd.engine.Log.WarnContext(ctx, "tails do without a feed until the next start: changes are seen later", "feed", name, "error", err)
		return nil
	case err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, fetch.ErrAuth) && !store.IsStore(err):
		rd.run.AddError(err)
		rd.run.MarkPartial("%s: %v", name, err)
		return nil
	}
	return err
}

// unswept is where a feed begins that has no mark yet: a little before the oldest complete sweep that the followed streams build
// on, which has seen what happened earlier. As long as the feed shows nothing, each round begins there, so what it tells late is
// not missed.
func (rd *round) unswept(asked time.Time) time.Time {
	age := time.Duration(0)
	for _, t := range rd.tails {
		age = max(age, t.at.Complete)
	}
	return asked.Add(-age - rd.overlap)
}

func (rd *round) list(ctx context.Context, path string, query url.Values) (fetch.Page, error) {
	page, err := rd.engine.Client.SalvagePage(ctx, path, query)
	rd.run.CountRequests(page.Requests)
	return page, err
}

// feed is one of the feeds while it is read.
type feed struct {
	path, field string // its path; the name of its entries' time
	scan        scan.Offset
	query       url.Values
	depends     func(Spec) bool        // streams to sweep for the part of it that is not read
	visit       func(fetch.Page) error // gets each entry once per piece
	take        func() error           // ends a piece
}

// feedPages reads all pages of a feed and yields each item once. It does not read a feed of more than maxFeedPages pages. It
// returns the first page in any case.
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
		page.Items = slices.DeleteFunc(page.Items, func(object jsontext.Value) bool {
			id := item.FieldText(object, "id")
			known := came[id]
			came[id] = true
			return known
		})
		if len(page.Items) > 0 {
			if err := f.visit(page.Page); err != nil {
				return first, err
			}
		}
	}
	return first, nil
}

// feedPieces reads a feed from start on, and takes it piece by piece, the oldest first. It returns the first page of the rest
// that it does not read because sweeps of the streams that depend on it cost less.
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
		// So many entries at once are no feed.
		if err != nil || !end.After(start.Add(2*time.Second)) {
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

// oldestPiece is a whole second before which a feed has about maxFeedPages pages. It asks for one entry to find it: events are
// listed by ascending time, deliveries by descending. It is zero if there is none.
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

// dueAll brings forward the sweeps of all streams that depend on a feed.
func (rd *round) dueAll(reason string, depends func(Spec) bool) {
	for _, t := range rd.tails {
		if depends(t.spec) {
			t.sweepDue = reason
		}
	}
}

// news are the entries that were not processed before.
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
		if t.spec.carriedBy(event) {
			return t
		}
	}
	return nil
}
