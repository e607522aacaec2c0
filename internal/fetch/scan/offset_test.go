package scan

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/lists"
)

func offsetAll(t *testing.T, o Offset, l *list, from Cursor) result {
	t.Helper()
	return collect(o.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/customers/", nil, from))
}

var byCreationThenEmail = Offset{Sort: []string{"-created_at", "email"}}

func TestOffsetFindsEveryRow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ rows, limit, clamp, requests int }{
		{0, 0, 100, 1}, {1, 0, 100, 1}, {99, 0, 100, 1}, {101, 0, 100, 2}, {199, 0, 100, 2}, {999, 0, 100, 10}, {999, 1000, 100, 10}, {95, 100, 10, 10},
		{100, 0, 100, 2}, {200, 0, 100, 3}, {1000, 1000, 100, 11}, {7, 1, 100, 8}, // a full last page is not the end
	} {
		l := newList(spreadRows(test.rows, 3))
		l.clamp = test.clamp
		got := offsetAll(t, Offset{Sort: []string{"-created_at", "email"}, Limit: test.limit}, l, Cursor{})
		got.complete(t, l.rows)
		if len(l.requests) != test.requests || got.items != test.rows {
			t.Errorf("%+v: %d requests, %d items", test, len(l.requests), got.items)
		}
		for i, query := range l.requests {
			if query.Get("page") != fmt.Sprint(i+1) || !slices.Equal(query["sorting"], []string{"-created_at", "email"}) {
				t.Errorf("request %d: %v", i, query)
			}
		}
		for _, p := range got.pages {
			if p.Total != test.rows {
				t.Errorf("%d rows expected, of %d", p.Total, test.rows)
			}
		}
	}
}

// A count that is too low may end with a full page, and rows are behind it: the oldest ones, or the newest of a list that is read
// backward. The scan may be interrupted after any page. Where the count is true and no page is full, nothing is asked twice.
func TestOffsetReadsOnAfterAFullPage(t *testing.T) {
	t.Parallel()
	forward, backward := Offset{Sort: []string{"-created_at", "email"}, Limit: 10}, Offset{Fixed: []string{"created_at"}, Limit: 10}
	for _, rows := range []int{0, 1, 2, 9, 10, 11, 19, 20, 21, 22, 30, 31, 33, 41} {
		for _, few := range []int{0, 1, 10, 13} {
			for _, silent := range []bool{false, true} {
				for _, o := range []Offset{forward, backward} {
					newLying := func() *list {
						l := newList(spreadRows(rows, 1))
						l.silent = silent
						if len(o.Fixed) > 0 {
							l.fixed = o.Fixed[0]
						}
						l.lie = func(_, total, _ int) (int, int) {
							total = max(0, total-few)
							return total, (total + 9) / 10
						}
						return l
					}
					l := newLying()
					got := offsetAll(t, o, l, Cursor{})
					if counted := max(0, rows-few); counted > 0 || rows == 0 { // a list that counts nothing shows what it has on one page
						got.complete(t, l.rows)
						if last := got.pages[len(got.pages)-1]; last.Whole != counted {
							t.Errorf("%d rows in all, the list counts %d", last.Whole, counted)
						}
					}
					if most := rows/10 + 1; few == 0 && (len(l.requests) > most+1 || rows%10 > 0 && len(o.Sort) > 0 && len(l.requests) > most) {
						t.Errorf("%d rows, %v: %d requests", rows, o.order(), len(l.requests))
					}
					for stop := 1; few == 1 && stop < len(got.pages); stop++ {
						l := newLying()
						rest := offsetAll(t, o, l, got.pages[stop-1].Next)
						for _, p := range got.pages[:stop] {
							for _, id := range itemIDs(p.Items) {
								rest.ids[id]++
							}
						}
						rest.complete(t, l.rows)
					}
					if t.Failed() {
						t.Fatalf("%d rows, of which %d are not counted, %v, silent behind the end: %v", rows, few, o.order(), silent)
					}
				}
			}
		}
	}
}

// A row that goes pulls the others forward; the one that slips over the border of two pages has to be found.
func TestOffsetStepsBackWhenRowsVanish(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(l *list, f func(int)){
		"between requests":             func(l *list, f func(int)) { l.asked = f },
		"between the count and a page": func(l *list, f func(int)) { l.counted = f },
	} {
		for _, gone := range []int{1, 2, 9, 10, 11, 25} {
			for request := 1; request <= 10; request++ {
				l := newList(spreadRows(100, 1))
				l.clamp = 10
				when(l, func(n int) {
					if n == request {
						l.rows = l.rows[:len(l.rows)-gone]
					}
				})
				got := offsetAll(t, byCreationThenEmail, l, Cursor{})
				if got.err != nil {
					t.Fatal(got.err)
				}
				missing := 0
				for _, row := range l.rows {
					if got.ids[row.id] == 0 {
						missing++
					}
				}
				if missing > 0 || len(l.requests) > 10+8 {
					t.Errorf("%d rows gone %s at request %d: %d missing after %d requests", gone, name, request, missing, len(l.requests))
				}
			}
		}
	}
}

func TestOffsetGoesOnWhenRowsCome(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(300, 1))
	l.asked = func(n int) {
		if n <= 5 {
			for i := range 40 { // some at the end, some backdated
				at := epoch.Add(time.Hour * time.Duration(n))
				if i%4 == 0 {
					at = epoch.Add(time.Millisecond)
				}
				l.rows = append(l.rows, row{id: fmt.Sprintf("new-%d-%d", n, i), at: at, then: fmt.Sprintf("new-%d-%d", n, i)})
			}
		}
	}
	got := offsetAll(t, byCreationThenEmail, l, Cursor{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	for _, row := range l.rows { // what is new landed in front, where the caller looks again
		if got.ids[row.id] == 0 && strings.HasPrefix(row.id, "id-") {
			t.Errorf("%s is missing", row.id)
		}
	}
	if len(l.requests) > 4+2*5 {
		t.Errorf("%d requests", len(l.requests))
	}
}

// While nobody looks, rows go and as many come, in front and dated back: the position is found again by the time of the
// last row.
func TestOffsetResumes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(l *list){
		"some went":    func(l *list) { l.rows = l.rows[:len(l.rows)-13] },
		"as many came": func(l *list) { l.rows = append(l.rows[:len(l.rows)-13], newcomers(13)...) },
		"more came":    func(l *list) { l.rows = append(l.rows, newcomers(27)...) },
		"dated back": func(l *list) {
			l.rows = l.rows[:len(l.rows)-13]
			for i := range 13 {
				l.rows = append(l.rows, row{id: fmt.Sprint("back", i), at: epoch.Add(-time.Hour), then: fmt.Sprint(i)})
			}
		},
	} {
		for _, o := range []Offset{byCreationThenEmail, {Fixed: []string{"created_at"}}} {
			if name == "dated back" && len(o.Fixed) > 0 {
				continue // what a list shows that nobody can sort comes in no other order
			}
			for stop := 1; stop < 10; stop++ {
				l := newList(spreadRows(100, 1))
				l.clamp = 10
				if len(o.Fixed) > 0 {
					l.fixed = o.Fixed[0]
				}
				ids := make(map[string]int)
				var at Cursor
				n := 0
				for p, err := range o.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/customers/", nil, Cursor{}) {
					if err != nil {
						t.Fatal(err)
					}
					for _, item := range p.Items {
						ids[lists.ID(item)]++
					}
					at = p.Next
					if n++; n == stop {
						break
					}
				}
				change(l)
				asked := len(l.requests)
				got := offsetAll(t, o, l, at)
				for id := range got.ids {
					ids[id]++
				}
				for _, row := range l.rows {
					if ids[row.id] == 0 && strings.HasPrefix(row.id, "id-") {
						t.Errorf("%s: %v stopped after page %d: %s is missing", name, o.order(), stop, row.id)
					}
				}
				if asked = len(l.requests) - asked; asked > 10-stop+6 {
					t.Errorf("%s: %v stopped after page %d: %d requests", name, o.order(), stop, asked)
				}
			}
		}
	}
}

func newcomers(n int) (rows []row) {
	for i := range n {
		rows = append(rows, newcomer(i))
	}
	return rows
}

// A position that an earlier version left, which read lists in another order, is no place in this one.
func TestOffsetBeginsAnewWhereTheOrderWasAnother(t *testing.T) {
	t.Parallel()
	for _, from := range []Cursor{{Page: 7, Total: 100}, {Page: 7, Total: 100, Order: "created_at,email"}} {
		l := newList(spreadRows(100, 1))
		l.clamp = 10
		offsetAll(t, byCreationThenEmail, l, from).complete(t, l.rows)
		m := newMeters()
		from.Part, from.Key = 2, "m-b"
		collect(byMeter.Pages(background(), fetchtest.InProcess(t, m.ServeHTTP), "/v1/customer-meters/", nil, from)).complete(t, m.rows())
	}
}

func TestOffsetIsBounded(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func(n, total, maxPage int) (int, int){
		"grows for ever":     func(n, _, _ int) (int, int) { return 300 + 100*n, 3 + n },
		"up and down":        func(n, _, _ int) (int, int) { return 100 * (10 + 90*(n%2)), 100 },
		"one less each time": func(n, _, _ int) (int, int) { return 1_000_000 - n, 30 },
	} {
		l := newList(spreadRows(100, 1))
		l.asked = func(n int) { l.requests[n-1].Set("page", "1") } // the same page whatever is asked
		l.lie = lie
		got := offsetAll(t, byCreationThenEmail, l, Cursor{})
		if len(l.requests) > 500 {
			t.Errorf("%s: %d requests, %v", name, len(l.requests), got.err)
		}
		if name == "grows for ever" && !errors.Is(got.err, fetch.ErrContract) {
			t.Errorf("%s: %v after %d requests", name, got.err, len(l.requests))
		}
	}
	empty := newList(nil)
	empty.lie = func(int, int, int) (int, int) { return 100_000, 1000 }
	if got := offsetAll(t, byCreationThenEmail, empty, Cursor{}); got.err != nil || len(empty.requests) != 2 || got.pages[0].TotalCount != 100_000 {
		t.Errorf("an empty list that claims to be full: %v after %d requests", got.err, len(empty.requests))
	}
}

func TestOffsetStopsWhenTheCallerDoes(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(1000, 1))
	for _, err := range byCreationThenEmail.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/customers/", nil, Cursor{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if len(l.requests) != 1 {
		t.Errorf("%d requests", len(l.requests))
	}
}

// meters is a fake of customer meters: the plain list hides the rows of archived meters.
type meters struct {
	archived []string
	parts    map[string]*list // by meter, "" = the plain list
	fail     string           // the path or meter that fails
	asked    []string
}

func (m *meters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	key := query.Get("meter_id")
	if r.URL.Path == "/v1/meters/" {
		key = r.URL.Path
	}
	m.asked = append(m.asked, key+" "+query.Get("page"))
	if m.fail != "" && key == m.fail {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"insufficient_scope"}`)
		return
	}
	if key == "/v1/meters/" {
		if query.Get("is_archived") != "true" {
			inprocess.Reply(w, 422, "application/json", `{}`)
			return
		}
		var rows []row
		for _, id := range m.archived {
			rows = append(rows, row{id: id, at: epoch, then: id})
		}
		l := newList(rows)
		l.clamp = 2
		l.ServeHTTP(w, r)
		return
	}
	m.parts[key].ServeHTTP(w, r)
}

func newMeters() *meters {
	m := &meters{archived: []string{"m-c", "m-a", "m-b"}, parts: map[string]*list{}}
	for _, key := range []string{"", "m-a", "m-b", "m-c"} {
		rows := spreadRows(25, 1)
		for i := range rows {
			rows[i].id = key + "/" + rows[i].id
		}
		m.parts[key] = newList(rows)
		m.parts[key].clamp = 10
	}
	return m
}

func (m *meters) rows() (rows []row) {
	for _, l := range m.parts {
		rows = append(rows, l.rows...)
	}
	return rows
}

var byMeter = Offset{
	Sort: []string{"-created_at", "customer_id"},
	Each: &Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}, "sorting": {"-created_at", "name"}}, Param: "meter_id"},
}

func TestEachReadsTheParts(t *testing.T) {
	t.Parallel()
	m := newMeters()
	got := collect(byMeter.Pages(background(), fetchtest.InProcess(t, m.ServeHTTP), "/v1/customer-meters/", nil, Cursor{}))
	got.complete(t, m.rows())
	want := " 1, 2, 3,/v1/meters/ 1,/v1/meters/ 2,m-a 1,m-a 2,m-a 3,m-b 1,m-b 2,m-b 3,m-c 1,m-c 2,m-c 3"
	if asked := strings.Join(m.asked, ","); asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	requests := 0
	for _, p := range got.pages {
		requests += p.Requests
	}
	if requests != len(m.asked) || got.items != 100 || got.pages[len(got.pages)-1].Total != 100 {
		t.Errorf("%d requests on the pages of %d, %d items, %d expected", requests, len(m.asked), got.items, got.pages[len(got.pages)-1].Total)
	}

	none := newMeters()
	none.archived = nil
	got = collect(byMeter.Pages(background(), fetchtest.InProcess(t, none.ServeHTTP), "/v1/customer-meters/", nil, Cursor{}))
	got.complete(t, none.parts[""].rows)
	if len(none.asked) != 4 || len(got.pages) != 3 {
		t.Errorf("without archived meters: asked %v", none.asked)
	}
}

func TestEachResumes(t *testing.T) {
	t.Parallel()
	for stop := 1; stop <= 12; stop++ {
		for name, change := range map[string]func(m *meters){
			"as it was":    func(*meters) {},
			"one more":     func(m *meters) { m.archived = append(m.archived, "m-0"); m.parts["m-0"] = newList(nil) },
			"one less":     func(m *meters) { m.archived = []string{"m-c", "m-b"}; delete(m.parts, "m-a") },
			"none is left": func(m *meters) { m.archived = nil; m.parts = map[string]*list{"": m.parts[""]} },
		} {
			m := newMeters()
			ids := make(map[string]int)
			var at Cursor
			n := 0
			for p, err := range byMeter.Pages(background(), fetchtest.InProcess(t, m.ServeHTTP), "/v1/customer-meters/", nil, Cursor{}) {
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range p.Items {
					ids[lists.ID(item)]++
				}
				at = p.Next
				if n++; n == stop {
					break
				}
			}
			change(m)
			got := collect(byMeter.Pages(background(), fetchtest.InProcess(t, m.ServeHTTP), "/v1/customer-meters/", nil, at))
			got.complete(t, nil)
			for id := range got.ids {
				ids[id]++
			}
			for _, row := range m.rows() {
				if ids[row.id] == 0 {
					t.Fatalf("stopped after %d pages, %s: %s is missing", stop, name, row.id)
				}
			}
		}
	}
}

func TestEachFails(t *testing.T) {
	t.Parallel()
	for fail, wantPages := range map[string]int{"/v1/meters/": 4, "m-b": 7} {
		m := newMeters()
		m.fail = fail
		c := fetchtest.InProcess(t, m.ServeHTTP)
		got := collect(byMeter.Pages(background(), c, "/v1/customer-meters/", nil, Cursor{}))
		if !errors.Is(got.err, fetch.ErrScope) || len(got.pages) != wantPages || len(got.ids) != (wantPages-1)*25/3 {
			t.Fatalf("%s: %v after %d pages, %d rows", fail, got.err, len(got.pages), len(got.ids))
		}
		requests := 0
		for _, p := range got.pages {
			requests += p.Requests
			if p.Done {
				t.Errorf("%s: a page says that the scan is done", fail)
			}
		}
		if int64(requests) != c.Requests() {
			t.Errorf("%s: %d requests on the pages, %d sent", fail, requests, c.Requests())
		}
		m.fail = ""
		rest := collect(byMeter.Pages(background(), c, "/v1/customer-meters/", nil, got.pages[len(got.pages)-1].Next))
		for id := range rest.ids {
			got.ids[id]++
		}
		if rest.err != nil || len(got.ids) != 100 {
			t.Errorf("%s: %d rows after going on: %v", fail, len(got.ids), rest.err)
		}
	}
}

func TestArray(t *testing.T) {
	t.Parallel()
	body := `[{"id":"a"},{"id":"b"}]`
	c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) { inprocess.Reply(w, 200, "application/json", body) })
	got := collect(Array{}.Pages(background(), c, "/v1/metrics/dashboards", nil, Cursor{}))
	got.complete(t, []row{{id: "a"}, {id: "b"}})
	if p := got.pages[0]; len(got.pages) != 1 || p.TotalCount != 2 || p.Total != 2 || p.MaxPage != 1 || p.Requests != 1 {
		t.Errorf("%+v", p)
	}
	body = `{"items":[]}`
	if got = collect(Array{}.Pages(background(), c, "/v1/metrics/dashboards", nil, Cursor{})); !errors.Is(got.err, fetch.ErrContract) {
		t.Error(got.err)
	}
	body = `[{"id":"a"`
	if got = collect(Array{}.Pages(background(), c, "/v1/metrics/dashboards", nil, Cursor{})); !errors.Is(got.err, fetch.ErrTransient) {
		t.Error(got.err)
	}
}
