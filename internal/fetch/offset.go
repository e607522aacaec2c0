package fetch

import (
	"bytes"
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Offset reads a list by page number, in an ascending order in which new rows come last. A row that vanishes before the
// position pulls the others forward, and one of them slips through between two pages: that shows as a drop of
// total_count, and the scan steps back. Ties that come in another order on the next page may slip through unseen;
// further criteria in Sort narrow them.
type Offset struct {
	Sort  []string // sort criteria; empty where the list has a fixed order
	Limit int      // rows a page; default 100
	Each  *Each    // what the plain list hides
}

// Each reads the plain list again once per item of another list, with Param set to that item's id. Polar leaves the
// customer meters of archived meters out of the plain list, for one, but gives them for a meter_id.
//
// The other list is read when the plain list has ended, so that what was hidden meanwhile is included, and again when a
// scan resumes later than that. Its ids are taken in ascending order: Cursor.Part is the place in it, from 1,
// Cursor.Key the id, which counts when ids have come or gone.
type Each struct {
	Path  string     // the other list: /v1/meters/
	Query url.Values // its filter and its sort order: is_archived=true, sorting=created_at
	Param string     // meter_id
}

// maxStepBacks bounds how often one list is stepped back in. A count that keeps falling is a case for another scan.
const maxStepBacks = 20

// Pages implements Scan.
func (o Offset) Pages(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	if o.Each == nil {
		return o.list(ctx, c, path, query, from)
	}
	return o.parts(ctx, c, path, query, from)
}

// list reads one list.
func (o Offset) list(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if len(o.Sort) > 0 {
			query = with(query, "sorting", o.Sort...)
		}
		var limit bound
		at, steps, rose, size := max(1, from.Page), 0, 0, 1
		again := false  // whether the end was looked at a second time
		skipped := -1   // rows before the start, for progress
		var last []byte // sort values at the end of the page before
		lastAt := 0     // its number
		full := 0       // rows on the page before: the limit that the server really uses
		left := maxGaps
		for {
			p, err := c.salvage(ctx, path, paged(query, o.Limit, at), full, &left)
			p.Next = from
			if err == nil && limit.exceeded(p.MaxPage) {
				err = broken(c, path, p, "the list does not end: %d pages read where %d were announced", limit.used-1, p.MaxPage)
			}
			if err != nil {
				yield(p, err)
				return
			}
			rows := len(p.Items) + len(p.Gaps)
			size, full = max(size, rows), rows
			if skipped < 0 {
				skipped = (at - 1) * size
			}
			p.Total, p.Whole = max(0, p.TotalCount-skipped), p.TotalCount
			if n := len(p.Items); n > 0 {
				p.Tied = last != nil && at == lastAt+1 && bytes.Equal(last, sortValues(p.Items[0], o.Sort))
				last, lastAt = sortValues(p.Items[n-1], o.Sort), at
			}
			next := at + 1
			ended := at >= p.MaxPage || rows == 0
			// Polar counts first and reads the page afterwards (polarsource/polar, server/polar/kit/repository/base.py), so
			// a row that goes in between is only missed in the count of the next request: one page more to step back
			// than the drop accounts for, and one request more where the last page is shorter than was counted.
			switch dropped := from.Total - p.TotalCount; {
			case dropped > 0 && at > 1 && p.MaxPage > 0 && steps < maxStepBacks:
				next = max(1, min(at, p.MaxPage+1)-1-(dropped+size-1)/size)
				steps++
			case dropped < 0 && from.Total > 0 && at > max(1, rose) && rows > 0:
				// More rows may have come at the end than went before the position, which then shows as a rise: the page
				// before once more, once for each page.
				rose, next = at, at-1
			case ended && !again && rows < announced(p, at, size):
				next, again = at, true
			default:
				p.Done = ended
			}
			at = next
			from.Page, from.Total = at, p.TotalCount
			p.Next = from
			if !yield(p, nil) || p.Done {
				return
			}
		}
	}
}

// announced is how many items a page should have by the count that came with it; size is that of a full page.
func announced(p Page, at, size int) int {
	if p.MaxPage <= 1 {
		return p.TotalCount
	}
	return min(size, p.TotalCount-(at-1)*size)
}

// parts reads the plain list, and then the part of each item of the other list.
func (o Offset) parts(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
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
					yield(Page{Query: o.Each.Query, Total: -1, Whole: -1, Next: p.Next}, failed)
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
				p.Done, p.Next = false, Cursor{Part: 1}
				if err := load(p); err != nil {
					return err
				}
				p.Done, p.Next = o.startOf(ids, 0)
				return nil
			})
			if !goOn {
				return
			}
			from = Cursor{Part: 1}
		} else {
			p := Page{Query: o.Each.Query, Total: -1, Whole: -1, TotalCount: -1, Next: from}
			if err := load(&p); err != nil {
				yield(p, err)
				return
			}
			first, same := slices.BinarySearch(ids, from.Key)
			ids = ids[first:]
			if !same {
				from = Cursor{Part: from.Part}
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
			from = Cursor{}
			goOn := part(with(query, o.Each.Param, id), at, func(p *Page) error {
				p.Done, p.Next = o.startOf(ids, i+1)
				p.Next.Part += base
				if p.Done {
					p.Next = at
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
func (o Offset) startOf(ids []string, i int) (done bool, start Cursor) {
	if i >= len(ids) {
		return true, Cursor{}
	}
	return false, Cursor{Part: i + 1, Key: ids[i]}
}

// ids reads the ids of the other list, in ascending order, and tells what that cost.
func (e *Each) ids(ctx context.Context, c *Client) (ids []string, requests int, err error) {
	var plain Offset
	for p, err := range plain.list(ctx, c, e.Path, e.Query, Cursor{}) {
		requests += p.Requests
		if err != nil {
			return nil, requests, err
		}
		if len(p.Gaps) > 0 { // the part that belongs to it would be left out in silence
			return nil, requests, p.Gaps[0].Err
		}
		for _, item := range p.Items {
			if id := itemID(item); id != "" {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), requests, nil
}

// sortValues are the values that the criteria sort by, as they stand in the item. A criterion that is no field of the
// item (customer_name) counts as equal everywhere: a tie too many costs a request, one too few a row.
func sortValues(item jsontext.Value, sort []string) []byte {
	d := newDecoder(item)
	found := make([][]byte, len(sort))
	if d.PeekKind() != '{' {
		return bytes.Join(found, []byte{','})
	}
	if _, err := d.ReadToken(); err != nil {
		return bytes.Join(found, []byte{','})
	}
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			break
		}
		at := slices.IndexFunc(sort, func(s string) bool { return strings.TrimPrefix(s, "-") == key.String() })
		value, err := d.ReadValue()
		if err != nil {
			break
		}
		if at >= 0 {
			found[at] = bytes.Clone(value)
		}
	}
	return bytes.Join(found, []byte{','})
}

func itemID(item jsontext.Value) string { return locate(item, "id").id }
