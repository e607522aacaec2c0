package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/lists"
)

// owners is a fake of lists that belong to parents: what each has, by its id.
type owners struct {
	has     map[string][]string
	lie     map[string]int // counts that are wrong
	gone    map[string]bool
	broken  map[string]bool
	asked   []string
	whole   bool // lists come inside an object
	shuffle func(asked int, items []string) []string
}

func (o *owners) ids() []string {
	var ids []string
	for id := range o.has {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// after gives two ids at a time.
func (o *owners) after(_ context.Context, id string) ([]string, error) {
	ids := o.ids()
	at, found := slices.BinarySearch(ids, id)
	if found {
		at++
	}
	return ids[at:min(at+2, len(ids))], nil
}

func (o *owners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("owner_id")
	if !o.whole {
		id = strings.Split(r.URL.Path, "/")[3]
	}
	o.asked = append(o.asked, id)
	items := o.has[id]
	switch {
	case o.gone[id]:
		inprocess.Reply(w, 404, "application/json", `{"error":"ResourceNotFound","detail":"Owner not found"}`)
		return
	case o.broken[id]:
		inprocess.Reply(w, 500, "text/plain", "Internal Server Error")
		return
	}
	if o.shuffle != nil {
		items = o.shuffle(len(o.asked), items)
	}
	list := "[]"
	if len(items) > 0 {
		list = `[{"id":"` + strings.Join(items, `"},{"id":"`) + `"}]`
	}
	if o.whole {
		inprocess.Reply(w, 200, "application/json", fmt.Sprintf(`{"total_seats":9,"seats":%s,"available_seats":1}`, list))
		return
	}
	total := len(o.has[id]) + o.lie[id]
	inprocess.Reply(w, 200, "application/json", fmt.Sprintf(`{"items":%s,"pagination":{"total_count":%d,"max_page":1}}`, list, total))
}

func (o *owners) scan(t *testing.T, from Cursor) result {
	t.Helper()
	scan, path := Nested{Parents: []Parents{{Param: "owner_id", After: o.after}}}, "/v1/owners/{owner_id}/things"
	if o.whole {
		scan.Field, path = "seats", "/v1/seats"
	}
	return collect(scan.Pages(background(), fetchtest.InProcess(t, o.ServeHTTP), path, nil, from))
}

func TestNestedAsksEveryParent(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		o := &owners{whole: whole, has: map[string][]string{"a": {"a1", "a2"}, "b": nil, "c": {"c1"}, "d": nil, "e": {"e1", "e2", "e3"}}}
		got := o.scan(t, Cursor{})
		last := got.pages[len(got.pages)-1]
		if got.err != nil || len(got.ids) != 6 || !last.Done || last.Whole != 6 || last.Next.Gone != "" {
			t.Errorf("whole %v: %v: %v, last page %+v", whole, got.err, got.ids, last)
		}
		if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(o.asked, want) {
			t.Errorf("asked %v", o.asked)
		}
		requests := 0
		for _, p := range got.pages {
			requests += p.Requests
			if p.Whole >= 0 && !p.Done {
				t.Errorf("%d rows in all, before all were asked", p.Whole)
			}
		}
		if requests != 5 {
			t.Errorf("%d requests counted", requests)
		}
	}
}

// A parent that is gone is no failure; its name is kept, and nothing is counted for it.
func TestNestedPassesOverParentsThatAreGone(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		o := &owners{whole: whole, has: map[string][]string{"a": {"a1"}, "b": {"b1"}, "c": {"c1"}, "d": {"d1"}}, gone: map[string]bool{"b": true, "d": true}}
		got := o.scan(t, Cursor{})
		last := got.pages[len(got.pages)-1]
		if got.err != nil || len(got.ids) != 2 || last.Whole != 2 || last.Next.Gone != "b d" {
			t.Errorf("%v: %v, last page %+v", got.err, got.ids, last)
		}
	}
	wrong := func(w http.ResponseWriter, _ *http.Request) {
		inprocess.Reply(w, 404, "application/json", `{"detail":"Not Found"}`)
	}
	o := &owners{has: map[string][]string{"a": nil}}
	scan := Nested{Parents: []Parents{{Param: "owner_id", After: o.after}}}
	if got := collect(scan.Pages(background(), fetchtest.InProcess(t, wrong), "/v1/owners/{owner_id}/things", nil, Cursor{})); !errors.Is(got.err, fetch.ErrContract) {
		t.Errorf("a path that does not exist is taken for a parent that is gone: %v", got.err)
	}
}

func TestNestedIsBoundedInParentsThatAreGone(t *testing.T) {
	t.Parallel()
	o := &owners{has: map[string][]string{}, gone: map[string]bool{}}
	for i := range maxGone + 50 {
		id := fmt.Sprintf("%06d", i)
		o.has[id], o.gone[id] = nil, true
	}
	if got := o.scan(t, Cursor{}); !errors.Is(got.err, fetch.ErrContract) || len(o.asked) > maxGone+10 {
		t.Errorf("%v after %d requests", got.err, len(o.asked))
	}
}

// A list that does not hold what it counts is read again, and then what it counts is demanded.
func TestNestedVerifiesEachList(t *testing.T) {
	t.Parallel()
	o := &owners{has: map[string][]string{"a": {"a1", "a2"}, "b": {"b1"}}}
	o.shuffle = func(asked int, items []string) []string {
		if asked == 1 {
			return items[:1] // the first time one is missing
		}
		return items
	}
	got := o.scan(t, Cursor{})
	if last := got.pages[len(got.pages)-1]; got.err != nil || len(got.ids) != 3 || last.Whole != 3 {
		t.Errorf("%v: %v", got.err, got.ids)
	}
	o = &owners{has: map[string][]string{"a": {"a1", "a2"}, "b": {"b1"}}, lie: map[string]int{"a": 1}}
	got = o.scan(t, Cursor{})
	if last := got.pages[len(got.pages)-1]; got.err != nil || len(got.ids) != 3 || last.Whole != 4 || len(o.asked) > 2*maxListPasses+2 {
		t.Errorf("%v: %v, %d in all, asked %v", got.err, got.ids, last.Whole, o.asked)
	}
}

// An object that cannot be rendered is a gap, under its parent's name, and hides no other.
func TestNestedGap(t *testing.T) {
	t.Parallel()
	o := &owners{whole: true, has: map[string][]string{"a": {"a1"}, "b": {"b1"}, "c": {"c1"}}, broken: map[string]bool{"b": true}}
	got := o.scan(t, Cursor{})
	last := got.pages[len(got.pages)-1]
	if got.err != nil || len(got.ids) != 2 || last.Whole != 3 {
		t.Fatalf("%v: %v, %d in all", got.err, got.ids, last.Whole)
	}
	var gaps []string
	for _, p := range got.pages {
		for _, g := range p.Gaps {
			gaps = append(gaps, g.Query.Get("owner_id"))
		}
	}
	if !slices.Equal(gaps, []string{"b"}) {
		t.Errorf("gaps of %v", gaps)
	}
	for i := range maxFailed + 5 {
		id := fmt.Sprintf("x%d", i)
		o.has[id], o.broken[id] = nil, true
	}
	if got := o.scan(t, Cursor{}); !errors.Is(got.err, fetch.ErrTransient) {
		t.Errorf("a server out of order: %v", got.err)
	}
}

// Wherever a scan stops, the next one goes on behind the last parent that is done with, and the count is that of all.
func TestNestedResumes(t *testing.T) {
	t.Parallel()
	o := &owners{has: map[string][]string{"a": {"a1"}, "b": {"b1", "b2"}, "c": nil, "d": {"d1"}, "e": {"e1"}}, gone: map[string]bool{"c": true}}
	for stop := 1; stop <= 5; stop++ {
		ids := map[string]int{}
		var at Cursor
		pages := 0
		scan := Nested{Parents: []Parents{{Param: "owner_id", After: o.after}}}
		for p, err := range scan.Pages(background(), fetchtest.InProcess(t, o.ServeHTTP), "/v1/owners/{owner_id}/things", nil, Cursor{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range p.Items {
				ids[lists.ID(item)]++
			}
			at = p.Next
			if pages++; pages == stop {
				break
			}
		}
		var stored Cursor
		if text, err := json.Marshal(at); err != nil || json.Unmarshal(text, &stored) != nil {
			t.Fatal(err)
		}
		o.asked = nil
		got := o.scan(t, stored)
		last := got.pages[len(got.pages)-1]
		for id := range got.ids {
			if ids[id]++; ids[id] > 1 {
				t.Errorf("stopped after page %d: %s came again", stop, id)
			}
		}
		if got.err != nil || len(ids) != 5 || last.Whole != 5 || last.Next.Gone != "c" {
			t.Errorf("stopped after page %d: %v: %v, %d in all, gone %q", stop, got.err, ids, last.Whole, last.Next.Gone)
		}
	}
}

func TestNestedFailsWhereItIs(t *testing.T) {
	t.Parallel()
	o := &owners{has: map[string][]string{"a": {"a1"}, "b": {"b1"}}}
	failing := errors.New("no parents today")
	scan := Nested{Parents: []Parents{{Param: "owner_id", After: func(ctx context.Context, id string) ([]string, error) {
		if id == "" {
			return []string{"a"}, nil
		}
		return nil, failing
	}}}}
	got := collect(scan.Pages(background(), fetchtest.InProcess(t, o.ServeHTTP), "/v1/owners/{owner_id}/things", nil, Cursor{}))
	if last := got.pages[len(got.pages)-1]; !errors.Is(got.err, failing) || last.Next.Key != "a" || len(got.ids) != 1 {
		t.Errorf("%v at %+v", got.err, last.Next)
	}
	for body, want := range map[string]string{
		`{"available_seats":1}`:              `without "seats"`,
		`{"seats":{}}`:                       "instead of",
		`{"seats":[{"id":"a"}`:               "EOF",
		`{"seats":[],"x":1}{"seats":[]}`:     "more than one",
		`{"seats":[{"id":"a"}],"seats":[]} `: "",
	} {
		items, err := fetch.SplitField([]byte(body), "seats")
		if want == "" && (err != nil || len(items) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %v", body, items, err)
		}
	}
}
