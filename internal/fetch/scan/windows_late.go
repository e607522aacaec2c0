package scan

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

var errWithheld = errors.New("some rows of the window never came")

// shortPage is a page that lacks counted rows. The count of the next page tells where they belong.
type shortPage struct {
	query          url.Values
	pages          int // pages that it consists of
	total, missing int
	ids            []string
}

// placeMissing finds out whether the rows missing from the previous page lie before the position.
func (s *windowScan) placeMissing(found []position, total int) {
	was := s.short
	if was == nil {
		return
	}
	s.short = nil
	again := idsOf(found)
	before := len(was.ids)
	for _, id := range was.ids {
		if slices.Contains(again, id) {
			before--
		}
	}
	if min(was.missing, was.total-total-before) <= 0 {
		return
	}
	if s.lost++; len(s.late) < maxLate {
		s.late = append(s.late, was)
	}
}

// recover requests the pages that lacked rows once more, and reports those that still do; else it looks for rows that strayed.
func (s *windowScan) recover(ctx context.Context, last *Page) (strayed int, err error) {
	still := 0
	for _, was := range s.late {
		for n, of := 1, 1; n <= of && was.missing > 0; n++ {
			p, err := salvage(ctx, s.client, s.path, lists.Paged(was.query, s.Limit, n))
			last.Requests += p.Requests
			if err != nil {
				return 0, err
			}
			of = min(p.MaxPage, was.pages)
			for _, item := range p.Items {
				if at := locate(item, s.Field); at.id != "" && !slices.Contains(was.ids, at.id) && at.at.Before(s.until) {
					was.ids = append(was.ids, at.id)
					last.Items = append(last.Items, item)
					if s.known++; at.at.Before(s.mark) {
						s.marked++
					}
					for i := range s.borders {
						if at.at.Before(s.borders[i].at) {
							s.borders[i].known++
						}
					}
					was.missing--
				}
			}
		}
		if was.missing <= 0 {
			s.lost--
			continue
		}
		still++
		last.Gaps = append(last.Gaps, fetch.Gap{Query: lists.Unpaged(was.query), Row: was.total, Err: fmt.Errorf("%w: %d rows are counted, %d are missing", errWithheld, was.total, was.missing)})
	}
	for n := range s.lost - still {
		last.Gaps = append(last.Gaps, fetch.Gap{Query: s.query, Row: n + 1, Err: fmt.Errorf("%w: an earlier run of this sweep missed them", errWithheld)})
	}
	if s.lost > 0 {
		return 0, nil
	}
	return s.strayed(ctx, last)
}

// strayed is how many rows more Polar counts up to the mark than came: they were dated back to where the scan had been. A negative
// number of them is gone. Polar's filters on time are exclusive, and exact at whole seconds.
func (s *windowScan) strayed(ctx context.Context, last *Page) (n int, err error) {
	ends := [...]time.Time{s.mark, s.first} // a query from first on begins a margin earlier
	for i := 0; i < len(ends) && !ends[i].IsZero(); i++ {
		c, err := count(ctx, s.client, s.path, s.window(s.first, ends[i].Add(-windowMargin)))
		last.Requests += c.Requests
		if err != nil {
			return 0, err
		}
		n += (1 - 2*i) * c.Total
	}
	if n > s.marked {
		if closed, err := s.close(ctx, last); err != nil || closed {
			return 0, err
		}
	}
	return n - s.marked, nil
}
