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
