package fetch

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Between any two requests, as many rows go that were read as come elsewhere: total_count says nothing, and a row that was
// there all the time would slip over the border of two pages unread.
func TestNoRowSlipsWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scan  Scan
		fixed string
	}{
		"offset":              {byCreationThenEmail, ""},
		"offset, oldest last": {Offset{Fixed: []string{"-created_at"}}, "-created_at"},
		"offset, newest last": {Offset{Fixed: []string{"created_at"}}, "created_at"},
		"keyset":              {byCreation, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, swapped := range []int{1, 10} {
				for border := 1; border <= 13; border++ { // 13: every one
					for _, between := range []bool{false, true} { // the count and the page of one request
						l := newList(spreadRows(120, 3))
						l.clamp, l.fixed = 10, test.fixed
						read, fresh := map[string]bool{}, 0
						swap := func(n int) {
							if n != border && border != 13 || n > 12 {
								return
							}
							for range swapped {
								if i := slices.IndexFunc(l.rows, func(row row) bool { return read[row.id] && !row.kept() }); i >= 0 {
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
						for p, err := range test.scan.Pages(background(), inProcess(t, l.ServeHTTP), "/v1/customers/", nil, Cursor{}) {
							if err != nil {
								t.Fatal(err)
							}
							for _, item := range p.Items {
								read[itemID(item)] = true
							}
						}
						what := fmt.Sprintf("%d rows swapped at request %d, between count and page: %t", swapped, border, between)
						for _, row := range l.rows {
							if !read[row.id] && row.at.Before(epoch.Add(time.Hour)) {
								t.Errorf("%s: %s is missing", what, row.id)
							}
						}
						if most := 12 + 13; len(l.requests) > most {
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
