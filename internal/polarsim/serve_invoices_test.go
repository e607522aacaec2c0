package polarsim

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 60, Canaries: true})
	s := NewServer(w, ServerOptions{StableTies: true})
	front := httptest.NewServer(s)
	defer front.Close()
	get := func(url, authorization string) (int, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	f := fixture{t, w, s}
	with := f.first("/v1/orders/", func(o map[string]any) bool { return o["is_invoice_generated"] == true })
	status, body := get(front.URL+"/v1/orders/"+text(with["id"])+"/invoice", "Bearer "+token)
	link := string(bytes.TrimSuffix(bytes.TrimPrefix(body, []byte(`{"url":"`)), []byte(`"}`)))
	if status != 200 || !strings.HasPrefix(link, front.URL) || !strings.Contains(link, "canary") {
		t.Fatalf("%d %s", status, body)
	}
	if status, file := get(link, ""); status != 200 || !bytes.HasPrefix(file, []byte("%PDF-")) || !bytes.HasSuffix(file, []byte("%%EOF\n")) || !bytes.Contains(file, []byte(text(with["id"]))) {
		t.Errorf("%d %s", status, file)
	}
	if status, _ := get(link, "Bearer "+token); status != 400 {
		t.Errorf("with a token: %d", status)
	}
	if status, _ := get(link+"x", ""); status != 403 {
		t.Errorf("wrong signature: %d", status)
	}
	if w.Advance(11 * time.Minute); true {
		if status, body := get(link, ""); status != 403 || !bytes.Contains(body, []byte("expired")) {
			t.Errorf("after ten minutes: %d %s", status, body)
		}
	}

	receipted := f.first("/v1/orders/", func(o map[string]any) bool { return o["receipt_number"] != nil })
	path := "/v1/orders/" + text(receipted["id"]) + "/receipt"
	s.AddFault(Fault{Kind: "rendering", Value: "2"})
	for i, want := range []int{202, 202, 200, 200} {
		if res, body := do(t, s, "GET", path, ""); res.StatusCode != want || want == 202 && body != "" {
			t.Errorf("request %d: %d %q", i+1, res.StatusCode, body)
		}
	}
	s.ClearFaults()
	s.AddFault(Fault{Kind: "rendering", For: time.Minute})
	other := f.first("/v1/orders/", func(o map[string]any) bool { return o["receipt_number"] != nil && o["id"] != receipted["id"] })
	path = "/v1/orders/" + text(other["id"]) + "/receipt"
	for i, want := range []int{202, 202, 200} {
		if i == 2 {
			w.Advance(time.Minute)
		}
		if res, _ := do(t, s, "GET", path, ""); res.StatusCode != want {
			t.Errorf("request %d: %d, not %d", i+1, res.StatusCode, want)
		}
	}
	none := f.first("/v1/orders/", func(o map[string]any) bool { return o["receipt_number"] == nil })
	if body := f.send("GET", "/v1/orders/"+text(none["id"])+"/receipt", "", 404); body["error"] != "ReceiptNotAllocated" {
		t.Errorf("none: %v", body)
	}
}

// The cross-reference table of a file names where its objects begin.
func TestPDF(t *testing.T) {
	t.Parallel()
	file := pdf(`invoices/(a)\b`)
	fields := strings.Fields(string(file[bytes.LastIndex(file, []byte("startxref")):]))
	start, err := strconv.Atoi(fields[1])
	if err != nil || !bytes.HasPrefix(file[start:], []byte("xref\n0 6\n")) {
		t.Fatalf("%v %s", err, file)
	}
	for i, line := range strings.Split(string(file[start:]), "\n")[3:8] {
		at, err := strconv.Atoi(line[:10])
		if err != nil || !bytes.HasPrefix(file[at:], []byte(strconv.Itoa(i+1)+" 0 obj\n")) {
			t.Errorf("object %d is not at %s", i+1, line)
		}
	}
}

// The state of a customer is a copy of an hour, unless something happened to the customer; the rows of a replica come late.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.first("/v1/customers/?active=true", func(map[string]any) bool { return true })
	path := "/v1/customers/" + text(c["id"])
	state := func() string { _, body := do(t, f.s, "GET", path+"/state", ""); return body }
	first := state()
	f.w.mu.Lock() // a change of which no customer.state_changed tells
	n, _ := f.w.keys.number(KindCustomer, parsed(t, text(c["id"])))
	f.w.customers[n].Locale = "tlh"
	f.w.version++
	f.w.mu.Unlock()
	if state() != first {
		t.Error("not a copy")
	}
	f.send("PATCH", path, `{"name":"Fresh"}`, 200)
	if got := state(); !strings.Contains(got, `"Fresh"`) || !strings.Contains(got, `"tlh"`) {
		t.Errorf("stale after customer.state_changed: %s", got)
	}

	before := list1(t, f.s, "/v1/customers/").Pagination.TotalCount
	f.s.AddFault(Fault{Kind: "replica", For: 10 * time.Second})
	fresh := f.send("POST", "/v1/customers/", `{"email":"late@example.com"}`, 201)
	if n := list1(t, f.s, "/v1/customers/").Pagination.TotalCount; n != before {
		t.Errorf("%d customers on the replica, %d before", n, before)
	}
	f.send("GET", "/v1/customers/"+text(fresh["id"]), "", 404)
	f.w.Advance(11 * time.Second)
	f.send("GET", "/v1/customers/"+text(fresh["id"]), "", 200)
}

func parsed(t testing.TB, s string) ID {
	t.Helper()
	id, ok := ParseID(s)
	if !ok {
		t.Fatalf("no id: %s", s)
	}
	return id
}
