package mirror_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/catalog"
	"syncd/internal/item"
	"syncd/internal/polarsim"
)

// BenchmarkSplit takes apart a page of orders as they come over the wire, about 5 kB each with their copies.
func BenchmarkSplit(b *testing.B) {
	server := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 120}), polarsim.ServerOptions{})
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/orders/?limit=100", nil)
	req.Header.Set("Authorization", "Bearer polar_oat_test")
	rec := httptest.NewRecorder()
	server.ServeHTTP(rec, req)
	var page struct {
		Items []jsontext.Value `json:"items"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || len(page.Items) != 100 {
		b.Fatal(len(page.Items), err)
	}
	var sh *item.Shape
	for _, s := range catalog.Entries() {
		if s.Name == "orders" {
			sh = s.Shape()
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var d item.Drift
	sp := item.Splitter{Drift: &d}
	for b.Loop() {
		for _, object := range page.Items {
			if _, err := sp.Split(sh, object); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(page.Items)), "ns/item")
	if found := d.Findings(); len(found) > 0 {
		b.Fatal(found)
	}
}
