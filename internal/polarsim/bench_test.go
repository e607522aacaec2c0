package polarsim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// sink is a response that keeps nothing.
type sink struct {
	header http.Header
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

// benchmarkPage asks for one page again and again, and reports rows and bytes a row.
func benchmarkPage(b *testing.B, w *World, target string, rows int) {
	s := NewServer(w, ServerOptions{})
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	out := &sink{header: http.Header{}}
	s.ServeHTTP(out, r) // sorts once
	out.bytes = 0
	for b.Loop() {
		s.ServeHTTP(out, r)
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(out.bytes)/float64(b.N*rows), "B/row")
}

func BenchmarkPage(b *testing.B) {
	w := NewWorld(Options{Seed: 1, Orders: 50_000})
	for name, target := range map[string]string{
		"orders": "/v1/orders/?limit=100&sorting=created_at&page=200", "orders keyset": "/v1/orders/?limit=100&sorting=created_at&created_after=2025-06-01T00:00:00Z",
		"subscriptions": "/v1/subscriptions/?limit=100&sorting=started_at&page=20", "customers": "/v1/customers/?limit=100&sorting=created_at&page=20",
		"customer meters": "/v1/customer-meters/?limit=100&sorting=created_at&page=20", "payments": "/v1/payments/?limit=100&sorting=created_at&page=20",
	} {
		b.Run(name, func(b *testing.B) { benchmarkPage(b, w, target, 100) })
	}
}

func BenchmarkPageOfMillion(b *testing.B) {
	w := NewWorld(Options{Seed: 1, Orders: 1_000_000})
	for name, target := range map[string]string{
		"first": "/v1/orders/?limit=100&sorting=created_at", "last": "/v1/orders/?limit=100&sorting=created_at&page=10000",
		"keyset": "/v1/orders/?limit=100&sorting=created_at&created_after=2025-06-01T00:00:00Z", "payments": "/v1/payments/?limit=100&sorting=created_at&sorting=amount&page=5000",
	} {
		b.Run(name, func(b *testing.B) { benchmarkPage(b, w, target, 100) })
	}
}

func BenchmarkWorld(b *testing.B) {
	for b.Loop() {
		NewWorld(Options{Seed: 1, Orders: 100_000})
	}
}

// BenchmarkSortGrants sorts a list whose rows are worked out rather than kept.
func BenchmarkSortGrants(b *testing.B) {
	w := NewWorld(Options{Seed: 1, Orders: 50_000})
	r := grantList()
	l := w.parse(r, url.Values{"sorting": {"granted_at", "-revoked_at"}}, &problems{})
	rows := 0
	for b.Loop() {
		rows = len(w.build(r, &l))
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}
