package pack_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/tail/pack"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

func ids(n int) []uuid.UUID {
	list := make([]uuid.UUID, n)
	for i := range list {
		list[i] = uuid.NewSHA1(uuid.Nil, []byte{byte(i)})
	}
	return list
}

// Each row is in one question, whose span holds it, whose values name it and whose answer fits on a page, if that is possible at all.
func TestRows(t *testing.T) {
	t.Parallel()
	value := ids(40)
	old := map[uuid.UUID][]time.Time{} // each value has a row a day, for 60 days
	for _, v := range value {
		for n := range 60 {
			old[v] = append(old[v], day(n))
		}
	}
	for name, c := range map[string]struct {
		rows      []pack.Row
		others    map[uuid.UUID][]time.Time
		most      int
		questions int
	}{
		"nothing":                      {nil, nil, 50, 0},
		"each value finds one":         {rowsOf(value, func(i int) time.Time { return day(i) }), nil, 50, 1},
		"as many values as it takes":   {rowsOf(value, func(i int) time.Time { return day(i) }), nil, 7, 6},
		"of one day":                   {rowsOf(value, func(int) time.Time { return day(3) }), old, 50, 1},
		"far apart, each with others":  {rowsOf(value[:4], func(i int) time.Time { return day(15 * i) }), old, 50, 2},
		"as far, of few values":        {rowsOf(slices.Repeat(value[:1], 4), func(i int) time.Time { return day(15 * i) }), old, 50, 1},
		"a list that is not by time":   {rowsOf(value[:4], func(int) time.Time { return time.Time{} }), map[uuid.UUID][]time.Time{value[0]: make([]time.Time, 95)}, 50, 2},
		"one value with too many rows": {rowsOf(value[:1], func(int) time.Time { return time.Time{} }), map[uuid.UUID][]time.Time{value[0]: make([]time.Time, 1000)}, 50, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := pack.Rows(c.rows, c.others, c.most)
			if len(list) != c.questions {
				t.Errorf("%d questions, want %d", len(list), c.questions)
			}
			asked := 0
			for _, q := range list {
				asked += len(q.Rows)
				if len(q.Values) > c.most || len(q.Rows) > 1 && q.Pages != 1 {
					t.Errorf("%d values, %d pages for %d rows", len(q.Values), q.Pages, len(q.Rows))
				}
				for _, r := range q.Rows {
					if r.At.Before(q.From) || !q.Until.IsZero() && r.At.After(q.Until) || !slices.Contains(q.Values, r.Value) {
						t.Errorf("%+v is not found by %+v", r, q)
					}
				}
			}
			if asked != len(c.rows) {
				t.Errorf("%d of %d rows are asked for", asked, len(c.rows))
			}
		})
	}
}

// A row whose place is not known may be anywhere later: the question has no end, and what it finds there counts.
func TestRowThatIsNotKnown(t *testing.T) {
	t.Parallel()
	v := ids(2)
	rows := []pack.Row{{ID: v[0], Value: v[0], At: day(0), Open: true}, {ID: v[1], Value: v[1], At: day(1)}}
	if list := pack.Rows(rows, map[uuid.UUID][]time.Time{v[0]: {day(5)}}, 50); len(list) != 1 || !list[0].Until.IsZero() {
		t.Errorf("questions: %+v", list)
	}
	if list := pack.Rows(rows, map[uuid.UUID][]time.Time{v[0]: slices.Repeat([]time.Time{day(5)}, 90)}, 50); len(list) != 2 {
		t.Errorf("%d questions for more than a page", len(list))
	}
}

func rowsOf(values []uuid.UUID, at func(int) time.Time) []pack.Row {
	rows := make([]pack.Row, len(values))
	for i, v := range values {
		rows[i] = pack.Row{ID: uuid.NewSHA1(v, []byte{byte(i)}), Value: v, At: at(i)}
	}
	return rows
}
