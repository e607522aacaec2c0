package polarsim

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// The list of files has no order at all: two requests for one page may show different files.
func TestFilesComeInNoOrder(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 5}), ServerOptions{})
	page := func() (ids []any, total int) {
		p := list1(t, s, "/v1/files/?limit=50")
		for _, item := range p.Items {
			ids = append(ids, item["id"])
			if item["service"] == "support_case_attachment" || item["is_uploaded"] != true {
				t.Errorf("the list shows %v", item)
			}
		}
		return ids, p.Pagination.TotalCount
	}
	first, total := page()
	again, _ := page()
	if total < 101 || !slices.Equal(first, again) {
		t.Errorf("%d files, the same order twice: %v", total, slices.Equal(first, again))
	}
	s.AddFault(Fault{Kind: "shuffle", Path: "/v1/files/"})
	if other, _ := page(); slices.Equal(first, other) {
		t.Error("shuffled files come in the same order")
	}
	s.ClearFaults()
	one := list1(t, s, "/v1/files/?ids="+first[0].(string))
	if len(one.Items) != 1 || one.Items[0]["id"] != first[0] {
		t.Errorf("by id: %v", one.Items)
	}
}

func TestPaymentMethodsOfACustomer(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 30})
	s := NewServer(w, ServerOptions{})
	two := 0
	for _, customer := range list1(t, s, "/v1/customers/?limit=100").Items {
		p := list1(t, s, "/v1/customers/"+customer["id"].(string)+"/payment-methods")
		if n := len(p.Items); n != p.Pagination.TotalCount || (n == 0) != (customer["default_payment_method_id"] == nil) || n > 0 && p.Items[0]["id"] != customer["default_payment_method_id"] {
			t.Errorf("customer %v has %v", customer, p.Items)
		} else if n == 2 {
			two++
		}
	}
	if two == 0 {
		t.Error("nobody has two")
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/customers/"+unknownID+"/payment-methods", nil)
	r.Header.Set("Authorization", "Bearer polar_oat_x")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	if rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "ResourceNotFound") {
		t.Errorf("unknown customer: %d %s", rec.Code, rec.Body)
	}
}
