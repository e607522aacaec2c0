package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/polarsim/recorded"
	"syncd/internal/worldtest"
)

// judgeMetrics demands of metrics_reconciled that it finds equal what is, explains the rest by what Polar does not show, and explains nothing else:
// neither another figure of Polar's, nor a damaged row.
func judgeMetrics(t *testing.T, h *worldtest.Harness, truth recorded.Truth) {
	t.Helper()
	h.SyncAll(t, "metrics")
	for _, interval := range []string{"day", "month"} {
		explained := unlike(t, h, interval)
		for _, what := range explained {
			slug, verdict, _ := strings.Cut(what, " ")
			if verdict != "explained" || !slices.Contains(slices.Concat(ofHidden, ofOpened, ofRates), slug) {
				t.Errorf("%s: %s", interval, what)
			}
		}
		if len(explained) < 12 {
			t.Errorf("%s: only %q are explained", interval, explained)
		}
	}
	if truth == recorded.FX {
		if n := worldtest.Query[int](t, h, `SELECT count(*) FROM metrics_compared('day', '2025-09-01', '2026-11-25') WHERE fx_residual <> 0 AND verdict = 'explained' AND reason LIKE '%rates%'`); n == 0 {
			t.Error("no rate of others was met")
		}
	}
	for _, d := range []struct{ what, sql, expect string }{
		{"an order", "UPDATE orders SET net_amount = net_amount + 1 WHERE id = (SELECT order_id FROM balance_ledger WHERE name = 'balance.order' AND net_amount > 500 AND timestamp BETWEEN '2026-03-01' AND '2026-04-01' ORDER BY timestamp LIMIT 1)", "revenue 2026-03-01"},
		{"a price", "UPDATE subscriptions SET amount = amount + 5000 WHERE id = (SELECT id FROM subscriptions WHERE recurring_interval = 'month' AND currency = 'usd' AND started_at >= '2026-03-02' AND ended_at IS NULL AND ends_at IS NULL AND trial_end IS NULL ORDER BY started_at LIMIT 1)", "monthly_recurring_revenue 20"},
		{"a lost subscription", "DELETE FROM subscriptions WHERE id = (SELECT id FROM subscriptions WHERE started_at >= '2026-03-02' AND ended_at IS NULL AND ends_at IS NULL ORDER BY started_at LIMIT 1)", "active_subscriptions 20"},
		{"an end", "UPDATE subscriptions SET ended_at = ended_at - interval '70 days' WHERE id = (SELECT id FROM subscriptions WHERE ended_at > started_at + interval '100 days' ORDER BY started_at LIMIT 1)", "churned_subscriptions 20"},
		{"a reason", "UPDATE events SET metadata = metadata || '{\"customer_cancellation_reason\":\"unused\"}' WHERE id = (SELECT id FROM events WHERE name = 'subscription.canceled' AND metadata->>'customer_cancellation_reason' = 'too_expensive' ORDER BY timestamp DESC LIMIT 1)", "canceled_subscriptions_unused 20"},
		{"a seat", "UPDATE customer_seats SET claimed_at = NULL WHERE id = (SELECT id FROM customer_seats WHERE claimed_at IS NOT NULL ORDER BY claimed_at LIMIT 1)", "seats_claimed 20"},
	} {
		if found := afterDamage(t, h, d.sql, "NOT slug LIKE '%checkout%'"); !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, d.expect) }) {
			t.Errorf("%s was damaged: %q differ, want %s", d.what, found, d.expect)
		}
	}
	for _, slug := range worldtest.Query[[]string](t, h, "SELECT array_agg(DISTINCT slug ORDER BY slug) FROM metrics") {
		by := "1"
		switch {
		case slices.Contains(ofOpened, slug), slug == "succeeded_checkouts": // as many as were made then, at most
			by = "100"
		case slug == "average_revenue_per_user": // the hidden ones may have the same customers as others
			by = "1000"
		case truth == recorded.FX && (slug == "monthly_recurring_revenue" || slug == "committed_monthly_recurring_revenue"): // what they pay in other currencies moves with the rates
			by = "5000"
		}
		damage := fmt.Sprintf("UPDATE metrics SET value = value + %s WHERE slug = '%s' AND \"interval\" = 'month' AND period_start = '2026-03-01Z'", by, slug)
		if found := afterDamage(t, h, damage, "true"); !slices.Contains(found, slug+" 2026-03-01") {
			t.Errorf("%s has %s more at Polar in March: %q differ", slug, by, found)
		}
	}
}

// unlike are the metrics of an interval whose verdict is another than equal in any period, with that verdict.
func unlike(t *testing.T, h *worldtest.Harness, interval string) []string {
	t.Helper()
	return h.Texts(t, `SELECT DISTINCT slug || ' ' || coalesce(verdict, 'not compared: ' || reason) FROM metrics_reconciled WHERE "interval" = '`+interval+`' AND verdict IS DISTINCT FROM 'equal' ORDER BY 1`)
}

// afterDamage are the metrics and months that differ while a statement is in effect.
func afterDamage(t *testing.T, h *worldtest.Harness, sql, where string) (found []string) {
	t.Helper()
	undo := errors.New("nothing shall stay")
	err := h.Store.Pool().InTx(t.Context(), func(tx pgx.Tx) error {
		if tag, err := tx.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
			return fmt.Errorf("%s: %d rows, %w", sql, tag.RowsAffected(), err)
		}
		rows, err := tx.Query(t.Context(), `SELECT slug || ' ' || (period_start AT TIME ZONE 'UTC')::date FROM metrics_compared('month', '2025-09-01', '2026-11-25') WHERE verdict = 'different' AND `+where+` ORDER BY period_start, 1`)
		if err == nil {
			found, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return errors.Join(err, undo)
	})
	if err != nil && err.Error() != undo.Error() {
		t.Error(err)
	}
	return found
}
