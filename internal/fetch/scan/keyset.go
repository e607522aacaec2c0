package scan

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Keyset reads a list in ascending order of a time. A filter on that time makes each page begin where the previous one ended, so
// rows that appear or vanish elsewhere shift nothing. It needs a list with such a filter: orders, subscriptions.
//
// The filter is exclusive and has microsecond resolution, so the bound is the last value less one microsecond. Rows that share
// the last value and did not fit on the page are not lost; those already yielded are dropped from Items. When more rows have one
// value than fit on a page, they are read as a list of their own, by page number: see Offset.
//
// A full page is not the end, even where it holds as many rows as are counted: the count may be too low, and the newest rows would
// be lost. The scan ends with a page that has room left.
//
// A row whose time moves back behind the position while the scan runs is not seen. The query may give a first bound under After,
// in RFC 3339 with an offset.
type Keyset struct {
	Sort  string // the time to go by: the sort criterion and the key of the item: created_at
	After string // the filter on it: created_after
	// Before is the filter on it from above, also exclusive: created_before; for Between and for large groups of ties.
	Before string
	Then   []string // further sort criteria that order rows of the same time, where the list has any: invoice_number
	Else   []string // more of them, only for large groups of ties, because they cost Polar joins: customer, product
	Limit  int      // rows a page; default 100

	since, until time.Time // see Between
}

// maxStalePages bounds how many pages in a row of a large group of ties may hold the same rows.
const maxStalePages = 3

// Pages implements Scan.
func (k Keyset) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		query = k.bounded(query)
		s := &keysetScan{Keyset: k, client: c, path: path, page: 1, after: from.After, tied: from.Tied}
		if from.Order == "" {
			s.page = max(1, from.Page)
		}
		if s.after == "" {
			s.after = query.Get(k.After)
		}
		if s.after != "" {
			at, err := time.Parse(time.RFC3339Nano, s.after)
			if err != nil {
				yield(unread(query, 0, from), broken(c, path, query, "the position %q is no time: %w", s.after, err))
				return
			}
			s.setBound(at)
		}
		s.query = lists.WithParameter(query, "sorting", append([]string{k.Sort}, k.Then...)...)
		if from.Order != "" && !s.crowd(ctx, yield, from) {
			return
		}
		for {
			page, err := s.read(ctx)
			if !yield(page, err) || err != nil || page.Done {
				return
			}
			if s.crowded {
				if s.crowded = false; !s.crowd(ctx, yield, Cursor{}) {
					return
				}
			}
		}
	}
}

type keysetScan struct {
	Keyset
	client *fetch.Client
	path   string
	query  url.Values
	bound  bound

	after     string    // the filter's value; empty at the beginning
	afterTime time.Time // after as a time
	page      int       // 2 and more only after pages on which no row can be rendered
	crowded   bool      // more rows have the value just above the bound than fit on a page
	tied      int       // rows of such groups that no request brought
	// seam maps the yielded ids above the bound to their sort values: they come again.
	seam  map[string]time.Time
	size  int // rows on the largest page so far: a server may allow fewer than requested
	total int // estimate of what the whole scan brings
	given int // items yielded
}

func (s *keysetScan) setBound(at time.Time) {
	s.afterTime = at.UTC()
	s.after = s.afterTime.Format(microLayout)
}

func (s *keysetScan) cursor() Cursor {
	next := Cursor{After: s.after, Tied: s.tied}
	if s.page > 1 {
		next.Page = s.page
	}
	return next
}

func (s *keysetScan) read(ctx context.Context) (Page, error) {
	query := lists.Paged(s.query, s.Limit, s.page)
	first := (s.page - 1) * cmp.Or(s.Limit, lists.MaxLimit)
	if s.after != "" {
		query[s.After] = []string{s.after}
	}
	p, err := salvage(ctx, s.client, s.path, query)
	p.Next = s.cursor()
	if err != nil {
		return p, err
	}
	if s.after == "" {
		p.Whole = p.TotalCount
	}
	found, usable, err := s.locateAll(p)
	if err != nil {
		return p, err
	}
	if s.bound.exceeded(p.MaxPage) {
		return p, broken(s.client, s.path, p.Query, "the list does not end: %d pages read where %d were announced", s.bound.used-1, p.MaxPage)
	}
	all := len(p.Items) + len(p.Gaps)
	full := s.full(all)
	ends := s.page == 1 && p.MaxPage <= 1 && all == p.TotalCount
	s.total = s.given + max(0, p.TotalCount-len(s.seam))
	s.dropSeen(&p, found)
	p.Total = max(s.total, s.given)

	switch {
	case all == 0, ends && !full:
		// Nothing is left after this page.
		s.advance(found, usable)
		p.Done = true
	// Only the page number is left to go on from.
	case usable.last.IsZero() && (len(p.Gaps) > 0 || ends):
		s.page++
		p.Done = s.page > p.MaxPage && !full
	case usable.last.IsZero():
		return p, broken(s.client, s.path, p.Query, "no item of the page has a usable %q, so the next page cannot be requested", s.Sort)
	case s.advance(found, usable):
	case p.MaxPage <= 1 && !full || !usable.first.Equal(s.tie()):
		p.Done = true // the page has only rows that came before
	// The row from before came again, and the rows behind it cannot be rendered.
	case len(p.Gaps) > 0:
		s.remember(found)
		s.page++
		p.Done = s.page > p.MaxPage && !full
	default:
		s.remember(found)
		s.crowded = true
	}
	if !p.Done {
		s.postpone(&p, found, first)
	}
	if p.Next = s.cursor(); s.crowded { // the crowd includes this value, so it need not come again
		p.Next.Page, p.Next.Order = 1, strings.Join(s.crowdOrder(), ",")
	}
	return p, nil
}

// full is whether a page has no room left for another row.
func (s *keysetScan) full(rows int) bool {
	full := rows >= cmp.Or(s.size, pageSize(s.Limit))
	s.size = max(s.size, rows)
	return full
}

// crowdOrder is the order for a group of ties that does not fit on a page.
func (k Keyset) crowdOrder() []string { return slices.Concat([]string{"-" + k.Sort}, k.Then, k.Else) }

// postpone drops the gaps that the next page will report again: those behind the first row that comes again.
func (s *keysetScan) postpone(p *Page, found []position, row int) {
	if len(p.Gaps) == 0 || s.page > 1 {
		return
	}
	gap := 0
	for _, at := range found {
		for row++; gap < len(p.Gaps) && p.Gaps[gap].Row == row; row++ {
			gap++
		}
		if at.at.After(s.afterTime) {
			break
		}
	}
	p.Gaps = p.Gaps[:gap]
}

// span is the first and the last usable sort value of a page.
type span struct{ first, last time.Time }

// locateAll reads the positions of a page, and checks that the server applied filter and order: if it ignored one of them, the
// scan would pass over rows without a sign.
func (s *keysetScan) locateAll(p Page) ([]position, span, error) {
	var usable span
	found := make([]position, len(p.Items))
	for i, item := range p.Items {
		found[i] = locate(item, s.Sort)
		at := found[i].at
		switch {
		case at.IsZero():
			continue
		case s.after != "" && !at.After(s.afterTime):
			return nil, span{}, broken(s.client, s.path, p.Query, "Polar does not apply the filter %s: item %q has %s %s", s.After, found[i].id, s.Sort, at.Format(microLayout))
		case !s.until.IsZero() && !at.Before(s.until):
			return nil, span{}, broken(s.client, s.path, p.Query, "Polar does not apply the filter %s: item %q has %s %s", s.Before, found[i].id, s.Sort, at.Format(microLayout))
		case at.Before(usable.last):
			return nil, span{}, broken(s.client, s.path, p.Query, "the list is not sorted by %s: item %q is out of order", s.Sort, found[i].id)
		}
		if usable.first.IsZero() {
			usable.first = at
		}
		usable.last = at
	}
	return found, usable, nil
}

// dropSeen removes the items that were yielded before. Items without an id are yielded each time.
func (s *keysetScan) dropSeen(p *Page, found []position) {
	kept, here := make([]jsontext.Value, 0, len(p.Items)), make(map[string]bool)
	for i, item := range p.Items {
		id := found[i].id
		if _, seen := s.seam[id]; !seen && !here[id] || id == "" {
			kept = append(kept, item)
		}
		here[id] = true
	}
	p.Items = kept
	s.given += len(kept)
}

// tie is the common value of the group of ties at the bound.
func (s *keysetScan) tie() time.Time { return s.afterTime.Add(time.Microsecond) }

// advance moves the bound to just below the last value of a page, and returns true if it moved. It keeps only the ids that will
// come again.
func (s *keysetScan) advance(found []position, usable span) bool {
	to := usable.last.Add(-time.Microsecond)
	if usable.last.IsZero() || s.after != "" && !to.After(s.afterTime) {
		return false
	}
	s.setBound(to)
	s.page = 1
	maps.DeleteFunc(s.seam, func(_ string, at time.Time) bool { return !at.After(to) })
	s.remember(found)
	return true
}

// remember adds to the seam the items above the bound. Where an item without a sort value comes again is unknown, so it stays
// until the next page.
func (s *keysetScan) remember(found []position) {
	if s.seam == nil {
		s.seam = make(map[string]time.Time)
	}
	for _, at := range found {
		if at.id != "" && (at.at.IsZero() || at.at.After(s.afterTime)) {
			s.seam[at.id] = at.at
		}
	}
}

// crowd reads all rows that have the value just above the bound, when they do not fit on a page. It starts at a position among
// them, and moves the bound up to that value. goOn is false when the scan must stop.
func (s *keysetScan) crowd(ctx context.Context, yield func(Page, error) bool, from Cursor) (goOn bool) {
	tie := s.tie()
	query := lists.WithParameter(s.query, s.After, s.after)
	list := Offset{Sort: s.crowdOrder(), Limit: s.Limit, Spare: tieShare * s.bound.used}
	if s.Before != "" {
		query[s.Before] = []string{tie.Add(time.Microsecond).Format(microLayout)}
		// The group ends where later rows begin.
	} else {
		list.Sort, list.front = append([]string{s.Sort}, s.Then...), true
		from = Cursor{}
	}
	if len(list.Sort) == 1 { // nothing orders the rows of the group
		list.Spare = unorderedShare * s.bound.used
	}
	list.same = maxStalePages
	mine, gaps := make(map[string]bool), 0
	from.After, from.Tied = "", 0 // all have one time, so a time finds no place among them
	for p, err := range list.list(ctx, s.client, s.path, query, from) {
		done, tied, next := p.Done, p.Next.Tied, s.cursor()
		next.Page, next.Total, next.Order = p.Next.Page, p.Next.Total, p.Next.Order
		p.Done, p.Whole, p.Next = false, -1, next
		if err != nil {
			yield(p, err)
			return false
		}
		found := make([]position, 0, len(p.Items))
		kept := p.Items[:0:0]
		for _, item := range p.Items {
			switch at := locate(item, s.Sort); {
			case at.at.IsZero(), at.at.Equal(tie):
				found, kept = append(found, at), append(kept, item)
			case s.Before != "":
				yield(p, broken(s.client, s.path, p.Query, "Polar does not apply the filters %s and %s: item %q has %s %s", s.After, s.Before, at.id, s.Sort, at.at.Format(microLayout)))
				return false
			default:
				done = true
			}
		}
		p.Items = kept
		for _, at := range found {
			mine[at.id] = true
		}
		if s.Before == "" { // the rows behind the group come again
			p.Gaps = slices.DeleteFunc(p.Gaps, func(g fetch.Gap) bool { return done && g.Row > len(mine)+gaps+1 })
			gaps += len(p.Gaps)
		}
		s.dropSeen(&p, found)
		s.remember(found)
		if done {
			s.tied += tied
			s.setBound(tie)
			s.page = 1
			maps.DeleteFunc(s.seam, func(_ string, at time.Time) bool { return !at.After(tie) })
			p.Next = s.cursor()
		}
		p.Total = max(s.total, s.given)
		if !yield(p, nil) {
			return false
		}
		if done {
			break
		}
	}
	return true
}
