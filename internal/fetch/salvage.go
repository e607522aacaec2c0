package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lists"
)

// salvage is one page that is read in parts.
type salvage struct {
	client *Client
	path   string
	query  url.Values
	gaps   *Gaps
	page   Page  // what came so far
	err    error // of the whole page
	total  int   // the latest total_count; -1 before the first
	whole  int   // the size of the page in rows
	rows   []int // index in the list of each of page.Items, from 0
}

// part is a range of the rows of a page.
type part struct {
	first, n int
	page     Page
	err      error
	asked    bool // it was requested by itself; else err is that of a larger range, the rest of which came
}

// divide reads in parts the n rows from first on, which do not come together. A page number tells where a part begins, so each
// part has the same size and divides n. If all parts but the last came, the last one is known to fail without a request.
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

// alone requests a single row once more, unless it is known to fail.
func (s *salvage) alone(ctx context.Context, p part) (err error) {
	gap := Gap{Query: lists.Unpaged(s.query), Row: p.first + 1, Err: p.err}
	if !p.asked || !gap.IsTooLarge() && !s.gaps.has(s.after(gap)) {
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

// alive makes sure, after no part came, that the server answers at all. Neither an outage nor a change at Polar that breaks every
// row may cost a request for each row. thorough: no part of the page came, so some other row of the list has to.
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
			// This proves nothing.
			case divisible(err), err == nil && len(p.Items) == 0:
			// A refusal of the query is an answer too.
			case err == nil, errors.Is(err, ErrContract):
				return nil
			default:
				return err
			}
		}
	}
	return fmt.Errorf("no row of the list comes, from neither end: %w", s.err)
}

// take adds a part that came.
func (s *salvage) take(p part) {
	if s.page.Items == nil || p.page.RequestedAt.Before(s.page.RequestedAt) {
		s.page.RequestedAt = p.page.RequestedAt // the oldest part decides whether another answer is newer
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
		s.total = p.TotalCount // behind the last page of events Polar's total_count is 0
	}
	return p, err
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

// after is the place of a gap relative to the row before it; "" where no such row came.
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

// CountPage is a page of a list with its count and at most one row. That row may be what Polar cannot render: a page behind the end
// has no row, and still the count.
func (c *Client) CountPage(ctx context.Context, path string, query url.Values) (Page, error) {
	p, err := c.Page(WithRenderAttempts(ctx, 1), path, lists.Paged(query, 1, 1))
	if !IsUnrendered(err) {
		return p, err
	}
	const behind = 1_000_000_000
	spent := p.Requests
	p, err = c.Page(ctx, path, lists.Paged(query, 1, behind))
	p.Requests += spent
	return p, err
}
