package scan

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/lists"
	"syncd/internal/slowtest"
)

// Between any two requests, as many rows go that were read as come elsewhere: total_count says nothing, and a row that was
// there all the time would slip over the border of two pages unread.
func TestNoRowSlipsWhileOthersComeAndGo(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	one := Parents{Param: "owner", After: func(_ context.Context, id string) ([]string, error) {
		if id == "" {
			return []string{"the only one"}, nil
		}
		return nil, nil
	}}
	for name, test := range map[string]struct {
		scan  Scan
		fixed string
		every time.Duration // apart are the rows; 0 = three of a time, a millisecond apart
		most  int           // requests
	}{
		"offset":              {byCreationThenEmail, "", 0, 25},
		"offset, oldest last": {Offset{Fixed: []string{"-created_at"}}, "-created_at", 0, 25},
		"offset, newest last": {Offset{Fixed: []string{"created_at"}}, "created_at", 0, 25},
		"keyset":              {byCreation, "", 0, 25},
		"per parent":          {Nested{Fixed: []string{"-created_at"}, Parents: []Parents{one}}, "-created_at", 0, 60},
		"windows":             {Windows{Field: "created_at", After: "created_after", Before: "created_before"}, "created_at", 5 * time.Second, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, swapped := range []int{1, 10} {
				for border := 1; border <= 13; border++ { // 13: every one
					for _, between := range []bool{false, true} { // the count and the page of one request
						l := newList(spreadRows(120, 3))
						for i := range l.rows {
							if test.every > 0 {
								l.rows[i].at = epoch.Add(time.Duration(i) * test.every)
							}
						}
						l.clamp, l.fixed = 10, test.fixed
						read, fresh := map[string]bool{}, 0
						swap := func(n int) {
							if n != border && border != 13 || n > 12 {
								return
							}
							for range swapped {
								if i := slices.IndexFunc(l.rows, func(row row) bool { return l.given[row.id] && !row.kept() }); i >= 0 {
									fresh++
									l.rows = append(slices.Delete(l.rows, i, i+1), newcomer(fresh))
								}
							}
						}
						if between {
							l.counted = swap
						} else {
							l.asked = swap
						}
						for p, err := range test.scan.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/customers/", nil, Cursor{}) {
							if err != nil {
								t.Fatal(err)
							}
							for _, item := range p.Items {
								read[lists.ID(item)] = true
							}
						}
						what := fmt.Sprintf("%d rows swapped at request %d, between count and page: %t", swapped, border, between)
						for _, row := range l.rows {
							if !read[row.id] && row.at.Before(epoch.Add(time.Hour)) {
								t.Errorf("%s: %s is missing", what, row.id)
							}
						}
						if len(l.requests) > test.most {
							t.Errorf("%s: %d requests", what, len(l.requests))
						}
					}
				}
			}
		})
	}
}

// kept are rows that stay, in a world where all others may go.
func (r row) kept() bool { return hash(r.id)%2 == 0 }

func newcomer(n int) row {
	return row{id: fmt.Sprintf("new-%06d", n), at: epoch.Add(2*time.Hour + time.Duration(n)*time.Second), then: fmt.Sprintf("new-%06d", n)}
}

// Rows that are dated back come in among those still to be read, where they push nothing, and hide in the count that others
// went. That the count rose while no row came twice gives it away.
func TestOffsetNoticesRowsDatedBack(t *testing.T) {
	t.Parallel()
	for border := 2; border <= 12; border++ {
		l := newList(spreadRows(120, 1))
		l.clamp = 10
		l.asked = func(n int) {
			if n != border {
				return
			}
			i := slices.IndexFunc(l.rows, func(row row) bool { return l.given[row.id] && !row.kept() })
			l.rows = slices.Delete(l.rows, i, i+1)
			for back := range 2 {
				l.rows = append(l.rows, row{id: fmt.Sprintf("back-%d", back), at: epoch.Add(-time.Hour), then: fmt.Sprintf("back-%d", back)})
			}
		}
		got := collect(byCreationThenEmail.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/customers/", nil, Cursor{}))
		got.complete(t, l.rows)
		if t.Failed() {
			t.Fatalf("a row went and two came at request %d", border)
		}
	}
}
