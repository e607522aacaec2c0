package fetch

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Keyset reads a list in ascending order of a time, each page from where the last one ended by a filter on that time, so
// that rows which appear or vanish elsewhere shift nothing. For lists that have such a filter: orders, subscriptions.
//
// The filter is exclusive and of microsecond resolution, so the bound is the last value less one microsecond: rows that
// share the last value and did not fit are not lost, and those already passed on are dropped from Items. Only while a
// whole page shares one value are the further pages of the same bound read, again if the shuffled ties did not add up.
//
// A row whose time is set back behind the position while the scan runs is not seen. The bound to begin with may be
// given in the query under After; RFC 3339 with an offset.
type Keyset struct {
	Sort  string // the time to go by, both as sort criterion and as key of the item: created_at
	After string // the filter on it: created_after
	// Before is the filter on it from above, also exclusive: created_before; for Between.
	Before string
	Then   []string // further sort criteria that tell rows of the same time apart, where the list has any: invoice_number
	Limit  int      // rows a page; default 100

	since, until time.Time // see Between
}

// maxTiePasses is how often a group of ties that spans pages is read until it adds up.
const maxTiePasses = 8

// Pages implements Scan.
func (k Keyset) Pages(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		query = k.bounded(query)
		s := &keysetScan{Keyset: k, client: c, path: path, page: max(1, from.Page), after: from.After}
		if s.after == "" {
			s.after = query.Get(k.After)
		}
		if s.after != "" {
			at, err := time.Parse(time.RFC3339Nano, s.after)
			if err != nil {
				yield(Page{Query: query, Total: -1, Next: from}, broken(c, path, Page{Query: query}, "the position %q is no time: %w", s.after, err))
				return
			}
			s.setBound(at)
		}
		s.query = with(query, "sorting", append([]string{k.Sort}, k.Then...)...)
		for {
			page, err := s.read(ctx)
			if !yield(page, err) || err != nil || page.Done {
				return
			}
		}
	}
}

type keysetScan struct {
	Keyset
	client *Client
	path   string
	query  url.Values
	bound  bound

	after     string    // the filter's value; empty at the beginning
	afterTime time.Time // the same as a time
	page      int       // 2 and more only within a group of ties
	// seam holds the ids above the bound that were passed on already, with their sort value: they come again.
	seam  map[string]time.Time
	total int // estimate of what the whole scan brings
	given int // items passed on

	// The group of ties that spans pages: pass over its pages, rows of the group in this pass, distinct ids of it,
	// pages in a row that brought nothing new.
	pass, rows int
	ties       map[string]struct{}
	stale      int
}

func (s *keysetScan) setBound(at time.Time) {
	s.afterTime = at.UTC()
	s.after = s.afterTime.Format(microLayout)
}

func (s *keysetScan) cursor() Cursor {
	next := Cursor{After: s.after}
	if s.page > 1 {
		next.Page = s.page
	}
	return next
}

func (s *keysetScan) read(ctx context.Context) (Page, error) {
	query := paged(s.query, s.Limit, s.page)
	if s.after != "" {
		query[s.After] = []string{s.after}
	}
	first := (s.page - 1) * or(s.Limit, defaultLimit)
	p, err := s.client.salvage(ctx, s.path, query, 0)
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
	if s.bound.exceeded(p.MaxPage) && s.pass <= 1 {
		return p, broken(s.client, s.path, p, "the list does not end: %d pages read where %d were announced", s.bound.used-1, p.MaxPage)
	}
	all := len(p.Items) + len(p.Gaps)
	if s.page == 1 && s.pass == 0 {
		s.total = s.given + max(0, p.TotalCount-len(s.seam))
	}
	fresh := s.dropSeen(&p, found)
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
		return p, broken(s.client, s.path, p, "no item of the page has a usable %q, so the next page cannot be asked for", s.Sort)
	case (s.page == 1 || s.pass == 0) && s.advance(found, usable):
	case s.page == 1 && (p.MaxPage <= 1 || !usable.first.Equal(s.tie())):
		p.Done = true // the same rows as before, all of them
	default:
		if p.Done, err = s.readTies(&p, found, usable, fresh); err != nil {
			return p, err
		}
	}
	if !p.Done {
		s.postpone(&p, found, first)
	}
	p.Next = s.cursor()
	return p, nil
}

// postpone leaves out the gaps that the next page will have again: those behind the first row that comes again. row is
// how many rows of the list come before the page.
func (s *keysetScan) postpone(p *Page, found []position, row int) {
	if len(p.Gaps) == 0 || s.page > 1 || s.pass > 0 {
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
			return nil, span{}, broken(s.client, s.path, p, "the filter %s is not honoured: item %q has %s %s", s.After, found[i].id, s.Sort, at.Format(microLayout))
		case !s.until.IsZero() && !at.Before(s.until):
			return nil, span{}, broken(s.client, s.path, p, "the filter %s is not honoured: item %q has %s %s", s.Before, found[i].id, s.Sort, at.Format(microLayout))
		case at.Before(usable.last):
			return nil, span{}, broken(s.client, s.path, p, "the list is not sorted by %s: item %q is out of order", s.Sort, found[i].id)
		}
		if usable.first.IsZero() {
			usable.first = at
		}
		usable.last = at
	}
	return found, usable, nil
}

// dropSeen removes from the page what was passed on already, and tells whether anything identifiable is left. Items
// without an id are passed on each time.
func (s *keysetScan) dropSeen(p *Page, found []position) (fresh bool) {
	kept := make([]jsontext.Value, 0, len(p.Items))
	for i, item := range p.Items {
		id := found[i].id
		if _, seen := s.seam[id]; seen && id != "" {
			continue
		}
		kept = append(kept, item)
		fresh = fresh || id != ""
	}
	p.Items = kept
	s.given += len(kept)
	return fresh
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
	s.pass, s.rows, s.stale, s.ties = 0, 0, 0, nil
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

// readTies takes in a page of a group of ties that is larger than a page, and says where to go on.
func (s *keysetScan) readTies(p *Page, found []position, usable span, fresh bool) (done bool, err error) {
	if s.pass == 0 {
		s.pass, s.ties = 1, make(map[string]struct{})
	}
	s.remember(found)
	tie := s.tie()
	for _, at := range found {
		if at.id != "" && at.at.Equal(tie) {
			s.rows++
			s.ties[at.id] = struct{}{}
		}
	}
	s.stale++
	if fresh || s.page == 1 {
		s.stale = 0
	}
	if s.pass == 1 && s.stale >= 3 {
		return false, broken(s.client, s.path, *p, "the list repeats the same rows page after page at %s %s", s.Sort, tie.Format(microLayout))
	}
	ended := len(found) == 0 || s.page >= p.MaxPage
	if !ended && !usable.last.After(tie) {
		s.page++
		return false, nil
	}
	// The group ends on this page. In a pass without shuffling each of its rows comes once.
	if len(s.ties) < s.rows && s.pass < maxTiePasses {
		s.pass, s.rows, s.stale, s.page = s.pass+1, 0, 0, 1
		return false, nil
	}
	return !s.advance(found, usable), nil
}
