package mirror_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// certificate is what sync_runs holds of one run.
type certificate struct {
	Pages, Requests, Read, Inserted   int
	First, Last, Distinct, Duplicates *int
	Appeared, Vanished                *int
	Verdict, Outcome, Reason          *string
}

func (h *harness) certificate(t *testing.T, run int64) (c certificate) {
	t.Helper()
	err := h.Store.Pool().QueryRow(t.Context(), `SELECT pages, requests, rows_read, rows_inserted, total_first, total_last, distinct_ids, duplicates,
		rows_appeared, rows_vanished, verdict, outcome, reason FROM sync_runs WHERE id = $1 AND finished_at IS NOT NULL`, run).
		Scan(&c.Pages, &c.Requests, &c.Read, &c.Inserted, &c.First, &c.Last, &c.Distinct, &c.Duplicates, &c.Appeared, &c.Vanished, &c.Verdict, &c.Outcome, &c.Reason)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c certificate) String() string {
	n := func(p *int) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	s := func(p *string) string {
		if p == nil {
			return "-"
		}
		return *p
	}
	return fmt.Sprintf("pages %d requests %d read %d; total %s..%s distinct %s again %s +%s -%s; %s, %s: %s", c.Pages, c.Requests, c.Read,
		n(c.First), n(c.Last), n(c.Distinct), n(c.Duplicates), n(c.Appeared), n(c.Vanished), s(c.Verdict), s(c.Outcome), s(c.Reason))
}

func is(p *int, want int) bool { return p != nil && *p == want }

// small makes pages of a stream small, so that few rows fill many.
func small(name string, limit int) func(*catalog.Config) {
	return worldtest.Changed(name, func(s *catalog.Entry) {
		switch scan := s.Scan.(type) {
		case scan.Offset:
			scan.Limit = limit
			s.Scan = scan
		case scan.Keyset:
			scan.Limit = limit
			s.Scan = scan
		case scan.Windows:
			scan.Limit = limit
			s.Scan = scan
		}
	})
}

// after calls do once the nth page of a run is stored, and when no more than two pages have been read beyond it: one
// is parsed, and one has just come.
func after(n int, do func()) func(*catalog.Config) {
	return func(c *catalog.Config) {
		c.Ahead = 1
		c.Observer = worldtest.Observer(func() {
			if n--; n == 0 {
				do()
			}
		})
	}
}

// lost are the rows that the API has and the mirror has not.
func (h *harness) lost(t *testing.T, stream string) (ids []string) {
	t.Helper()
	i := slices.IndexFunc(catalog.Entries(), func(s catalog.Entry) bool { return s.Name == stream })
	for _, item := range h.Upstream(t, catalog.Entries()[i]) {
		if id := item["id"].(string); worldtest.Query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE id = $1 AND _deleted_at IS NULL", id) == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestCertificateTellsTheTruth(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	for _, stream := range []string{"customers", "members", "customer_meters", "subscriptions", "orders", "payments", "metric_dashboards"} {
		h.Server.Reset()
		r := h.NewMirror(t, small(stream, 20)).SweepOnce(t.Context(), stream)
		asked := h.Server.Requests()
		c := h.certificate(t, r.RunID)
		rows := worldtest.Query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE NOT EXISTS (SELECT FROM sync_stubs s WHERE s.id = "+stream+".id AND s.resolved_at IS NULL)")
		if c.Requests != asked || int(r.Requests) != asked {
			t.Errorf("%s: %d requests were made; %s", stream, asked, c)
		}
		if *c.Verdict != "complete" || *c.Outcome != "succeeded" || c.Reason != nil || !is(c.Distinct, rows) || !is(c.Last, rows) || !is(c.Duplicates, c.Read-rows) {
			t.Errorf("%s: %d rows; %s", stream, rows, c)
		}
		if stream != "customer_meters" && !is(c.First, rows) {
			t.Errorf("%s: %d rows; %s", stream, rows, c)
		}
		if c.Appeared != nil && (*c.Appeared != 0 || *c.Vanished != 0) {
			t.Errorf("%s: nothing moved; %s", stream, c)
		}
	}
}

// Customers and members that were imported together share a second, and Polar shuffles ties from page to page.
func TestCertificateTies(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 120}})
	r := h.NewMirror(t, worldtest.Both(small("members", 4), nop)).SweepOnce(t.Context(), "members")
	if c := h.certificate(t, r.RunID); *c.Outcome != "succeeded" || *c.Verdict != "complete" || !is(c.Distinct, *c.Last) || *c.Duplicates == 0 {
		t.Errorf("%s", c)
	}
	h.Equal(t, "members")

	// An order in which nearly everything ties, and no pages that stay the same.
	r = h.NewMirror(t, worldtest.Changed("payments", func(s *catalog.Entry) { s.Scan = scan.Offset{Sort: []string{"status"}, Limit: 40} })).SweepOnce(t.Context(), "payments")
	c := h.certificate(t, r.RunID)
	if missing := len(h.lost(t, "payments")); (missing == 0) != (*c.Verdict == "complete") || r.Requests > 400 {
		t.Errorf("%d missing; %s", missing, c)
	}
}

func nop(*catalog.Config) {}

func TestCertificateMovingWorld(t *testing.T) {
	t.Parallel()
	customers := func(h *harness, t *testing.T) []map[string]any {
		return h.All(t, "/v1/customers/", url.Values{"sorting": {"created_at", "email"}})
	}
	remove := func(from, to int) func(*testing.T, *harness) {
		return func(t *testing.T, h *harness) {
			for _, c := range customers(h, t)[from:to] {
				h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+c["id"].(string), "")
			}
		}
	}
	add := func(n int) func(*testing.T, *harness) {
		return func(t *testing.T, h *harness) {
			for i := range n {
				newCustomer("individual", fmt.Sprint("new", i))(t, h)
			}
		}
	}
	for name, do := range map[string]func(*testing.T, *harness){
		"one deleted behind":       remove(2, 3),
		"one deleted ahead":        remove(50, 51),
		"a page deleted behind":    remove(0, 12),
		"nearly all deleted":       remove(3, 70),
		"inserted":                 add(25),
		"more inserted at once":    func(t *testing.T, h *harness) { remove(0, 9)(t, h); add(12)(t, h) },
		"deleted, others inserted": func(t *testing.T, h *harness) { remove(0, 9)(t, h); add(4)(t, h) },
	} {
		for _, mirrored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s mirrored=%t", name, mirrored), func(t *testing.T) {
				t.Parallel()
				h := start(t, setup{World: polarsim.Options{Customers: 80}, Mirror: func(c *catalog.Config) { c.Brake = mirror.Brake{Rows: 100} }})
				if mirrored {
					h.SyncAll(t, "customers")
				}
				before := len(customers(h, t))
				var asked int
				r := h.NewMirror(t, func(c *catalog.Config) {
					small("customers", 10)(c)
					c.Brake = mirror.Brake{Rows: 100}
					after(2, func() {
						asked = -h.Server.Requests()
						do(t, h)
						asked += h.Server.Requests()
					})(c)
				}).SweepOnce(t.Context(), "customers")
				c := h.certificate(t, r.RunID)
				if missing := h.lost(t, "customers"); len(missing) > 0 {
					t.Errorf("%d rows are lost; %s", len(missing), c)
				}
				switch *c.Verdict {
				case "complete":
					if !is(c.Last, len(customers(h, t))) || *c.Distinct != *c.Last || !is(c.First, before) || *c.Appeared-*c.Vanished != *c.Last-before {
						t.Errorf("before %d, now %d; %s", before, len(customers(h, t)), c)
					}
				default:
					if *c.Outcome != "partial" || c.Reason == nil {
						t.Errorf("%s", c)
					}
				}
				if mirrored && *c.Verdict == "complete" {
					h.Equal(t, "customers")
				}
				if r.Requests > 150 || asked == 0 {
					t.Errorf("%d requests; %s", r.Requests, c)
				}
				h.SyncAll(t, "customers")
				h.Equal(t, "customers")
			})
		}
	}
}

// Customers that are imported while the sweep reads bring the time that they had elsewhere: they land on pages already read.
func TestCertificateBackdated(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 60}})
	before := len(h.All(t, "/v1/customers/", nil))
	var late int
	r := h.NewMirror(t, worldtest.Both(small("customers", 10), after(2, func() {
		for late == 0 {
			h.World.Advance(16 * 24 * time.Hour)
			late = -before
			for _, c := range h.All(t, "/v1/customers/", nil) {
				if at, err := time.Parse(time.RFC3339Nano, c["created_at"].(string)); err == nil && at.Before(polarsim.DefaultNow) {
					late++
				}
			}
		}
	}))).SweepOnce(t.Context(), "customers")
	c := h.certificate(t, r.RunID)
	if missing := h.lost(t, "customers"); len(missing) > 0 || *c.Verdict != "complete" || !is(c.Distinct, *c.Last) || *c.Appeared == 0 || late < 1 {
		t.Errorf("%d backdated, %d missing; %s", late, len(missing), c)
	}
}

// The payment of an order has the order's date, and may come weeks later: behind what a sweep has read, or what it had read
// before it was interrupted.
func TestCertificateBookingsDatedBack(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, interrupted := range []bool{false, true} {
		h := start(t, setup{World: polarsim.Options{Customers: 60}})
		entry := entriesOf("balance_events")[0]
		before := func(end time.Time) (ids []any) {
			for _, e := range h.Upstream(t, entry) {
				if at, err := time.Parse(time.RFC3339Nano, e["timestamp"].(string)); err == nil && at.Before(end) {
					ids = append(ids, e["id"])
				}
			}
			return ids
		}
		late := 0
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r := h.NewMirror(t, worldtest.Both(small("balance_events", 10), after(len(before(polarsim.DefaultNow))/10, func() {
			read := worldtest.Query[time.Time](t, h, "SELECT max(timestamp) FROM balance_events")
			had := len(before(read))
			for tries := 0; late == 0 && tries < 40; tries++ {
				h.World.Advance(24 * time.Hour)
				late = len(before(read)) - had
			}
			if interrupted {
				stop()
			}
		}))).SweepOnce(ctx, "balance_events")
		if interrupted {
			if r.Outcome != mirror.Interrupted {
				t.Fatalf("%+v", r)
			}
			if r = h.NewMirror(t, small("balance_events", 10)).SweepOnce(t.Context(), "balance_events"); !r.Resumed {
				t.Errorf("not resumed: %+v", r)
			}
		}
		c := h.certificate(t, r.RunID)
		missing := h.lost(t, "balance_events")
		for _, id := range before(polarsim.DefaultNow) { // later ones are those of the days that passed in a moment
			if slices.Contains(missing, id.(string)) {
				t.Errorf("interrupted: %t: %s is missing", interrupted, id)
			}
		}
		if *c.Verdict != "complete" || !is(c.Distinct, *c.Last) || late < 1 {
			t.Errorf("interrupted: %t: %d dated back; %s", interrupted, late, c)
		}
	}
}

// A count that is too low may end with a full page. What is behind it comes all the same, and the sweep is not complete.
func TestCertificateOfAFullLastPage(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	for _, stream := range []string{"customers", "products", "license_keys", "orders", "events"} {
		entry := entriesOf(stream)[0]
		few := 1 + (len(h.Upstream(t, entry))-1)%10
		h.Fault(t, fmt.Sprintf("total:path=%s,value=-%d", entry.Path, few))
		r := h.NewMirror(t, small(stream, 10)).SweepOnce(t.Context(), stream)
		h.Server.ClearFaults()
		if c := h.certificate(t, r.RunID); r.Outcome != mirror.Partial || *c.Verdict == "complete" {
			t.Errorf("%s: %d rows were not counted; %s", stream, few, c)
		}
		if missing := h.lost(t, stream); len(missing) > 0 {
			t.Errorf("%s: %d rows were not counted, %d are missing", stream, few, len(missing))
		}
	}
}

// A server that lies ends the sweep, with words and without a deletion, after a bounded number of requests.
func TestCertificateLyingServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    string
		outcomes []mirror.Outcome
		says     string
		requests int
	}{
		"counts one too many":        {"total:path=PATH,value=+1", []mirror.Outcome{mirror.Partial}, "Polar counts", 90},
		"counts one too few":         {"total:path=PATH,value=-1", []mirror.Outcome{mirror.Partial}, "Polar counts", 90},
		"counts nothing":             {"total:path=PATH,value=0", []mirror.Outcome{mirror.Partial, mirror.Failed}, "", 90},
		"counts a million":           {"total:path=PATH,value=1000000", []mirror.Outcome{mirror.Partial, mirror.Failed}, "", 90},
		"counts more every time":     {"drift:path=PATH,value=7", []mirror.Outcome{mirror.Partial, mirror.Failed}, "", 150},
		"counts fewer every time":    {"drift:path=PATH,value=-1", []mirror.Outcome{mirror.Partial, mirror.Failed}, "", 150},
		"repeats a page for ever":    {"repeat:path=PATH,value=1", []mirror.Outcome{mirror.Partial}, "Polar counts", 90},
		"returns an empty list":      {"empty:path=PATH", []mirror.Outcome{mirror.Partial}, "", 30},
		"clamps the limit lower":     {"clamp:path=PATH,value=7", []mirror.Outcome{mirror.Succeeded}, "", 90},
		"refuses in the middle":      {"403:path=PATH,page=3", []mirror.Outcome{mirror.Failed}, "", 5},
		"repeats a page for a while": {"repeat:path=PATH,times=2,value=2", []mirror.Outcome{mirror.Succeeded}, "", 90},
	} {
		for stream, path := range map[string]string{"customers": "/v1/customers/", "orders": "/v1/orders/"} {
			if stream == "orders" && strings.HasPrefix(name, "repeats") {
				continue // they are read by a filter on the time, always as page 1
			}
			t.Run(name+" of "+stream, func(t *testing.T) {
				t.Parallel()
				h := start(t, setup{})
				h.SyncAll(t, "customers", "orders")
				marked := h.tombstones(t, "customers")
				fault := strings.ReplaceAll(c.fault, "PATH", path)
				if stream == "orders" {
					fault = strings.ReplaceAll(fault, ",page=3", ",skip=2")
				}
				h.Fault(t, fault)
				h.Server.Reset()
				r := h.NewMirror(t, small(stream, 10)).SweepOnce(t.Context(), stream)
				asked := h.Server.Requests()
				got := h.certificate(t, r.RunID)
				if !slices.Contains(c.outcomes, r.Outcome) || !strings.Contains(r.Reason, c.says) || (r.Outcome != mirror.Succeeded) != (r.Reason != "") {
					t.Errorf("want %v, because %q; %s", c.outcomes, c.says, got)
				}
				if r.Outcome != mirror.Succeeded && got.Verdict != nil && *got.Verdict == "complete" {
					t.Errorf("certified; %s", got)
				}
				if asked > c.requests || got.Requests != asked {
					t.Errorf("%d requests, want at most %d; %s", asked, c.requests, got)
				}
				if n := h.tombstones(t, "customers") + h.tombstones(t, "orders"); n != marked || r.Deleted != 0 {
					t.Errorf("%d rows marked as deleted; %s", n-marked, got)
				}
				h.Server.ClearFaults()
				h.SyncAll(t, stream)
				h.Equal(t, stream)
			})
		}
	}
}
