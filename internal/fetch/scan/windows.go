package scan

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Windows reads a list in ascending order of a time, each page from a little before the last row of the one before. It is
// for Polar's events, of which ids and counts come from one store and the items from another (polarsource/polar,
// server/polar/event/service.py and server/tinybird): a page may be short in the middle of the list, a page behind the end
// counts 0, and the filters on time know milliseconds, maybe only seconds, where the items have microseconds.
//
// So each page is the first one of the rows from a whole second on, asked for with one second more; what has come already
// is dropped. No page number depends on what comes or goes, and rows of one second are never divided by a border of pages.
// Where a page would hold little else than what came before, because there are very many rows a second, a window of some
// pages is read by page number instead.
//
// A page that lacks rows which are counted is asked for again, at once and when the scan has come to the end: the stores may
// be apart by some seconds. What it still lacks then is one Gap.
//
// An item that is set back behind the position while the scan runs is not seen.
type Windows struct {
	Field         string        // the time to go by, both as sort criterion and as key of the item: timestamp
	After, Before string        // the filters on it: start_timestamp, end_timestamp
	Keep          time.Duration // how far back to read, from the last midnight in UTC; 0 = to the first item
	Limit         int           // rows a page; default 100
	// Split are fields that the list filters by, too: more rows of one moment than fit on a page are asked for by what
	// these hold, where nothing else tells them apart.
	Split []string

	since, until time.Time // see Between
}

const (
	windowMargin = time.Second
	// windowAhead is how far beyond Polar's clock the scan reaches: its servers have one each.
	windowAhead = 5 * time.Minute
	// windowPages is what a window of a crowded time should have.
	windowPages = 8
	// maxShort is how often a page is asked for that lacks rows, and how many of them are asked for again at the end.
	maxShort, maxLate = 2, 50
)

// OldestKept is the oldest time that a scan beginning now reads from: a midnight in UTC, so that it is the same for all that
// is done today; zero for all.
func (w Windows) OldestKept(c *fetch.Client) time.Time {
	if w.Keep <= 0 {
		return time.Time{}
	}
	return c.Now().UTC().Truncate(day).Add(-w.Keep).Truncate(time.Second)
}

// Pages implements Scan. The position is a whole second, and in Total the number of rows before it.
func (w Windows) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		s := &windowScan{Windows: w, client: c, path: path, query: lists.WithParameter(query, "sorting", w.Field), at: from, tied: from.Tied, lost: from.Short, yield: yield, seen: map[string]time.Time{}}
		if err := s.start(); err != nil {
			yield(s.page(unread(query, 0, from)), err)
			return
		}
		for s.step(ctx) {
		}
	}
}

type windowScan struct {
	Windows
	client *fetch.Client
	path   string
	query  url.Values
	yield  func(Page, error) bool
	at     Cursor
	bound  bound

	begin, until time.Time            // what is still to be read; a zero begin is the first item
	seen         map[string]time.Time // ids from begin on that were passed on
	nameless     int                  // rows passed on that have no id or no time
	known        int                  // rows before begin, those included that did not come
	tied         int                  // rows with equal times that no question brought
	lost         int                  // pages that lack rows which are counted
	total        int                  // rows from the start on, by the first count

	short *shortPage   // the page before, if rows were missing on it
	late  []*shortPage // those that lack rows of their own, to be asked for again
}

// page completes a page that is about to be passed on.
func (s *windowScan) page(p Page) Page {
	s.at.Tied, s.at.Short = s.tied, s.lost
	p.Total, p.Whole, p.Next = max(s.total, s.known+len(s.seen)+s.nameless), -1, s.at
	return p
}

// start finds out what there is to read.
func (s *windowScan) start() error {
	s.until = s.client.Now().UTC().Truncate(time.Second).Add(windowAhead)
	if end := s.Windows.until; !end.IsZero() && end.Before(s.until) {
		s.until = end
	}
	s.begin = s.OldestKept(s.client)
	if s.since.After(s.begin) {
		s.begin = s.since
	}
	s.known = s.at.Total
	if s.at.After == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s.at.After)
	if err != nil {
		return broken(s.client, s.path, s.query, "the position %q is no time: %w", s.at.After, err)
	}
	if at = at.UTC().Truncate(time.Second); at.After(s.begin) {
		s.begin = at
	}
	return nil
}

// window is the query for what lies in a span of time, with a margin on both sides.
func (s *windowScan) window(begin, end time.Time) url.Values {
	query := lists.WithParameter(s.query, s.Before, end.Add(windowMargin).Format(time.RFC3339))
	if !begin.IsZero() {
		query[s.After] = []string{begin.Add(-windowMargin).Format(time.RFC3339)}
	}
	return query
}

// step reads one page, or one crowded window, and tells whether to go on.
func (s *windowScan) step(ctx context.Context) (goOn bool) {
	query := s.window(s.begin, s.until)
	p, missing, err := s.ask(ctx, lists.Paged(query, s.Limit, 1))
	if err == nil && s.bound.exceeded(p.MaxPage) {
		err = broken(s.client, s.path, p.Query, "the list does not end: %d pages read where %d were announced", s.bound.used-1, p.MaxPage)
	}
	var found []position
	if err == nil {
		found, err = s.locate(p, s.until)
	}
	if err != nil {
		s.yield(s.page(p), err)
		return false
	}
	if s.total == 0 {
		s.total = s.known + p.TotalCount
	}
	s.settle(found, p.TotalCount)
	last, ends := time.Time{}, p.MaxPage <= 1
	for _, at := range found {
		if at.at.After(last) {
			last = at.at
		}
	}
	next := last.Truncate(time.Second)
	switch {
	case ends && (len(found) > 0 || len(p.Gaps) > 0 || p.TotalCount == 0):
		next = s.until
	case last.IsZero():
		s.yield(s.page(p), broken(s.client, s.path, p.Query, "%d rows are counted, and none of the first is given with a usable %q", p.TotalCount, s.Field))
		return false
	case s.crowded(found, next):
		// Most of a page has come before, and would again.
		return s.crowd(ctx, p, found)
	}
	if missing > 0 {
		if s.begin.IsZero() && len(found) > 0 {
			query = s.window(found[0].at.Truncate(time.Second), s.until)
		}
		s.short = &shortPage{query: query, pages: 1, total: p.TotalCount, missing: missing, ids: idsOf(found)}
		if ends {
			s.settle(nil, 0)
		}
	}
	p.Gaps = s.own(p, found, next)
	s.take(&p, found)
	s.advance(next, len(p.Gaps))
	return s.pass(ctx, p)
}

// ask reads a page, and once more while it lacks rows that are counted. It brings all that came.
func (s *windowScan) ask(ctx context.Context, query url.Values) (all Page, missing int, err error) {
	came := map[string]bool{}
	for try := 1; ; try++ {
		p, err := salvage(ctx, s.client, s.path, query)
		requests := all.Requests + p.Requests
		if err != nil {
			all.Requests, all.Query, all.Next = requests, p.Query, p.Next
			return all, 0, err
		}
		items := all.Items
		for _, item := range p.Items {
			if id := lists.ID(item); id == "" || !came[id] {
				came[id] = true
				items = append(items, item)
			}
		}
		if try > 1 {
			slices.SortStableFunc(items, func(a, b jsontext.Value) int { return locate(a, s.Field).at.Compare(locate(b, s.Field).at) })
			p.RequestedAt, p.Checked, p.Gaps = all.RequestedAt, all.Checked && p.Checked, all.Gaps
		}
		all = p
		all.Items, all.Requests = items, requests
		if missing = min(cmp.Or(s.Limit, lists.MaxLimit), all.TotalCount) - len(items) - len(all.Gaps); missing <= 0 || try == maxShort {
			return all, max(0, missing), nil
		}
	}
}

// locate reads the positions of a page and makes sure that the filters were honoured: a server that ignores one of them
// would lead the scan past rows without a sign.
func (s *windowScan) locate(p Page, end time.Time) ([]position, error) {
	found := make([]position, len(p.Items))
	for i, item := range p.Items {
		at := locate(item, s.Field)
		if !at.at.IsZero() && (!s.begin.IsZero() && at.at.Before(s.begin.Add(-2*windowMargin)) || at.at.After(end.Add(2*windowMargin))) {
			return nil, broken(s.client, s.path, p.Query, "the filters %s and %s are not honoured: item %q has %s %s", s.After, s.Before, at.id, s.Field, at.at.Format(microLayout))
		}
		found[i] = at
	}
	return found, nil
}

// own are the gaps of a page between its first row that belongs to what is still to be read and the first one that comes
// again.
func (s *windowScan) own(p Page, found []position, next time.Time) (gaps []fetch.Gap) {
	row, begun := 0, s.begin.IsZero()
	rest := p.Gaps
	for _, at := range found {
		for row++; len(rest) > 0 && rest[0].Row == row; row++ {
			if begun || !at.at.Before(s.begin) {
				gaps = append(gaps, rest[0])
			}
			rest = rest[1:]
		}
		if begun = begun || !at.at.Before(s.begin); !at.at.Before(next) {
			return gaps
		}
	}
	return append(gaps, rest...)
}

// take leaves in a page what lies in what is still to be read and has not come before.
func (s *windowScan) take(p *Page, found []position, until ...time.Time) {
	end := cmp.Or(append(until, s.until)...)
	kept := make([]jsontext.Value, 0, len(p.Items))
	for i, at := range found {
		_, seen := s.seen[at.id]
		switch {
		case at.id == "" || at.at.IsZero():
			s.nameless++
		case seen, at.at.Before(s.begin), !at.at.Before(end):
			continue
		default:
			s.seen[at.id] = at.at
		}
		kept = append(kept, p.Items[i])
	}
	p.Items = kept
}

// advance moves the position.
func (s *windowScan) advance(next time.Time, gaps int) {
	s.known += s.nameless + gaps
	s.nameless = 0
	for id, at := range s.seen {
		if at.Before(next) {
			s.known++
			delete(s.seen, id)
		}
	}
	s.begin = next
	s.at = Cursor{After: next.Format(microLayout), Total: s.known}
}

// pass passes on a page, and tells whether to go on.
func (s *windowScan) pass(ctx context.Context, p Page) (goOn bool) {
	if p.Done = !s.begin.Before(s.until); p.Done {
		gaps := len(p.Gaps)
		if err := s.recover(ctx, &p); err != nil {
			p.Done = false
			s.yield(s.page(p), err)
			return false
		}
		s.known += len(p.Gaps) - gaps
	}
	p = s.page(p)
	if p.Done {
		p.Whole = s.known
	}
	return s.yield(p, nil) && !p.Done
}

func idsOf(found []position) (ids []string) {
	for _, at := range found {
		if at.id != "" {
			ids = append(ids, at.id)
		}
	}
	return ids
}
