package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lists"
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

// Large: it is not that the server cannot render the row, but that what it renders is more than is accepted.
func (g Gap) Large() bool {
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

// Salvage is Page for a list that may hold rows which cannot be rendered: a page that has failed with a 500 three times is
// read in smaller parts, and what fails even alone is in Gaps. An error stands where it is not the rows that fail.
func (c *Client) Salvage(ctx context.Context, path string, query url.Values) (Page, error) {
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
		if !Unrendered(err) {
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
	return large || Unrendered(err)
}

// Unrendered tells the failure of the app itself, plain 500, from those of what stands before it (502, 503, 504) and
// from no answer at all: something that was asked for cannot be rendered.
func Unrendered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == ClassTransient && e.Status == http.StatusInternalServerError
}

// salvage is one page that is read in parts.
type salvage struct {
	client *Client
	path   string
	query  url.Values
	gaps   *Gaps
	page   Page  // what came so far
	err    error // of the page
	total  int   // total_count, as told last; -1 before that
	whole  int   // rows of the page
	rows   []int // of the items that came, beside them; from 0
}

// part is a part of the rows of a page.
type part struct {
	first, n int
	page     Page
	err      error
	asked    bool // for itself; else the error is that of more rows, of which the others came
}

// divide reads the rows first to first+n, which do not come together, in parts: a page number tells where they begin, so
// each is a whole fraction of them. That all others came says of the last one that it does not.
func (s *salvage) divide(ctx context.Context, first, n int) error {
	size := n / leastFactor(n)
	var parts []part
	failed, came := 0, 0
	for at := first; at < first+n && (at == first || s.total < 0 || at < s.total); at += size {
		p := part{first: at, n: size, err: s.err}
		last := at+size == first+n || s.total >= 0 && at+size >= s.total
		if p.asked = !last || failed > 0; p.asked {
			if p.page, p.err = s.ask(ctx, at/size+1, size); p.err == nil {
				came++
			} else if failed++; !divisible(p.err) {
				return p.err
			}
		}
		parts = append(parts, p)
	}
	if failed > 0 && came == 0 {
		if err := s.alive(ctx, n == s.whole); err != nil {
			return err
		}
	}
	for _, p := range parts {
		switch {
		case p.err == nil:
			s.take(p)
		case p.n > 1:
			if err := s.divide(ctx, p.first, p.n); err != nil {
				return err
			}
		default:
			if err := s.alone(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// alone asks for a single row once more, unless it is known to fail.
func (s *salvage) alone(ctx context.Context, p part) (err error) {
	gap := Gap{Query: lists.Unpaged(s.query), Row: p.first + 1, Err: p.err}
	if !p.asked || !gap.Large() && !s.gaps.has(s.after(gap)) {
		if p.page, gap.Err = s.ask(ctx, p.first+1, 1); gap.Err == nil {
			s.take(p)
			return nil
		}
		if !divisible(gap.Err) {
			return gap.Err
		}
	}
	s.page.Gaps = append(s.page.Gaps, gap)
	return nil
}

// alive makes sure that the server can give what it was asked for in parts, none of which came: an outage must not cost a
// request for every row, nor a change of Polar's that no row survives. thorough: nothing of the page has come either, and
// some other row of the list has to.
func (s *salvage) alive(ctx context.Context, thorough bool) error {
	const behind = 1_000_000_000
	p, err := s.ask(ctx, behind, 1)
	if err != nil {
		return err
	}
	if p.TotalCount > 0 {
		s.total = p.TotalCount
	}
	if !thorough {
		return nil
	}
	queries := []url.Values{nil} // without filters, from both ends
	if sorting := s.query["sorting"]; len(sorting) > 0 {
		forward := url.Values{"sorting": sorting}
		queries = []url.Values{forward, lists.Reversed(forward)}
	}
	for _, row := range []int{1, 2, 17, 120} {
		for _, query := range queries {
			p, err := s.client.Page(WithRenderAttempts(ctx, 1), s.path, lists.Paged(query, 1, row))
			s.page.Requests += p.Requests
			switch {
			case divisible(err), err == nil && len(p.Items) == 0: // no proof
			case err == nil, errors.Is(err, ErrContract): // that the question is refused is an answer too
				return nil
			default:
				return err
			}
		}
	}
	return fmt.Errorf("no row of the list comes, wherever it is asked for: %w", s.err)
}

// take adds a part that came.
func (s *salvage) take(p part) {
	if s.page.Items == nil || p.page.RequestedAt.Before(s.page.RequestedAt) {
		s.page.RequestedAt = p.page.RequestedAt // the oldest part decides whether another reply is newer
	}
	s.page.Checked = p.page.Checked && (s.page.Checked || s.page.Items == nil)
	s.page.Items = slices.Concat(s.page.Items, p.page.Items)
	if s.page.Items == nil {
		s.page.Items = []jsontext.Value{}
	}
	for i := range p.page.Items {
		s.rows = append(s.rows, p.first+i)
	}
}

func (s *salvage) ask(ctx context.Context, page, limit int) (Page, error) {
	p, err := s.client.Page(WithRenderAttempts(ctx, 1), s.path, lists.Paged(s.query, limit, page))
	s.page.Requests += p.Requests
	if err == nil && (p.TotalCount > 0 || s.total < 0 && page == 1) {
		s.total = p.TotalCount // of a page behind the end Polar counts 0 for events
	}
	return p, err
}

const (
	// mostWays bounds the pages that are asked for to tell a pair of rows apart.
	mostWays = 3
	// mostAdjoining bounds the gaps side by side that are looked at from the other end of the list.
	mostAdjoining = 5
)

// untie looks for rows that were on none of the parts because others came twice: rows with equal sort values come in an
// order of their own on each page (see fetch/scan). One that came twice stands in the place of another, which a page that holds
// both brings, or fails to. And of rows side by side that do not come, the list the other way round may know better.
func (s *salvage) untie(ctx context.Context) error {
	seen := make(map[string]bool, len(s.rows))
	var again []int
	for i, item := range s.page.Items {
		if id := lists.ID(item); id != "" {
			if seen[id] {
				again = append(again, i)
			}
			seen[id] = true
		}
	}
	var gone []int // indexes of items that are none
	for _, i := range again {
		found, err := s.another(ctx, i, seen)
		if err != nil {
			return err
		}
		if found == nil {
			gone = append(gone, i)
			continue
		}
		s.page.Items[i], seen[lists.ID(found)] = found, true
	}
	for _, i := range slices.Backward(gone) {
		s.gap(s.rows[i])
		s.page.Items, s.rows = slices.Delete(s.page.Items, i, i+1), slices.Delete(s.rows, i, i+1)
	}
	return s.backward(ctx, seen)
}

// another is the row in whose place the item with an index came a second time; the item itself where nothing tells, nil
// where the row does not come.
func (s *salvage) another(ctx context.Context, i int, seen map[string]bool) (jsontext.Value, error) {
	by := s.query["sorting"]
	values := lists.SortValues(s.page.Items[i], by)
	same := func(k int) bool {
		return k >= 0 && k < len(s.rows) && s.rows[k]-s.rows[i] == k-i && bytes.Equal(values, lists.SortValues(s.page.Items[k], by))
	}
	from, to := i, i
	for same(from - 1) {
		from--
	}
	for same(to + 1) {
		to++
	}
	first, last := s.rows[from], s.rows[to]
	asked, failed := 0, 0
	for limit := max(2, last-first+1); limit <= s.whole && asked < mostWays; limit++ {
		if first/limit != last/limit {
			continue
		}
		if asked++; s.holds(first/limit*limit, limit) {
			failed++
			continue
		}
		p, err := s.ask(ctx, first/limit+1, limit)
		if err != nil {
			if failed++; !divisible(err) {
				return nil, err
			}
			continue
		}
		for _, item := range p.Items {
			if id := lists.ID(item); id != "" && !seen[id] && bytes.Equal(values, lists.SortValues(item, by)) {
				return item, nil
			}
		}
	}
	if asked > 0 && failed == asked {
		return nil, nil
	}
	return s.page.Items[i], nil
}

// holds: a gap is known among these rows.
func (s *salvage) holds(first, n int) bool {
	return slices.ContainsFunc(s.page.Gaps, func(g Gap) bool { return g.Row > first && g.Row <= first+n })
}

// gap notes that a row does not come.
func (s *salvage) gap(row int) {
	g := Gap{Query: lists.Unpaged(s.query), Row: row + 1, Err: s.err}
	at, _ := slices.BinarySearchFunc(s.page.Gaps, g, func(a, b Gap) int { return a.Row - b.Row })
	s.page.Gaps = slices.Insert(s.page.Gaps, at, g)
}

// backward asks for a few gaps side by side from the other end of the list.
func (s *salvage) backward(ctx context.Context, seen map[string]bool) error {
	query := lists.Reversed(s.query)
	adjoins := func(i, k int) bool {
		return k >= 0 && k < len(s.page.Gaps) && s.page.Gaps[k].Row-s.page.Gaps[i].Row == k-i
	}
	var kept []Gap
	for i, g := range s.page.Gaps {
		run := 1
		for adjoins(i, i-run) || adjoins(i, i+run) {
			run++
		}
		if query == nil || run == 1 || run > mostAdjoining || g.Row > s.total || g.Large() {
			kept = append(kept, g)
			continue
		}
		p, err := s.client.Page(WithRenderAttempts(ctx, 1), s.path, lists.Paged(query, 1, s.total-g.Row+1))
		s.page.Requests += p.Requests
		switch {
		case err != nil && !divisible(err):
			return err
		case err == nil && len(p.Items) == 1 && !seen[lists.ID(p.Items[0])]:
			at, _ := slices.BinarySearch(s.rows, g.Row-1)
			s.page.Items, s.rows = slices.Insert(s.page.Items, at, p.Items[0]), slices.Insert(s.rows, at, g.Row-1)
			s.page.Checked = s.page.Checked && p.Checked
			seen[lists.ID(p.Items[0])] = true
		default:
			kept = append(kept, g)
		}
	}
	s.page.Gaps = kept
	return nil
}

// place names the neighbours of the gaps.
func (s *salvage) place() {
	for i := range s.page.Gaps {
		g := &s.page.Gaps[i]
		if g.Place = s.after(*g); g.Place != "" || len(s.page.Items) == 0 {
			continue
		}
		if id := lists.ID(s.page.Items[0]); id != "" {
			g.Place = "before " + id + nth(s.rows[0]+1-g.Row)
		}
	}
	s.gaps.add(s.page.Gaps)
}

// after is the place of a gap behind the row before it; "" where that did not come with it.
func (s *salvage) after(g Gap) string {
	at, _ := slices.BinarySearch(s.rows, g.Row-1)
	if at == 0 {
		return ""
	}
	id := lists.ID(s.page.Items[at-1])
	if id == "" {
		return ""
	}
	return "after " + id + nth(g.Row-1-s.rows[at-1])
}

func nth(n int) string {
	if n <= 1 {
		return ""
	}
	return " " + strconv.Itoa(n)
}

// leastFactor is the smallest number above 1 that divides n.
func leastFactor(n int) int {
	for f := 2; f*f <= n; f++ {
		if n%f == 0 {
			return f
		}
	}
	return n
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
