package scan

import (
	"context"
	"sort"
	"time"

	"syncd/internal/fetch/lists"
)

// closing proves a scan by windows while more rows are dated back to where it has been than it could read again as a whole. Each
// window is proved by itself: it is counted, and as many rows came as are counted. It need not agree with the others at one
// moment: every row that was there when the scan began is in one of them, and came.
type closing struct {
	*windowScan
	last  *Page
	left  int               // requests that it may spend: as many as reading everything twice more would take
	early map[time.Time]int // by border, how many rows are in the second before it
}

// closeAtLeast is how many requests a short scan may spend on proving its windows.
const closeAtLeast = 20

// border is a place between two windows that were read.
type border struct {
	at    time.Time
	known int // rows before it that came
}

// close proves the windows of this run up to the mark, and reads those again that have more rows than came. It returns false where
// one of them cannot be proved.
func (s *windowScan) close(ctx context.Context, last *Page) (closed bool, err error) {
	c := &closing{windowScan: s, last: last, left: 2*s.bound.used + closeAtLeast, early: map[time.Time]int{}}
	upTo := sort.Search(len(s.borders), func(i int) bool { return s.borders[i].at.After(s.mark) })
	if upTo < 2 {
		return false, nil
	}
	// What an earlier run read is one window, of which it is not known what came where.
	if begun := s.borders[0]; begun.known > 0 {
		n, err := c.count(ctx, s.first, begun.at)
		if err != nil || n != begun.known {
			return false, err
		}
	}
	return c.prove(ctx, 0, upTo-1)
}

// prove proves the windows between two borders, by halves.
func (c *closing) prove(ctx context.Context, from, to int) (closed bool, err error) {
	begin, end := &c.borders[from], &c.borders[to]
	n, err := c.count(ctx, begin.at, end.at)
	if err != nil || c.left < 0 {
		return false, err
	}
	switch came := end.known - begin.known; {
	case n == came:
		return true, nil
	case n < came:
		return false, nil // rows are gone, or the count is wrong
	case to == from+1:
		return c.again(ctx, from, n)
	}
	half := (from + to) / 2
	if closed, err = c.prove(ctx, from, half); err != nil || !closed {
		return false, err
	}
	return c.prove(ctx, half, to)
}

// count is how many rows a window has by Polar's count. Its filters on time are exclusive, and exact at whole seconds, so a query for
// a window has the rows of the second before it, too. Those are counted first: a row that comes there in between makes the window
// one too many, and never one too few.
func (c *closing) count(ctx context.Context, begin, end time.Time) (int, error) {
	early, known := c.early[begin]
	if !known && !begin.IsZero() {
		var err error
		if early, err = c.rowsOf(ctx, begin, begin); err != nil {
			return 0, err
		}
		c.early[begin] = early
	}
	n, err := c.rowsOf(ctx, begin, end)
	return n - early, err
}

// rowsOf counts the rows from the second before begin on.
func (c *closing) rowsOf(ctx context.Context, begin, end time.Time) (int, error) {
	if c.left--; c.left < 0 {
		return 0, nil
	}
	n, err := count(ctx, c.client, c.path, c.window(begin, end.Add(-windowMargin)))
	c.last.Requests += n.Requests
	return n.Total, err
}

// again reads a window whole that had n rows when it was counted.
func (c *closing) again(ctx context.Context, from, n int) (closed bool, err error) {
	begin, end := c.borders[from], c.borders[from+1]
	ids := map[string]struct{}{}
	list := Offset{Fixed: []string{c.Field}, Limit: c.Limit, Spare: tieShare * c.bound.used, value: c.moment}
	for p, err := range list.list(ctx, c.client, c.path, c.window(begin.at, end.at.Add(-windowMargin)), Cursor{}) {
		if c.left -= p.Requests; err != nil || c.left < 0 || len(p.Gaps) > 0 {
			c.last.Requests += p.Requests
			return false, err
		}
		kept := p.Items[:0:0]
		for _, item := range p.Items {
			if at := locate(item, c.Field).at; !at.Before(begin.at) && at.Before(end.at) {
				kept = append(kept, item)
				ids[lists.ID(item)] = struct{}{}
			}
		}
		p.Items, p.Done = kept, false
		if c.stopped = !c.yield(c.page(p), nil); c.stopped {
			return false, nil
		}
	}
	more := len(ids) - (end.known - begin.known)
	if len(ids) < n || more < 0 {
		return false, nil
	}
	for i := from + 1; i < len(c.borders); i++ {
		c.borders[i].known += more
	}
	c.known += more
	return true, nil
}
