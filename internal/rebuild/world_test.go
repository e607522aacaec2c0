package rebuild_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/rebuild"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// told are the columns of subscriptions of whose past something tells.
var told = []string{"status", "product_id", "amount", "currency", "recurring_interval", "recurring_interval_count", "seats", "units", "discount_id",
	"cancel_at_period_end", "canceled_at", "ends_at", "ended_at", "past_due_at", "paused_at", "customer_cancellation_reason"}

// began is when the world of the tests begins to live.
var began = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)

// old makes a world of which syncd knows nothing yet.
func old(t *testing.T, seed uint64) *worldtest.Harness {
	return worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 25, Seed: seed, Now: began}})
}

// Subscriptions live for months before syncd comes: they renew, fail to pay, are canceled, paused, resumed, get other seats, products and
// discounts. What is rebuilt is what Polar showed at the time.
func TestRebuiltIsWhatWas(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const seed = 9
	h := old(t, seed)
	m := merchant{h, rand.New(rand.NewPCG(seed, seed)), map[any]bool{}}
	type step struct {
		at   time.Time
		rows map[any]map[string]any
	}
	var steps []step
	for range 40 {
		h.World.Advance(3 * 24 * time.Hour)
		m.changeSome(t)
		s := step{h.World.Now(), map[any]map[string]any{}}
		for _, item := range h.All(t, "/v1/subscriptions/", nil) {
			s.rows[item["id"]] = item
		}
		steps = append(steps, s)
		h.World.Advance(time.Hour)
	}
	h.SyncAll(t, "products", "customers", "discounts", "subscriptions", "orders")
	if r, err := rebuild.Run(t.Context(), h.Engine, rebuild.Options{}); err != nil || r.Versions["event"] < 300 {
		t.Fatalf("%+v, %v", r, err)
	}
	seen := map[string]bool{}
	for i, s := range steps {
		rows := asOf(t, h, s.at)
		if len(rows) != len(s.rows) {
			t.Errorf("step %d: %d subscriptions, there were %d", i, len(rows), len(s.rows))
		}
		for _, row := range rows {
			was := s.rows[row["id"]]
			for _, column := range told {
				if a, b := fmt.Sprint(row[column]), fmt.Sprint(was[column]); a != b && !sameTime(a, b) && !m.excused(column, row, was) {
					t.Errorf("step %d, %s: %s of %s is %s, was %s", i, s.at, column, row["id"], a, b)
				}
			}
			seen[fmt.Sprint(was["status"])] = true
			seen["canceling"] = seen["canceling"] || was["cancel_at_period_end"] == true
		}
	}
	for _, status := range []string{"active", "canceling", "canceled", "past_due", "paused"} {
		if !seen[status] {
			t.Errorf("no subscription was %s", status)
		}
	}
}

// excused: what the simulated Polar does otherwise than the real one. Discounts of orders of its generated past are not those of
// subscriptions, and one that was past due keeps the time of that.
func (m merchant) excused(column string, row, was map[string]any) bool {
	before := fmt.Sprint(was["created_at"]) < began.Format(time.DateOnly)
	return before && (column == "discount_id" || column == "amount") || column == "past_due_at" && row["status"] == "active"
}

// asOf is the table of subscriptions as it was at a time.
func asOf(t *testing.T, h *worldtest.Harness, at time.Time) (rows []map[string]any) {
	t.Helper()
	for _, text := range h.Texts(t, fmt.Sprintf("SELECT to_jsonb(t)::text FROM subscriptions_as_of('%s') t", at.Format(time.RFC3339Nano))) {
		var row map[string]any
		worldtest.Decode(t, []byte(text), &row)
		rows = append(rows, row)
	}
	return rows
}

// merchant changes subscriptions.
type merchant struct {
	*worldtest.Harness
	random *rand.Rand
	once   map[any]bool // those whose terms have changed: between two changes before a renewal nobody tells the amount
}

// changeSome makes some changes through the API; Polar refuses some of them.
func (m merchant) changeSome(t *testing.T) {
	t.Helper()
	live := m.All(t, "/v1/subscriptions/", url.Values{"active": {"true"}})
	slices.SortFunc(live, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a["id"]), fmt.Sprint(b["id"])) })
	products := slices.DeleteFunc(m.All(t, "/v1/products/", url.Values{"is_recurring": {"true"}, "is_archived": {"false"}}), func(p map[string]any) bool {
		for _, price := range p["prices"].([]any) {
			if price.(map[string]any)["amount_type"] != "fixed" {
				return true // no event tells of the seats or units that come with it
			}
		}
		return false
	})
	discounts := m.All(t, "/v1/discounts/", nil)
	for range 4 {
		s := live[m.random.IntN(len(live))]
		changes := []string{
			`{"cancel_at_period_end":true,"customer_cancellation_reason":"unused"}`, `{"cancel_at_period_end":false}`, `{"pause_at_period_end":true}`, `{"revoke":true}`}
		if !m.once[s["id"]] {
			changes = append(changes, fmt.Sprintf(`{"product_id":%q,"proration_behavior":"prorate"}`, products[m.random.IntN(len(products))]["id"]),
				fmt.Sprintf(`{"discount_id":%q}`, discounts[m.random.IntN(len(discounts))]["id"]), `{"discount_id":null}`,
				fmt.Sprintf(`{"seats":%d,"proration_behavior":"prorate"}`, 1+m.random.IntN(9)), fmt.Sprintf(`{"units":%d,"proration_behavior":"prorate"}`, 1+m.random.IntN(9)),
				fmt.Sprintf(`{"seats":%d,"proration_behavior":"next_period"}`, 1+m.random.IntN(9)))
		}
		n := m.random.IntN(len(changes))
		m.once[s["id"]] = m.once[s["id"]] || n > 3
		m.Call(t, "PATCH", "/v1/subscriptions/"+s["id"].(string), changes[n])
	}
	for _, s := range m.All(t, "/v1/subscriptions/", url.Values{"active": {"false"}}) {
		if s["status"] == "paused" && m.random.IntN(4) == 0 {
			m.Call(t, "PATCH", "/v1/subscriptions/"+s["id"].(string), `{"resume":true}`)
		}
	}
}

func sameTime(a, b string) bool {
	x, err := time.Parse(time.RFC3339Nano, a)
	y, wrong := time.Parse(time.RFC3339Nano, b)
	return err == nil && wrong == nil && x.Sub(y).Abs() < time.Second
}
