package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Gap is a row that the server cannot render. Polar builds every item of a page before it sends the first, so one row
// that fails its own check turns its whole page into a 500, each time (polarsource/polar, server/polar/*/endpoints.py).
// The rows around it come in smaller pages; of the row itself nothing is known but where it stands. A row that makes a
// page larger than is accepted, even alone, is one too.
type Gap struct {
	Query url.Values // the list that it stands in: the query without page and limit
	Row   int        // its place in that list, counted from 1
	// Place is where it stands among its neighbours, which stays when rows come and go elsewhere: "after ID", or "before ID"
	// of the first that came, and a number where several stand there; "" where no neighbour came.
	Place string
	Err   error // what came instead of the row
}

// IsTooLarge: it is not that the server cannot render the row, but that what it renders is more than is accepted.
func (g Gap) IsTooLarge() bool {
	_, is := errors.AsType[*errTooLarge](g.Err)
	return is
}

// pageAttempts is how often a page is asked for before it is read in parts.
const pageAttempts = 3

// Gaps are places of rows that cannot be rendered, as they become known.
type Gaps struct {
	mu    sync.Mutex
	known map[string]bool
}

type gapsKey struct{}

// WithGaps returns a context whose lists are known to have gaps at these places: a page that holds one is not asked for
// again before it is divided, and neither is what stands at such a place. Gaps that are found are added.
func WithGaps(ctx context.Context, places []string) context.Context {
	known := make(map[string]bool, len(places))
	for _, place := range places {
		known[place] = true
	}
	return context.WithValue(ctx, gapsKey{}, &Gaps{known: known})
}

type pageSizeKey struct{}

// WithPageSize returns a context in which Salvage divides a page as one of so many rows: the server is known to use that
// limit where a larger one is asked for. Divided by the limit asked for, parts would begin at the wrong rows.
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

// SalvagePage is Page for a list that may hold rows which cannot be rendered: a page that has failed with a 500 three times is
// read in smaller parts, and what fails even alone is in Gaps. An error stands where it is not the rows that fail.
func (c *Client) SalvagePage(ctx context.Context, path string, query url.Values) (Page, error) {
	limit, _ := strconv.Atoi(query.Get("limit")) // without a number there is nothing to divide
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
	number, _ := strconv.Atoi(query.Get("page")) // the first page where it is not said
	s := &salvage{client: c, path: path, query: query, gaps: gapsOf(ctx), page: page, err: err, total: -1, whole: limit}
	if err := s.divide(ctx, (max(1, number)-1)*limit, limit); err != nil {
		if !IsUnrendered(err) {
			return s.page, err
		}
		// It is not the rows, so it may pass: as often as is usual in all.
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

// divisible: fewer rows may come where these do not.
func divisible(err error) bool {
	_, large := errors.AsType[*errTooLarge](err)
	return large || IsUnrendered(err)
}

// IsUnrendered tells the failure of the app itself, plain 500, from those of what stands before it (502, 503, 504) and
// from no answer at all: something that was asked for cannot be rendered.
func IsUnrendered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == ClassTransient && e.Status == http.StatusInternalServerError
}

type renderKey struct{}

// WithRenderAttempts returns a context whose requests are given up after n answers of 500. Everything else is retried as
// ever: it is not about the rows asked for.
func WithRenderAttempts(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, renderKey{}, n)
}

// outOfPatience tells whether a request has been answered with 500 as often as it is worth.
func outOfPatience(ctx context.Context, status int) bool {
	most, limited := ctx.Value(renderKey{}).(int)
	made, counted := ctx.Value(callKey{}).(*call)
	return limited && counted && status == http.StatusInternalServerError && made.attempts >= most
}
