package catalog_test

import (
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// mrrKey is a day with what MRR is told apart by.
type mrrKey struct {
	Day      string
	Currency string
	Product  uuid.UUID
}

// mrrRow is a row of mrr_daily.
type mrrRow struct {
	Active, Trial, Committed, MRR, TrialMRR, CommittedMRR, Paused, PausedMRR, PastDue, PastDueMRR int64
}

// mrrCopy is a subscription as the mirror held it at the end of a day.
type mrrCopy struct {
	ID                                 uuid.UUID
	Currency, Status, Interval         string
	Amount, Count                      int64
	Product                            uuid.UUID
	Started, TrialEnd, EndedAt, EndsAt *time.Time
	CreatedAt                          time.Time
}

// A world lives for months, is changed at random, and is mirrored by tails at noon and sweeps at night. mrr_daily gives for each of these days what
// follows from the copy of the subscriptions that was kept at its end; days that are over do not move; and what moved MRR, and what it differs in from
// mrr_daily_polar, adds up.
func TestMRRStaysAsItWas(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	const days = 40 // the ends of two months are among them
	dsn := pgtest.Migrated(t)
	h := start(t, setup{DSN: dsn, World: polarsim.Options{Customers: 50, Seed: 11, Now: time.Date(2026, 2, 20, 12, 0, 0, 0, time.UTC)}})
	random := rand.New(rand.NewPCG(11, 11))
	clock := func() { pgtest.StopClock(t, dsn, h.World.Now(), h.Store.Pool()) }
	night := h.World.Now().Truncate(24 * time.Hour).Add(24*time.Hour - time.Second)
	h.World.Advance(night.Sub(h.World.Now()))
	clock()
	h.SyncAll(t)

	want, kept := map[mrrKey]mrrRow{}, map[mrrKey]mrrRow{}
	for range days {
		h.World.Advance(12 * time.Hour)
		for range 3 {
			h.changeSubscription(t, random)
		}
		clock()
		if random.IntN(2) == 0 {
			h.Round(t)
		}
		night = night.Add(24 * time.Hour)
		h.World.Advance(night.Sub(h.World.Now()))
		clock()
		h.SyncAll(t, "products", "customers", "checkouts", "orders", "subscriptions")
		maps.Copy(want, h.mrrOfCopy(t, night))
		now := h.mrrDaily(t, "day <= '"+night.Format(time.DateOnly)+"'")
		for key, row := range kept {
			if now[key] != row {
				t.Fatalf("on %s %v was %+v, and is now %+v", night, key, row, now[key])
			}
		}
		kept = now
	}
	first := night.AddDate(0, 0, 1-days).Format(time.DateOnly)
	got := h.mrrDaily(t, "day >= '"+first+"'")
	maps.DeleteFunc(got, func(_ mrrKey, r mrrRow) bool { return r == mrrRow{} })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mrr_daily (-by the copies +got):\n%.5000s", diff)
	}
	seen := map[string]bool{}
	for _, r := range got {
		for state, n := range map[string]int64{"active": r.MRR, "trial": r.Trial, "paused": r.PausedMRR, "past due": r.PastDueMRR, "committed": r.Active - r.Committed} {
			seen[state] = seen[state] || n > 0
		}
	}
	if len(slices.DeleteFunc(slices.Collect(maps.Values(seen)), func(is bool) bool { return !is })) != len(seen) {
		t.Errorf("the world had not all of it: %v", seen)
	}
	h.requireMovementsAddUp(t)
	h.requireDifferencesAddUp(t)
	t.Log(h.Texts(t, "SELECT movement || ' ' || count(*) FROM mrr_movements GROUP BY movement"),
		h.Texts(t, "SELECT reason || ' ' || count(*) FROM generate_series(date '"+first+"', '"+night.Format(time.DateOnly)+"', '1 day') d, mrr_difference(d::date) GROUP BY reason"))
	if diff := cmp.Diff(h.Texts(t, "SELECT s::text FROM sync_mrr_spans s ORDER BY 1"),
		h.Texts(t, "SELECT s::text FROM mrr_spans_of(ARRAY(SELECT id FROM subscriptions)) s ORDER BY 1")); diff != "" {
		t.Errorf("spans are not those that follow from the tables (-kept +made anew):\n%.5000s", diff)
	}
}

// changeSubscription makes a change at random, which Polar may refuse.
func (h *harness) changeSubscription(t *testing.T, random *rand.Rand) {
	t.Helper()
	ids := h.Texts(t, "SELECT id::text FROM subscriptions WHERE ended_at IS NULL ORDER BY id")
	products := h.Texts(t, "SELECT id::text FROM products WHERE is_recurring AND NOT is_archived ORDER BY id")
	body := []string{
		`{"cancel_at_period_end":true}`, `{"cancel_at_period_end":false}`, `{"revoke":true}`, `{"pause_at_period_end":true}`, `{"resume":true}`,
		fmt.Sprintf(`{"seats":%d,"proration_behavior":"prorate"}`, 1+random.IntN(9)),
		fmt.Sprintf(`{"product_id":%q,"proration_behavior":"prorate"}`, products[random.IntN(len(products))]),
	}[random.IntN(7)]
	if status, answer := h.Call(t, http.MethodPatch, "/v1/subscriptions/"+ids[random.IntN(len(ids))], body); status >= 500 {
		t.Fatalf("%s: %d %s", body, status, answer)
	}
}

// mrrDaily are rows of mrr_daily.
func (h *harness) mrrDaily(t *testing.T, where string) map[mrrKey]mrrRow {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), `SELECT day::text, currency, product_id, active_subscriptions, trial_subscriptions, committed_subscriptions,
		mrr_amount, trial_mrr_amount, committed_mrr_amount, paused_subscriptions, paused_mrr_amount, past_due_subscriptions, past_due_mrr_amount FROM mrr_daily WHERE `+where)
	if err != nil {
		t.Fatal(err)
	}
	all := map[mrrKey]mrrRow{}
	var k mrrKey
	var r mrrRow
	if _, err := pgx.ForEachRow(rows, []any{&k.Day, &k.Currency, &k.Product, &r.Active, &r.Trial, &r.Committed, &r.MRR, &r.TrialMRR, &r.CommittedMRR,
		&r.Paused, &r.PausedMRR, &r.PastDue, &r.PastDueMRR}, func() error {
		all[k] = r
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// lastCharges are the last orders of subscriptions, or their checkouts: the part of the price that is not inclusive tax.
func (h *harness) lastCharges(t *testing.T) map[uuid.UUID]*big.Rat {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), `
		SELECT s.id, c.net_amount, coalesce(c.tax_amount, 0), c.tax_behavior = 'inclusive' FROM subscriptions s JOIN checkouts c ON c.id = s.checkout_id
		WHERE c.tax_behavior IS NOT NULL AND c.net_amount + coalesce(c.tax_amount, 0) > 0
		UNION ALL
		SELECT * FROM (SELECT subscription_id, net_amount, tax_amount, net_amount + tax_amount = subtotal_amount - discount_amount FROM orders
			WHERE subscription_id IS NOT NULL AND net_amount + tax_amount > 0 ORDER BY created_at, id) o`)
	if err != nil {
		t.Fatal(err)
	}
	last := map[uuid.UUID]*big.Rat{}
	var id uuid.UUID
	var net, tax int64
	var inclusive bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &net, &tax, &inclusive}, func() error {
		last[id] = big.NewRat(1, 1)
		if inclusive {
			last[id].SetFrac64(net, net+tax)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return last
}

// mrrOfCopy is the MRR of a day by what the mirror holds at its end.
func (h *harness) mrrOfCopy(t *testing.T, at time.Time) map[mrrKey]mrrRow {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), `SELECT id, currency, status, recurring_interval, amount, recurring_interval_count, product_id, started_at, trial_end, ended_at, ends_at, created_at
		FROM subscriptions WHERE _deleted_at IS NULL`)
	if err != nil {
		t.Fatal(err)
	}
	copies, err := pgx.CollectRows(rows, pgx.RowToStructByPos[mrrCopy])
	if err != nil {
		t.Fatal(err)
	}
	all, charges := map[mrrKey]mrrRow{}, h.lastCharges(t)
	end := at.Truncate(24 * time.Hour).Add(24 * time.Hour) // what happens from here on is of another day
	later := func(t *time.Time) bool { return t != nil && !t.Before(end) }
	for _, s := range copies {
		stop := s.EndedAt
		if stop == nil {
			stop = s.EndsAt
		}
		if s.Started == nil || later(s.Started) || stop != nil && !later(stop) || s.Status == "incomplete" || s.Status == "incomplete_expired" {
			continue
		}
		key, month := mrrKey{at.Format(time.DateOnly), s.Currency, s.Product}, monthly(netOf(s.Amount, charges[s.ID]), s.Interval, s.Count)
		row := all[key]
		switch s.Status {
		case "paused":
			row.Paused++
			row.PausedMRR += month
		case "past_due", "unpaid":
			row.PastDue++
			row.PastDueMRR += month
		default:
			row.Active++
			if stop == nil {
				row.Committed++
			}
			if later(s.TrialEnd) {
				row.Trial++
				row.TrialMRR += month
				break
			}
			row.MRR += month
			if stop == nil {
				row.CommittedMRR += month
			}
		}
		all[key] = row
	}
	return all
}

// netOf is a part of an amount, a half rounded to the even number.
func netOf(amount int64, part *big.Rat) int64 {
	if part == nil {
		return amount
	}
	x := new(big.Rat).Mul(big.NewRat(amount, 1), part)
	twice := new(big.Rat).Mul(x, big.NewRat(2, 1))
	whole := new(big.Int).Div(x.Num(), x.Denom()).Int64()
	switch over := new(big.Rat).Sub(twice, big.NewRat(2*whole, 1)).Cmp(big.NewRat(1, 1)); {
	case over > 0, over == 0 && whole%2 != 0:
		return whole + 1
	default:
		return whole
	}
}

// monthly is an amount by month, a half rounded up.
func monthly(amount int64, interval string, count int64) int64 {
	per := map[string]*big.Rat{"day": big.NewRat(365, 12), "week": big.NewRat(52, 12), "month": big.NewRat(1, 1), "year": big.NewRat(1, 12)}[interval]
	x := new(big.Rat).Mul(new(big.Rat).SetFrac64(amount, count), per)
	x.Add(x, big.NewRat(1, 2))
	return new(big.Int).Div(x.Num(), x.Denom()).Int64()
}

// requireMovementsAddUp wants for each month and currency that its movements are the difference of MRR between its ends.
func (h *harness) requireMovementsAddUp(t *testing.T) {
	t.Helper()
	for _, wrong := range h.Texts(t, `
		WITH months AS (
			SELECT date_trunc('month', day::timestamp)::date AS month, currency, max(day) AS last FROM mrr_daily GROUP BY 1, 2
		), ends AS (
			SELECT month, currency, (SELECT sum(mrr_amount) FROM mrr_daily d WHERE d.day = m.last AND d.currency = m.currency) AS mrr FROM months m
		), steps AS (
			SELECT month, currency, mrr - lag(mrr, 1, 0) OVER (PARTITION BY currency ORDER BY month) AS change FROM ends
		)
		SELECT concat_ws(' ', month, currency, change, m.moved)
		FROM steps FULL JOIN (SELECT month, currency, sum(change_amount) AS moved FROM mrr_movements GROUP BY 1, 2) m USING (month, currency)
		WHERE coalesce(change, 0) <> coalesce(m.moved, 0)`) {
		t.Errorf("a month whose movements do not add up (month, currency, by mrr_daily, by mrr_movements): %s", wrong)
	}
	for _, wrong := range h.Texts(t, `
		SELECT to_jsonb(m)::text FROM mrr_movements m WHERE change_amount <> closing_amount - opening_amount OR opening_amount < 0 OR closing_amount < 0 OR movement <> CASE
			WHEN opening_amount = 0 THEN CASE WHEN EXISTS (SELECT FROM sync_mrr_spans s WHERE s.version = 'then' AND s.state = 'active' AND s.monthly_amount > 0 AND s.customer_id = m.customer_id AND s.currency = m.currency AND s.from_day < m.month)
				THEN 'reactivation' ELSE 'new' END
			WHEN closing_amount = 0 THEN 'churned' WHEN change_amount > 0 THEN 'expansion' ELSE 'contraction' END`) {
		t.Errorf("a movement of the wrong kind: %s", wrong)
	}
}

// requireDifferencesAddUp wants for each day, currency and product that the differences are that of the two views.
func (h *harness) requireDifferencesAddUp(t *testing.T) {
	t.Helper()
	for _, wrong := range h.Texts(t, `
		WITH d AS (
			SELECT d.day, m.currency, m.product_id, sum(m.difference) AS explained FROM (SELECT DISTINCT day FROM mrr_daily) d, mrr_difference(d.day) m GROUP BY 1, 2, 3
		), v AS (
			SELECT day, currency, product_id, coalesce(t.mrr_amount, 0) - coalesce(n.mrr_amount, 0) AS difference
			FROM mrr_daily t FULL JOIN mrr_daily_polar n USING (day, currency, product_id)
		)
		SELECT concat_ws(' ', day, currency, product_id, v.difference, d.explained) FROM v FULL JOIN d USING (day, currency, product_id)
		WHERE coalesce(v.difference, 0) <> coalesce(d.explained, 0)`) {
		t.Errorf("a difference that is not explained (day, currency, product, by the views, by mrr_difference): %s", wrong)
	}
	// By another way: Polar's definition, straight from the rows of today.
	for _, wrong := range h.Texts(t, `
		SELECT concat_ws(' ', p.day, p.currency, p.product_id, p.mrr_amount, s.mrr)
		FROM mrr_daily_polar p CROSS JOIN LATERAL (
			SELECT count(*) AS n, count(*) FILTER (WHERE end_at IS NULL) AS committed, coalesce(sum(monthly_amount) FILTER (WHERE NOT in_trial), 0) AS mrr, coalesce(sum(monthly_amount) FILTER (WHERE in_trial), 0) AS trial
			FROM (SELECT s.*, coalesce(trial_end AT TIME ZONE 'UTC' >= p.day + 1, false) AS in_trial FROM subscriptions_enriched s
				WHERE s.currency = p.currency AND s.product_id = p.product_id AND started_at AT TIME ZONE 'UTC' < p.day + 1 AND (end_at IS NULL OR end_at AT TIME ZONE 'UTC' >= p.day + 1)) r) s
		WHERE extract(isodow FROM p.day) = 1 AND (p.active_subscriptions, p.committed_subscriptions, p.mrr_amount, p.trial_mrr_amount) <> (s.n, s.committed, s.mrr, s.trial)`) {
		t.Errorf("mrr_daily_polar is not by Polar's definition: %s", wrong)
	}
}
