package scan

import (
	"bytes"
	"context"
	"iter"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// ties follows the groups of rows with equal sort values over the pages of a list. The server orders such a group anew for each
// page. So where a group spans two pages, one row may come twice and another not at all; requesting the same page again gives the
// same rows. The cause is PostgreSQL's top-N heapsort, which depends on LIMIT and OFFSET, and no list has a tie-breaker
// (polarsource/polar, server/polar/kit/repository/base.py).
type ties struct {
	values  func(jsontext.Value) []byte // the value that rows of a tie share
	forward bool                        // pages are added from the first to the last, else from the last to the first
	across  bool                        // the last added page continues the group of the one before
	group   *tied
}

// tied is a group of ties.
type tied struct {
	values      []byte
	first, last int // its rows in the list: from 0, last excluded
	rows, pages int
	moved       bool // rows of the list came or went meanwhile
	ids         map[string]struct{}
}

// missing is how many rows of the group were counted and did not come.
func (g *tied) missing() int { return g.rows - len(g.ids) }

func (g *tied) take(items []jsontext.Value) (rows int) {
	for _, item := range items {
		if id := lists.ID(item); id != "" {
			g.ids[id] = struct{}{}
			rows++
		}
	}
	return rows
}

// add takes in a page; adjoins means that it follows the last added one. It returns the group that ended with this page, if that
// group spans pages and lacks rows.
func (t *ties) add(p Page, number, size int, adjoins, moved bool) (lacking *tied) {
	was := t.group
	if !adjoins {
		was = nil
	}
	t.group, t.across = nil, false
	n := len(p.Items)
	if n == 0 {
		return was.lacking()
	}
	base := (number - 1) * size
	near, far := p.Items[0], p.Items[n-1]
	if !t.forward {
		near, far = far, near
	}
	if was != nil {
		was.moved = was.moved || moved
		if t.across = bytes.Equal(was.values, t.values(near)); t.across {
			run := t.run(p.Items, was.values, t.forward)
			was.pages++
			was.rows += was.take(run)
			if t.forward {
				was.last = base + len(run) + len(p.Gaps)
			} else {
				was.first = base + n - len(run)
			}
			if len(run) == n {
				t.group = was
				return nil
			}
		}
	}
	g := &tied{values: t.values(far), pages: 1, ids: map[string]struct{}{}}
	run := t.run(p.Items, g.values, !t.forward)
	g.rows = g.take(run)
	if t.forward {
		g.first, g.last = base+n-len(run), base+n+len(p.Gaps)
	} else {
		g.first, g.last = base, base+len(run)+len(p.Gaps)
	}
	t.group = g
	return was.lacking()
}

// end returns the group that ends with the list, if it lacks rows.
func (t *ties) end() *tied { return t.group.lacking() }

func (g *tied) lacking() *tied {
	if g == nil || g.pages < 2 || g.missing() == 0 {
		return nil
	}
	return g
}

// run is the part of a page that has these values, at its beginning or its end.
func (t *ties) run(items []jsontext.Value, values []byte, beginning bool) []jsontext.Value {
	other := func(item jsontext.Value) bool { return !bytes.Equal(t.values(item), values) }
	if beginning {
		if i := slices.IndexFunc(items, other); i >= 0 {
			return items[:i]
		}
		return items
	}
	i := len(items)
	for i > 0 && !other(items[i-1]) {
		i--
	}
	return items[i:]
}

// way is another request that brings the rows of a group.
type way struct {
	query url.Values
	limit int
	back  bool // in reverse order
}

// ways are the requests that are worth trying for a group, best first: a page that holds all of it, if there is one, then pages
// whose borders lie elsewhere, in both directions where the list can be sorted.
func (g *tied) ways(query url.Values, size int) (ways []way) {
	for limit := size; limit >= max(1, g.last-g.first); limit-- {
		if g.first/limit == (g.last-1)/limit {
			ways = append(ways, way{query, limit, false})
			break
		}
	}
	if g.moved {
		return ways // rows that moved may be why some came twice
	}
	back := lists.Reversed(query)
	for limit := size; limit > size/2; limit-- {
		if back != nil {
			ways = append(ways, way{back, limit, true})
		}
		if limit > 1 {
			ways = append(ways, way{query, limit - 1, false})
		}
	}
	return ways
}

// whole requests a group in other ways until it is complete, and yields the pages. left is how many requests it may spend. total
// is the count of the list.
func (g *tied) whole(ctx context.Context, c *fetch.Client, path string, query url.Values, values func(jsontext.Value) []byte, size, total int, left *int) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for _, w := range g.ways(query, size) {
			first, last := g.first, g.last
			if w.back {
				first, last = max(0, total-last), total-first
			}
			for n := first / w.limit; n*w.limit < last && g.missing() > 0; n++ {
				if *left--; *left < 0 {
					return
				}
				p, err := salvage(ctx, c, path, lists.Paged(w.query, w.limit, n+1))
				if err == nil {
					p.Gaps = nil // the page that they are on has reported them
					g.take(slices.DeleteFunc(slices.Clone(p.Items), func(item jsontext.Value) bool { return !bytes.Equal(values(item), g.values) }))
				}
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}
