package scan

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/lists"
)

// row is a row of a fake list. Text, if set, is sent in place of the item.
type row struct {
	id   string
	at   time.Time
	then string // value of a second sort criterion
	text string
}

// list is a fake list endpoint that behaves like Polar's: LIMIT and OFFSET, a separate count before it, a clamped limit,
// and ties in an order that the query decides, each page anew.
type list struct {
	rows  []row
	clamp int // 100 if zero
	field string
	after string     // name of the filter on field
	rand  *rand.Rand // set: ties come in another order on each request
	fixed string     // the order of a list that cannot be sorted

	requests []url.Values
	given    map[string]bool // ids of the rows that were sent
	// counted is called between the count and the read of the page of request n (from 1), asked before both.
	asked, counted func(n int)
	// lie changes what is reported.
	lie func(n, total, maxPage int) (int, int)
	// silent: a page behind the end counts nothing.
	silent bool
}

func newList(rows []row) *list {
	return &list{rows: rows, field: "created_at", after: "created_after", given: map[string]bool{}}
}

// shuffled makes ties come in another order on each request.
func (l *list) shuffled() *list {
	l.rand = rand.New(rand.NewPCG(1, 2))
	return l
}

func (l *list) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	l.requests = append(l.requests, query)
	n := len(l.requests)
	if l.asked != nil {
		l.asked(n)
	}
	limit, _ := strconv.Atoi(query.Get("limit")) // 0 is refused below
	page, _ := strconv.Atoi(query.Get("page"))   // the same
	if limit < 1 || page < 1 {
		inprocess.Reply(w, 422, "application/json", `{"error":"RequestValidationError","detail":[]}`)
		return
	}
	limit = min(limit, cmp.Or(l.clamp, 100))
	total := len(l.matching(query))
	maxPage := (total + limit - 1) / limit
	if l.counted != nil {
		l.counted(n)
	}
	rows := l.matching(query)
	if l.lie != nil {
		total, maxPage = l.lie(n, total, maxPage)
	}
	from := min((page-1)*limit, len(rows))
	if l.silent && from == len(rows) {
		total, maxPage = 0, 0
	}
	var items []string
	for _, row := range rows[from:min(from+limit, len(rows))] {
		l.given[row.id] = true
		items = append(items, cmp.Or(row.text, fmt.Sprintf(`{%q:%q,"id":%q}`, l.field, row.at.Format(time.RFC3339Nano), row.id)))
	}
	inprocess.Reply(w, 200, "application/json", fmt.Sprintf(`{"items":[%s],"pagination":{"total_count":%d,"max_page":%d}}`, strings.Join(items, ","), total, maxPage))
}

func (l *list) matching(query url.Values) []row {
	var rows []row
	after := time.Time{}
	if bound := query.Get(l.after); bound != "" {
		var err error
		if after, err = time.Parse(time.RFC3339Nano, bound); err != nil {
			panic(err)
		}
	}
	before := epoch.AddDate(100, 0, 0)
	if bound := query.Get("created_before"); bound != "" {
		var err error
		if before, err = time.Parse(time.RFC3339Nano, bound); err != nil {
			panic(err)
		}
	}
	for _, row := range l.rows {
		if row.at.After(after) && row.at.Before(before) {
			rows = append(rows, row)
		}
	}
	salt := query.Encode()
	if l.rand != nil {
		salt = fmt.Sprint(l.rand.Uint64())
	}
	sorting := query["sorting"]
	if l.fixed != "" {
		sorting = []string{l.fixed}
	}
	places := make(map[string]uint64, len(rows))
	for _, row := range rows {
		places[row.id] = hash(row.id + salt)
	}
	slices.SortFunc(rows, func(a, b row) int {
		for _, criterion := range sorting {
			name, falling := strings.CutPrefix(criterion, "-")
			order := a.at.Compare(b.at)
			if name != l.field {
				order = strings.Compare(a.then, b.then)
			}
			if falling {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(places[a.id], places[b.id])
	})
	return rows
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return h.Sum64()
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// spreadRows makes n rows, of which each run of ties shares one time.
func spreadRows(n, ties int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{id: fmt.Sprintf("id-%06d", i), at: epoch.Add(time.Duration(i/ties) * 1001 * time.Microsecond), then: fmt.Sprintf("%06d", i)}
	}
	return rows
}

// result is what a scan brought.
type result struct {
	pages []Page
	ids   map[string]int
	items int
	err   error
}

func collect(pages iter.Seq2[Page, error]) result {
	got := result{ids: make(map[string]int)}
	for p, err := range pages {
		got.pages = append(got.pages, p)
		got.err = err
		if err != nil {
			continue
		}
		for _, item := range p.Items {
			got.items++
			got.ids[lists.ID(item)]++
		}
	}
	return got
}

// complete makes sure that every row came.
func (got result) complete(t *testing.T, rows []row) {
	t.Helper()
	if got.err != nil {
		t.Fatal(got.err)
	}
	missing := 0
	for _, row := range rows {
		if got.ids[row.id] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d rows are missing", missing, len(rows))
	}
	for i, p := range got.pages {
		if last := i == len(got.pages)-1; p.Done != last {
			t.Errorf("page %d of %d: done %v", i+1, len(got.pages), p.Done)
		}
	}
}
