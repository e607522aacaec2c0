package worldtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/store"
)

// RecordedAt is later than everything that was recorded.
var RecordedAt = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// StartRecorded makes a harness whose organization is not simulated: h answers for it. Nothing has been mirrored yet.
func StartRecorded(t *testing.T, handler http.Handler) *Harness {
	t.Helper()
	h := &Harness{World: polarsim.NewWorld(polarsim.Options{Customers: 1, Seed: 1, Now: RecordedAt}), Metrics: true}
	h.HTTP = httptest.NewServer(handler)
	t.Cleanup(h.HTTP.Close)
	var err error
	if h.Store, err = store.Open(t.Context(), store.Config{DSN: pgtest.Migrated(t), Schema: "polar", MaxConns: 6}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Store.Close)
	h.Mirror = h.NewMirror(t, nil)
	return h
}

// StartTruth makes a harness for one of the organizations that were recorded as a whole, and mirrors all that was listed. It tells the streams of these.
func StartTruth(t *testing.T, truth recorded.Truth) (h *Harness, names []string) {
	t.Helper()
	server, names := TruthServer(t, truth)
	h = StartRecorded(t, server)
	h.SyncAll(t, names...)
	return h, names
}

// TruthServer answers for an organization that was recorded as a whole. It tells the streams whose lists it serves.
func TruthServer(t *testing.T, truth recorded.Truth) (server *RecordedServer, names []string) {
	t.Helper()
	known, err := truth.Lists()
	if err != nil {
		t.Fatal(err)
	}
	server = &RecordedServer{Lists: map[string][]json.RawMessage{}}
	if server.Metrics, err = truth.Metrics(); err != nil {
		t.Fatal(err)
	}
	subscriptions, err := truth.Subscriptions()
	if err != nil {
		t.Fatal(err)
	}
	server.Exports = map[string][]byte{"/v1/subscriptions/export": subscriptions}
	for _, s := range catalog.Entries() {
		if slices.Contains(known, s.Name) {
			if server.Lists[s.Path], err = truth.List(s.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range catalog.Entries() {
		if server.Lists[s.Path] != nil {
			names = append(names, s.Name)
		}
	}
	server.Found(t, "2025-09-25T08:00:00Z")
	return server, names
}

// RecordedServer serves recorded items by the path of their list, as Polar does: filtered, sorted and page by page, and by id.
type RecordedServer struct {
	Lists   map[string][]json.RawMessage
	Metrics []recorded.Exchange // answers about metrics, from which others are put together
	Exports map[string][]byte   // CSV files by path

	mu     sync.Mutex
	items  map[string][]recordedItem // of Lists, as first asked for
	sorted map[string][]recordedItem
}

// Found sets when the organization was made, from which on metrics are read. Of those that were recorded as a whole no list of organizations was kept:
// this is another one's item, with the right id.
func (s *RecordedServer) Found(t *testing.T, at string) {
	t.Helper()
	items, err := recorded.List("organizations")
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	Decode(t, items[0], &o)
	o["id"], o["created_at"] = readItem(s.Lists["/v1/products/"][0]).texts["organization_id"], at
	item, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Lists["/v1/organizations/"] = []json.RawMessage{item}
	s.items, s.sorted = nil, nil
}

// recordedItem is an item and what is asked of its members: their texts, or their JSON, and those that are times.
type recordedItem struct {
	raw   json.RawMessage
	texts map[string]string
	times map[string]time.Time
}

func readItem(raw json.RawMessage) recordedItem {
	item := recordedItem{raw, map[string]string{}, map[string]time.Time{}}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members) // no object has no members
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		} else if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			item.times[name] = at
		}
		item.texts[name] = text
	}
	return item
}

func (s *RecordedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Polar-Version", r.Header.Get("Polar-Version"))
	query := r.URL.Query()
	if all := s.list(r.URL.Path, query["sorting"]); all != nil {
		items := slices.DeleteFunc(slices.Clone(all), func(i recordedItem) bool { return !i.asked(query) })
		_ = json.NewEncoder(w).Encode(page(r.URL.Path, items, query)) // whoever asked finds that it is cut
		return
	}
	if file, is := s.Exports[r.URL.Path]; is {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = w.Write(file)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/v1/metrics/") && s.metrics(w, r.URL.Path, query) {
		return
	}
	segments := strings.Split(r.URL.Path, "/") // an object has its id behind the path of its list, or behind its name in the path of its owner
	id, within := segments[len(segments)-1], strings.Join(segments[:len(segments)-1], "/")
	for _, list := range []string{within, within + "/", "/v1/" + segments[len(segments)-2] + "/"} {
		for _, item := range s.list(list, nil) {
			if item.texts["id"] == id {
				_, _ = w.Write(item.raw)
				return
			}
		}
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"error":"ResourceNotFound","detail":"Not found"}`))
}

// page is one of a list. Seats have no pages.
func page(path string, items []recordedItem, query url.Values) map[string]any {
	limit, _ := strconv.Atoi(cmp.Or(query.Get("limit"), "10"))
	number, _ := strconv.Atoi(cmp.Or(query.Get("page"), "1"))
	total := len(items)
	if path == "/v1/customer-seats" {
		return map[string]any{"seats": raws(items), "available_seats": 0, "total_seats": total}
	}
	return map[string]any{
		"items":      raws(items[min(total, (number-1)*limit):min(total, number*limit)]),
		"pagination": map[string]int{"total_count": total, "max_page": (total + limit - 1) / limit},
	}
}

func raws(items []recordedItem) []json.RawMessage {
	list := make([]json.RawMessage, len(items))
	for i, item := range items {
		list[i] = item.raw
	}
	return list
}

// list is a list sorted by the criteria that are members of its items; nil where there is none at this path.
func (s *RecordedServer) list(path string, criteria []string) []recordedItem {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Lists[path] == nil {
		return nil
	}
	if s.items == nil {
		s.items, s.sorted = map[string][]recordedItem{}, map[string][]recordedItem{}
	}
	if s.items[path] == nil {
		for _, raw := range s.Lists[path] {
			s.items[path] = append(s.items[path], readItem(raw))
		}
	}
	key := path + " " + strings.Join(criteria, " ")
	if _, is := s.sorted[key]; !is {
		items := append([]recordedItem{}, s.items[path]...)
		slices.SortStableFunc(items, func(a, b recordedItem) int { return a.compare(b, criteria) })
		s.sorted[key] = items
	}
	return s.sorted[key]
}

func (i recordedItem) compare(other recordedItem, criteria []string) int {
	for _, c := range criteria {
		name, down := strings.CutPrefix(c, "-")
		by := cmp.Or(i.times[name].Compare(other.times[name]), strings.Compare(i.texts[name], other.texts[name]))
		if down {
			by = -by
		}
		if by != 0 {
			return by
		}
	}
	return 0
}

// asked tells whether an item passes the filters of a request.
func (i recordedItem) asked(query url.Values) bool {
	for name, values := range query {
		bound, _ := time.Parse(time.RFC3339Nano, values[0]) // only of filters on times
		passes := true
		after, isAfter := strings.CutSuffix(name, "_after")
		before, isBefore := strings.CutSuffix(name, "_before")
		switch {
		case name == "page", name == "limit", name == "sorting":
		case isAfter:
			passes = i.times[after+"_at"].After(bound)
		case isBefore:
			passes = i.times[before+"_at"].Before(bound)
		case name == "start_timestamp":
			passes = !i.times["timestamp"].Before(bound)
		case name == "end_timestamp":
			passes = !i.times["timestamp"].After(bound)
		case name == "ids":
			passes = slices.Contains(values, i.texts["id"])
		default:
			passes = slices.Contains(values, i.texts[name])
		}
		if !passes {
			return false
		}
	}
	return true
}

// metrics answers what follows from answers about all metrics in UTC: the periods of any range of days that begins with a period. It tells whether it did.
func (s *RecordedServer) metrics(w http.ResponseWriter, path string, query url.Values) bool {
	var periods, about []string
	seen := map[string]bool{}
	for _, e := range s.Metrics {
		recordedPath, recordedQuery, _ := strings.Cut(e.Request.Path, "?")
		asked, err := url.ParseQuery(recordedQuery)
		switch {
		case err != nil || recordedPath != path:
			continue
		case len(asked) == 0:
			_, _ = w.Write([]byte(e.Body))
			return true
		case len(asked) > 3 || asked.Get("interval") != query.Get("interval"):
			continue // besides the range and the interval it was asked for a part, or for another zone
		}
		parts, head := metricsPeriods(path, e.Body)
		about = append(about, head)
		for _, p := range parts {
			day := p.at.Format(time.DateOnly)
			if !seen[p.at.String()] && day >= startOf(query.Get("interval"), query.Get("start_date")) && day <= query.Get("end_date") {
				periods = append(periods, p.text)
			}
			seen[p.at.String()] = true
		}
	}
	if len(about) == 0 {
		return false
	}
	if strings.HasSuffix(path, "/export") {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = w.Write([]byte(about[0] + strings.Join(periods, "")))
		return true
	}
	_, _ = w.Write([]byte(`{"periods":[` + strings.Join(periods, ",") + `],"totals":{},"metrics":` + about[0] + `}`))
	return true
}

// startOf is the first day of the period that a day is in.
func startOf(interval, day string) string {
	switch interval {
	case "month":
		return day[:len("2026-01")] + "-01"
	case "year":
		return day[:len("2026")] + "-01-01"
	}
	return day
}

type metricsPeriod struct {
	at   time.Time
	text string
}

// metricsPeriods takes an answer about metrics apart: its periods, and what it says of all of them, which of a file is the header.
func metricsPeriods(path, body string) (periods []metricsPeriod, about string) {
	if strings.HasSuffix(path, "/export") {
		for line := range strings.Lines(body) {
			first, _, _ := strings.Cut(line, ",")
			if at, err := time.Parse(time.RFC3339, first); err == nil {
				periods = append(periods, metricsPeriod{at.UTC(), line})
			} else {
				about = line
			}
		}
		return periods, about
	}
	var answer struct {
		Periods []json.RawMessage
		Metrics json.RawMessage
	}
	_ = json.Unmarshal([]byte(body), &answer) // an answer that is none has no periods
	for _, raw := range answer.Periods {
		periods = append(periods, metricsPeriod{readItem(raw).times["timestamp"].UTC(), string(raw)})
	}
	return periods, string(answer.Metrics)
}
