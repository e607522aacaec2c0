package polarsim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/slowtest"
)

const token = "polar_oat_simulated"

// do sends a request to a handler and gives the response, its body read.
func do(t testing.TB, h http.Handler, method, target, body string, header ...string) (*http.Response, string) {
	t.Helper()
	var input io.Reader
	if body != "" {
		input = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, input)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	res := rec.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

type page struct {
	Items      []map[string]any
	Pagination struct {
		TotalCount int `json:"total_count"`
		MaxPage    int `json:"max_page"`
	}
}

func list1(t testing.TB, h http.Handler, target string) page {
	t.Helper()
	res, body := do(t, h, "GET", target, "")
	if res.StatusCode != 200 {
		t.Fatalf("GET %s: %d %s", target, res.StatusCode, body)
	}
	var p page
	// encoding/json takes twice the time, and more with the race detector.
	if err := jsonv2.Unmarshal([]byte(body), &p, jsonv2.MatchCaseInsensitiveNames(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	return p
}

func ids(p page) []string {
	all := make([]string, 0, len(p.Items))
	for _, i := range p.Items {
		all = append(all, i["id"].(string))
	}
	return all
}

// all reads a list to its end with no care for ties: they are stable in the servers of the tests that use it.
func all(t testing.TB, h http.Handler, target string) []map[string]any {
	t.Helper()
	var items []map[string]any
	for n := 1; ; n++ {
		p := list1(t, h, onPage(target, n))
		items = append(items, p.Items...)
		if n >= p.Pagination.MaxPage {
			if len(items) != p.Pagination.TotalCount {
				t.Fatalf("%s: %d items, total_count %d", target, len(items), p.Pagination.TotalCount)
			}
			return items
		}
	}
}

// onPage asks for a page of a list, as large as there are.
func onPage(target string, n int) string {
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	return fmt.Sprintf("%s%slimit=100&page=%d", target, sep, n)
}

func TestListsHoldWhatTheWorldCounts(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	w := NewWorld(Options{Seed: 7, Customers: 300})
	s := NewServer(w, ServerOptions{StableTies: true})
	counts := w.Counts()
	for _, r := range resources() {
		name := strings.ReplaceAll(strings.Trim(strings.TrimPrefix(r.path, "/v1/"), "/"), "-", "_")
		items := all(t, s, r.path)
		seen := map[string]bool{}
		for _, i := range items {
			seen[i["id"].(string)] = true
		}
		if name == "customer_meters" {
			for _, m := range all(t, s, "/v1/meters/?is_archived=true") {
				for _, i := range all(t, s, "/v1/customer-meters/?meter_id="+m["id"].(string)) {
					seen[i["id"].(string)] = true
				}
			}
		} else if len(seen) != len(items) {
			t.Errorf("%s: %d items but %d ids", name, len(items), len(seen))
		}
		if len(seen) != counts[name] || len(seen) == 0 {
			t.Errorf("%s: %d rows listed, the world counts %d", name, len(seen), counts[name])
		}
		if r.noID {
			continue
		}
		for _, i := range items[:min(len(items), 40)] {
			target := strings.TrimSuffix(r.path, "/") + "/" + i["id"].(string)
			res, body := do(t, s, "GET", target, "")
			var got map[string]any
			if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
				t.Fatalf("GET %s: %d %v", target, res.StatusCode, err)
			}
			if fmt.Sprint(got) != fmt.Sprint(i) {
				t.Errorf("GET %s differs from the list's item", target)
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	read := func(seed uint64) string {
		w := NewWorld(Options{Seed: seed, Customers: 80})
		s := NewServer(w, ServerOptions{})
		w.Advance(40 * 24 * time.Hour)
		var b strings.Builder
		for _, r := range resources() {
			for n := 1; n <= 3; n++ {
				_, body := do(t, s, "GET", fmt.Sprintf("%s?limit=100&page=%d", r.path, n), "")
				b.WriteString(body)
			}
		}
		return b.String()
	}
	first := read(3)
	if read(3) != first {
		t.Error("two worlds of one seed differ")
	}
	if read(4) == first {
		t.Error("worlds of two seeds are the same")
	}
}

func TestIDsAreReversible(t *testing.T) {
	t.Parallel()
	k := newIDKeys(9)
	for _, n := range []int{0, 1, 99, 1 << 20, 1<<56 - 1} {
		id := k.id(KindOrder, n)
		text := id.String()
		if text[14] != '4' || !strings.ContainsRune("89ab", rune(text[19])) {
			t.Errorf("%s is no UUID of version 4", text)
		}
		parsed, ok := ParseID(text)
		if got, known := k.number(KindOrder, parsed); !ok || !known || got != n {
			t.Errorf("%s: got %d, want %d", text, got, n)
		}
		if _, known := k.number(KindCustomer, id); known {
			t.Errorf("%s of an order passes for a customer's", text)
		}
		other := newIDKeys(10)
		if _, known := other.number(KindOrder, id); known {
			t.Errorf("%s passes in another world", text)
		}
		id[15] ^= 1
		if _, known := k.number(KindOrder, id); known {
			t.Errorf("a made-up id passes")
		}
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// A world whose clock ticks dates its answers, and what is written, by a time that passes with each request.
func TestClockTicks(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 7, Customers: 5, Tick: 700 * time.Millisecond})
	s := NewServer(w, ServerOptions{})
	last := DefaultNow
	for range 10 {
		_, body := do(t, s, "POST", "/v1/customers/", fmt.Sprintf(`{"email":"c%d@example.com"}`, last.Unix()), "Content-Type", "application/json")
		var made struct {
			At time.Time `json:"created_at"`
		}
		if err := json.Unmarshal([]byte(body), &made); err != nil {
			t.Fatal(err)
		}
		res, _ := do(t, s, "GET", "/v1/products/", "")
		date, err := http.ParseTime(res.Header.Get("Date"))
		if err != nil || !made.At.After(last) || date.Before(made.At.Truncate(time.Second)) || date.After(w.Now()) {
			t.Fatalf("made at %v after %v, then an answer of %v: %v", made.At, last, date, err)
		}
		if last = w.Now(); last.Sub(made.At) < 700*time.Millisecond {
			t.Errorf("no time passed from %v to %v", made.At, last)
		}
	}
}
