package scan

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// crowded: a page from next on would bring little that is new.
func (s *windowScan) crowded(found []position, next time.Time) bool {
	again := 0
	for _, at := range found {
		if !at.at.Before(next.Add(-windowMargin)) {
			again++
		}
	}
	return !next.After(s.begin) || 2*again > len(found)
}

// crowdedWindow is a window of some pages that is read by page number.
type crowdedWindow struct {
	*windowScan
	query   url.Values // of the window, without a page
	end     time.Time
	came    map[string]jsontext.Value // by id
	counted int                       // rows in it by Polar's count
	gaps    []fetch.Gap
}

// crowd reads a window of some pages by page number. The rows of the first page tell how many seconds it should span.
func (s *windowScan) crowd(ctx context.Context, p Page, found []position) (goOn bool) {
	begin, end := s.crowdedSpan(found)
	w := &crowdedWindow{windowScan: s, query: s.window(begin, end), end: end, came: map[string]jsontext.Value{}}
	rest, goOn := w.byNumber(ctx, p.Requests)
	if !goOn {
		return false
	}
	tied := rest.Next.Tied
	if tied > 0 && w.missing() > 0 && !w.byFields(ctx) {
		return false
	}
	if lost := max(0, w.missing()); lost > 0 {
		tied = min(tied, lost)
		s.tied += tied
		s.known += tied
		s.short = &shortPage{query: w.query, pages: pages(w.counted, s.Limit), total: w.counted, missing: lost - tied, ids: slices.Collect(maps.Keys(w.came))}
		s.placeMissing(nil, w.counted-len(w.came)-w.missing())
	}
	rest.Done, rest.Gaps = false, w.gaps
	s.advance(end, len(w.gaps))
	return s.pass(ctx, rest)
}

// crowdedSpan is the window: from the second of the first unread row on, as long as windowPages pages last if all are like this
// one.
func (s *windowScan) crowdedSpan(found []position) (begin, end time.Time) {
	begin = found[0].at
	for _, at := range found {
		if !at.at.IsZero() && !at.at.Before(s.begin) {
			begin = at.at
			break
		}
	}
	begin = begin.Truncate(time.Second)
	span := max(time.Millisecond, found[len(found)-1].at.Sub(found[0].at))
	if end = begin.Add(max(time.Second, (windowPages * span).Truncate(time.Second))); end.After(s.until) {
		end = s.until
	}
	return begin, end
}

// byNumber reads the window page by page. It returns the last page without yielding it. spent are earlier requests; the first
// page carries them.
func (w *crowdedWindow) byNumber(ctx context.Context, spent int) (last Page, goOn bool) {
	list := Offset{Fixed: []string{w.Field}, Limit: w.Limit, Spare: tieShare * w.bound.used, value: w.moment}
	for page, err := range list.list(ctx, w.client, w.path, w.query, Cursor{}) {
		page.Requests, spent = page.Requests+spent, 0
		w.counted = max(w.counted, page.TotalCount) // a page behind the end counts 0
		w.gaps = append(w.gaps, page.Gaps...)
		page.Gaps = nil
		if err == nil {
			err = w.takeAll(&page)
		}
		if err == nil && page.Done {
			return page, true
		}
		if !w.yield(w.page(page), err) || err != nil {
			return page, false
		}
	}
	return last, true
}

// byFields requests the rows of one moment that page numbers did not bring, until none is missing.
func (w *crowdedWindow) byFields(ctx context.Context) (goOn bool) {
	left := tieShare * w.bound.used
	for page, err := range w.split(ctx, w.query, w.Split, w.came, &left) {
		if err == nil {
			err = w.takeAll(&page)
		}
		if !w.yield(w.page(page), err) || err != nil {
			return false
		}
		if w.missing() <= 0 {
			break
		}
	}
	return true
}

// takeAll records the rows that came, and keeps in the page only those that have not come before.
func (w *crowdedWindow) takeAll(p *Page) error {
	found, err := w.locate(*p, w.end)
	if err != nil {
		return err
	}
	for i, at := range found {
		if at.id != "" {
			w.came[at.id] = p.Items[i]
		}
	}
	w.take(p, found, w.end)
	return nil
}

// missing is how many counted rows of the window have not come.
func (w *crowdedWindow) missing() int { return w.counted - len(w.came) - len(w.gaps) }

// split requests a window by the values that its items have in the given fields. It takes the next field where the list is still
// longer than a page.
func (s *windowScan) split(ctx context.Context, query url.Values, fields []string, came map[string]jsontext.Value, left *int) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if len(fields) == 0 {
			return
		}
		for _, value := range lists.Texts(maps.Values(came), fields[0]) {
			if *left--; *left < 0 {
				return
			}
			part := lists.WithParameter(query, fields[0], value)
			p, err := salvage(ctx, s.client, s.path, lists.Paged(part, s.Limit, 1))
			if err == nil {
				p.Gaps = nil
			}
			if !yield(p, err) || err != nil {
				return
			}
			if p.MaxPage <= 1 {
				continue
			}
			for p, err := range s.split(ctx, part, fields[1:], came, left) {
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// moment is the time of an item in the unit of the list's order.
func (s *windowScan) moment(item jsontext.Value) []byte {
	return []byte(locate(item, s.Field).at.Truncate(time.Millisecond).Format(microLayout))
}
