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

// Offset reads a list by page number from its newest row to its oldest, so that no row can slip past unread while others come and
// go. Two orders make that possible. Where new rows land decides which one a list is read in:
//
// Newest first (-created_at): the pages are read from the first to the last. New rows land in front of the rows read. They push
// rows towards pages not read yet, so rows come twice. Rows that vanish in front pull the others back. Then total_count falls,
// because only a new row in front could make up for them. The scan steps back and goes on from a page that begins before the last
// row read.
//
// Oldest first, or in no order: the pages are read from the last to the first. New rows land behind the rows read and move
// nothing. Rows that vanish pull others from pages already read onto pages not read yet, so rows come twice.
//
// A full last page is not the end: the count may be too low, and rows would be lost behind it. So the page behind it is requested,
// which is empty unless the count was wrong.
//
// In both orders a row is lost only if, before one and the same request, a row dated back comes in among the unread rows and a
// row already read vanishes.
//
// The server orders rows with equal sort values as it likes. That order may differ from page to page, and is the same each time a
// page is requested. Where such a group spans pages and did not come whole, a page of another size that holds all of it is
// requested.
type Offset struct {
	Sort  []string // sort criteria; empty where the list has a fixed order
	Fixed []string // that order, as sort criteria; empty where it has none at all
	Limit int      // rows a page; default 100
	Each  *Each    // reads what the plain list hides
	Spare int      // further requests for groups of ties, beyond the share of the list's own requests

	front bool                        // read from the first page to the last, whatever the order
	same  int                         // how many pages in a row may hold the same rows; 0 = maxSame
	value func(jsontext.Value) []byte // the value that rows of a tie share, where it is not the text of the sort values
}

// values is the value that rows of a tie share.
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

const (
	// tieShare: groups of ties may cost this many requests for each request of the list.
	tieShare = 2
	// maxSame bounds how many pages in a row may hold the same rows: a server may announce any number of pages.
	maxSame = 10
	// maxHeld bounds the rows that wait to be yielded with the next page.
	maxHeld = 1000
	// unorderedShare is tieShare for a list in no order, where any page may have any rows.
	unorderedShare = 12
)

// maxStepBacks bounds the steps back in one list. If the count keeps falling, another scan has to read it.
const maxStepBacks = 20

// Pages implements Scan.
func (o Offset) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	if o.Each == nil {
		return o.list(ctx, c, path, query, from)
	}
	return o.parts(ctx, c, path, query, from)
}

// list reads one list. A position from another order means nothing in this one, so the list is read from its beginning.
func (o Offset) list(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if len(o.Sort) > 0 {
			query = lists.WithParameter(query, "sorting", o.Sort...)
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
		if s.placed = from.Page > 0; from.Page > 1 || from.Page == 1 && !s.forward {
			s.resume()
		}
		for s.page(ctx) {
		}
	}
}

// offsetScan reads one list.
type offsetScan struct {
	Offset
	client  *fetch.Client
	path    string
	query   url.Values
	yield   func(Page, error) bool
	forward bool // read from the first page to the last

	at     int    // the page to request
	next   Cursor // where a scan goes on if this one ends here
	bound  bound
	size   int // rows on a full page: the limit that the server applies
	full   int // rows on the previous page
	spent  int // requests whose page was not yielded
	past   int // rows that an earlier scan has read, for progress; -1 while unknown
	sought int // requests for groups of ties

	seeking bool      // the next page has to begin before edge
	edge    time.Time // time of the last row up to which no row is missing
	steps   int       // steps back so far
	again   bool      // the end was checked a second time
	held    *Page     // read, and to be yielded with the next page
	resumed bool      // an earlier scan read the first page
	stale   int       // pages in a row with the same rows
	last    []string  // ids of the previous page
	lastAt  int       // its number
	balance int       // rows that came twice, less the growth of the count
	looked  int       // the last page at which an odd balance made the scan step back
	first   *Page     // the first answer, where it may be all of the list: for backward
	placed  bool      // the last page has been found: for backward
	ties    ties
}

// resume begins with the page that was read last. The time of its last row tells where the earlier scan ended, however the list
// has moved since. This page is yielded together with the next, so that each yielded page moves the position.
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

// page reads one page and yields it. goOn is false at the end.
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
	rows := len(p.Items) + len(p.Gaps)
	if s.size = max(s.size, rows); p.MaxPage == pages(p.TotalCount, s.Limit) {
		s.size = pageSize(s.Limit) // the server applies the requested limit, even if rows of the page are missing
	}
	s.full = s.size
	switch {
	case !s.forward && !s.placed:
		var begins bool
		if p, begins = s.place(p, rows); !begins {
			return true
		}
		rows = len(p.Items) + len(p.Gaps)
	case s.forward && s.at > 1 && rows == 0 && p.TotalCount == 0:
		// Some lists count nothing behind their end, which is no news of the rows before it.
		p.TotalCount, p.MaxPage = s.next.Total, s.at-1
	}
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
	ids := itemIDs(p.Items)
	if s.forward {
		ended = rows == 0 || s.at >= p.MaxPage && (rows < s.size || s.at > p.MaxPage && slices.Equal(ids, s.last))
	}
	if moved := s.next.Total > 0 && s.next.Total != p.TotalCount; !s.recoverTies(ctx, p, moved, ended) {
		return false
	}
	at, seen := s.at, s.lastAt > 0
	if s.forward {
		p.Done = s.goForward(p, rows, ended)
	} else {
		p.Done = ended
		if s.at = max(1, at-1); rows == 0 {
			s.at = max(1, min(s.at, p.MaxPage))
		}
	}
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

// joined is a page with the items of the previous one. The older request decides whether another answer is newer.
func joined(before, p Page) Page {
	p.Items, p.Gaps = slices.Concat(before.Items, p.Items), slices.Concat(before.Gaps, p.Gaps)
	p.Checked = before.Checked && p.Checked
	p.Requests += before.Requests
	if !before.RequestedAt.IsZero() {
		p.RequestedAt = before.RequestedAt
	}
	return p
}

// recoverTies looks for missing rows of the ties that end with this page. It yields them with the page, so that each yielded page
// moves the position, unless they are too many.
func (s *offsetScan) recoverTies(ctx context.Context, p Page, moved, ended bool) (goOn bool) {
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
