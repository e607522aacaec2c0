package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/polarsim"
)

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
			c, _ := fetchtest.Simulated(t, world, test.options, func(cfg *fetch.Config) { cfg.Version = test.version })
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
		c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{}, func(cfg *fetch.Config) {
			cfg.Version, cfg.Log = version, slog.New(slog.NewTextHandler(&logged, nil))
		})
		ask := func(requests int64, inUse, retired string) {
			t.Helper()
			before := c.Requests()
			_, err := c.Page(context.Background(), "/v1/license-keys/", nil)
			if err != nil || c.Requests()-before != requests || c.Version() != inUse || c.VersionEcho() != inUse || c.RetiredVersion() != retired {
				t.Errorf("%s: %d requests, version %s, echo %s, retired %q: %v", version, c.Requests()-before, c.Version(), c.VersionEcho(), c.RetiredVersion(), err)
			}
		}
		ask(1, version, "")
		sim.RetireVersion(version)
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
			sim.RetireVersion(v)
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
