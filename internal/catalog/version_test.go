package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// of is another process that asks for this version of the API.
func (h *harness) of(t *testing.T, version string, rt http.RoundTripper, log *slog.Logger) *catalog.Mirror {
	t.Helper()
	client, err := fetch.New(fetch.Config{Server: h.HTTP.URL, Token: worldtest.Token, RequestsPerMinute: -1, Version: version, Now: h.World.Now, Transport: rt, Log: log,
		Backoff: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return h.NewMirror(t, func(c *catalog.Config) { c.Client, c.Log = client, log })
}

// complete makes a sync, a round of tails and an audit, and wants nothing to be missing, found or deleted.
func (h *harness) complete(t *testing.T, r *catalog.Mirror, what string) {
	t.Helper()
	results, err := r.Sync(t.Context())
	if err != nil {
		t.Fatalf("%s: sync: %v", what, err)
	}
	for _, res := range results {
		if !res.IsWhole() || res.Rejected > 0 {
			t.Errorf("%s: %s: %s: %s", what, res.Stream, res.Outcome, res.Reason)
		}
	}
	if res, err := r.Tail(t.Context()); err != nil || res.Outcome != mirror.Succeeded {
		t.Errorf("%s: tail: %s %s, %v", what, res.Outcome, res.Reason, err)
	}
	found, err := r.Audit(t.Context(), audit.Options{States: -1})
	if err != nil || !found.Clean() {
		t.Errorf("%s: audit: %+v, %v", what, found, err)
	}
}

// A mirror goes through the versions of the API, forward and back, without a finding, a reject or a deletion: a sweep
// rewrites what a version says otherwise.
func TestVersionsOfTheAPI(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 20}})
	filled := map[string]string{"2026-04": "f f", "2026-10": "t f", "2027-01": "t t"}
	deleted := ""
	for _, version := range []string{"2026-04", "2026-10", "2027-01", "2026-04"} {
		h.complete(t, h.of(t, version, nil, nil), version)
		got := h.Texts(t, "SELECT concat_ws(' ', bool_or(member_id IS NOT NULL), bool_or(subscription_id IS NOT NULL)) FROM license_keys WHERE _deleted_at IS NULL")
		if got[0] != filled[version] {
			t.Errorf("%s: member, subscription filled: %s", version, got[0])
		}
		gone := h.Texts(t, "SELECT count(*)::text FROM license_keys WHERE _deleted_at IS NOT NULL")[0]
		if deleted == "" {
			deleted = gone
		}
		if v, err := h.Store.Polar().Version(t.Context()); err != nil || v.Name != version || v.Retired != "" || gone != deleted {
			t.Errorf("%s: recorded as %+v, %v; %s deleted", version, v, err, gone)
		}
	}
}

// retiring ends a version after some requests for a list.
type retiring struct {
	sim     *polarsim.Server
	version string
	path    string
	after   int
}

func (r *retiring) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == r.path {
		if r.after--; r.after == 0 {
			r.sim.RetireVersion(r.version)
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// A version that ends in the middle of a sweep fails nothing and deletes nothing; it is told once, and recorded.
func TestVersionEndsInTheMiddleOfASweep(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, version := range polarsim.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 220, Orders: 150}})
			var out worldtest.LockedBuffer
			log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
			next := "2026-10"
			if version == next {
				next = "2027-01"
			}
			h.complete(t, h.of(t, version, &retiring{h.Server, version, "/v1/customers/", 2}, log), version)
			h.complete(t, h.of(t, version, nil, nil), "the next process")
			if v, err := h.Store.Polar().Version(t.Context()); err != nil || v.Name != next || v.Retired != version {
				t.Errorf("recorded as %+v, %v", v, err)
			}
			if n := strings.Count(out.String(), "has retired the version"); n != 1 {
				t.Errorf("told %d times: %s", n, out.String())
			}
			if d := h.Drift(t, "customers"); len(d) != 1 || d[0].Kind != "version" || d[0].Value != next {
				t.Errorf("drift %+v", d)
			}
			if n, want := h.Texts(t, "SELECT count(*)::text FROM customers WHERE _deleted_at IS NULL")[0], fmt.Sprint(h.World.Counts()["customers"]); n != want {
				t.Errorf("%s customers are live, Polar has %s", n, want)
			}
		})
	}
}

// ending lets one client see a version end with its request of this number for a path; "" = for any.
type ending struct {
	version, path string
	at            int64
	asked         atomic.Int64
}

func (e *ending) RoundTrip(req *http.Request) (*http.Response, error) {
	if e.path == "" || req.URL.Path == e.path || e.asked.Load() >= e.at {
		if e.asked.Add(1) >= e.at {
			req = req.Clone(req.Context())
			switch asked := req.Header.Get("Polar-Version"); {
			case asked == e.version:
				req.Header.Set("Polar-Version", "2020-01") // as unknown as one that has ended
			case asked == "" && e.version == polarsim.CurrentVersion:
				req.Header.Set("Polar-Version", "2027-01")
			}
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// What differs between versions is no damage: an audit and a tail in another version than that of the sweeps find nothing, also
// where theirs ends on the way, with any of their requests.
func TestVersionIsAnotherInAuditsAndTails(t *testing.T) {
	t.Parallel()
	names := []string{"products", "customers", "subscriptions", "orders", "license_keys", "customers_export", "orders_export", "subscriptions_export"}
	for _, swept := range polarsim.Versions() {
		t.Run(swept, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 20}})
			if results, err := h.of(t, swept, nil, nil).Sync(t.Context(), names...); err != nil || slices.ContainsFunc(results, func(r mirror.Result) bool { return !r.IsWhole() }) {
				t.Fatalf("sync: %+v, %v", results, err)
			}
			before := h.Texts(t, "SELECT count(*)::text || ' of ' || count(_deleted_at)::text FROM license_keys")[0]
			read := func(version string, rt http.RoundTripper, log *slog.Logger) {
				t.Helper()
				r := h.of(t, version, rt, log)
				if res, err := r.Tail(t.Context()); err != nil || res.Outcome != mirror.Succeeded {
					t.Errorf("%s: tail: %s %s, %v", version, res.Outcome, res.Reason, err)
				}
				if found, err := r.Audit(t.Context(), audit.Options{Streams: names, States: -1}); err != nil || !found.Clean() {
					t.Errorf("%s: audit: %+v, %v", version, found, err)
				}
			}
			for _, version := range polarsim.Versions() {
				read(version, nil, nil)
			}
			for _, at := range []*ending{{at: 3}, {at: 16}, {path: "/v1/customers/export", at: 1}, {path: "/v1/orders/export", at: 1}} {
				at.version = swept
				var out worldtest.LockedBuffer
				read(swept, at, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
				if n := strings.Count(out.String(), "has retired the version"); n != 1 {
					t.Errorf("%s %d: told %d times: %s", at.path, at.at, n, out.String())
				}
				if v, err := h.Store.Polar().Version(t.Context()); err != nil || v.Retired != swept {
					t.Errorf("%s %d: recorded as %+v, %v", at.path, at.at, v, err)
				}
			}
			if after := h.Texts(t, "SELECT count(*)::text || ' of ' || count(_deleted_at)::text FROM license_keys")[0]; after != before {
				t.Errorf("license keys: %s are deleted, before %s", after, before)
			}
		})
	}
}

// Where no version is served nothing can run, and nothing is taken for deleted.
func TestNoVersionIsServed(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 10}})
	h.SyncAll(t, "products", "customers")
	for _, v := range polarsim.Versions() {
		h.Server.RetireVersion(v)
	}
	if _, err := h.Sync(t.Context(), "customers"); !errors.Is(err, fetch.ErrVersion) {
		t.Errorf("sync: %v", err)
	}
	for _, stream := range []string{"products", "customers"} {
		ids := h.Texts(t, "SELECT id::text FROM "+stream+" WHERE _deleted_at IS NULL LIMIT 3")
		for _, id := range ids {
			if res := h.Refresh(t.Context(), stream, uuid.MustParse(id)); res.Outcome == mirror.Succeeded || res.Deleted > 0 {
				t.Errorf("refresh of %s: %s", stream, res.Outcome)
			}
		}
		if n := h.Texts(t, "SELECT count(*)::text FROM "+stream+" WHERE _deleted_at IS NOT NULL AND id::text = ANY('{"+strings.Join(ids, ",")+"}')"); n[0] != "0" {
			t.Errorf("%s: %s rows are marked as deleted", stream, n[0])
		}
	}
}

// future answers in a version that nobody knows yet, when none is asked for, and changes a field's name in it.
type future struct{ old, renamed string }

func (f future) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := req.Header.Get("Polar-Version")
	if asked == "2031-04" {
		req = req.Clone(req.Context())
		req.Header.Del("Polar-Version")
	}
	resp, err := worldtest.Rewrite(req, func(header http.Header, body []byte) []byte {
		header.Set("Polar-Version", "2031-04")
		return bytes.ReplaceAll(body, []byte(`"`+f.old+`":`), []byte(`"`+f.renamed+`":`))
	})
	if err == nil && asked != "" && asked != "2031-04" {
		resp.StatusCode, resp.Header = http.StatusNotFound, http.Header{"Content-Type": {"application/json"}}
		const body = `{"detail":"Not Found"}`
		resp.Body, resp.ContentLength = http.NoBody, int64(len(body))
		resp.Body = readCloser{strings.NewReader(body)}
	}
	return resp, err
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// Of a version that is not known what has all the fields that are known is stored. What lacks some is not: it would empty
// their columns.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 10}})
	h.SyncAll(t, "customers", "products")
	before := h.Texts(t, "SELECT count(*)::text FROM customers WHERE locale IS NOT NULL")[0]
	h.Server.AddFault(polarsim.Fault{Kind: "set", Path: "/v1/products/", Field: "description", Value: `"news"`})
	r := h.of(t, "", future{"locale", "language"}, nil)
	if res := r.SweepOnce(t.Context(), "products"); res.Outcome != mirror.Succeeded {
		t.Errorf("products: %s: %s", res.Outcome, res.Reason)
	}
	res := r.SweepOnce(t.Context(), "customers")
	if res.Outcome != mirror.Failed || !strings.Contains(res.Reason, "2031-04") || !strings.Contains(res.Reason, "locale") {
		t.Errorf("customers: %s: %s", res.Outcome, res.Reason)
	}
	if after := h.Texts(t, "SELECT count(*)::text FROM customers WHERE locale IS NOT NULL")[0]; after != before || before == "0" {
		t.Errorf("%s customers with a locale, before %s", after, before)
	}
}
