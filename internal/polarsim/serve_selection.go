package polarsim

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"sync"
)

// selections caches recent lists, sorted and filtered, so that a page needs no sort. Any change of the world invalidates them.
type selections struct {
	mu    sync.Mutex
	lists map[string]*kept
	clock uint64
}

type kept struct {
	version uint64 // of the world
	used    uint64
	rows    []Ref
}

const maxSelections = 24

// get returns the cached list of a key, or builds it.
func (s *selections) get(key string, version uint64, build func() []Ref) []Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	if l, ok := s.lists[key]; ok && l.version == version {
		l.used = s.clock
		return l.rows
	}
	if s.lists == nil {
		s.lists = map[string]*kept{}
	}
	delete(s.lists, key)
	for len(s.lists) >= maxSelections {
		oldest := ""
		for k, l := range s.lists {
			if oldest == "" || l.used < s.lists[oldest].used {
				oldest = k
			}
		}
		delete(s.lists, oldest)
	}
	l := &kept{version: version, used: s.clock, rows: build()}
	s.lists[key] = l
	return l.rows
}

// rows are those that answer a list query, sorted, ties in any order. The caller holds the world's lock and does not change them.
func (w *World) rows(r *resource, l *listQuery) []Ref {
	if l.empty {
		return nil
	}
	rows := w.selections.get(r.path+"\x00"+l.key, w.version, func() []Ref { return w.build(r, l) })
	for _, b := range l.ranges {
		rows = w.cut(rows, l, b)
	}
	return rows
}

func (w *World) build(r *resource, l *listQuery) []Ref {
	rows := make([]Ref, 0, r.rows(w))
next:
	for n := range Ref(r.rows(w)) {
		if r.hidden != nil && r.hidden(w, n) || r.unless != nil && !l.unhidden && r.unless(w, n) {
			continue
		}
		for _, test := range l.tests {
			if !test(n) {
				continue next
			}
		}
		rows = append(rows, n)
	}
	if len(l.sorting) == 0 {
		return rows
	}
	if len(l.sorting) == 1 && l.sorting[0].name == r.natural {
		if l.sorting[0].desc {
			slices.Reverse(rows)
		}
		return rows
	}
	slices.SortFunc(rows, func(a, b Ref) int { return w.compare(l.sorting, a, b) })
	return rows
}

// compare orders two rows by the given criteria only: no endpoint of Polar adds a tie-breaker.
func (w *World) compare(sorting []criterion, a, b Ref) int {
	for i := range sorting {
		if c := sorting[i].compare(w, a, b); c != 0 {
			if sorting[i].desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// cut narrows sorted rows to those within a bound: by binary search where they are sorted by that time.
func (w *World) cut(rows []Ref, l *listQuery, b bound) []Ref {
	if len(l.sorting) == 0 || l.sorting[0].name != b.key {
		kept := make([]Ref, 0, len(rows))
		for _, n := range rows {
			if b.accepts(b.time(w, n), b.at) {
				kept = append(kept, n)
			}
		}
		return kept
	}
	desc := l.sorting[0].desc
	// NULLs lie at one end and are never within a bound.
	if desc {
		rows = rows[sort.Search(len(rows), func(i int) bool { return b.time(w, rows[i]) != 0 }):]
	} else {
		rows = rows[:sort.Search(len(rows), func(i int) bool { return b.time(w, rows[i]) == 0 })]
	}
	if b.after != desc { // the rows wanted are at the end
		return rows[sort.Search(len(rows), func(i int) bool { return b.accepts(b.time(w, rows[i]), b.at) }):]
	}
	return rows[:sort.Search(len(rows), func(i int) bool { return !b.accepts(b.time(w, rows[i]), b.at) })]
}

// inOrder is the salt that leaves tied rows in table order.
const inOrder = 0

// ties is the salt that decides the order of rows that tie. Postgres and ClickHouse order them by the query: the same page has
// the same rows each time, and the next page, or one of another size, is cut from another order. A list without an order comes in
// table order.
func (c *call) ties(path string, l *listQuery) uint64 {
	for _, h := range c.hits {
		if h.Kind == "shuffle" {
			return mix(c.w.seed^mix(c.number)) | 1
		}
	}
	switch {
	case c.opts.StableTies:
		return c.w.seed | 1
	case len(l.sorting) == 0:
		return inOrder
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, path, l.key, l.page, l.limit) // never fails
	for _, b := range l.ranges {
		_, _ = fmt.Fprint(h, b.key, b.after, b.at)
	}
	return mix(c.w.seed^h.Sum64()) | 1
}

// page gives the rows from offset, at most limit of them. Rows that tie come in an order that salt decides.
func (w *World) page(rows []Ref, sorting []criterion, offset, limit int, salt uint64) []Ref {
	if offset >= len(rows) || offset < 0 {
		return nil
	}
	end := min(offset+limit, len(rows))
	if salt == inOrder {
		return rows[offset:end]
	}
	out := make([]Ref, 0, end-offset)
	for i := offset; i < end; {
		first, last := w.run(rows, sorting, i)
		perm := newShuffle(last-first, salt^uint64(first)*0x9e3779b97f4a7c15)
		for ; i < min(last, end); i++ {
			out = append(out, rows[first+perm.at(i-first)])
		}
	}
	return out
}

// run gives the bounds of the run of rows that tie with row i.
func (w *World) run(rows []Ref, sorting []criterion, i int) (first, last int) {
	if len(sorting) == 0 {
		return 0, len(rows)
	}
	tie := func(j int) bool { return w.compare(sorting, rows[i], rows[j]) == 0 }
	first, last = i, i+1
	if i > 0 && tie(i-1) {
		first = sort.Search(i, tie)
	}
	if last < len(rows) && tie(last) {
		last += sort.Search(len(rows)-last, func(j int) bool { return !tie(last + j) })
	}
	return first, last
}

// shuffle is a permutation of [0, n) that needs no table: an affine map.
type shuffle struct{ n, factor, shift int }

func newShuffle(n int, salt uint64) shuffle {
	if n < 2 {
		return shuffle{max(n, 1), 1, 0}
	}
	factor := int(mix(salt)%uint64(n)) | 1
	for gcd(factor, n) != 1 {
		factor += 2
	}
	return shuffle{n, factor % n, int(mix(salt+1) % uint64(n))}
}

func (s shuffle) at(i int) int {
	if s.n == 1 {
		return 0
	}
	return int((uint64(i)*uint64(s.factor) + uint64(s.shift)) % uint64(s.n))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
