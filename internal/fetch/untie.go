package fetch

import (
	"bytes"
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lists"
)

const (
	// mostWays bounds the requests that tell a pair of rows apart.
	mostWays = 3
	// mostAdjoining: up to this many adjacent gaps are requested from the other end of the list.
	mostAdjoining = 5
)

// untie looks for rows that no part brought because another row came twice: rows with equal sort values come in another order on
// each page (see fetch/scan). A row that came twice stands in the place of a missing one. A page that holds both either brings
// the missing row or fails. Adjacent gaps are also requested with the order of the list reversed.
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
	var gone []int // indexes of items whose row does not come
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

// another finds the row in whose place item i came a second time. It returns the item itself where that is not known, and nil
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

// holds: one of these rows is a known gap.
func (s *salvage) holds(first, n int) bool {
	return slices.ContainsFunc(s.page.Gaps, func(g Gap) bool { return g.Row > first && g.Row <= first+n })
}

// gap records that a row does not come.
func (s *salvage) gap(row int) {
	g := Gap{Query: lists.Unpaged(s.query), Row: row + 1, Err: s.err}
	at, _ := slices.BinarySearchFunc(s.page.Gaps, g, func(a, b Gap) int { return a.Row - b.Row })
	s.page.Gaps = slices.Insert(s.page.Gaps, at, g)
}

// backward requests up to mostAdjoining adjacent gaps from the other end of the list.
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
		if query == nil || run == 1 || run > mostAdjoining || g.Row > s.total || g.IsTooLarge() {
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
