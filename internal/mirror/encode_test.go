package mirror_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/item"
	"syncd/internal/polarsim"
	"syncd/internal/store"
)

// What Polar sends of the large streams is encoded while the page before it is written.
func TestLargeStreamsAreEncodedAhead(t *testing.T) {
	t.Parallel()
	server := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 120}), polarsim.ServerOptions{})
	for _, s := range entriesOf("customers", "members", "subscriptions", "orders", "payments", "products") {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.Path+"?limit=100", nil)
		req.Header.Set("Authorization", "Bearer polar_oat_test")
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, req)
		var page struct {
			Items []jsontext.Value `json:"items"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || len(page.Items) == 0 {
			t.Fatalf("%s: %d items, %v", s.Name, len(page.Items), err)
		}
		target := &store.Target{Stream: s.Name, Table: s.Table, Shape: s.Shape()}
		for _, c := range s.Children {
			target.Children = append(target.Children, store.ChildTarget{Name: c.Name, Parent: c.Parent, Key: c.Key, Table: c.Table})
		}
		sp := item.Splitter{}
		objects := make([]item.Item, len(page.Items))
		for i, object := range page.Items {
			var err error
			if objects[i], err = sp.Split(target.Shape, object); err != nil {
				t.Fatal(err)
			}
		}
		target.Encode(time.Now(), objects)
		for _, o := range objects {
			if o.Encoded == nil {
				t.Errorf("%s: %s is not", s.Name, o.Raw)
			}
			for k, list := range o.Children {
				for i := range list {
					if list[i].Encoded == nil {
						t.Errorf("%s: row %d of %s is not", s.Children[k].Name, i, o.Raw)
					}
				}
			}
		}
	}
}
