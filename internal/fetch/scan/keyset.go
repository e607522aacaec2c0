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

// Keyset reads a list in ascending order of a time, each page from where the last one ended by a filter on that time, so
// that rows which appear or vanish elsewhere shift nothing. For lists that have such a filter: orders, subscriptions.
//
// The filter is exclusive and of microsecond resolution, so the bound is the last value less one microsecond: rows that
// share the last value and did not fit are not lost, and those already passed on are dropped from Items. A group of more
// rows with one value than fit on a page is read as a list of its own, by page number: see Offset.
//
// A row whose time is set back behind the position while the scan runs is not seen. The bound to begin with may be
// given in the query under After; RFC 3339 with an offset.
type Keyset struct {
	Sort  string // the time to go by, both as sort criterion and as key of the item: created_at
	After string // the filter on it: created_after
	// Before is the filter on it from above, also exclusive: created_before; for Between and for large groups of ties.
	Before string
	Then   []string // further sort criteria that tell rows of the same time apart, where the list has any: invoice_number
	Else   []string // more of them, for large groups of ties only, because they cost Polar joins: customer, product
	Limit  int      // rows a page; default 100

	since, until time.Time // see Between
}

// maxStalePages bounds the pages in a row, of a large group of ties, that hold the same rows.
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
	afterTime time.Time // the same as a time
	page      int       // 2 and more only behind pages of which no row can be rendered
	crowded   bool      // more rows have the value just above the bound than fit on a page
	tied      int       // rows that no question brought, of such groups
	// seam holds the ids above the bound that were passed on already, with their sort value: they come again.
	seam  map[string]time.Time
	total int // estimate of what the whole scan brings
	given int // items passed on
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
	s.total = s.given + max(0, p.TotalCount-len(s.seam))
	s.dropSeen(&p, found)
	p.Total = max(s.total, s.given)

	switch {
	case all == 0, s.page == 1 && p.MaxPage <= 1 && all == p.TotalCount:
		// Nothing is left, or everything that is left has just come.
		s.advance(found, usable)
		p.Done = true
	case usable.last.IsZero() && len(p.Gaps) > 0: // nothing to go on from but the number of the page
		s.page++
		p.Done = s.page > p.MaxPage
	case usable.last.IsZero():
		return p, broken(s.client, s.path, p.Query, "no item of the page has a usable %q, so the next page cannot be asked for", s.Sort)
	case s.advance(found, usable):
	case p.MaxPage <= 1 || !usable.first.Equal(s.tie()):
		p.Done = true // the same rows as before, all of them
	case len(p.Gaps) > 0: // the same row as before, and behind it such as cannot be rendered
		s.remember(found)
		s.page++
		p.Done = s.page > p.MaxPage
	default:
		s.remember(found)
		s.crowded = true
	}
	if !p.Done {
		s.postpone(&p, found, first)
	}
	if p.Next = s.cursor(); s.crowded { // it has come, and need not come again
		p.Next.Page, p.Next.Order = 1, strings.Join(s.crowdOrder(), ",")
	}
	return p, nil
}

// crowdOrder is that in which a group of ties is read which does not fit on a page.
func (k Keyset) crowdOrder() []string { return slices.Concat([]string{"-" + k.Sort}, k.Then, k.Else) }

// postpone leaves out the gaps that the next page will have again: those behind the first row that comes again.
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

// locateAll reads the positions of a page and makes sure that filter and order were honoured: a server that ignores one
// of them would lead the scan past rows without a sign.
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
			return nil, span{}, broken(s.client, s.path, p.Query, "the filter %s is not honoured: item %q has %s %s", s.After, found[i].id, s.Sort, at.Format(microLayout))
		case !s.until.IsZero() && !at.Before(s.until):
			return nil, span{}, broken(s.client, s.path, p.Query, "the filter %s is not honoured: item %q has %s %s", s.Before, found[i].id, s.Sort, at.Format(microLayout))
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

// dropSeen removes from the page what was passed on already. Items without an id are passed on each time.
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

// tie is the one value that the rows of a group of ties at the bound have.
func (s *keysetScan) tie() time.Time { return s.afterTime.Add(time.Microsecond) }

// advance moves the bound up to just below the last value of a page, and tells whether it moved. Only the ids that will
// come again are kept.
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

// remember adds to the seam what is above the bound. Where an item without a sort value will come again is not known, it
// is remembered up to the next page.
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

// crowd reads all rows that have the value just above the bound, of which there are more than fit on a page, from a position
// among them on. It moves the bound up to that value, and tells whether to go on.
func (s *keysetScan) crowd(ctx context.Context, yield func(Page, error) bool, from Cursor) (goOn bool) {
	tie := s.tie()
	query := lists.WithParameter(s.query, s.After, s.after)
	list := Offset{Sort: s.crowdOrder(), Limit: s.Limit, Spare: tieShare * s.bound.used}
	if s.Before != "" {
		query[s.Before] = []string{tie.Add(time.Microsecond).Format(microLayout)}
	} else { // it ends where later rows begin
		list.Sort, list.front = append([]string{s.Sort}, s.Then...), true
		from = Cursor{}
	}
	if len(list.Sort) == 1 { // nothing orders them
		list.Spare = unorderedShare * s.bound.used
	}
	list.same = maxStalePages
	mine, gaps := make(map[string]bool), 0
	from.After, from.Tied = "", 0 // all have one time, so that finds no place among them
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
				yield(p, broken(s.client, s.path, p.Query, "the filters %s and %s are not honoured: item %q has %s %s", s.After, s.Before, at.id, s.Sort, at.at.Format(microLayout)))
				return false
			default:
				done = true
			}
		}
		p.Items = kept
		for _, at := range found {
			mine[at.id] = true
		}
		if s.Before == "" { // what stands behind the group comes again
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
