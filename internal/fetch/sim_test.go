package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

func simulated(t *testing.T, world *polarsim.World, o polarsim.ServerOptions, change ...func(*fetch.Config)) (*fetch.Client, *polarsim.Server) {
	t.Helper()
	sim := polarsim.NewServer(world, o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	cfg := fetch.Config{
		Server: server.URL, Token: "polar_oat_simulated", RequestsPerMinute: -1, AttemptTimeout: 30 * time.Second,
		Backoff: func(int) time.Duration { return 0 }, Now: world.Now,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := fetch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, sim
}

func read(t *testing.T, c *fetch.Client, scan fetch.Scan, path string) (ids map[string]bool, last fetch.Page) {
	t.Helper()
	ids = make(map[string]bool)
	for p, err := range scan.Pages(context.Background(), c, path, nil, fetch.Cursor{}) {
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
	eachMeter := &fetch.Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}, "sorting": {"-created_at", "name"}}, Param: "meter_id"}
	for _, test := range []struct {
		name, path string
		scan       fetch.Scan
		stable     bool // ties span pages and no criterion tells them apart: for a caller that verifies and reads again
	}{
		{"organizations", "/v1/organizations/", fetch.Offset{Sort: []string{"-created_at", "slug"}}, false},
		{"products", "/v1/products/", fetch.Offset{Sort: []string{"-created_at", "name"}}, false},
		{"customers", "/v1/customers/", fetch.Offset{Sort: []string{"-created_at", "email"}}, false},
		{"members", "/v1/members/", fetch.Offset{Sort: []string{"-created_at"}}, true},
		{"meters", "/v1/meters/", fetch.Offset{Sort: []string{"-created_at", "name"}}, false},
		{"customer_meters", "/v1/customer-meters/", fetch.Offset{Sort: []string{"-created_at", "customer_id", "meter_id"}, Each: eachMeter}, false},
		{"orders", "/v1/orders/", fetch.Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}, false},
		{"subscriptions", "/v1/subscriptions/", fetch.Keyset{Sort: "started_at", After: "started_after"}, false},
		{"payments", "/v1/payments/", fetch.Offset{Sort: []string{"-created_at", "amount", "method", "status"}}, true},
		{"metric_dashboards", "/v1/metrics/dashboards", fetch.Array{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, sim := simulated(t, world, polarsim.ServerOptions{StableTies: test.stable})
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
			if counter, ok := test.scan.(fetch.Counter); ok {
				if n, err := counter.Count(context.Background(), c, test.path, nil); err != nil || n.Total != want[test.name] || n.Requests < 1 {
					t.Errorf("counted %+v of %d: %v", n, want[test.name], err)
				}
			}
		})
	}
	t.Run("metrics", func(t *testing.T) {
		t.Parallel()
		c, _ := simulated(t, world, polarsim.ServerOptions{})
		rows, last := read(t, c, fetch.Metrics{Intervals: []string{"day", "month"}}, "/v1/metrics/")
		if len(rows) < 1000 || last.Total != len(rows) {
			t.Errorf("%d rows, %d expected", len(rows), last.Total)
		}
	})
}

func TestScanSurvivesFaults(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Orders: 1500})
	scan := fetch.Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}
	for _, kind := range []string{"500", "502", "503", "504", "429", "reset", "truncate", "stall"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fault := polarsim.Fault{Kind: kind, Path: "/v1/orders/", Skip: 3, Times: 2}
			c, _ := simulated(t, world, polarsim.ServerOptions{Faults: []polarsim.Fault{fault}}, func(cfg *fetch.Config) {
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
			if ids, _ := read(t, c, scan, "/v1/orders/"); len(ids) != 1500 || c.Retries() > 2 || c.Retries() < 2-unseen {
				t.Errorf("%d orders, %d retries", len(ids), c.Retries())
			}
		})
	}
}

func TestErrorsOfASimulatedOrganization(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Customers: 10})
	const missing = "/v1/orders/1dbfc517-0bbf-4301-9ba8-555ca42b9737"
	for name, test := range map[string]struct {
		options polarsim.ServerOptions
		version string
		path    string
		want    error
	}{
		"token":          {polarsim.ServerOptions{Token: "polar_oat_another"}, "", "/v1/orders/", fetch.ErrAuth},
		"scope":          {polarsim.ServerOptions{Scopes: []string{"customers:read"}}, "", "/v1/orders/", fetch.ErrScope},
		"row":            {polarsim.ServerOptions{}, "", missing, fetch.ErrNotFound},
		"version":        {polarsim.ServerOptions{Retired: polarsim.Versions()}, "", missing, fetch.ErrVersion},
		"no version":     {polarsim.ServerOptions{Retired: []string{"2026-10"}}, "", "/v1/ordres/", fetch.ErrContract},
		"route":          {polarsim.ServerOptions{}, "", "/v1/ordres/", fetch.ErrContract},
		"slash":          {polarsim.ServerOptions{}, "", "/v1/orders", fetch.ErrContract},
		"list of tokens": {polarsim.ServerOptions{}, "", "/v1/organization-access-tokens/", fetch.ErrAuth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := simulated(t, world, test.options, func(cfg *fetch.Config) { cfg.Version = test.version })
			_, err := c.Get(context.Background(), test.path, nil)
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestVersionThatEnds: a client goes on with the version that Polar answers in when none is asked for, tells it once, and
// stays with it.
func TestVersionThatEnds(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Customers: 10})
	for _, version := range polarsim.Versions() {
		var logged bytes.Buffer
		c, sim := simulated(t, world, polarsim.ServerOptions{}, func(cfg *fetch.Config) {
			cfg.Version, cfg.Log = version, slog.New(slog.NewTextHandler(&logged, nil))
		})
		ask := func(requests int64, inUse, retired string) {
			t.Helper()
			before := c.Requests()
			_, err := c.Page(context.Background(), "/v1/license-keys/", nil)
			if err != nil || c.Requests()-before != requests || c.Version() != inUse || c.VersionEcho() != inUse || c.Retired() != retired {
				t.Errorf("%s: %d requests, version %s, echo %s, retired %q: %v", version, c.Requests()-before, c.Version(), c.VersionEcho(), c.Retired(), err)
			}
		}
		ask(1, version, "")
		sim.Retire(version)
		next := "2026-10"
		if version == next {
			next = "2027-01"
		}
		ask(2, next, version)
		ask(1, next, version)
		if n := strings.Count(logged.String(), "level=WARN"); n != 1 {
			t.Errorf("%s: %d warnings: %s", version, n, logged.String())
		}
		for _, v := range polarsim.Versions() {
			sim.Retire(v)
		}
		if _, err := c.Page(context.Background(), "/v1/license-keys/", nil); !errors.Is(err, fetch.ErrVersion) || !errors.Is(err, fetch.ErrContract) || errors.Is(err, fetch.ErrNotFound) {
			t.Errorf("%s: nothing is served: %v", version, err)
		}
	}
}

// TestDaysLeft: what is gone has none.
func TestDaysLeft(t *testing.T) {
	t.Parallel()
	v, known := fetch.FindVersion("2026-04")
	if left := v.DaysLeft(time.Date(2026, time.December, 1, 12, 0, 0, 0, time.UTC)); !known || left != 30 {
		t.Errorf("%d days left", left)
	}
	if left := v.DaysLeft(time.Date(2027, time.January, 3, 0, 0, 0, 0, time.UTC)); left >= 0 {
		t.Errorf("%d days left", left)
	}
	if _, known := fetch.FindVersion(fetch.DefaultVersion); !known {
		t.Error("the default version is not known")
	}
}

// TestRateLimitOfASimulatedOrganization: a server that gives a third of what is asked slows a scan down, nothing else.
func TestRateLimitOfASimulatedOrganization(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 3, Orders: 1500})
	scan := fetch.Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}
	clock := time.Now()
	c, _ := simulated(t, world, polarsim.ServerOptions{PerMinute: 5, Clock: func() time.Time { clock = clock.Add(5 * time.Second); return clock }},
		func(cfg *fetch.Config) { cfg.MaxPause = time.Millisecond })
	if ids, _ := read(t, c, scan, "/v1/orders/"); len(ids) != 1500 || c.RateLimited() == 0 || c.RateLimited() != c.Retries() {
		t.Errorf("%d orders, refused %d times, %d retries", len(ids), c.RateLimited(), c.Retries())
	}
}
