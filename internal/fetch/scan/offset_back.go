package scan

import (
	"slices"
	"strings"
	"time"
)

// goForward decides which page comes next. done means that this was the last one.
//
// Polar counts first and reads the page afterwards (polarsource/polar, server/polar/kit/repository/base.py), so a row that
// vanishes in between is missing only from the count of the next request. The scan therefore steps back one page more than the
// drop accounts for, and sends one request more where the last page is shorter than its count.
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

// place finds the page with which a scan from the last page to the first begins: the one that has nothing behind it. begins is false
// while another has to be requested first; the page is the one to begin with. The first answer tells which is the last. Where that
// one is full, the one behind it is requested before it, since a row that vanishes meanwhile pulls others to the front.
func (s *offsetScan) place(p Page, rows int) (begin Page, begins bool) {
	full := rows > 0 && rows >= s.size
	ids := itemIDs(p.Items)
	switch {
	case s.first == nil:
		s.first, s.next.Total = &p, p.TotalCount
		last := max(s.at, p.MaxPage)
		if last == 1 && full || last > 1 && p.TotalCount >= last*s.size {
			last++
		}
		if s.placed = last == s.at; s.placed {
			return p, true
		}
		s.at = last // the first page comes again at the end
	case rows == 0:
		s.at, s.placed = s.at-1, true
		if s.at == 1 && s.first.MaxPage <= 1 {
			begin = *s.first
			begin.Requests = p.Requests
			return begin, true
		}
	case full && !slices.Equal(ids, s.last):
		s.at++
	default:
		s.placed = true
		return p, true
	}
	s.last, s.spent = ids, p.Requests
	return p, false
}

// stepTo goes back to a page, and further if that page does not begin before the last row read.
func (s *offsetScan) stepTo(page int) {
	s.at = max(1, page)
	s.steps++
	s.seeking, s.balance = !s.edge.IsZero(), 0
}

// odd returns by how many pages to go back because the rows that came twice do not fit the count. A new row in front raises the
// count by one and brings one row of the previous page again, perhaps one request before it is counted. If fewer rows come again
// than that, rows came in where they push nothing, and may hide that others vanished. If more come again, a row vanished between
// count and page of the last request, and another came.
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

// times are those of the first and the last row of a page, by the sort criterion of the list.
func (s *offsetScan) times(p Page) (first, last time.Time) {
	if len(p.Items) == 0 || len(s.order()) == 0 || s.front {
		return first, last
	}
	field := strings.TrimPrefix(s.order()[0], "-")
	return locate(p.Items[0], field).at, locate(p.Items[len(p.Items)-1], field).at
}

// announced is how many items a page should have by its own count; size is that of a full page.
func announced(p Page, at, size int) int {
	if p.MaxPage <= 1 && at == 1 {
		return p.TotalCount
	}
	return min(size, p.TotalCount-(at-1)*size)
}
