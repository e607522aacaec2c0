package scan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/lists"
	"syncd/internal/slowtest"
)

var byCreation = Keyset{Sort: "created_at", After: "created_after", Before: "created_before"}

func (k Keyset) all(t *testing.T, l *list, from Cursor) result {
	t.Helper()
	return collect(k.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/orders/", nil, from))
}

func TestKeysetFindsEveryRow(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, test := range []struct{ rows, ties, limit, clamp, most int }{
		{0, 1, 100, 100, 1}, {1, 1, 100, 100, 1}, {99, 1, 100, 100, 1}, {100, 1, 100, 100, 2}, {100, 100, 100, 100, 5}, {101, 1, 100, 100, 2}, {199, 1, 100, 100, 3}, {1000, 1, 100, 100, 11},
		{1000, 7, 100, 100, 13}, {1000, 99, 100, 100, 21}, {500, 1, 0, 100, 6}, {500, 1, 1000, 100, 6}, {500, 3, 100, 10, 80},
		{60, 1, 1, 1, 250}, {60, 1, 2, 2, 70}, {60, 2, 2, 2, 300}, {1000, 100, 100, 100, 300}, {900, 300, 100, 100, 200},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			t.Parallel()
			l := newList(spreadRows(test.rows, test.ties)).shuffled()
			l.clamp = test.clamp
			got := Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Limit: test.limit}.all(t, l, Cursor{})
			got.complete(t, l.rows)
			if got.items != len(got.ids) {
				t.Errorf("%d items for %d ids: the seams were passed on twice", got.items, len(got.ids))
			}
			if len(l.requests) > test.most {
				t.Errorf("%d requests, want %d at most", len(l.requests), test.most)
			}
			for _, p := range got.pages {
				if p.Total < 0 || p.Total > test.rows {
					t.Errorf("%d rows expected in all, of %d", p.Total, test.rows)
				}
			}
			if last := got.pages[len(got.pages)-1]; last.Total != test.rows {
				t.Errorf("%d rows expected at the end, of %d", last.Total, test.rows)
			}
		})
	}
}

// A count that is too low may end with a full page. The newest rows are behind it.
func TestKeysetReadsOnAfterAFullPage(t *testing.T) {
	t.Parallel()
	for rows := range 40 {
		for few := range 4 {
			for _, clamp := range []int{10, 4} { // a server that allows fewer rows than requested, too
				l := newList(spreadRows(rows, 1))
				l.clamp = clamp
				l.lie = func(_, total, _ int) (int, int) {
					total = max(0, total-few)
					return total, (total + clamp - 1) / clamp
				}
				got := Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Limit: 10}.all(t, l, Cursor{})
				if short := clamp < 10 && rows <= clamp+few; !short { // nothing tells that its only page is full
					got.complete(t, l.rows)
				}
			}
		}
	}
}

func TestKeysetAsksAscendingAndFirstPage(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(250, 1))
	scan := Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Then: []string{"invoice_number"}}
	collect(scan.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/orders/", url.Values{"status": {"paid"}}, Cursor{}))
	if len(l.requests) != 3 {
		t.Fatalf("%d requests", len(l.requests))
	}
	for i, query := range l.requests {
		if query.Get("page") != "1" || query.Get("limit") != "100" || !slices.Equal(query["sorting"], []string{"created_at", "invoice_number"}) || query.Get("status") != "paid" {
			t.Errorf("request %d: %v", i+1, query)
		}
	}
	// Row 100 is the last of the first page.
	if got, want := l.requests[1].Get("created_after"), l.rows[99].at.Add(-time.Microsecond).Format(microLayout); got != want {
		t.Errorf("goes on after %s, want %s", got, want)
	}
}

// A secondary criterion makes a group of ties larger than a page come in one order, so one pass over it is enough.
func TestKeysetTiesWithSecondCriterion(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(2000, 1000))
	got := Keyset{Sort: "created_at", After: "created_after", Before: "created_before", Then: []string{"invoice_number"}}.all(t, l, Cursor{})
	got.complete(t, l.rows)
	if len(l.requests) > 27 { // each group ends with a full page
		t.Errorf("%d requests", len(l.requests))
	}
}

func TestKeysetSurvivesAMovingWorld(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		l := newList(spreadRows(150, 1+random.IntN(5)))
		l.clamp = 10
		kept := make(map[string]bool)
		for _, r := range l.rows {
			kept[r.id] = true
		}
		change := func(n int) {
			switch random.IntN(3) {
			case 0: // a row goes
				i := random.IntN(len(l.rows))
				delete(kept, l.rows[i].id)
				l.rows = slices.Delete(l.rows, i, i+1)
			case 1: // a backdated row comes: it need not be found
				l.rows = append(l.rows, row{id: fmt.Sprintf("back-%d", n), at: epoch.Add(time.Duration(random.IntN(1000)) * time.Microsecond)})
			case 2: // a new row
				l.rows = append(l.rows, row{id: fmt.Sprintf("new-%d", n), at: epoch.Add(time.Hour + time.Duration(n)*time.Second)})
				kept[fmt.Sprintf("new-%d", n)] = n < 10
			}
		}
		l.asked, l.counted = change, change
		got := byCreation.all(t, l, Cursor{})
		if got.err != nil {
			t.Fatal(got.err)
		}
		for id, must := range kept {
			if must && got.ids[id] == 0 {
				t.Errorf("seed %d: %s is missing", seed, id)
			}
		}
	}
}

func TestKeysetResumes(t *testing.T) {
	t.Parallel()
	for _, ties := range []int{1, 30, 250} {
		rows := spreadRows(1000, ties)
		// Stopped after each page in turn, by a process that remembers only the cursor.
		l := newList(rows)
		ids := make(map[string]int)
		var at Cursor
		for n := 0; ; n++ {
			if n > 400 {
				t.Fatal("no end")
			}
			var p Page
			for page, err := range byCreation.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/orders/", nil, at) {
				if err != nil {
					t.Fatal(err)
				}
				p = page
				break
			}
			for _, item := range p.Items {
				ids[lists.ID(item)]++
			}
			text, err := json.Marshal(p.Next)
			if err != nil {
				t.Fatal(err)
			}
			at = Cursor{}
			if err := json.Unmarshal(text, &at); err != nil || at != p.Next {
				t.Fatalf("%s: %v", text, err)
			}
			if p.Done {
				break
			}
		}
		// A group of ties larger than a page is only safe within one process: its shuffling cannot be seen otherwise.
		if ties <= 100 && len(ids) != len(rows) {
			t.Errorf("%d of %d rows with %d ties", len(ids), len(rows), ties)
		}
	}
	// The position at the end of a scan finds what came since.
	l := newList(spreadRows(250, 1))
	got := byCreation.all(t, l, Cursor{})
	end := got.pages[len(got.pages)-1].Next
	l.rows = append(l.rows, row{id: "new", at: epoch.Add(time.Hour)})
	if got = byCreation.all(t, l, end); got.ids["new"] != 1 || len(got.ids) != 2 || len(got.pages) != 1 {
		t.Errorf("%v", got.ids)
	}
}

func TestKeysetBeginsAtTheQuerysBound(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(250, 1))
	query := url.Values{"created_after": {l.rows[200].at.Format(time.RFC3339Nano)}}
	got := collect(byCreation.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/orders/", query, Cursor{}))
	got.complete(t, l.rows[201:])
	if len(got.ids) != 49 {
		t.Errorf("%d rows", len(got.ids))
	}
	for _, p := range collect(byCreation.Pages(background(), fetchtest.InProcess(t, l.ServeHTTP), "/v1/orders/", nil, Cursor{After: "yesterday"})).pages {
		if len(p.Items) != 0 {
			t.Error("a page from an unreadable position")
		}
	}
}

func TestKeysetToleratesMalformedNeighbours(t *testing.T) {
	t.Parallel()
	rows := spreadRows(450, 1)
	rows[50].text = `{"id":"id-000050","created_at":null}`
	rows[99].text = `{"created_at":17,"name":"no id"}` // the last of the first page
	rows[149].text = `"not even an object"`
	rows[250].text = `{"id":17,"created_at":"2026-01-01T00:00:00.250250Z"}`
	rows[449].text = `{}`
	l := newList(rows)
	got := byCreation.all(t, l, Cursor{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	missing := 0
	for _, row := range rows {
		if got.ids[row.id] == 0 && row.text == "" {
			missing++
		}
	}
	if missing > 0 || got.ids["id-000050"] != 1 || got.ids[""] < 4 || got.ids[""] > 8 {
		t.Errorf("%d missing, %d without an id", missing, got.ids[""])
	}
}

func TestKeysetRefusesWhatWouldLeadItAstray(t *testing.T) {
	t.Parallel()
	rows := spreadRows(300, 1)
	broken := slices.Clone(rows)
	for i := range broken {
		broken[i].text = fmt.Sprintf(`{"id":%q,"created_at":null}`, broken[i].id)
	}
	sameForEver := newList(rows)
	sameForEver.after = "ignored"
	unsorted := newList(slices.Clone(rows))
	unsorted.field = "ignored"
	for i, row := range rows {
		unsorted.rows[i].then = fmt.Sprintf("%06d", len(rows)-i)
		unsorted.rows[i].text = fmt.Sprintf(`{"id":%q,"created_at":%q}`, row.id, row.at.Format(time.RFC3339Nano))
	}
	for name, test := range map[string]struct {
		list *list
		want string
	}{
		"no sort value": {newList(broken), `no item of the page has a usable "created_at"`},
		"filter":        {sameForEver, "does not apply the filter created_after"},
		"order":         {unsorted, "not sorted by created_at"},
	} {
		got := byCreation.all(t, test.list, Cursor{})
		if !errors.Is(got.err, fetch.ErrContract) || !strings.Contains(got.err.Error(), test.want) || len(test.list.requests) > 2 {
			t.Errorf("%s: %v after %d requests", name, got.err, len(test.list.requests))
		}
	}
}

// A server that sends the same full page whatever is asked must not keep the scan.
func TestKeysetIsBounded(t *testing.T) {
	t.Parallel()
	same := newList(nil)
	n := 0
	same.asked = func(int) {
		n++
		same.rows = spreadRows(100, 100)
		for i := range same.rows {
			same.rows[i].at = same.rows[i].at.Add(time.Duration(n) * time.Second) // always later
		}
	}
	same.lie = func(int, int, int) (int, int) { return 500, 5 }
	got := byCreation.all(t, same, Cursor{})
	if !errors.Is(got.err, fetch.ErrContract) || len(same.requests) > 200 {
		t.Errorf("%d requests, %v", len(same.requests), got.err)
	}
	repeats := newList(spreadRows(100, 100))
	repeats.asked = func(n int) { repeats.requests[n-1].Set("page", "1") }
	repeats.lie = func(int, int, int) (int, int) { return 100000, 1000 }
	got = byCreation.all(t, repeats, Cursor{})
	if !errors.Is(got.err, fetch.ErrContract) || !strings.Contains(got.err.Error(), "repeats the same rows") || len(repeats.requests) > 6 {
		t.Errorf("%d requests, %v", len(repeats.requests), got.err)
	}
}

func TestKeysetErrorCarriesThePosition(t *testing.T) {
	t.Parallel()
	l := newList(spreadRows(500, 1))
	l.lie = func(n, total, maxPage int) (int, int) {
		if n == 3 {
			return -1, maxPage
		}
		return total, maxPage
	}
	got := byCreation.all(t, l, Cursor{})
	if !errors.Is(got.err, fetch.ErrContract) || len(got.pages) != 3 || got.pages[2].Next != got.pages[1].Next || got.pages[2].Requests != 1 {
		t.Fatalf("%v", got.err)
	}
	rest := byCreation.all(t, l, got.pages[2].Next)
	for id := range rest.ids {
		got.ids[id]++
	}
	if len(got.ids) != 500 {
		t.Errorf("%d rows in all", len(got.ids))
	}
}
