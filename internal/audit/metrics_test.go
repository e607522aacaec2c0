package audit_test

import (
	"slices"
	"strings"
	"testing"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store/audits"
	"syncd/internal/worldtest"
)

// An order whose amount was changed by hand makes metrics differ: the audit names them and the first period, sends no request, and
// closes the findings when the row is right again.
func TestAuditOfMetricsFindsDamage(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{Metrics: true, World: polarsim.Options{Customers: 40}})
	h.SyncAll(t, "products", "customers", "subscriptions", "orders", "payments", "checkouts", "customer_seats", "events", "balance_events", "metrics")
	if r := auditMetrics(t, h); !r.Clean() || len(r.Metrics) < 100 {
		t.Fatalf("%d metrics compared, %+v", len(r.Metrics), r.Findings)
	}
	const damaged = "(SELECT order_id FROM balance_ledger WHERE name = 'balance.order' AND net_amount > 500 AND timestamp > '2023-03-01' ORDER BY timestamp LIMIT 1)"
	month := worldtest.Query[string](t, h, "SELECT to_char(booked_at AT TIME ZONE 'UTC', 'YYYY-MM-01') FROM balance_ledger WHERE order_id = "+damaged+" LIMIT 1")
	h.Exec(t, "UPDATE orders SET net_amount = net_amount + 100 WHERE id = "+damaged)
	r := auditMetrics(t, h)
	i := slices.IndexFunc(r.Findings, func(f audits.Finding) bool { return f.Key == "month revenue "+month })
	if i < 0 {
		t.Fatalf("no finding about the revenue of %s: %+v", month, r.Findings)
	}
	if !strings.Contains(r.Findings[i].Evidence, "syncd audit orders") {
		t.Errorf("no remedy: %s", r.Findings[i].Evidence)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_findings WHERE kind = 'metric' AND resolved_at IS NULL"); n != len(r.Findings) {
		t.Errorf("%d findings are stored, %d were told", n, len(r.Findings))
	}

	h.Exec(t, "UPDATE orders SET net_amount = net_amount - 100 WHERE id = "+damaged)
	if r := auditMetrics(t, h); !r.Clean() {
		t.Errorf("still there: %+v", r.Findings)
	}

	// What a change at Polar may explain counts only when it is still there after the metrics were read again.
	h.Exec(t, "UPDATE orders SET net_amount = net_amount + 100, modified_at = now() + interval '1 day' WHERE id = "+damaged)
	if r := auditMetrics(t, h); len(r.Findings) > 0 || !strings.Contains(r.Checks[0].Note, "rows have changed since") {
		t.Errorf("found at once: %+v, %s", r.Findings, r.Checks[0].Note)
	}
	if r := auditMetrics(t, h); len(r.Findings) > 0 {
		t.Errorf("found again without asking Polar again: %+v", r.Findings)
	}
	h.SyncAll(t, "metrics")
	if r := auditMetrics(t, h); len(r.Findings) == 0 {
		t.Error("not found after the metrics were read again")
	}
}

// Without a payment on a day its rate may be anything between those of the days before and after with one.
func TestRatesLieBetweenThoseAround(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 10}})
	for day, rate := range map[string]string{"2026-03-05": "1.05", "2026-03-26": "1.10"} {
		h.Exec(t, `WITH o AS (INSERT INTO orders (id, created_at, product_id, _hash, _requested_at) VALUES (gen_random_uuid(), $1::text::timestamptz, gen_random_uuid(), '', now()) RETURNING id)
			INSERT INTO balance_events (id, name, timestamp, order_id, amount, currency, presentment_amount, presentment_currency, exchange_rate, _hash, _requested_at)
			SELECT gen_random_uuid(), 'balance.order', $1::text::timestamptz, id, 1, 'usd', 1, 'eur', $2::text::numeric, '', now() FROM o`, day+"T12:00:00Z", rate)
	}
	if got := h.Texts(t, `SELECT period_start::date || ' ' || round(lowest, 3) || ' ' || round(highest, 3) FROM metrics_computed('day', '2026-03-05', '2026-03-09', 'UTC') WHERE slug = '_rate_eur' AND lowest < highest ORDER BY 1`); !slices.Equal(got,
		[]string{"2026-03-06 1.040 1.111", "2026-03-07 1.035 1.116", "2026-03-08 1.032 1.119", "2026-03-09 1.029 1.122"}) {
		t.Errorf("bounds are %q", got)
	}
}

// A metric that is computed from a stream which is off is named, and not equal.
func TestAuditOfMetricsNamesWhatIsOff(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{Metrics: true, World: polarsim.Options{Customers: 10}, Mirror: func(c *catalog.Config) { c.Off = map[string]bool{"events": true} }})
	h.SyncAll(t, "products", "customers", "subscriptions", "orders", "checkouts", "customer_seats", "metrics")
	r := auditMetrics(t, h)
	if !r.Clean() || !strings.Contains(r.Checks[0].Note, "metrics not compared: needs stream events") {
		t.Errorf("%+v %+v", r.Checks, r.Findings)
	}
	for _, m := range r.Metrics {
		if m.Slug == "costs" && m.Verdict != "" {
			t.Errorf("costs are %s without events", m.Verdict)
		}
	}
}

func auditMetrics(t *testing.T, h *worldtest.Harness) audit.Report {
	t.Helper()
	before := h.Client.Requests()
	r, err := h.AuditMetrics(t.Context())
	if err != nil || r.Checks[0].Failed != "" {
		t.Fatal(r.Checks, err)
	}
	if n := h.Client.Requests() - before; n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	return r
}
