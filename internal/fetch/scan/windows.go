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

// Windows reads a list in ascending order of a time. Each page begins a little before the last row of the previous one. It is for
// Polar's events: their ids and counts come from one store, the items from another (polarsource/polar,
// server/polar/event/service.py and server/tinybird). So a page may be short in the middle of the list, a page behind the end
// counts 0, and the filters on time have a resolution of milliseconds, maybe only of seconds, where the items have microseconds.
//
// Therefore each page is the first page of the rows from a whole second on, requested from one second earlier; rows that came
// before are dropped. No page number depends on rows that come or go, and no border of pages divides the rows of one second.
// Where a second has very many rows, a page would hold little new. Then a window of some pages is read by page number instead.
//
// A page that lacks counted rows is requested again, at once and at the end of the scan: the two stores may differ for some
// seconds. What it still lacks then is one Gap.
//
// An item that is dated back behind the position while the scan runs, or before it is resumed, is not seen. At the end the rows up
// to a mark are counted anew. If there are more than came, the windows that have more are found and read again; see closing. If that
// does not prove all of them, Whole is another number than came.
type Windows struct {
	Field         string        // the time to go by: the sort criterion and the key of the item: timestamp
	After, Before string        // the filters on it: start_timestamp, end_timestamp
	Keep          time.Duration // how far back to read, from the last midnight in UTC; 0 = from the first item
	Limit         int           // rows a page; default 100
	// Split are further fields that the list can filter by. When more rows have one time than fit on a page, and nothing else
	// orders them, they are requested by their values of these fields.
	Split []string

	since, until time.Time // see Between
}

const (
	windowMargin = time.Second
	// windowAhead is how far beyond Polar's clock the scan reads: each of its servers has its own clock.
	windowAhead = 5 * time.Minute
	// windowPages is how many pages a window of a crowded time should have.
	windowPages = 8
	// windowSettles is how old the mark is at least: younger rows of a busy list still come while they are counted.
	windowSettles = time.Minute
	// A page that lacks rows is requested maxShort times; maxLate of them are requested again at the end.
	maxShort, maxLate = 2, 50
)

// OldestKept is the oldest time that a scan starting now reads from: a midnight in UTC, so that it is the same all day; zero for
// all.
func (w Windows) OldestKept(c *fetch.Client) time.Time {
	if w.Keep <= 0 {
		return time.Time{}
	}
	return c.Now().UTC().Truncate(day).Add(-w.Keep).Truncate(time.Second)
}

// Pages implements Scan. The position is a whole second; its Total is the number of rows before it.
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

	first        time.Time            // where the whole scan begins; zero = the first item
	begin, until time.Time            // the span that is not read yet; a zero begin is the first item
	mark         time.Time            // up to here the rows are counted anew at the end; zero = nowhere
	marked       int                  // rows before mark that came
	borders      []border             // of the windows that were read, in their order
	stopped      bool                 // the caller wants no more pages
	seen         map[string]time.Time // ids from begin on that were yielded
	nameless     int                  // yielded rows without an id or a time
	known        int                  // rows before begin, also those that did not come
	tied         int                  // rows with equal times that no request brought
	lost         int                  // pages that lack counted rows
	total        int                  // rows from the start on, by the first count

	short *shortPage   // the previous page, if it lacked rows
	late  []*shortPage // pages that lack rows of their own, to be requested again
}

// page completes a page before it is yielded.
func (s *windowScan) page(p Page) Page {
	s.at.Tied, s.at.Short = s.tied, s.lost
	p.Total, p.Whole, p.Next = max(s.total, s.known+len(s.seen)+s.nameless), -1, s.at
	return p
}

// start finds out which span to read.
func (s *windowScan) start() error {
	s.until = s.client.Now().UTC().Truncate(time.Second).Add(windowAhead)
	if end := s.Windows.until; !end.IsZero() && end.Before(s.until) {
		s.until = end
	}
	s.begin = s.OldestKept(s.client)
	if s.since.After(s.begin) {
		s.begin = s.since
	}
	s.first, s.known = s.begin, s.at.Total
	if s.at.After == "" {
		s.borders = []border{{s.begin, 0}}
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s.at.After)
	if err != nil {
		return broken(s.client, s.path, s.query, "the position %q is no time: %w", s.at.After, err)
	}
	s.mark, s.marked = at.UTC().Truncate(time.Second), s.known
	if s.mark.After(s.begin) {
		s.begin = s.mark
	}
	s.borders = []border{{s.begin, s.known}}
	return nil
}

// window is the query for a span of time, with a margin on both sides.
func (s *windowScan) window(begin, end time.Time) url.Values {
	query := lists.WithParameter(s.query, s.Before, end.Add(windowMargin).Format(time.RFC3339))
	if !begin.IsZero() {
		query[s.After] = []string{begin.Add(-windowMargin).Format(time.RFC3339)}
	}
	return query
}

// step reads one page, or one crowded window. goOn is false at the end.
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
	s.placeMissing(found, p.TotalCount)
	full := len(p.Items)+len(p.Gaps) >= cmp.Or(s.Limit, lists.MaxLimit)
	last := time.Time{}
	for _, at := range found {
		if at.at.After(last) {
			last = at.at
		}
	}
	// A full page is not the end, even where no more rows are counted: the count may be too low.
	next, ends := last.Truncate(time.Second), p.MaxPage <= 1 && (!full || last.IsZero())
	switch {
	case ends && (len(found) > 0 || len(p.Gaps) > 0 || p.TotalCount == 0):
		next = s.until
	case last.IsZero():
		s.yield(s.page(p), broken(s.client, s.path, p.Query, "%d rows are counted, and none of the first is given with a usable %q", p.TotalCount, s.Field))
		return false
	case s.crowded(found, next):
		// Most rows of the page came before, and would come again.
		return s.crowd(ctx, p, found)
	}
	if missing > 0 {
		if s.begin.IsZero() && len(found) > 0 {
			query = s.window(found[0].at.Truncate(time.Second), s.until)
		}
		s.short = &shortPage{query: query, pages: 1, total: p.TotalCount, missing: missing, ids: idsOf(found)}
		if ends {
			s.placeMissing(nil, 0)
		}
	}
	p.Gaps = s.own(p, found, next)
	s.take(&p, found)
	s.advance(next, len(p.Gaps))
	return s.pass(ctx, p)
}

// ask reads a page, and once more while it lacks counted rows. It returns all that came.
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

// locate reads the positions of a page, and checks that the server applied the filters: if it ignored one of them, the scan would
// pass over rows without a sign.
func (s *windowScan) locate(p Page, end time.Time) ([]position, error) {
	found := make([]position, len(p.Items))
	for i, item := range p.Items {
		at := locate(item, s.Field)
		if !at.at.IsZero() && (!s.begin.IsZero() && at.at.Before(s.begin.Add(-2*windowMargin)) || at.at.After(end.Add(2*windowMargin))) {
			return nil, broken(s.client, s.path, p.Query, "Polar does not apply the filters %s and %s: item %q has %s %s", s.After, s.Before, at.id, s.Field, at.at.Format(microLayout))
		}
		found[i] = at
	}
	return found, nil
}

// own are the gaps of a page between its first unread row and the first row that comes again with the next page.
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

// take keeps in a page only rows of the unread span that have not come before.
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
	if s.begin = next; s.mark.IsZero() && next.Before(s.until) || !next.After(s.client.Now().Add(-windowSettles)) {
		s.mark, s.marked = next, s.known
	}
	s.borders = append(s.borders, border{next, s.known})
	s.at = Cursor{After: next.Format(microLayout), Total: s.known}
}

// pass yields a page. goOn is false when the scan must stop.
func (s *windowScan) pass(ctx context.Context, p Page) (goOn bool) {
	if p.Done = !s.begin.Before(s.until); p.Done {
		gaps := len(p.Gaps)
		strayed, err := s.recover(ctx, &p)
		if s.stopped {
			return false
		}
		s.known += len(p.Gaps) - gaps
		p.Done = err == nil
		if p = s.page(p); p.Done {
			p.Whole = s.known + strayed
		}
		s.yield(p, err)
		return false
	}
	return s.yield(s.page(p), nil)
}

func idsOf(found []position) (ids []string) {
	for _, at := range found {
		if at.id != "" {
			ids = append(ids, at.id)
		}
	}
	return ids
}
