package scan

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/lists"
)

// feed is a fake of Polar's events: ids and counts from a store that knows milliseconds and cuts bounds to seconds, items
// from another that may lack some, a count of 0 behind the end, ties in an order that the query decides, each page anew.
type feed struct {
	rows     []row
	withheld func(n int, id string) bool // whether request n counts a row and does not give it
	asked    func(n int)
	rand     *rand.Rand // set: ties come in another order each time
	requests []url.Values
	few      int // rows that each count lacks
}

func newFeed(rows []row) *feed { return &feed{rows: rows} }

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f.requests = append(f.requests, query)
	n := len(f.requests)
	if f.asked != nil {
		f.asked(n)
	}
	bound := func(name string, otherwise time.Time) time.Time {
		text := query.Get(name)
		if text == "" {
			return otherwise
		}
		at, err := time.Parse("2006-01-02T15:04:05Z", text) // nothing but whole seconds
		if err != nil {
			panic(err)
		}
		return at
	}
	after, before := bound("start_timestamp", time.Time{}), bound("end_timestamp", epoch.AddDate(100, 0, 0))
	var rows []row
	for _, row := range f.rows {
		if at := row.at.Truncate(time.Millisecond); at.After(after) && at.Before(before) {
			rows = append(rows, row)
		}
	}
	salt := r.URL.RawQuery
	if f.rand != nil {
		salt = fmt.Sprint(f.rand.Uint64())
	}
	places := map[string]uint64{}
	for _, row := range rows {
		places[row.id] = hash(row.id + salt)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(a.at.Truncate(time.Millisecond).Compare(b.at.Truncate(time.Millisecond)), cmp.Compare(places[a.id], places[b.id]))
	})
	limit, _ := strconv.Atoi(query.Get("limit"))
	page, _ := strconv.Atoi(query.Get("page"))
	if query.Get("sorting") != "timestamp" || limit > 100 {
		panic(query.Encode())
	}
	total, from := len(rows), min((page-1)*limit, len(rows))
	part := rows[from:min(from+limit, len(rows))]
	if len(part) == 0 {
		total = 0
	}
	total = max(0, total-f.few)
	var items []string
	for _, row := range part {
		if f.withheld == nil || !f.withheld(n, row.id) {
			items = append(items, fmt.Sprintf(`{"timestamp":%q,"id":%q}`, row.at.Format(time.RFC3339Nano), row.id))
		}
	}
	inprocess.Reply(w, 200, "application/json", fmt.Sprintf(`{"items":[%s],"pagination":{"total_count":%d,"max_page":%d}}`, strings.Join(items, ","), total, (total+limit-1)/limit))
}

var eventWindows = Windows{Field: "timestamp", After: "start_timestamp", Before: "end_timestamp"}

func (f *feed) scan(t *testing.T, w Windows, from Cursor) result {
	t.Helper()
	now := func(cfg *fetch.Config) { cfg.Now = func() time.Time { return epoch.AddDate(0, 6, 0) } }
	return collect(w.Pages(background(), fetchtest.InProcess(t, f.ServeHTTP, now), "/v1/events/", nil, from))
}

// events spreads n rows: some days dense, most empty, microseconds everywhere, many on a whole second.
func events(n int) []row {
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]row, n)
	for i := range rows {
		at := epoch.Add(time.Duration(r.IntN(100*24)) * time.Hour)
		switch i % 4 {
		case 0:
			at = epoch.Add(31 * day).Add(time.Duration(r.IntN(3_600_000_000)) * time.Microsecond) // a busy hour
		case 1:
			at = at.Add(time.Duration(r.IntN(1_000_000)) * time.Microsecond)
		}
		rows[i] = row{id: fmt.Sprintf("id-%06d", i), at: at}
	}
	return rows
}

func TestWindowsFindEveryRowOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 3000} {
		f := newFeed(events(n))
		got := f.scan(t, eventWindows, Cursor{})
		got.complete(t, f.rows)
		last := got.pages[len(got.pages)-1]
		if got.items != n || last.Whole != n {
			t.Errorf("%d rows: %d items, %d in all", n, got.items, last.Whole)
		}
		if most := 3 + n/100 + n/40; len(f.requests) > most {
			t.Errorf("%d rows: %d requests, more than %d", n, len(f.requests), most)
		}
		counted := 0
		for _, p := range got.pages {
			counted += p.Requests
			if len(p.Gaps) > 0 || p.Whole >= 0 && !p.Done {
				t.Errorf("%d gaps, %d in all", len(p.Gaps), p.Whole)
			}
		}
		if counted != len(f.requests) {
			t.Errorf("%d requests, %d counted", len(f.requests), counted)
		}
	}
}

// A count that is too low may end with a full page, and the newest rows are behind it.
func TestWindowsReadOnAfterAFullPage(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 101, 199, 200, 201, 202, 203, 204, 205, 206} {
		f := newFeed(events(n))
		f.few = 1
		f.scan(t, eventWindows, Cursor{}).complete(t, f.rows)
	}
}

// More than a thousand rows of one second cannot be cut into windows any further.
func TestWindowsOfOneSecond(t *testing.T) {
	t.Parallel()
	rows := events(200)
	for i := range 1200 {
		rows = append(rows, row{id: fmt.Sprintf("burst-%d", i), at: epoch.Add(50*day + time.Duration(i%600)*time.Millisecond)})
	}
	f := newFeed(rows)
	f.rand = rand.New(rand.NewPCG(1, 1))
	got := f.scan(t, eventWindows, Cursor{})
	got.complete(t, f.rows)
	if got.items != len(rows) {
		t.Errorf("%d items of %d", got.items, len(rows))
	}
}

// Short pages are not the end; what comes late comes in another pass; what never comes is a gap.
func TestWindowsShortPages(t *testing.T) {
	t.Parallel()
	f := newFeed(events(950))
	f.withheld = func(n int, id string) bool { return n <= 6 && strings.HasSuffix(id, "7") }
	got := f.scan(t, eventWindows, Cursor{})
	got.complete(t, f.rows)
	if last := got.pages[len(got.pages)-1]; last.Whole != 950 || got.items != 950 {
		t.Errorf("%d items, %d in all", got.items, last.Whole)
	}

	f = newFeed(events(950))
	f.withheld = func(_ int, id string) bool { return strings.HasPrefix(id, "id-0001") } // a hundred, all over
	got = f.scan(t, eventWindows, Cursor{})
	gaps := 0
	for _, p := range got.pages {
		gaps += len(p.Gaps)
		for _, g := range p.Gaps {
			if !errors.Is(g.Err, errWithheld) || g.Query.Get("start_timestamp") == "" || g.Query.Has("page") {
				t.Errorf("gap %+v", g)
			}
		}
	}
	if last := got.pages[len(got.pages)-1]; got.err != nil || gaps == 0 || got.items != 850 || last.Whole != 850+gaps {
		t.Errorf("%v: %d gaps, %d items, %d in all", got.err, gaps, got.items, last.Whole)
	}
}

func TestWindowsResume(t *testing.T) {
	t.Parallel()
	f := newFeed(events(600))
	whole := len(f.scan(t, eventWindows, Cursor{}).pages)
	for stop := 1; stop <= whole; stop += 3 {
		ids := map[string]int{}
		var at Cursor
		pages := 0
		now := func(cfg *fetch.Config) { cfg.Now = func() time.Time { return epoch.AddDate(0, 6, 0) } }
		for p, err := range eventWindows.Pages(background(), fetchtest.InProcess(t, f.ServeHTTP, now), "/v1/events/", nil, Cursor{}) {
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
		got := f.scan(t, eventWindows, at)
		for id := range got.ids {
			ids[id]++
		}
		if last := got.pages[len(got.pages)-1]; got.err != nil || len(ids) != 600 || last.Whole != 600 || !last.Done {
			t.Errorf("stopped after page %d: %v: %d rows, %d in all", stop, got.err, len(ids), last.Whole)
		}
	}
}

func TestWindowsKeep(t *testing.T) {
	t.Parallel()
	f := newFeed(events(2000))
	w := eventWindows
	w.Keep = 120 * day // to day 61 after the epoch, of 181
	since := epoch.AddDate(0, 6, 0).Add(-w.Keep)
	want := 0
	for _, row := range f.rows {
		if !row.at.Before(since) {
			want++
		}
	}
	got := f.scan(t, w, Cursor{})
	if last := got.pages[len(got.pages)-1]; got.err != nil || got.items != want || want == 0 || want == 2000 || last.Whole != want {
		t.Errorf("%v: %d rows of %d, %d in all", got.err, got.items, want, last.Whole)
	}
}

func TestWindowsRefuse(t *testing.T) {
	t.Parallel()
	f := newFeed(events(2000))
	deaf := func(w http.ResponseWriter, r *http.Request) { // to one of the filters
		query := r.URL.Query()
		query.Del("end_timestamp")
		r.URL.RawQuery = query.Encode()
		f.ServeHTTP(w, r)
	}
	if got := collect(eventWindows.Between(epoch, epoch.AddDate(0, 1, 0)).Pages(background(), fetchtest.InProcess(t, deaf), "/v1/events/", nil, Cursor{})); !errors.Is(got.err, fetch.ErrContract) {
		t.Errorf("a filter that is not honoured: %v", got.err)
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		inprocess.Reply(w, 200, "application/json", `{"items":[{"id":"a","timestamp":"2026-01-01T00:00:00Z"}],"pagination":{"total_count":150,"max_page":1000000}}`)
	}
	requests := 0
	count := func(w http.ResponseWriter, r *http.Request) { requests++; endless(w, r) }
	now := func(cfg *fetch.Config) { cfg.Now = func() time.Time { return epoch.Add(time.Second) } }
	if got := collect(eventWindows.Pages(background(), fetchtest.InProcess(t, count, now), "/v1/events/", nil, Cursor{})); requests > 500 {
		t.Errorf("a list without end: %v after %d requests", got.err, requests)
	}
	blind := func(w http.ResponseWriter, r *http.Request) {
		inprocess.Reply(w, 200, "application/json", `{"items":[],"pagination":{"total_count":5,"max_page":1}}`)
	}
	if got := collect(eventWindows.Pages(background(), fetchtest.InProcess(t, blind), "/v1/events/", nil, Cursor{})); !errors.Is(got.err, fetch.ErrContract) {
		t.Errorf("a list that gives nothing: %v", got.err)
	}
}

// Events may be sent in with any time of the past.
func TestWindowsFromLongAgo(t *testing.T) {
	t.Parallel()
	rows := append(events(300), row{id: "old", at: time.Date(2, 1, 1, 0, 0, 0, 5000, time.UTC)})
	f := newFeed(rows)
	got := f.scan(t, eventWindows, Cursor{})
	got.complete(t, rows)
	if len(f.requests) > 500 {
		t.Errorf("%d requests", len(f.requests))
	}
}

// A row that is dated back to where the scan has been comes with its window, which is read again. Where it came while the scan was
// interrupted, Whole says that one more is counted. One that is gone makes it one fewer.
func TestWindowsCountWhatIsDatedBack(t *testing.T) {
	t.Parallel()
	kept := eventWindows
	kept.Keep = 120 * day
	for name, w := range map[string]Windows{"whole": eventWindows, "kept": kept, "window": eventWindows.Between(epoch.AddDate(0, 2, 0), epoch.AddDate(0, 5, 0)).(Windows)} {
		began := epoch.AddDate(0, 2, 15)
		whole := newFeed(events(900)).scan(t, w, Cursor{})
		pages := len(whole.pages)
		last := whole.pages[pages-1]
		if whole.err != nil || pages < 3 || last.Whole != whole.items {
			t.Fatalf("%s: %v: %d pages, %d of %d", name, whole.err, pages, whole.items, last.Whole)
		}
		late := row{id: "late", at: began.Add(time.Hour + 5*time.Millisecond)}
		f := newFeed(events(900))
		f.asked = func(n int) {
			if n == pages {
				f.rows = append(f.rows, late)
			}
		}
		got := f.scan(t, w, Cursor{})
		if last := got.pages[len(got.pages)-1]; got.err != nil || got.ids["late"] != 1 || last.Whole != whole.items+1 {
			t.Errorf("%s: %v: %d rows came, %d are counted of %d", name, got.err, got.items, last.Whole, whole.items)
		}
		f = newFeed(append(events(900), late))
		if got := f.scan(t, w, whole.pages[pages-2].Next); got.err != nil || got.pages[len(got.pages)-1].Whole != whole.items+1 {
			t.Errorf("%s, resumed: %v: %d are counted of %d", name, got.err, got.pages[len(got.pages)-1].Whole, whole.items)
		}
		f = newFeed(slices.DeleteFunc(events(900), func(r row) bool { return r.id == lists.ID(whole.pages[0].Items[1]) }))
		if got := f.scan(t, w, whole.pages[pages-2].Next); got.err != nil || got.pages[len(got.pages)-1].Whole != whole.items-1 {
			t.Errorf("%s, a row is gone: %v: %d are counted of %d", name, got.err, got.pages[len(got.pages)-1].Whole, whole.items)
		}
	}
}

// While a day is imported, a row is dated back there with every request. The windows of that day are read again, and each is proved
// by itself, without reading everything again.
func TestWindowsSettleWhileRowsAreImported(t *testing.T) {
	t.Parallel()
	for name, settles := range map[string]bool{"into one hour": true, "everywhere": false} {
		rows := events(4000)
		f := newFeed(rows)
		r := rand.New(rand.NewPCG(7, 8))
		f.asked = func(n int) {
			at := epoch.Add(31*day + time.Duration(r.IntN(3_600_000))*time.Millisecond)
			if !settles {
				at = epoch.Add(time.Duration(r.IntN(int(100 * day))))
			} else if n%2 > 0 {
				return
			}
			f.rows = append(f.rows, row{id: fmt.Sprintf("late-%d", n), at: at})
		}
		got := f.scan(t, eventWindows, Cursor{})
		got.complete(t, rows)
		last := got.pages[len(got.pages)-1]
		if settled := last.Whole == len(got.ids); settles && !settled || last.Whole < len(got.ids) {
			t.Errorf("%s: %d different rows came, %d are counted, of %d", name, len(got.ids), last.Whole, len(f.rows))
		}
		if plain := 3 + 4000/100 + 4000/40; len(f.requests) > 3*plain+closeAtLeast {
			t.Errorf("%s: %d requests", name, len(f.requests))
		}
		counted := 0
		for _, p := range got.pages {
			counted += p.Requests
		}
		if counted != len(f.requests) {
			t.Errorf("%s: %d requests, %d counted", name, len(f.requests), counted)
		}
		t.Logf("%s: %d requests for %d rows, %d of them late", name, len(f.requests), len(got.ids), len(f.rows)-4000)
	}
}
