package contract_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/contract"
	"syncd/internal/fetch"
	"syncd/internal/polarsim"
)

const (
	token   = "polar_oat_of_the_tests"
	version = "2026-04" // the current one of the server that was recorded
)

func newView() *contract.View { return contract.NewView(contract.Enums(catalog.Entries())) }

// look asks a handler as the command asks Polar.
func look(t *testing.T, h http.Handler, v, like *contract.View, pages int, samples []contract.Sample) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	client, err := fetch.New(fetch.Config{Server: server.URL, Token: token, Version: version, RequestsPerMinute: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sampler := contract.Sampler{Server: fetch.NewRawClient(client), Pages: pages, Owners: 10 * pages}
	if err := sampler.TakeSamples(t.Context(), v, like, samples); err != nil {
		t.Fatal(err)
	}
}

// reference is what the simulator makes.
type reference struct {
	server  *polarsim.Server
	samples []contract.Sample
	view    *contract.View
}

var (
	once sync.Once
	ref  reference
)

// simulated looks at the simulator, once for all tests.
func simulated(t *testing.T) reference {
	t.Helper()
	once.Do(func() {
		servers, err := polarsim.NewShowcase(polarsim.ServerOptions{Token: token})
		if err != nil {
			t.Error(err)
			return
		}
		last := servers[len(servers)-1]
		samples := contract.SampleStreams(catalog.Entries(), last.World().Now())
		view := newView()
		for _, s := range servers {
			look(t, s, view, nil, 40, append(slices.Clone(samples),
				contract.Sample{List: "event_types", Path: "/v1/event-types/"}, contract.Sample{List: "webhook_deliveries", Path: "/v1/webhooks/deliveries"}))
		}
		for _, customer := range items(t, last, "/v1/customers/?limit=100") {
			var c struct{ ID string }
			if err := json.Unmarshal(customer, &c); err != nil {
				t.Error(err)
			}
			view.Shapes.AddItem("states", get(t, last, "/v1/customers/"+c.ID+"/state"))
		}
		ref = reference{last, samples, view}
	})
	if ref.server == nil {
		t.Fatal("there is nothing to compare with")
	}
	return ref
}

func get(t *testing.T, h http.Handler, target string) []byte {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Polar-Version", version)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Body.Bytes()
}

func items(t *testing.T, h http.Handler, target string) []json.RawMessage {
	t.Helper()
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal(get(t, h, target), &page); err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// Another organization is no difference.
func TestAnotherOrganizationIsTheSame(t *testing.T) {
	t.Parallel()
	here := simulated(t)
	w := polarsim.NewWorld(polarsim.Options{Seed: 9, Customers: 60})
	w.Churn(50)
	w.Advance(60 * 24 * time.Hour)
	there := newView()
	look(t, polarsim.NewServer(w, polarsim.ServerOptions{Token: token}), there, here.view, 2, here.samples)
	report := contract.Compare(here.samples, there, here.view)
	for _, d := range report.Differences {
		t.Errorf("%+v", d)
	}
	if len(report.Uncompared) > 0 {
		t.Errorf("not compared: %+v", report.Uncompared)
	}
}
