package daemon

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/config"
	"syncd/internal/polarsim"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// What a page repeats every few seconds reads no mirrored table: it is answered while somebody else has locked them. It shows
// what a sweep is about that broke off.
func TestReportReadsNoTable(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 5}})
	if _, err := h.Sync(t.Context(), "products", "customers", "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Tail(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Sources{Domain: Domain()}.Load()
	if err != nil {
		t.Fatal(err)
	}
	var r status.Report
	if err := h.Store.Pool().InTx(t.Context(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "LOCK TABLE orders, customers, products, subscriptions IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		r, err = brokenOff(t, h, cfg)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	orders := r.Streams[slices.IndexFunc(r.Streams, func(s status.Stream) bool { return s.Stream == "orders" })]
	if s := orders.Sweep; s == nil || *s != (status.Sweep{Rows: 30, Total: 40, Pages: 3}) {
		t.Errorf("the sweep of orders: %+v", s)
	}
	products := r.Streams[slices.IndexFunc(r.Streams, func(s status.Stream) bool { return s.Stream == "products" })]
	if products.State() != "whole" || products.CurrentAt.Before(products.CompleteAt) || products.CompleteAt.IsZero() {
		t.Errorf("products are %s, current as of %s, complete as of %s", products.State(), products.CurrentAt, products.CompleteAt)
	}
	if len(r.Rounds) != 1 || r.Rounds[0].Outcome != "succeeded" || len(r.Runs) < 4 || r.Runs[0].Stream != "orders" || r.Runs[0].Outcome != "interrupted" || r.Runs[1].Outcome != "succeeded" {
		t.Errorf("rounds %+v, runs %+v", r.Rounds, r.Runs)
	}
	if r.Now.IsZero() || r.Organization == "" {
		t.Errorf("%+v", r)
	}
}

// With a long past, what a report asks is looked up, and nothing large is read: sweeps, verdicts and what is open are few among many
// rounds, rejects, findings and changes that were dealt with.
func TestReportReadsLittle(t *testing.T) {
	t.Parallel()
	const past, few = 30_000, 3_000
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 5}})
	if _, err := h.Sync(t.Context(), "products", "customers", "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Tail(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`INSERT INTO sync_runs (stream, kind, holder, finished_at, outcome, rows_updated) SELECT 'tail', CASE WHEN n % 10 = 0 THEN 'tail' ELSE 'feed' END, '', now(), 'succeeded', 1 FROM generate_series(1, $1) n`,
		`INSERT INTO sync_rejects (stream, key, run_id, reason, body, resolved_at) SELECT 'orders', n, 1, '', '{}', now() FROM generate_series(1, $1) n`,
		`INSERT INTO sync_findings (stream, key, kind, field, evidence, resolved_at) SELECT 'orders', n, 'missing', '', '', now() FROM generate_series(1, $1) n`,
		`INSERT INTO sync_changes (stream, filter, value, changed_at, noted_at, known_at) SELECT 'orders', 'id', n, now(), now(), now() FROM generate_series(1, $1) n`,
		`INSERT INTO changes (stream, id, operation, seen_at, changed_at, retention) SELECT 'orders', gen_random_uuid(), 'update', now(), now(), 'permanent' FROM generate_series(1, $1)`,
	} {
		h.Exec(t, sql, past)
	}
	h.Exec(t, "ANALYZE")
	cfg, _, err := config.Sources{Domain: Domain()}.Load()
	if err != nil {
		t.Fatal(err)
	}
	before := h.CountReads(t)
	if _, err := ReadStatus(t.Context(), h.Store, cfg, noNext); err != nil {
		t.Fatal(err)
	}
	for table, n := range h.CountReads(t) {
		if n -= before[table]; n > few {
			t.Errorf("a report has read %d rows of %s", n, table)
		}
	}
}

// brokenOff has a sweep of orders break off, and reads the report.
func brokenOff(t *testing.T, h *worldtest.Harness, cfg *config.Config) (report status.Report, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, sql := range []string{
		"INSERT INTO sync_runs (stream, kind, holder, rows_read, stamped_at) VALUES ('orders', 'sweep', 'dead', 30, now())",
		"UPDATE sync_runs SET sweep_id = id WHERE holder = 'dead'",
		"UPDATE sync_streams SET sweep_id = (SELECT id FROM sync_runs WHERE holder = 'dead'), sweep_total = 40, sweep_pages = 3 WHERE stream = 'orders'",
	} {
		if _, err := h.Store.Pool().Exec(ctx, sql); err != nil {
			return report, err
		}
	}
	return ReadStatus(ctx, h.Store, cfg, noNext)
}

// A stream is current as of the last question about its changes, which data_through does not tell while nothing changes.
func TestCurrentAt(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return time.Date(2026, 11, 1, 12, minutes, 0, 0, time.UTC) }
	feed := []string{"events"}
	for name, test := range map[string]struct {
		fresh store.Freshness
		want  time.Time
	}{
		"nothing changes":      {store.Freshness{DataThrough: at(1), CompleteAt: at(1), PolledAt: at(50), CoveredBy: feed, FeedLag: -1}, at(50)},
		"the feed is late":     {store.Freshness{DataThrough: at(1), CompleteAt: at(1), PolledAt: at(50), CoveredBy: feed, FeedLag: 5 * time.Minute}, at(45)},
		"a change is pending":  {store.Freshness{DataThrough: at(30), CompleteAt: at(1), PolledAt: at(50), CoveredBy: feed, Pending: 1}, at(30)},
		"nothing shows it":     {store.Freshness{DataThrough: at(1), CompleteAt: at(1), PolledAt: at(50)}, at(1)},
		"just swept":           {store.Freshness{DataThrough: at(55), CompleteAt: at(55), PolledAt: at(50), CoveredBy: feed}, at(55)},
		"never asked or swept": {store.Freshness{CoveredBy: feed}, time.Time{}},
	} {
		if got := currentAt(test.fresh); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
