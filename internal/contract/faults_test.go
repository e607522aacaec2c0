package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/contract"
	"syncd/internal/polarsim"
)

// drifting changes the answers of a server as a new release might.
type drifting struct{ next http.Handler }

func (d drifting) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	rec := httptest.NewRecorder()
	d.next.ServeHTTP(rec, req)
	body := rec.Body.String()
	replace := func(old, now string) { body = strings.ReplaceAll(body, old, now) }
	switch req.URL.Path {
	case "/v1/meters/":
		rec.Header().Del("Cache-Control")
	case "/v1/files/":
		replace(`"pagination":{`, `"pagination":{"cursor":null,`)
	case "/v1/benefits/":
		replace(`"deletable":`, `"removable":`)
		replace("greater than", "more than")
	case "/v1/custom-fields/" + "nonsense":
		rec.Code = http.StatusNotFound
	}
	for name, values := range rec.Header() {
		rw.Header()[name] = values
	}
	rw.Header().Del("Content-Length")
	rw.WriteHeader(rec.Code)
	_, _ = rw.Write([]byte(body)) // the client is gone
}

// Each way in which a server may drift away is named, once, and nothing else is.
func TestEachDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	here := simulated(t)
	lists := []string{"organizations", "benefits", "custom_fields", "files", "products", "customers", "members", "meters", "payments", "disputes", "refunds", "orders", "checkouts"}
	samples := slices.DeleteFunc(slices.Clone(here.samples), func(s contract.Sample) bool { return !slices.Contains(lists, s.List) })
	faults := []string{
		`set:path=/v1/orders/,field=mood,value={"score":7}`, "set:path=/v1/payments/,field=status,value=\"teleported\"", "set:path=/v1/customers/,field=email_verified,value=1.5",
		"set:path=/v1/members/,item=2,field=created_at,value=\"2001-01-01T00:00:00Z\"", "404:path=/v1/disputes/", "html:path=/v1/checkouts/,times=1", "403:path=/v1/refunds/",
	}
	o := polarsim.ServerOptions{} // any token will do
	for _, text := range faults {
		f, err := polarsim.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	there := newView()
	look(t, drifting{polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 9, Customers: 60}), o)}, there, here.view, 2, samples)
	report := contract.Compare(samples, there, here.view)
	var got []string
	for _, d := range report.Differences {
		got = append(got, fmt.Sprintf("%s %s %s: %s", strings.Join(d.Streams, ","), d.Path, d.Kind, d.There))
	}
	slices.Sort(got)
	want := strings.TrimSpace(`
benefits /?limit=0 body detail[0].msg: "Input should be more than 0"
benefits /?page=0 body detail[0].msg: "Input should be more than 0"
benefits deletable missing: 
benefits removable field: bool
checkouts (page) body: no JSON
checkouts (page) header Content-Type: text/html; charset=UTF-8
checkouts (page) header Polar-Version: 
custom_fields /nonsense status: 404
customers email_verified type: float
disputes (page) status: 404
files (page).pagination.cursor field: null
members created_at order: 2026-07-27T08:11:39.318291Z after 2001-01-01T00:00:00Z
meters,checkouts (page) header Cache-Control: 
orders mood field: object
organizations / with a wrong token status: 200
payments status value: teleported`)
	if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if want := []contract.Uncompared{{Stream: "refunds", Why: "the token may not read it: the scope is refunds:read"}}; !slices.Equal(report.Uncompared, want) {
		t.Errorf("not compared: %+v", report.Uncompared)
	}
}
