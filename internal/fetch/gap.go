package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Gap is a row that the server cannot render. Polar builds all items of a page before it sends the first, so one row that fails
// validation turns its whole page into a 500, each time (polarsource/polar, server/polar/*/endpoints.py). The rows around it come
// in smaller pages. Of the row itself only its place is known. A row that alone exceeds Config.MaxBody is a gap, too.
type Gap struct {
	Query url.Values // the list that it is in: the query without page and limit
	Row   int        // its position in that list, counted from 1
	// Place says where the row stands among its neighbours; it does not change when rows elsewhere come and go. It is "after ID",
	// or "before ID" of the first row that came, with a number where several gaps stand there. It is "" where no neighbour came.
	Place string
	Err   error // the answer in place of the row
}

// IsTooLarge: the server renders the row, but the body exceeds Config.MaxBody.
func (g Gap) IsTooLarge() bool {
	_, is := errors.AsType[*errTooLarge](g.Err)
	return is
}

// pageAttempts is how often a page is requested before it is read in parts.
const pageAttempts = 3

// Gaps are places of rows that cannot be rendered. It grows as they become known.
type Gaps struct {
	mu    sync.Mutex
	known map[string]bool
}

type gapsKey struct{}

// WithGaps returns a context for lists that are known to have gaps at these places. A page that holds one is divided at its first
// 500, and the row at a known place is not requested alone again. Newly found gaps are added.
func WithGaps(ctx context.Context, places []string) context.Context {
	known := make(map[string]bool, len(places))
	for _, place := range places {
		known[place] = true
	}
	return context.WithValue(ctx, gapsKey{}, &Gaps{known: known})
}

type pageSizeKey struct{}

// WithPageSize returns a context in which SalvagePage takes a page to have this many rows: the server is known to apply that
// limit when a larger one is requested. Parts computed from the requested limit would begin at the wrong rows.
func WithPageSize(ctx context.Context, rows int) context.Context {
	return context.WithValue(ctx, pageSizeKey{}, rows)
}

func gapsOf(ctx context.Context) *Gaps {
	g, _ := ctx.Value(gapsKey{}).(*Gaps)
	return g
}

func (g *Gaps) any() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.known) > 0
}

func (g *Gaps) has(place string) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known[place]
}

func (g *Gaps) add(gaps []Gap) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gap := range gaps {
		g.known[gap.Place] = true
	}
}

// SalvagePage is Page for a list that may hold rows which cannot be rendered. A page that failed with 500 three times is read in
// smaller parts; rows that fail alone are in Gaps. It returns an error where rows are not the cause.
func (c *Client) SalvagePage(ctx context.Context, path string, query url.Values) (Page, error) {
	limit, _ := strconv.Atoi(query.Get("limit")) // without a limit there is nothing to divide
	attempts := pageAttempts
	if gapsOf(ctx).any() && limit > 1 {
		attempts = 1
	}
	page, err := c.Page(WithRenderAttempts(ctx, attempts), path, query)
	if size, known := ctx.Value(pageSizeKey{}).(int); known && size > 0 {
		limit = min(limit, size)
	}
	if !divisible(err) || limit <= 1 {
		return page, err
	}
	number, _ := strconv.Atoi(query.Get("page")) // the default is the first page
	s := &salvage{client: c, path: path, query: query, gaps: gapsOf(ctx), page: page, err: err, total: -1, whole: limit}
	if err := s.divide(ctx, (max(1, number)-1)*limit, limit); err != nil {
		if !IsUnrendered(err) {
			return s.page, err
		}
		// Rows are not the cause, so it may pass: make the rest of the usual attempts.
		sleep(ctx, c.cfg.Backoff(attempts+1))
		page, err := c.Page(WithRenderAttempts(ctx, max(1, c.cfg.MaxAttempts-attempts)), path, query)
		page.Requests += s.page.Requests
		return page, err
	}
	if err := s.untie(ctx); err != nil {
		return s.page, err
	}
	s.place()
	s.total = max(s.total, len(s.rows)+len(s.page.Gaps))
	s.page.TotalCount, s.page.MaxPage = s.total, (s.total+limit-1)/limit
	return s.page, nil
}

// divisible: a request for fewer rows may succeed where this one failed.
func divisible(err error) bool {
	_, large := errors.AsType[*errTooLarge](err)
	return large || IsUnrendered(err)
}

// IsUnrendered tells whether the error is a plain 500, a failure of the application: something that was requested cannot be
// rendered. 502, 503, 504 and no answer come from what stands in front of Polar.
func IsUnrendered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == ClassTransient && e.Status == http.StatusInternalServerError
}

type renderKey struct{}

// WithRenderAttempts returns a context whose requests are given up after n answers of 500. Other failures are retried as usual:
// they say nothing about the requested rows.
func WithRenderAttempts(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, renderKey{}, n)
}

// renderAttemptsSpent: the request has been answered with 500 as often as WithRenderAttempts allows.
func renderAttemptsSpent(ctx context.Context, status int) bool {
	most, limited := ctx.Value(renderKey{}).(int)
	made, counted := ctx.Value(callKey{}).(*call)
	return limited && counted && status == http.StatusInternalServerError && made.attempts >= most
}
