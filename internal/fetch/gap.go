package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Gap is a row that the server cannot render. Polar builds every item of a page before it sends the first, so one row
// that fails its own check turns its whole page into a 500, each time (polarsource/polar, server/polar/*/endpoints.py).
// The rows around it come in smaller pages; of the row itself nothing is known but where it stands.
type Gap struct {
	Query url.Values // the list that it stands in: the query without page and limit
	Row   int        // its place in that list, counted from 1
	Err   error      // what the server said when it was asked for this row alone
}

const (
	// maxGaps bounds the gaps of one scan. A server that fails on more rows than that is out of order, and no list of
	// its rows is worth having.
	maxGaps = 20
	// gapAttempts is how often a part of a failed page is asked for: the page itself has used up the patience.
	gapAttempts = 2
)

// Salvage is Page for a list that may hold rows which cannot be rendered: a page that still fails with a 500 after all
// attempts is read in smaller parts, and what fails even alone is in Gaps. The error of the page stands where nothing
// of it can be read, or more than 20 rows of it cannot.
func (c *Client) Salvage(ctx context.Context, path string, query url.Values) (Page, error) {
	left := maxGaps
	return c.salvage(ctx, path, query, 0, &left)
}

// salvage is Salvage with the number of gaps left to a scan. size is the limit that the server is known to use, if that
// is less than was asked for; else 0.
func (c *Client) salvage(ctx context.Context, path string, query url.Values, size int, left *int) (Page, error) {
	page, err := c.Page(ctx, path, query)
	limit, _ := strconv.Atoi(query.Get("limit")) // without a number there is nothing to divide
	if size > 0 {
		limit = min(limit, size)
	}
	if !unrendered(err) || limit <= 1 {
		return page, err
	}
	number, _ := strconv.Atoi(query.Get("page")) // the first page where it is not said
	s := &salvage{client: c, path: path, query: query, left: left, page: page}
	first := (max(1, number) - 1) * limit
	if !s.alive(ctx, first, limit) {
		return s.page, err
	}
	if err := s.divide(ctx, first, limit); err != nil {
		return s.page, err
	}
	s.page.TotalCount, s.page.MaxPage = s.total, (s.total+limit-1)/limit
	return s.page, nil
}

// unrendered tells the failure of the app itself, plain 500, from those of what stands before it (502, 503, 504) and
// from no answer at all.
func unrendered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == ClassTransient && e.Status == http.StatusInternalServerError
}

// salvage is one page that is read in parts.
type salvage struct {
	client *Client
	path   string
	query  url.Values
	left   *int
	page   Page // what came so far
	total  int  // total_count of the last part
}

// alive makes sure that the list can be read at all, at the first, the last and the middle row of the page: an outage
// must not cost a request for every row.
func (s *salvage) alive(ctx context.Context, first, limit int) bool {
	for _, row := range []int{first, first + limit - 1, first + limit/2} {
		p, err := s.ask(ctx, row+1, 1, 1)
		if err == nil {
			s.total = p.TotalCount
			return true
		}
		if !unrendered(err) {
			return false
		}
	}
	return false
}

// divide reads the rows first to first+n, a page that failed, in pages of a tenth of it.
func (s *salvage) divide(ctx context.Context, first, n int) error {
	limit := 1
	if n%10 == 0 {
		limit = n / 10
	}
	for at := first; at < first+n && at < s.total; at += limit {
		p, err := s.ask(ctx, at/limit+1, limit, gapAttempts)
		switch {
		case err == nil:
			s.take(p)
		case !unrendered(err):
			return err
		case limit > 1:
			if err := s.divide(ctx, at, limit); err != nil {
				return err
			}
		case *s.left <= 0:
			return err
		default:
			*s.left--
			s.page.Gaps = append(s.page.Gaps, Gap{Query: rest(s.query), Row: at + 1, Err: err})
		}
	}
	return nil
}

// take adds a part that came.
func (s *salvage) take(p Page) {
	if s.page.Items == nil || p.RequestedAt.Before(s.page.RequestedAt) {
		s.page.RequestedAt = p.RequestedAt // the oldest part decides whether another reply is newer
	}
	s.page.Items = slices.Concat(s.page.Items, p.Items)
	s.total = p.TotalCount
}

func (s *salvage) ask(ctx context.Context, page, limit, attempts int) (Page, error) {
	p, err := s.client.Page(context.WithValue(ctx, patienceKey{}, attempts), s.path, paged(s.query, limit, page))
	s.page.Requests += p.Requests
	return p, err
}

// rest is a query without what divides the list into pages.
func rest(query url.Values) url.Values {
	query = with(query, "page")
	delete(query, "page")
	delete(query, "limit")
	return query
}

// patienceKey is the key under which a context says how many attempts a 500 is worth. Everything else is retried as
// ever: it is not about the rows asked for.
type patienceKey struct{}

// outOfPatience tells whether a request has been answered with 500 as often as it is worth.
func outOfPatience(ctx context.Context, status int) bool {
	most, limited := ctx.Value(patienceKey{}).(int)
	made, counted := ctx.Value(callKey{}).(*call)
	return limited && counted && status == http.StatusInternalServerError && made.own() >= most
}
