package pack

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// pageRows is how many rows a question may find, by those known: with a few new ones they fit on a page of 100, and a full page is not
// known to be the last.
const pageRows = 90

// Row is a row to fetch.
type Row struct {
	ID    uuid.UUID
	Value uuid.UUID // of the filter that finds it
	At    time.Time // its place in the list; where rows have none, the zero time
	Open  bool      // it may be anywhere from At on
}

// Span returns the values of rows, and the first of their times.
func Span(rows []Row) (values []uuid.UUID, from time.Time) {
	for _, r := range rows {
		if values = append(values, r.Value); from.IsZero() || r.At.Before(from) {
			from = r.At
		}
	}
	return values, from
}

// Question asks for all rows that have these values, in a span of the list.
type Question struct {
	Rows   []Row // that it is asked for
	Values []uuid.UUID
	From   time.Time
	Until  time.Time // inclusive; zero: no end
	Pages  int       // how many requests it takes
}

// Rows packs rows into questions: those beside one another in the list together, as many as fit on a page. others are the places of
// all rows that have one of their values; most is how many values one question takes.
func Rows(rows []Row, others map[uuid.UUID][]time.Time, most int) (list []Question) {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b Row) int {
		return cmp.Or(a.At.Compare(b.At), slices.Compare(a.Value[:], b.Value[:]), slices.Compare(a.ID[:], b.ID[:]))
	})
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && fits(rows[:n+1], others, most) {
			n++
		}
		list = append(list, question(rows[:n], others))
		rows = rows[n:]
	}
	return list
}

func fits(rows []Row, others map[uuid.UUID][]time.Time, most int) bool {
	q := question(rows, others)
	return q.Pages == 1 && len(q.Values) <= most
}

func question(rows []Row, others map[uuid.UUID][]time.Time) Question {
	q := Question{Rows: rows, From: rows[0].At, Until: rows[len(rows)-1].At}
	values := map[uuid.UUID]bool{}
	for _, r := range rows {
		values[r.Value] = true
		if r.Open {
			q.Until = time.Time{}
		}
	}
	found := 0
	for v := range values {
		for _, at := range others[v] {
			if !at.Before(q.From) && (q.Until.IsZero() || !at.After(q.Until)) {
				found++
			}
		}
	}
	q.Values = slices.SortedFunc(maps.Keys(values), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	q.Pages = 1 + found/pageRows
	return q
}
