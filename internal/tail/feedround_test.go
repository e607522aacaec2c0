package tail_test

import (
	"net/http"
	"testing"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// bare is a world without webhook endpoints that has been swept and followed once.
func bare(t *testing.T, s setup) *harness {
	t.Helper()
	h := start(t, s)
	for _, e := range h.All(t, "/v1/webhooks/endpoints", nil) {
		h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/webhooks/endpoints/"+e["id"].(string), "")
	}
	h.SyncAll(t)
	h.Round(t)
	return h
}

// A round of feeds costs one request while nothing happens, and fetches what has changed.
func TestFeedShowsAChange(t *testing.T) {
	t.Parallel()
	h := bare(t, setup{World: polarsim.Options{Customers: 30}, Mirror: worldtest.Tailing})
	if a := h.Feed(t, tail.Question{}); a.Requests != 1 || a.News || a.Feeds != 1 {
		t.Errorf("while nothing happens: %d requests, news %v, %d feeds", a.Requests, a.News, a.Feeds)
	}
	id := h.All(t, "/v1/customers/", nil)[0]["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+id, `{"name":"Ada"}`)
	a := h.Feed(t, tail.Question{})
	if !a.News || a.Updated == 0 {
		t.Errorf("after a change: news %v, %d updated", a.News, a.Updated)
	}
	if got := h.Stored(t, "customers", "id = '"+id+"'")[0]["name"]; got != "Ada" {
		t.Errorf("the customer is called %v", got)
	}
	if a := h.Feed(t, tail.Question{Every: time.Hour}); a.Requests != 0 {
		t.Errorf("a feed that was asked a moment ago was asked again: %d requests", a.Requests)
	}
	h.Equal(t, "customers", "members")
}

// What is named is fetched at once, and no feed is asked for it.
func TestFeedFetchesWhatIsNamed(t *testing.T) {
	t.Parallel()
	h := bare(t, setup{World: polarsim.Options{Customers: 30}, Mirror: worldtest.Tailing})
	h.Feed(t, tail.Question{})
	product := h.All(t, "/v1/products/", nil)[0]
	id := product["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+id, `{"name":"Named"}`)
	named := h.NamedBy("product.updated", h.World.Now(), []byte(`{"id":"`+id+`","name":"not believed"}`))
	if len(named) != 1 || named[0].Stream != "products" || named[0].Value != id {
		t.Fatalf("named: %+v", named)
	}
	if a := h.Feed(t, tail.Question{Every: time.Hour, Named: named}); a.Requests != 1 || !a.News {
		t.Errorf("%d requests, news %v", a.Requests, a.News)
	}
	if got := h.Stored(t, "products", "id = '"+id+"'")[0]["name"]; got != "Named" {
		t.Errorf("the product is called %v", got)
	}
	// The state of a customer is no customer: it names the customer, and its meters.
	if named := h.NamedBy("customer.state_changed", h.World.Now(), []byte(`{"id":"`+id+`"}`)); len(named) != 2 ||
		named[0].Stream != "customers" || named[0].Filter != tails.ByID || named[1].Stream != "customer_meters" || named[1].Filter != "customer_id" || named[1].Value != id {
		t.Errorf("a state names %+v", named)
	}
	for event, data := range map[string]string{"unheard.of": `{"id":"` + id + `"}`, "product.created": `{"id":"x"}`} {
		if named := h.NamedBy(event, h.World.Now(), []byte(data)); len(named) != 0 {
			t.Errorf("%s names %+v", event, named)
		}
	}
}
