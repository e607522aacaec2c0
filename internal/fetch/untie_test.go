package fetch

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"syncd/internal/fetch/lists"
	"syncd/internal/slowtest"
)

// tiedList is a list whose rows tie in groups, and come in an order that limit and offset decide, as Postgres has it. A
// page that holds the bad row is a 500.
type tiedList struct {
	rows, group int
	bad         string
}

func (l tiedList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	page, _ := strconv.Atoi(r.FormValue("page"))
	back := strings.HasPrefix(r.FormValue("sorting"), "-")
	all := make([]string, l.rows)
	for i := range all {
		all[i] = fmt.Sprintf("%03d", i)
	}
	for group := range slices.Chunk(all, l.group) {
		slices.SortFunc(group, func(a, b string) int {
			of := func(id string) uint32 {
				h := fnv.New32()
				fmt.Fprint(h, id, limit, page, back)
				return h.Sum32()
			}
			return int(int64(of(a)) - int64(of(b)))
		})
	}
	if back {
		slices.Reverse(all)
	}
	from := min(len(all), (page-1)*limit)
	some := all[from:min(len(all), from+limit)]
	if slices.Contains(some, l.bad) {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	items := make([]map[string]any, len(some))
	for i, id := range some {
		n, _ := strconv.Atoi(id)
		items[i] = map[string]any{"id": id, "at": fmt.Sprintf("2026-01-01T00:00:%02dZ", n/l.group)}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "pagination": map[string]int{"total_count": l.rows, "max_page": (l.rows + limit - 1) / limit}})
}

// TestSalvageOfTies: of a list in which all rows tie, nearly every page comes whole but for the row that is bad, and what
// does not come is a gap or left to the count.
func TestSalvageOfTies(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for group, want := range map[int]int{1: 100, 2: 90, 3: 65} {
		whole, asked := 0, 0
		for n := range 100 {
			l := tiedList{100, group, fmt.Sprintf("%03d", n)}
			c := inProcess(t, l.ServeHTTP)
			p, err := c.SalvagePage(background(), "/v1/things/", lists.Paged(url.Values{"sorting": {"at"}}, 100, 1))
			if err != nil {
				t.Fatal(err)
			}
			asked += p.Requests
			came := map[string]bool{}
			for _, item := range p.Items {
				came[lists.ID(item)] = true
			}
			if came[l.bad] || len(came)+len(p.Gaps) > 100 {
				t.Fatalf("row %d: %d rows and %d gaps", n, len(came), len(p.Gaps))
			}
			if len(came) == 99 && len(p.Gaps) == 1 && p.Gaps[0].Row-1-n < group && n-p.Gaps[0].Row+1 < group {
				whole++
			}
		}
		if whole < want || asked > 25*100 {
			t.Errorf("groups of %d: %d of 100 whole, %d requests each", group, whole, asked/100)
		}
	}
}
