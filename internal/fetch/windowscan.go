package fetch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Windows reads a list by windows of time, in ascending order. It is for Polar's events, of which ids and counts come from
// one store and the items from another (polarsource/polar, server/polar/event/service.py and server/tinybird): a page may
// be short in the middle of the list, a page behind the end counts 0, and the filters on time know milliseconds, maybe
// only seconds, where the items have microseconds.
//
// A window begins and ends with a whole second and is asked for with one second more on both sides; what is not its own is
// dropped, so that each item comes with one window only. It is read up to the last page that its first one announced, and
// again while fewer different items came than that one counted. What then is still missing is one Gap.
//
// Windows are made so wide that they hold a few pages. An item that is set back behind the position while the scan runs
// is not seen.
type Windows struct {
	Field         string        // the time to go by, both as sort criterion and as key of the item: timestamp
	After, Before string        // the filters on it: start_timestamp, end_timestamp
	Keep          time.Duration // how far back to read, from the last midnight in UTC; 0 = to the first item
	Rows          int           // to aim at in a window; default 300
	Limit         int           // rows a page; default 100

	since, until time.Time // see Between
}

const (
	windowMargin = time.Second
	// windowAhead is how far beyond Polar's clock the last window reaches: its servers have one each.
	windowAhead = 5 * time.Minute
	// maxWindowPages is the most that a window may have, unless it is one second already.
	maxWindowPages = 10
	// maxWindowPasses bounds how often a window is read, maxIdlePasses how often without anything new: of two rows of the
	// same time at a border of pages, one pass in four misses the same one again.
	maxWindowPasses, maxIdlePasses = 12, 6
	// maxStalePages bounds the pages in a row that bring nothing new: a server may announce any number.
	maxStalePages = 10
)

// Since is the oldest time that a scan beginning now reads from: a midnight in UTC, so that it is the same for all that
// is done today; zero for all.
func (w Windows) Since(c *Client) time.Time {
	if w.Keep <= 0 {
		return time.Time{}
	}
	return c.cfg.Now().UTC().Truncate(day).Add(-w.Keep).Truncate(time.Second)
}

// Pages implements Scan. The position is the beginning of a window, and in Total the number of rows before it.
func (w Windows) Pages(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		s := &windowScan{Windows: w, client: c, path: path, query: with(query, "sorting", w.Field), at: from, yield: yield}
		first, err := s.start(ctx)
		switch {
		case err != nil:
			yield(s.page(Page{Query: query}, s.at), err)
			return
		case first.TotalCount > 0 && first.TotalCount == len(first.Items):
			s.only(first)
			return
		}
		for s.begin.Before(s.until) {
			if !s.window(ctx) {
				return
			}
		}
		if !s.done { // there was nothing to read
			p := s.page(Page{Query: query, RequestedAt: first.RequestedAt}, s.at)
			p.Done, p.Whole = true, s.at.Total
			yield(p, nil)
		}
	}
}

type windowScan struct {
	Windows
	client *Client
	path   string
	query  url.Values
	yield  func(Page, error) bool
	at     Cursor // of the window in hand
	done   bool   // the last page has been passed on

	begin, until time.Time
	width        time.Duration
	total, given int // rows from the start on, by the first count; rows passed on
	spent        int // requests whose page was not passed on
}

// page completes a page that is about to be passed on.
func (s *windowScan) page(p Page, next Cursor) Page {
	p.Requests += s.spent
	s.spent = 0
	p.Total, p.Whole, p.Next = max(s.total, s.given), -1, next
	return p
}

func (s *windowScan) read(ctx context.Context, query url.Values, page int) (Page, error) {
	return s.client.salvage(ctx, s.path, paged(query, s.Limit, page), 0)
}

// start finds the first row to read, and how many follow. The page that tells is the first one of them all.
func (s *windowScan) start(ctx context.Context) (first Page, err error) {
	s.until = s.client.cfg.Now().UTC().Truncate(time.Second).Add(windowAhead)
	since := s.Since(s.client)
	if s.since.After(since) {
		since = s.since
	}
	if end := s.Windows.until; !end.IsZero() && end.Before(s.until) {
		s.until = end
	}
	if s.at.After != "" {
		at, err := time.Parse(time.RFC3339Nano, s.at.After)
		if err != nil {
			return first, broken(s.client, s.path, Page{Query: s.query}, "the position %q is no time: %w", s.at.After, err)
		}
		if at.After(since) {
			since = at.UTC()
		}
	}
	query := with(s.query, s.Before, s.until.Add(windowMargin).Format(time.RFC3339))
	if !since.IsZero() {
		query[s.After] = []string{since.Add(-windowMargin).Format(time.RFC3339)}
	}
	p, err := s.read(ctx, query, 1)
	s.spent += p.Requests
	if err != nil {
		return p, err
	}
	s.total = p.TotalCount
	if p.TotalCount == 0 {
		s.begin = s.until
		return p, nil
	}
	s.begin = since
	for _, item := range p.Items {
		if at := locate(item, s.Field).at; !at.IsZero() {
			if at = at.Truncate(time.Second); at.After(since) {
				s.begin = at
			}
			break
		}
	}
	if s.begin.IsZero() {
		return p, broken(s.client, s.path, p, "%d rows are counted, and none of the first is given with a usable %q", p.TotalCount, s.Field)
	}
	s.width = s.until.Sub(s.begin)
	s.fit(s.total)
	return p, nil
}

// only passes on the one page that everything is on.
func (s *windowScan) only(p Page) {
	r := &windowRead{windowScan: s, end: s.until, query: p.Query, ids: map[string]int{}, passes: 1}
	s.spent = 0 // what it cost is the page's own
	nameless := 0
	if _, err := r.take(&p, &nameless); err != nil {
		s.yield(s.page(p, s.at), err)
		return
	}
	r.finish(p, len(r.ids)+nameless, nameless)
}

// fit makes windows as wide as brings the rows to aim at, when the present width brought so many.
func (s *windowScan) fit(rows int) {
	const most = 20 * 366 * day // far from what a Duration can hold
	aim := or(s.Rows, 300)
	s.width = min(s.width, most)
	if rows > aim {
		s.width = time.Duration(float64(s.width) * float64(aim) / float64(rows))
	} else {
		s.width *= time.Duration(min(4, 1+aim/(rows+1)))
	}
	s.width = max(time.Second, min(s.width.Truncate(time.Second), most))
}

// window reads one window, and tells whether to go on.
func (s *windowScan) window(ctx context.Context) (goOn bool) {
	end := s.begin.Add(s.width)
	if end.After(s.until) {
		end = s.until
	}
	query := with(s.query, s.After, s.begin.Add(-windowMargin).Format(time.RFC3339))
	query[s.Before] = []string{end.Add(windowMargin).Format(time.RFC3339)}
	r := &windowRead{windowScan: s, end: end, query: query, ids: map[string]int{}}
	for {
		r.passes++
		if again, goOn := r.pass(ctx); !again {
			return goOn
		}
	}
}

// windowRead is the reading of one window.
type windowRead struct {
	*windowScan
	end    time.Time
	query  url.Values
	ids    map[string]int // by id, of the margins too: the pass that it came in last
	own    int            // rows of the window itself
	passes int            // the one under way included
	idle   int            // passes in a row that brought nothing new
}

// pass reads the window from its first page to its last. again: it has to be read once more.
func (r *windowRead) pass(ctx context.Context) (again, goOn bool) {
	counted, pages, nameless, stale := 0, 1, 0, 0
	had := len(r.ids)
	var gaps []Gap
	for number := 1; number <= pages; number++ {
		p, err := r.read(ctx, r.query, number)
		if err != nil {
			r.yield(r.page(p, r.at), err)
			return false, false
		}
		if number == 1 {
			counted, pages = p.TotalCount, max(1, p.MaxPage)
			if r.passes == 1 && pages > maxWindowPages && r.width > time.Second {
				r.spent += p.Requests
				r.narrow(counted)
				return false, true // the same beginning once more
			}
		}
		repeats, err := r.take(&p, &nameless)
		if err != nil {
			r.yield(r.page(p, r.at), err)
			return false, false
		}
		gaps, p.Gaps = append(gaps, p.Gaps...), nil
		if stale++; !repeats {
			stale = 0
		}
		if number < pages && stale < maxStalePages {
			if !r.yield(r.page(p, r.at), nil) {
				return false, false
			}
			continue
		}
		came := len(r.ids) + nameless + len(gaps)
		if r.idle++; len(r.ids) > had {
			r.idle = 0
		}
		if came < counted && r.passes < maxWindowPasses && r.idle < maxIdlePasses {
			goOn = r.yield(r.page(p, r.at), nil)
			return goOn, goOn
		}
		if came < counted {
			gaps = append(gaps, Gap{Query: rest(r.query), Row: counted, Err: fmt.Errorf("%w: %d rows are counted, %d are given", errWithheld, counted, came)})
		}
		p.Gaps = gaps
		return false, r.finish(p, counted, nameless)
	}
	return false, true
}

var errWithheld = errors.New("some rows of the window never came")

// narrow makes a window narrower that holds more pages than it should.
func (r *windowRead) narrow(rows int) {
	was := r.end.Sub(r.begin)
	r.width = was
	r.fit(rows)
	r.width = max(time.Second, min(r.width, (was/2).Truncate(time.Second)))
}

// finish passes on the last page of the window, and moves the position behind it.
func (r *windowRead) finish(p Page, counted, nameless int) (goOn bool) {
	r.at = Cursor{After: r.end.Format(microLayout), Total: r.at.Total + r.own + nameless + len(p.Gaps)}
	r.begin = r.end
	r.fit(counted)
	p = r.page(p, r.at)
	if p.Done = !r.begin.Before(r.until); p.Done {
		r.done, p.Whole = true, r.at.Total
	}
	return r.yield(p, nil)
}

// take leaves in a page what is the window's own and has not come before. repeats: it holds nothing that this pass has
// not brought already.
func (r *windowRead) take(p *Page, nameless *int) (repeats bool, err error) {
	repeats = true
	kept := make([]jsontext.Value, 0, len(p.Items))
	for _, item := range p.Items {
		at := locate(item, r.Field)
		if !at.at.IsZero() && (at.at.Before(r.begin.Add(-2*windowMargin)) || at.at.After(r.end.Add(2*windowMargin))) {
			return false, broken(r.client, r.path, *p, "the filters %s and %s are not honoured: item %q has %s %s", r.After, r.Before, at.id, r.Field, at.at.Format(microLayout))
		}
		if at.id == "" {
			*nameless++
			kept = append(kept, item)
			continue
		}
		last := r.ids[at.id]
		r.ids[at.id] = r.passes
		repeats = repeats && last == r.passes
		if last > 0 {
			continue
		}
		if at.at.IsZero() || !at.at.Before(r.begin) && at.at.Before(r.end) {
			r.own++
			kept = append(kept, item)
		}
	}
	p.Items = kept
	r.given += len(kept)
	return repeats, nil
}
