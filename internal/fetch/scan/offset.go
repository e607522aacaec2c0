package scan

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Offset reads a list by page number, from its newest row to its oldest, so that no row can slip past the reader unseen
// while others come and go. Two orders do that, and which one a list is read in follows from where its new rows land:
//
// Newest first (-created_at), the pages are read from the first to the last. New rows land in front of what was read. They
// push rows towards the pages that are still to be read, so rows come twice. Rows that vanish in front pull the others
// back, but then total_count falls, because nothing but a new row in front could make up for it. The scan steps back and
// goes on from a page that begins before the last row read.
//
// Oldest first, or in no order, the pages are read from the last to the first. New rows land behind what was read and move
// nothing. Rows that vanish pull others from the pages read onto those still to be read, so rows come twice.
//
// In both orders a row is lost only where a row dated back comes in among those still to be read and a row that was read
// vanishes before the same next request.
//
// Rows with equal sort values come in an order of the server's own, which may differ from page to page and is the same
// each time a page is asked for. Where such a group lies across pages and did not come whole, a page of another size
// that holds all of it is asked for.
type Offset struct {
	Sort  []string // sort criteria; empty where the list has a fixed order
	Fixed []string // that order, as sort criteria; empty where it has none at all
	Limit int      // rows a page; default 100
	Each  *Each    // what the plain list hides
	Spare int      // requests for groups of ties beyond those that the list itself is worth

	front bool                        // read it from the first page to the last, whatever its order
	same  int                         // pages in a row that may hold the same rows; 0 = maxSame
	value func(jsontext.Value) []byte // what rows that tie have in common, where that is not the text of the sort values
}

// values are what rows that tie have in common.
func (o Offset) values(item jsontext.Value) []byte {
	if o.value != nil {
		return o.value(item)
	}
	return lists.SortValues(item, o.order())
}

// order is the order in which the list comes.
func (o Offset) order() []string {
	if len(o.Sort) > 0 {
		return o.Sort
	}
	return o.Fixed
}

// Each reads the plain list again once per item of another list, with Param set to that item's id. Polar leaves the
// customer meters of archived meters out of the plain list, for one, but gives them for a meter_id.
//
// The other list is read when the plain list has ended, so that what was hidden meanwhile is included, and again when a
// scan resumes later than that. Its ids are taken in ascending order: Cursor.Part is the place in it, from 1,
// Cursor.Key the id, which counts when ids have come or gone.
type Each struct {
	Path  string     // the other list: /v1/meters/
	Query url.Values // its filter and its sort order: is_archived=true, sorting=-created_at
	Param string     // meter_id
}

const (
	// tieShare bounds the requests for groups of ties, in parts of those for the list.
	tieShare = 2
	// maxSame bounds the pages in a row that hold the same rows: a server may announce any number.
	maxSame = 10
	// maxHeld bounds the rows that wait to be passed on with the next page.
	maxHeld = 1000
	// unorderedShare is the same of a list in no order, whose pages may be any of its rows.
	unorderedShare = 12
)

// maxStepBacks bounds how often one list is stepped back in. A count that keeps falling is a case for another scan.
const maxStepBacks = 20

// Pages implements Scan.
func (o Offset) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	if o.Each == nil {
		return o.list(ctx, c, path, query, from)
	}
	return o.parts(ctx, c, path, query, from)
}

// list reads one list. A position that was left in another order means nothing in this one: the list begins anew.
func (o Offset) list(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if len(o.Sort) > 0 {
			query = lists.With(query, "sorting", o.Sort...)
		}
		order := strings.Join(o.order(), ",")
		if from.Order != order {
			from = Cursor{Part: from.Part, Key: from.Key, Gone: from.Gone}
		}
		from.Order = order
		s := &offsetScan{Offset: o, client: c, path: path, query: query, yield: yield, next: from, size: 1, past: -1}
		s.forward = o.front || strings.HasPrefix(order, "-")
		s.at = max(1, from.Page)
		s.ties = ties{values: o.values, forward: s.forward}
		if from.Page > 1 || from.Page == 1 && !s.forward {
			s.resume()
		}
		for s.page(ctx) {
		}
	}
}

// offsetScan is the reading of one list.
type offsetScan struct {
	Offset
	client  *fetch.Client
	path    string
	query   url.Values
	yield   func(Page, error) bool
	forward bool // the pages are read from the first to the last

	at     int    // the page to ask for
	next   Cursor // where a scan goes on that ends here
	bound  bound
	size   int // rows on a full page: the limit that the server really uses
	full   int // rows on the page before
	spent  int // requests whose page was not passed on
	past   int // rows that an earlier scan has read, for progress; -1 while that is not known
	sought int // requests for groups of ties

	seeking bool      // the page to come has to begin before edge
	edge    time.Time // the time of the last row up to which nothing is missing
	steps   int       // back, so far
	again   bool      // the end was looked at a second time
	held    *Page     // read, to be passed on with the next page
	resumed bool      // the first page was read before
	stale   int       // pages in a row that were the same
	last    []string  // ids of the page before
	lastAt  int       // its number
	balance int       // rows that came twice, less those by which the count rose
	looked  int       // the page at which an odd balance was followed up last
	ties    ties
}

// resume begins with the page that was read last, so that where it ended is found again by the time of its last row, in
// whatever way the list has moved since. That page is passed on together with the next, so that each one moves the position.
func (s *offsetScan) resume() {
	s.held, s.resumed = &Page{Page: fetch.Page{Checked: true}}, true
	if !s.forward {
		s.at++
		return
	}
	s.at--
	if at, err := time.Parse(time.RFC3339Nano, s.next.After); err == nil {
		s.seeking, s.edge = true, at
	}
}

// page reads one page, passes it on, and tells whether to go on.
func (s *offsetScan) page(ctx context.Context) (goOn bool) {
	p, err := salvage(fetch.WithPageSize(ctx, s.full), s.client, s.path, lists.Paged(s.query, s.Limit, s.at))
	p.Requests, s.spent = p.Requests+s.spent, 0
	p.Next = s.next
	if err == nil && s.bound.exceeded(p.MaxPage) {
		err = broken(s.client, s.path, p.Query, "the list does not end: %d pages read where %d were announced", s.bound.used-1, p.MaxPage)
	}
	if err != nil {
		s.yield(p, err)
		return false
	}
	if !s.forward && s.next.Total == 0 && p.MaxPage > s.at {
		// Where the last page is nobody knows before the first answer. The first page comes again at the end.
		s.at, s.spent, s.next.Total = p.MaxPage, p.Requests, p.TotalCount
		s.size = max(s.size, len(p.Items)+len(p.Gaps))
		return true
	}
	rows := len(p.Items) + len(p.Gaps)
	if s.size = max(s.size, rows); p.MaxPage == pages(p.TotalCount, s.Limit) {
		s.size = min(cmp.Or(s.Limit, lists.MaxLimit), lists.MaxLimit) // it uses the limit asked for, whatever is missing on the page
	}
	s.full = s.size
	if s.past < 0 {
		switch s.past = 0; {
		case s.next.Page > 0 && s.forward:
			s.past = (s.at - 1) * s.size
		case s.next.Page > 0:
			s.past = max(0, p.TotalCount-s.at*s.size)
		}
	}
	p.Total, p.Whole = max(0, p.TotalCount-s.past), p.TotalCount
	ended := s.at <= 1
	if s.forward {
		ended = s.at >= p.MaxPage || rows == 0
	}
	if moved := s.next.Total > 0 && s.next.Total != p.TotalCount; !s.settle(ctx, p, moved, ended) {
		return false
	}
	at, seen := s.at, s.lastAt > 0
	if s.forward {
		p.Done = s.goForward(p, rows, ended)
	} else {
		p.Done = ended
		s.at = max(1, min(at-1, p.MaxPage))
	}
	ids := itemIDs(p.Items)
	if s.stale++; len(ids) == 0 || !slices.Equal(ids, s.last) {
		s.stale = 0
	}
	if s.stale >= cmp.Or(s.same, maxSame) {
		s.yield(p, broken(s.client, s.path, p.Query, "the list repeats the same rows page after page"))
		return false
	}
	s.last, s.lastAt = ids, at
	s.next.Page, s.next.Total = s.at, p.TotalCount
	if s.forward && !s.edge.IsZero() {
		s.next.After = s.edge.Format(microLayout)
	}
	p.Next = s.next
	if s.held != nil {
		p = joined(*s.held, p)
		if s.held = nil; !p.Done && !seen && s.resumed {
			s.held = &p
			return true
		}
	}
	return s.yield(p, nil) && !p.Done
}

// joined is a page with the items of the one before it. The older request decides whether another reply is newer.
func joined(before, p Page) Page {
	p.Items, p.Gaps = slices.Concat(before.Items, p.Items), slices.Concat(before.Gaps, p.Gaps)
	p.Checked = before.Checked && p.Checked
	p.Requests += before.Requests
	if !before.RequestedAt.IsZero() {
		p.RequestedAt = before.RequestedAt
	}
	return p
}

// goForward decides which page comes next, and tells whether that was the last one.
//
// Polar counts first and reads the page afterwards (polarsource/polar, server/polar/kit/repository/base.py), so a row that
// goes in between is only missed in the count of the next request: one page more to step back than the drop accounts for,
// and one request more where the last page is shorter than was counted.
func (s *offsetScan) goForward(p Page, rows int, ended bool) (done bool) {
	first, last := s.times(p)
	odd := s.odd(p, ended)
	switch dropped := s.next.Total - p.TotalCount; {
	case dropped > 0 && s.at > 1 && p.MaxPage > 0 && s.steps < maxStepBacks:
		s.stepTo(min(s.at, p.MaxPage+1) - 1 - (dropped+s.size-1)/s.size)
	case s.seeking && s.at > 1 && !first.IsZero() && !first.After(s.edge) && s.steps < maxStepBacks:
		s.stepTo(min(s.at, p.MaxPage+1) - 1)
	case odd > 0 && s.steps < maxStepBacks:
		s.stepTo(s.at - odd)
	case ended && !s.again && rows < announced(p, s.at, s.size):
		s.again = true
	default:
		if s.seeking = false; !last.IsZero() {
			s.edge = last
		}
		s.at++
		return ended
	}
	return false
}

// stepTo goes back to a page, and further where that one does not begin before the last row read.
func (s *offsetScan) stepTo(page int) {
	s.at = max(1, page)
	s.steps++
	s.seeking, s.balance = !s.edge.IsZero(), 0
}

// odd tells by how many pages to go back because what came twice does not fit the count. A row that is new in front raises
// the count by one and brings one row of the page before again, maybe one request before it is counted. Fewer that come
// again than that: rows came in where they push nothing, and may hide that others went. More: a row went between count and
// page of the last request, and another came.
func (s *offsetScan) odd(p Page, ended bool) (pages int) {
	rise := p.TotalCount - s.next.Total
	if s.next.Total == 0 || rise < 0 || s.lastAt+1 != s.at || s.seeking || s.ties.across || s.looked == s.at {
		s.balance = 0
		return 0
	}
	twice := 0
	ids := itemIDs(p.Items)
	for _, id := range ids {
		if id != "" && slices.Contains(s.last, id) {
			twice++
		}
	}
	was := s.balance
	s.balance += twice - min(rise, len(ids))
	switch {
	case s.balance < 0:
		pages = 1
	case s.balance > 0 && was > 0:
		pages = 2
	case s.balance > 0 && ended:
		pages = 1
	}
	if pages > 0 {
		s.looked = s.at
	}
	return pages
}

// times are those of the first and the last row of a page, by the criterion that the list is read by.
func (s *offsetScan) times(p Page) (first, last time.Time) {
	if len(p.Items) == 0 || len(s.order()) == 0 || s.front {
		return first, last
	}
	field := strings.TrimPrefix(s.order()[0], "-")
	return locate(p.Items[0], field).at, locate(p.Items[len(p.Items)-1], field).at
}

// settle looks for what is missing of groups of ties that end with this page. What it finds is passed on with the page, so
// that each one moves the position, unless that is very much.
func (s *offsetScan) settle(ctx context.Context, p Page, moved, ended bool) (goOn bool) {
	groups := []*tied{s.ties.add(p, s.at, s.size, s.lastAt > 0 && abs(s.at-s.lastAt) == 1, moved)}
	if ended {
		groups = append(groups, s.ties.end())
	}
	for _, g := range groups {
		if g == nil {
			continue
		}
		left := s.Spare + tieShare*s.bound.used - s.sought
		if len(s.order()) == 0 {
			left = unorderedShare*s.bound.used - s.sought
		}
		had := left
		for page, err := range g.whole(ctx, s.client, s.path, s.query, s.values, s.size, p.TotalCount, &left) {
			page.Total, page.Whole, page.Next = p.Total, p.Whole, s.next
			if err != nil {
				s.yield(page, err)
				return false
			}
			if s.held != nil {
				page = joined(*s.held, page)
			}
			if s.held = &page; len(page.Items) > maxHeld {
				if s.held = nil; !s.yield(page, nil) {
					return false
				}
			}
		}
		if s.sought += had - max(0, left); !g.moved {
			s.next.Tied += g.missing()
		}
	}
	return true
}

func abs(n int) int { return max(n, -n) }

func itemIDs(items []jsontext.Value) []string {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = lists.ID(item)
	}
	return ids
}

// announced is how many items a page should have by the count that came with it; size is that of a full page.
func announced(p Page, at, size int) int {
	if p.MaxPage <= 1 {
		return p.TotalCount
	}
	return min(size, p.TotalCount-(at-1)*size)
}

// parts reads the plain list, and then the part of each item of the other list.
func (o Offset) parts(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if order := strings.Join(o.order(), ","); from.Order != order {
			from = Cursor{Order: order}
		}
		total := 0 // of the lists that have ended
		// part passes on the pages of one list. ahead is asked before its last page where the scan goes on from there.
		part := func(query url.Values, from Cursor, ahead func(*Page) error) (goOn bool) {
			for p, err := range o.list(ctx, c, path, query, from) {
				last := p.Done
				p.Total, p.Whole = p.Total+total, -1
				var failed error
				if err == nil && last {
					total = p.Total
					failed = ahead(&p)
				}
				if !yield(p, err) || err != nil {
					return false
				}
				if failed != nil {
					yield(unread(o.Each.Query, 0, p.Next), failed)
					return false
				}
				if last {
					return !p.Done
				}
			}
			return false
		}

		var ids []string
		load := func(p *Page) (err error) {
			var requests int
			ids, requests, err = o.Each.ids(ctx, c)
			p.Requests += requests
			return err
		}
		if from.Part == 0 {
			goOn := part(query, from, func(p *Page) error {
				from = Cursor{Part: 1, Order: from.Order, Tied: p.Next.Tied}
				p.Done, p.Next = false, from
				if err := load(p); err != nil {
					return err
				}
				p.Done, p.Next = startOf(ids, 0, from)
				return nil
			})
			if !goOn {
				return
			}
		} else {
			p := unread(o.Each.Query, 0, from)
			if err := load(&p); err != nil {
				yield(p, err)
				return
			}
			first, same := slices.BinarySearch(ids, from.Key)
			ids = ids[first:]
			if !same {
				from = Cursor{Part: from.Part, Order: from.Order, Tied: from.Tied}
			}
			if len(ids) == 0 {
				p.Done = true
				yield(p, nil)
				return
			}
			from.Part = first + 1
		}
		base := from.Part - 1
		for i, id := range ids {
			at := from
			at.Part, at.Key = base+i+1, id
			goOn := part(lists.With(query, o.Each.Param, id), at, func(p *Page) error {
				from = Cursor{Order: from.Order, Tied: p.Next.Tied}
				p.Done, p.Next = startOf(ids, i+1, from)
				p.Next.Part += base
				if p.Done {
					p.Next = at
					p.Next.Tied = from.Tied
				}
				return nil
			})
			if !goOn {
				return
			}
		}
	}
}

// startOf is the position at the beginning of the part of ids[i], or that there is none.
func startOf(ids []string, i int, from Cursor) (done bool, start Cursor) {
	if i >= len(ids) {
		return true, Cursor{}
	}
	return false, Cursor{Part: i + 1, Key: ids[i], Order: from.Order, Tied: from.Tied}
}

// ids reads the ids of the other list, in ascending order, and tells what that cost.
func (e *Each) ids(ctx context.Context, c *fetch.Client) (ids []string, requests int, err error) {
	plain := Offset{Fixed: e.Query["sorting"]}
	for p, err := range plain.list(ctx, c, e.Path, e.Query, Cursor{}) {
		requests += p.Requests
		if err != nil {
			return nil, requests, err
		}
		if len(p.Gaps) > 0 { // the part that belongs to it would be left out in silence
			return nil, requests, p.Gaps[0].Err
		}
		for _, item := range p.Items {
			if id := lists.ID(item); id != "" {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), requests, nil
}
