package polarsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"500:path=/v1/orders/,page=3,times=2", "reset", `set:path=/v1/orders/,item=4,field=status,value={"a":1,"b":[2,3]}`, "stall:for=30s,q.status=paid",
		"429:times=5,skip=3", "drift:value=-1", "nul:id=0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11", "403:scope=orders:read", "500:path=/v1/customers/*,method=PATCH"} {
		f, err := ParseFault(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := ParseFault(f.String())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(f) {
			t.Errorf("%s becomes %s: %v", text, f, err)
		}
	}
	for _, text := range []string{"", "explode", "500:page=x", "500:pages=1", "500:page", "stall:for=soon"} {
		if _, err := ParseFault(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// faulty serves a small world over a real connection.
func faulty(t *testing.T, faults ...string) (*Server, string) {
	t.Helper()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 60, Orders: 250}), ServerOptions{})
	for _, text := range faults {
		f, err := ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		s.AddFault(f)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func fetch(t *testing.T, ctx context.Context, url string) (int, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() {
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

func TestFaultsThatReplaceTheAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, url := faulty(t, "500:path=/v1/orders/,page=2,times=2")
	for i, want := range []int{500, 500, 200} {
		if status, _, err := fetch(t, ctx, url+"/v1/orders/?page=2"); err != nil || status != want {
			t.Errorf("request %d: %d %v, want %d", i, status, err, want)
		}
		if status, _, err := fetch(t, ctx, url+"/v1/orders/?page=1"); err != nil || status != 200 {
			t.Errorf("page 1: %d %v", status, err)
		}
	}
	for fault, check := range map[string]func(status int, body []byte, err error) bool{
		"502": func(status int, body []byte, err error) bool {
			return status == 502 && bytes.Contains(body, []byte("<html>"))
		},
		"html": func(status int, body []byte, err error) bool { return status == 200 && body[0] == '<' },
		"429":  func(status int, body []byte, err error) bool { return status == 429 && len(body) == 0 },
		"401": func(status int, body []byte, err error) bool {
			return status == 401 && bytes.Contains(body, []byte("invalid_token"))
		},
		"404":      func(status int, body []byte, err error) bool { return string(body) == `{"detail":"Not Found"}` },
		"reset":    func(status int, body []byte, err error) bool { return err != nil && status == 0 },
		"truncate": func(status int, body []byte, err error) bool { return err != nil && status == 200 && len(body) > 0 },
		"empty": func(status int, body []byte, err error) bool {
			return strings.HasPrefix(string(body), `{"items":[],"pagination":{"total_count":0,"max_page":0}}`)
		},
		"403:scope=orders:read": func(status int, body []byte, err error) bool {
			return status == 403 && bytes.Contains(body, []byte("insufficient_scope"))
		},
	} {
		s.ClearFaults()
		f, err := ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		s.AddFault(f)
		if status, body, err := fetch(t, ctx, url+"/v1/orders/"); !check(status, body, err) {
			t.Errorf("%s: %d %v %.200s", fault, status, err, body)
		}
	}
	s.ClearFaults()
	s.AddFault(Fault{Kind: "403", Scope: "orders:read"})
	if status, _, err := fetch(t, ctx, url+"/v1/customers/"); err != nil || status != 200 {
		t.Errorf("403 on orders:read refuses customers: %d %v", status, err)
	}
	s.ClearFaults()
	s.AddFault(Fault{Kind: "stall"})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, _, err := fetch(t, short, url+"/v1/orders/"); err == nil {
		t.Error("stall: an answer came")
	}
}

func TestFaultsOfLists(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t)
	read := func(fault, query string) page {
		s.ClearFaults()
		f, err := ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		s.AddFault(f)
		return list1(t, s, "/v1/orders/?sorting=created_at&"+query)
	}
	if p := read("clamp:value=7", "limit=100"); len(p.Items) != 7 || p.Pagination.MaxPage != 36 {
		t.Errorf("clamp: %d items, %+v", len(p.Items), p.Pagination)
	}
	if a, b := read("repeat", "page=2"), read("repeat", "page=9"); len(a.Items) != 10 || len(b.Items) != 10 {
		t.Error("repeat: no items")
	}
	if p := read("total:value=9", "page=2"); p.Pagination.TotalCount != 9 || len(p.Items) != 10 {
		t.Errorf("total: %+v", p.Pagination)
	}
	if p := read("total:value=+5", ""); p.Pagination.TotalCount != 255 {
		t.Errorf("total off by five: %+v", p.Pagination)
	}
	read("drift:value=-1", "")
	if p := list1(t, s, "/v1/orders/"); p.Pagination.TotalCount != 248 {
		t.Errorf("drift: %+v", p.Pagination)
	}
	if p := read("set:item=1,field=status,value=\"brand_new\"", ""); p.Items[1]["status"] != "brand_new" || p.Items[0]["status"] == "brand_new" {
		t.Error("set")
	}
	if p := read("dup:item=3", ""); len(p.Items) != 11 || p.Items[3]["id"] != p.Items[4]["id"] {
		t.Error("dup")
	}
}

func TestPoison(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t)
	victim := list1(t, s, "/v1/orders/?sorting=created_at&limit=3").Items[1]["id"].(string)
	for kind, check := range map[string]func(item map[string]json.RawMessage, raw []byte) bool{
		"type": func(item map[string]json.RawMessage, _ []byte) bool { return item["created_at"][0] == '{' },
		"noid": func(item map[string]json.RawMessage, _ []byte) bool { _, ok := item["id"]; return !ok },
		"nul": func(item map[string]json.RawMessage, _ []byte) bool {
			return bytes.Contains(item["description"], []byte(`\u0000`))
		},
		"bigint": func(item map[string]json.RawMessage, _ []byte) bool { return len(item["total_amount"]) == 400 },
		"utf8": func(_ map[string]json.RawMessage, raw []byte) bool {
			return bytes.Contains(raw, []byte("caf\xe9 \xff"))
		},
		"huge": func(item map[string]json.RawMessage, _ []byte) bool { return len(item["metadata"]) > 5<<20 },
	} {
		s.ClearFaults()
		s.AddFault(Fault{Kind: kind, ID: victim})
		_, body := do(t, s, "GET", "/v1/orders/?sorting=created_at&limit=3", "")
		var p struct{ Items []map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Items) != 3 {
			t.Errorf("%s: %d items, %v", kind, len(p.Items), err)
			continue
		}
		spoilt := 0
		for _, item := range p.Items {
			if check(item, []byte(body)) {
				spoilt++
			}
		}
		if spoilt != 1 && kind != "utf8" {
			t.Errorf("%s: %d items are spoilt", kind, spoilt)
		}
		if _, body := do(t, s, "GET", "/v1/orders/"+victim, ""); kind == "utf8" && !strings.Contains(body, "caf\xe9") {
			t.Errorf("%s: GET by id is not spoilt", kind)
		}
	}
}

func TestTrap30_OneBadRowFailsItsPage(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t, "500:path=/v1/orders/,row=42")
	for target, want := range map[string]int{"?limit=100": 500, "?limit=20&page=3": 500, "?limit=20&page=2": 200, "?limit=1&page=42": 500, "?limit=1&page=43": 200} {
		if res, _ := do(t, s, "GET", "/v1/orders/"+target, ""); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, res.StatusCode, want)
		}
	}
	s.ClearFaults()
	victim := list1(t, s, "/v1/orders/?limit=1").Items[0]["id"].(string)
	s.AddFault(Fault{Kind: "500", ID: victim})
	for target, want := range map[string]int{"/v1/orders/?limit=5": 500, "/v1/orders/?limit=5&page=2": 200, "/v1/orders/" + victim: 500} {
		if res, _ := do(t, s, "GET", target, ""); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, res.StatusCode, want)
		}
	}
}

func TestMembersOfObjects(t *testing.T) {
	t.Parallel()
	const object = `{"a":{"id":"inner"},"id":"x","b":[1,{"id":2}],"c":"q\"}","d":-1.5e3}`
	for _, c := range []struct{ got, want string }{
		{string(setMember([]byte(object), "id", "7")), `{"a":{"id":"inner"},"id":7,"b":[1,{"id":2}],"c":"q\"}","d":-1.5e3}`},
		{string(setMember([]byte(object), "new", "null")), object[:len(object)-1] + `,"new":null}`},
		{string(setMember([]byte(`{}`), "new", "1")), `{"new":1}`},
		{string(removeMember([]byte(object), "a")), `{"id":"x","b":[1,{"id":2}],"c":"q\"}","d":-1.5e3}`},
		{string(removeMember([]byte(object), "d")), `{"a":{"id":"inner"},"id":"x","b":[1,{"id":2}],"c":"q\"}"}`},
		{string(removeMember([]byte(object), "zzz")), object},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t)
	for _, c := range []struct {
		method, target, body string
		status               int
		contains             string
	}{
		{"GET", "/sim/stats", "", 200, `"now":"2026-10-15T12:00:00Z"`},
		{"POST", "/sim/advance?by=24h", "", 200, `"now":"2026-10-16T12:00:00Z"`},
		{"POST", "/sim/advance?by=-1h", "", 400, "positive"},
		{"POST", "/sim/churn?n=3", "", 200, "changes"},
		{"POST", "/sim/faults", "500:path=/v1/orders/\nreset:page=9\n", 200, "reset:page=9"},
		{"POST", "/sim/faults", "explode", 400, "unknown kind"},
		{"GET", "/v1/orders/", "", 500, "Internal Server Error"},
		{"GET", "/sim/faults", "", 200, "struck 1 times"},
		{"DELETE", "/sim/faults", "", 200, "[]"},
		{"GET", "/v1/orders/", "", 200, "items"},
		{"POST", "/sim/reset", "", 200, `"requests":0`},
		{"GET", "/sim/else", "", 404, ""},
	} {
		res, body := do(t, s, c.method, c.target, c.body)
		if res.StatusCode != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s %s: %d %s", c.method, c.target, res.StatusCode, body)
		}
	}
}

// The page about the simulator tells of every kind of fault.
func TestPageNamesEveryFault(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range faultKinds {
		if !strings.Contains(string(page), "`"+kind+"`") {
			t.Errorf("docs/simulator.md does not name %s", kind)
		}
	}
}
