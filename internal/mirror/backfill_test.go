package mirror_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// backfilled makes one run and demands its outcome.
func (h *harness) backfilled(t *testing.T, want mirror.Outcome, stream string, since, until time.Time) mirror.Result {
	t.Helper()
	r := h.Backfill(t.Context(), stream, since, until)
	if r.Outcome != want || r.Kind != "backfill" {
		t.Errorf("backfill of %s: %s, because %q; want %s", stream, r.Outcome, r.Reason, want)
	}
	return r
}

// middle is a window over the middle half of a list, whose borders are times of rows: the first belongs to it, the last not.
func (h *harness) middle(t *testing.T, path, field string) (since, until time.Time, within []string) {
	t.Helper()
	items := h.All(t, path, url.Values{"sorting": {field}})
	at := func(item map[string]any) time.Time {
		v, err := time.Parse(time.RFC3339Nano, item[field].(string))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	slices.SortFunc(items, func(a, b map[string]any) int { return at(a).Compare(at(b)) })
	since, until = at(items[len(items)/4]), at(items[3*len(items)/4])
	for _, item := range items {
		if v := at(item); !v.Before(since) && v.Before(until) {
			within = append(within, item["id"].(string))
		}
	}
	slices.Sort(within)
	return since, until, within
}

func TestBackfillReadsTheWindowAndNothingElse(t *testing.T) {
	t.Parallel()
	for stream, field := range map[string]string{"orders": "created_at", "subscriptions": "started_at"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 60}})
			since, until, within := h.middle(t, "/v1/"+stream+"/", field)
			r := h.backfilled(t, mirror.Succeeded, stream, since, until)
			got := worldtest.Query[[]string](t, h, "SELECT array_agg(id::text ORDER BY id::text) FROM "+stream)
			if !slices.Equal(got, within) || len(within) < 20 || int(r.Inserted) != len(within) {
				t.Errorf("%d rows of %d: %+v", len(got), len(within), r)
			}
			if v := worldtest.Query[string](t, h, "SELECT verdict FROM sync_runs WHERE id = $1", r.RunID); v != "window complete" {
				t.Errorf("verdict %q", v)
			}
			if worldtest.Query[bool](t, h, "SELECT bool_or(complete_at IS NOT NULL) FROM sync_streams") {
				t.Error("a window passes for the whole stream")
			}
			// Again: nothing to do. Then the sweep finds the rest.
			if r := h.backfilled(t, mirror.Succeeded, stream, since, until); r.Inserted+r.Updated != 0 || r.Resumed {
				t.Errorf("again: %+v", r)
			}
			h.SyncAll(t, "customers", "products", "subscriptions", "orders")
			h.Equal(t, stream)
		})
	}
}

// What a window does not bring is not gone, however complete the window was read.
func TestBackfillNeverMarksAnything(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	since, until, _ := h.middle(t, "/v1/orders/", "created_at")
	h.Exec(t, "UPDATE orders SET id = gen_random_uuid(), _synced_at = '2020-01-01' WHERE created_at >= $1 AND created_at < $2", since, until)
	h.Exec(t, "INSERT INTO sync_rejects (stream, key, run_id, reason, body) VALUES ('orders', 'old', 1, 'an old reject from outside of the window', '')")
	r := h.backfilled(t, mirror.Succeeded, "orders", since, until)
	if n := h.tombstones(t, "orders"); n != 0 || r.Deleted != 0 || worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects") != 0 {
		t.Errorf("%d marked, %+v", n, r)
	}
	if worldtest.Query[bool](t, h, "SELECT resolved_at IS NOT NULL FROM sync_rejects WHERE key = 'old'") {
		t.Error("a reject was settled that the window knows nothing of")
	}
}

// A backfill that is cut off is resumed by one of the same window, and only by that; a sweep meanwhile has a checkpoint of its own.
func TestBackfillResumes(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 150}})
	since, until, within := h.middle(t, "/v1/orders/", "created_at")
	pages := (len(within) + 99) / 100
	if pages < 3 {
		t.Fatalf("%d orders are too few", len(within))
	}
	cut := func() mirror.Result {
		t.Helper()
		h.Fault(t, "404:path=/v1/orders/,skip=2")
		defer h.Server.ClearFaults()
		return h.backfilled(t, mirror.Failed, "orders", since, until)
	}
	first := cut()
	if first.Pages != 2 {
		t.Fatalf("%+v", first)
	}
	h.SyncAll(t, "customers", "products", "subscriptions")
	if r := h.SweepOnce(t.Context(), "orders"); r.Resumed || r.Outcome != mirror.Succeeded {
		t.Errorf("the sweep: %+v", r)
	}
	r := h.backfilled(t, mirror.Succeeded, "orders", since, until)
	if !r.Resumed || int(r.Pages) > pages-1 || r.Distinct != len(within) {
		t.Errorf("%d rows: %+v", len(within), r)
	}
	cut()
	other := h.backfilled(t, mirror.Succeeded, "orders", since, until.Add(-time.Hour))
	if other.Resumed || other.Distinct > len(within) {
		t.Errorf("another window: %+v", other)
	}
	h.Equal(t, "orders")

	// Without an end it ends where it began to be read, also when it is gone on with later.
	h.Fault(t, "404:path=/v1/orders/,skip=2")
	h.backfilled(t, mirror.Failed, "orders", since, time.Time{})
	h.Server.ClearFaults()
	h.World.Advance(48 * time.Hour)
	r = h.backfilled(t, mirror.Succeeded, "orders", since, time.Time{})
	if late := worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE created_at > $1", h.World.Now().Add(-48*time.Hour)); !r.Resumed || late != 0 {
		t.Errorf("%d orders from after it began: %+v", late, r)
	}
}

func TestBackfillWithoutEnd(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	since, _, _ := h.middle(t, "/v1/orders/", "created_at")
	r := h.backfilled(t, mirror.Succeeded, "orders", since, time.Time{})
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE created_at < $1", since); n != 0 || r.Inserted == 0 {
		t.Errorf("%d rows from before, %+v", n, r)
	}
	for _, c := range h.All(t, "/v1/orders/", url.Values{"created_after": {since.Format(time.RFC3339Nano)}}) {
		if worldtest.Query[int](t, h, "SELECT count(*) FROM orders WHERE id = $1", c["id"]) != 1 {
			t.Errorf("%v is missing", c["id"])
		}
	}
}

func TestBackfillOfMetrics(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Metrics: true})
	until := h.World.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -40)
	since := until.AddDate(0, 0, -10)
	h.backfilled(t, mirror.Succeeded, "metrics", since, until)
	days := worldtest.Query[int](t, h, `SELECT count(DISTINCT period_start) FROM metrics WHERE "interval" = 'day'`)
	outside := worldtest.Query[int](t, h, `SELECT count(*) FROM metrics WHERE "interval" = 'day' AND (period_start < $1 OR period_start >= $2)`, since, until)
	if months := worldtest.Query[int](t, h, `SELECT count(DISTINCT period_start) FROM metrics WHERE "interval" = 'month'`); days != 10 || outside != 0 || months < 1 || months > 2 {
		t.Errorf("%d days, %d values outside, %d months", days, outside, months)
	}
	before := worldtest.Query[string](t, h, `SELECT md5(string_agg(id || value::text, ',' ORDER BY id)) FROM metrics`)
	if r := h.SweepOnce(t.Context(), "metrics"); r.Outcome != mirror.Succeeded {
		t.Fatalf("%+v", r)
	}
	after := worldtest.Query[string](t, h, `SELECT md5(string_agg(id || value::text, ',' ORDER BY id)) FROM metrics
		WHERE "interval" = 'day' AND period_start >= $1 AND period_start < $2 OR "interval" = 'month' AND period_start >= date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND period_start < $2`, since, until)
	if before != after {
		t.Error("a sweep has other values for the window")
	}
}

func TestBackfillRefuses(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	now := time.Now()
	if r := h.backfilled(t, mirror.Failed, "customers", now.AddDate(-1, 0, 0), now); !errors.Is(r.Err, mirror.ErrNoWindow) {
		t.Errorf("%+v", r)
	}
	if r := h.backfilled(t, mirror.Failed, "orders", now, now); !strings.Contains(r.Reason, "empty") {
		t.Errorf("%+v", r)
	}
	// A server that ignores the upper bound is not followed out of the window.
	since, until, _ := h.middle(t, "/v1/orders/", "created_at")
	blindfolded := worldtest.Changed("orders", func(s *catalog.Entry) {
		s.Scan = scan.Keyset{Sort: "created_at", After: "created_after", Before: "ignored"}
	})
	r := h.NewMirror(t, blindfolded).Backfill(t.Context(), "orders", since, until)
	if r.Outcome != mirror.Failed || !errors.Is(r.Err, fetch.ErrContract) {
		t.Errorf("%+v", r)
	}
	// A count that never comes true is no complete window.
	h.Fault(t, "total:path=/v1/orders/,value=+1")
	if r := h.backfilled(t, mirror.Partial, "orders", since, until); !strings.Contains(r.Reason, "Polar counts") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := h.Backfill(ctx, "orders", since, until); r.Outcome != mirror.Interrupted {
		t.Errorf("%+v", r)
	}
	windowed := 0
	for _, s := range catalog.Entries() {
		if by, unseen := s.WindowField(); by != "" {
			if windowed++; unseen == "" {
				t.Errorf("%s: nothing is said about what a window cannot see", s.Name)
			}
		}
	}
	if windowed < 3 {
		t.Errorf("%d streams can be read by windows", windowed)
	}
}

// Events, whose window is widened to whole seconds: Polar's filters know no finer time.
func TestBackfillOfEvents(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Mirror: func(c *catalog.Config) {
		c.Entries = catalog.Entries()
		c.Retention = map[string]time.Duration{"events": 1000 * 24 * time.Hour}
	}})
	since, until, _ := h.middle(t, "/v1/events/", "timestamp")
	since, until = since.Truncate(time.Second), until.Truncate(time.Second).Add(time.Second)
	var within []string
	for _, e := range h.All(t, "/v1/events/", url.Values{"sorting": {"timestamp"}}) {
		at, err := time.Parse(time.RFC3339Nano, e["timestamp"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if !at.Before(since) && at.Before(until) {
			within = append(within, e["id"].(string))
		}
	}
	slices.Sort(within)
	r := h.backfilled(t, mirror.Succeeded, "events", since, until)
	if got := worldtest.Query[[]string](t, h, "SELECT array_agg(id::text ORDER BY id::text) FROM events"); !slices.Equal(got, within) || len(within) < 20 {
		t.Errorf("%d rows of %d: %+v", len(got), len(within), r)
	}
	if r := h.backfilled(t, mirror.Failed, "events", since.AddDate(-9, 0, 0), until); !strings.Contains(r.Reason, "not kept") {
		t.Errorf("before what is kept: %+v", r)
	}
}
