package mirror

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/polarsim"
)

// What Polar sends of the large streams fits COPY: where a value did not, each of its pages would be written twice.
func TestLargeStreamsFitCopy(t *testing.T) {
	t.Parallel()
	server := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 120}), polarsim.ServerOptions{})
	streams := map[string]Stream{}
	for _, s := range Streams() {
		streams[s.Name] = s
	}
	for _, name := range []string{"customers", "members", "subscriptions", "orders", "payments"} {
		s := streams[name]
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.Path+"?limit=100", nil)
		req.Header.Set("Authorization", "Bearer polar_oat_test")
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, req)
		var page struct {
			Items []jsontext.Value `json:"items"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || len(page.Items) == 0 {
			t.Fatalf("%s: %d items, %v", name, len(page.Items), err)
		}
		sh, sp := s.shape(), item.Splitter{}
		if !s.Table.binary() {
			t.Errorf("%s: a column has no binary form", name)
			continue
		}
		for _, object := range page.Items {
			o, err := sp.Split(sh, object)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Table.appendTuple(nil, &o); err != nil {
				t.Errorf("%s: %v in %s", name, err, object)
			}
			for k := range o.Children {
				child, shape := &s.Children[k], &sh.Children[k]
				if !child.Table.binary() { // numbers that are exact decimals have no binary form here
					continue
				}
				for i := range o.Children[k] {
					o.Children[k][i].Place(shape, uuid.New(), i)
					if _, err := child.Table.appendTuple(nil, &o.Children[k][i]); err != nil {
						t.Errorf("%s: %v", child.Name, err)
					}
				}
			}
		}
	}
}
