package catalog_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// recordedAt is later than everything that was recorded.
var recordedAt = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// Every variant of every object that the real server was seen to list goes through the store, and reads back equal: nothing
// is set aside, and nothing looks like a change of the API.
func TestWhatTheRealServerListsIsStored(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	h := &harness{&worldtest.Harness{World: polarsim.NewWorld(polarsim.Options{Customers: 1, Seed: 1, Now: recordedAt}), Metrics: true}}
	lists := recordedLists{}
	known, err := recorded.Lists()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range catalog.Entries() {
		if !slices.Contains(known, s.Name) {
			continue
		}
		if lists[s.Path], err = recorded.List(s.Name); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	h.HTTP = httptest.NewServer(lists)
	t.Cleanup(h.HTTP.Close)
	if h.Store, err = store.Open(t.Context(), store.Config{DSN: pgtest.Migrated(t), Schema: "polar", MaxConns: 6}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Store.Close)
	h.Mirror = h.NewMirror(t, nil)
	results, err := h.Sync(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		// The recorded lists are excerpts: much of what their items embed is in none of them, and is not found by id.
		if !r.Whole() && !strings.HasPrefix(r.Reason, "rows known from copies only: Polar says that") {
			t.Errorf("%s: %s: %s", r.Stream, r.Outcome, r.Reason)
		}
	}
	h.Equal(t, names...)
	for _, row := range h.Texts(t, "SELECT to_jsonb(t)::text FROM sync_rejects t") {
		t.Errorf("set aside: %s", row)
	}
	for _, row := range h.Texts(t, "SELECT to_jsonb(t)::text FROM sync_drift t") {
		t.Errorf("drift: %s", row)
	}
	var rows int
	for _, items := range lists {
		rows += len(items)
	}
	t.Logf("%d items of %d lists", rows, len(lists))
}

// recordedLists serves recorded items by the path of their list, as Polar does: filtered, sorted and page by page, and by id.
type recordedLists map[string][]json.RawMessage

func (l recordedLists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Polar-Version", r.Header.Get("Polar-Version"))
	query := r.URL.Query()
	if items, is := l[r.URL.Path]; is {
		items = slices.DeleteFunc(slices.Clone(items), func(item json.RawMessage) bool { return !asked(item, query) })
		sortBy(items, query["sorting"])
		limit, _ := strconv.Atoi(cmp.Or(query.Get("limit"), "10"))
		page, _ := strconv.Atoi(cmp.Or(query.Get("page"), "1"))
		total := len(items)
		answer := map[string]any{
			"items":      items[min(total, (page-1)*limit):min(total, page*limit)],
			"pagination": map[string]int{"total_count": total, "max_page": (total + limit - 1) / limit},
		}
		_ = json.NewEncoder(w).Encode(answer) // whoever asked finds that it is cut
		return
	}
	list, id, _ := cutLast(r.URL.Path)
	for _, item := range slices.Concat(l[list], l[strings.TrimSuffix(list, "/")]) {
		if field(item, "id") == id {
			_, _ = w.Write(item)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"error":"ResourceNotFound","detail":"Not found"}`))
}

func cutLast(path string) (before, after string, found bool) {
	at := strings.LastIndexByte(path, '/')
	return path[:at+1], path[at+1:], at >= 0
}

// field is the text of a member, or its JSON.
func field(item json.RawMessage, name string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(item, &members) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(members[name], &text) == nil {
		return text
	}
	return string(bytes.TrimSpace(members[name]))
}

// asked tells whether an item passes the filters of a request.
func asked(item json.RawMessage, query url.Values) bool {
	for name, values := range query {
		at := func(of string) time.Time {
			when, _ := time.Parse(time.RFC3339Nano, of)
			return when
		}
		bound := at(values[0])
		passes := true
		switch name {
		case "page", "limit", "sorting":
		case "created_after":
			passes = at(field(item, "created_at")).After(bound)
		case "created_before":
			passes = at(field(item, "created_at")).Before(bound)
		case "start_timestamp":
			passes = !at(field(item, "timestamp")).Before(bound)
		case "end_timestamp":
			passes = !at(field(item, "timestamp")).After(bound)
		case "ids":
			passes = slices.Contains(values, field(item, "id"))
		default:
			passes = slices.Contains(values, field(item, name))
		}
		if !passes {
			return false
		}
	}
	return true
}

// sortBy sorts by the criteria that are members of the items.
func sortBy(items []json.RawMessage, criteria []string) {
	slices.SortStableFunc(items, func(a, b json.RawMessage) int {
		for _, c := range criteria {
			name, down := strings.CutPrefix(c, "-")
			x, y := field(a, name), field(b, name)
			by := strings.Compare(x, y)
			if s, err := time.Parse(time.RFC3339Nano, x); err == nil {
				if u, err := time.Parse(time.RFC3339Nano, y); err == nil {
					by = s.Compare(u)
				}
			}
			if down {
				by = -by
			}
			if by != 0 {
				return by
			}
		}
		return 0
	})
}
