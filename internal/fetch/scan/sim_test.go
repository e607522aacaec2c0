package scan

import (
	"context"
	"net/url"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

func read(t *testing.T, c *fetch.Client, scan Scan, path string) (ids map[string]bool, last Page) {
	t.Helper()
	ids = make(map[string]bool)
	for p, err := range scan.Pages(context.Background(), c, path, nil, Cursor{}) {
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, item := range p.Items {
			ids[string(item)] = true // the world stands still, so equal ids are equal items
		}
		last = p
	}
	if !last.Done {
		t.Errorf("%s ended without its last page", path)
	}
	return ids, last
}

// TestScansOfASimulatedOrganization reads every list to the end, from a server that shuffles ties on each request where
// the scan can be expected to cope with that.
func TestScansOfASimulatedOrganization(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	want := world.Counts()
	eachMeter := &Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}, "sorting": {"-created_at", "name"}}, Param: "meter_id"}
	for _, test := range []struct {
		name, path string
		scan       Scan
		stable     bool // ties span pages and no criterion tells them apart: for a caller that verifies and reads again
	}{
		{"organizations", "/v1/organizations/", Offset{Sort: []string{"-created_at", "slug"}}, false},
		{"products", "/v1/products/", Offset{Sort: []string{"-created_at", "name"}}, false},
		{"customers", "/v1/customers/", Offset{Sort: []string{"-created_at", "email"}}, false},
		{"members", "/v1/members/", Offset{Sort: []string{"-created_at"}}, true},
		{"meters", "/v1/meters/", Offset{Sort: []string{"-created_at", "name"}}, false},
		{"customer_meters", "/v1/customer-meters/", Offset{Sort: []string{"-created_at", "customer_id", "meter_id"}, Each: eachMeter}, false},
		{"orders", "/v1/orders/", Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}, false},
		{"subscriptions", "/v1/subscriptions/", Keyset{Sort: "started_at", After: "started_after"}, false},
		{"payments", "/v1/payments/", Offset{Sort: []string{"-created_at", "amount", "method", "status"}}, true},
		{"metric_dashboards", "/v1/metrics/dashboards", Array{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{StableTies: test.stable})
			if want[test.name] == 0 {
				t.Fatal("the world has none of these")
			}
			ids, last := read(t, c, test.scan, test.path)
			if len(ids) != want[test.name] || last.Total < len(ids) {
				t.Errorf("%d rows of %d, %d expected at the end", len(ids), want[test.name], last.Total)
			}
			if int64(sim.Requests()) != c.Requests() {
				t.Errorf("%d requests served, %d counted", sim.Requests(), c.Requests())
			}
			if counter, ok := test.scan.(Counter); ok {
				if n, err := counter.Count(context.Background(), c, test.path, nil); err != nil || n.Total != want[test.name] || n.Requests < 1 {
					t.Errorf("counted %+v of %d: %v", n, want[test.name], err)
				}
			}
		})
	}
	t.Run("metrics", func(t *testing.T) {
		t.Parallel()
		c, _ := fetchtest.Simulated(t, world, polarsim.ServerOptions{})
		rows, last := read(t, c, Metrics{Intervals: []string{"day", "month"}}, "/v1/metrics/")
		if len(rows) < 1000 || last.Total != len(rows) {
			t.Errorf("%d rows, %d expected", len(rows), last.Total)
		}
	})
}

func TestScanSurvivesFaults(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Orders: 1500})
	scan := Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}
	for _, kind := range []string{"500", "502", "503", "504", "429", "reset", "truncate", "stall"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fault := polarsim.Fault{Kind: kind, Path: "/v1/orders/", Skip: 3, Times: 2}
			c, _ := fetchtest.Simulated(t, world, polarsim.ServerOptions{Faults: []polarsim.Fault{fault}}, func(cfg *fetch.Config) {
				cfg.MaxPause = 10 * time.Millisecond
				if kind == "stall" {
					cfg.AttemptTimeout = 2 * time.Second
				}
			})
			// net/http itself sends a GET once more when a kept connection breaks before the first byte of an answer.
			unseen := int64(0)
			if kind == "reset" {
				unseen = 1
			}
			if ids, _ := read(t, c, scan, "/v1/orders/"); len(ids) != 1500 || c.Budget().Retries > 2 || c.Budget().Retries < 2-unseen {
				t.Errorf("%d orders, %d retries", len(ids), c.Budget().Retries)
			}
		})
	}
}

// TestRateLimitOfASimulatedOrganization: a server that gives a third of what is asked slows a scan down, nothing else.
func TestRateLimitOfASimulatedOrganization(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Orders: 1500})
	scan := Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}
	clock := time.Now()
	c, _ := fetchtest.Simulated(t, world, polarsim.ServerOptions{PerMinute: 5, Clock: func() time.Time { clock = clock.Add(5 * time.Second); return clock }},
		func(cfg *fetch.Config) { cfg.MaxPause = time.Millisecond })
	if ids, _ := read(t, c, scan, "/v1/orders/"); len(ids) != 1500 || c.Budget().RateLimited == 0 || c.Budget().RateLimited != c.Budget().Retries {
		t.Errorf("%d orders, refused %d times, %d retries", len(ids), c.Budget().RateLimited, c.Budget().Retries)
	}
}
