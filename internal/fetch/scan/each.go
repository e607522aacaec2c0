package scan

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Each reads the plain list again once per item of another list, with Param set to that item's id. For example, Polar leaves the
// customer meters of archived meters out of the plain list, but returns them for a meter_id.
//
// The scan reads the other list when the plain list has ended, so that rows hidden meanwhile are included, and again when it
// resumes later than that. It takes the ids in ascending order. Cursor.Part is the place among them, from 1; Cursor.Key is the
// id, and decides when ids have come or gone.
type Each struct {
	Path  string     // the other list: /v1/meters/
	Query url.Values // its filter and its sort order: is_archived=true, sorting=-created_at
	Param string     // meter_id
}

// eachScan reads the plain list, then the part of each item of the other list.
type eachScan struct {
	Offset
	client *fetch.Client
	path   string
	query  url.Values
	yield  func(Page, error) bool
	from   Cursor   // where the next list starts
	total  int      // rows of the lists read to their end
	ids    []string // of the other list; those not read yet
	base   int      // number of ids before those
}

// parts reads the plain list, then the part of each item of the other list.
func (o Offset) parts(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if order := strings.Join(o.order(), ","); from.Order != order {
			from = Cursor{Order: order}
		}
		s := &eachScan{Offset: o, client: c, path: path, query: query, yield: yield, from: from}
		begin := s.resume
		if from.Part == 0 {
			begin = s.plain
		}
		if !begin(ctx) {
			return
		}
		for i := range s.ids {
			if !s.part(ctx, i) {
				return
			}
		}
	}
}

// plain reads the plain list, and the other list together with its last page.
func (s *eachScan) plain(ctx context.Context) (goOn bool) {
	return s.read(ctx, s.query, s.from, func(p *Page) error {
		s.from = Cursor{Part: 1, Order: s.from.Order, Tied: p.Next.Tied}
		p.Done, p.Next = false, s.from
		if err := s.load(ctx, p); err != nil {
			return err
		}
		p.Done, p.Next = startOf(s.ids, 0, s.from)
		return nil
	})
}

// resume reads the other list only, and finds the part in it where the scan stopped.
func (s *eachScan) resume(ctx context.Context) (goOn bool) {
	p := unread(s.Each.Query, 0, s.from)
	if err := s.load(ctx, &p); err != nil {
		s.yield(p, err)
		return false
	}
	first, same := slices.BinarySearch(s.ids, s.from.Key)
	s.ids, s.base = s.ids[first:], first
	if !same {
		s.from = Cursor{Order: s.from.Order, Tied: s.from.Tied}
	}
	if len(s.ids) == 0 {
		p.Done = true
		s.yield(p, nil)
		return false
	}
	return true
}

// part reads the list of one id.
func (s *eachScan) part(ctx context.Context, i int) (goOn bool) {
	at := s.from
	at.Part, at.Key = s.base+i+1, s.ids[i]
	return s.read(ctx, lists.WithParameter(s.query, s.Each.Param, s.ids[i]), at, func(p *Page) error {
		s.from = Cursor{Order: s.from.Order, Tied: p.Next.Tied}
		if p.Done, p.Next = startOf(s.ids, i+1, s.from); p.Done {
			p.Next = at
			p.Next.Tied = s.from.Tied
		} else {
			p.Next.Part += s.base
		}
		return nil
	})
}

// read yields the pages of one list. It calls ahead before the last page where the scan goes on from there.
func (s *eachScan) read(ctx context.Context, query url.Values, from Cursor, ahead func(*Page) error) (goOn bool) {
	for p, err := range s.list(ctx, s.client, s.path, query, from) {
		last := p.Done
		p.Total, p.Whole = p.Total+s.total, -1
		var failed error
		if err == nil && last {
			s.total = p.Total
			failed = ahead(&p)
		}
		if !s.yield(p, err) || err != nil {
			return false
		}
		if failed != nil {
			s.yield(unread(s.Each.Query, 0, p.Next), failed)
			return false
		}
		if last {
			return !p.Done
		}
	}
	return false
}

// load reads the ids of the other list, and adds the cost to a page.
func (s *eachScan) load(ctx context.Context, p *Page) (err error) {
	var requests int
	s.ids, requests, err = s.Each.ids(ctx, s.client)
	p.Requests += requests
	return err
}

// startOf is the position at the beginning of the part of ids[i]; done means that there is no such part.
func startOf(ids []string, i int, from Cursor) (done bool, start Cursor) {
	if i >= len(ids) {
		return true, Cursor{}
	}
	return false, Cursor{Part: i + 1, Key: ids[i], Order: from.Order, Tied: from.Tied}
}

// ids reads the ids of the other list in ascending order. requests is the cost.
func (e *Each) ids(ctx context.Context, c *fetch.Client) (ids []string, requests int, err error) {
	plain := Offset{Fixed: e.Query["sorting"]}
	for p, err := range plain.list(ctx, c, e.Path, e.Query, Cursor{}) {
		requests += p.Requests
		if err != nil {
			return nil, requests, err
		}
		// The part of a row that is a gap would be left out in silence.
		if len(p.Gaps) > 0 {
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
