package catalog_test

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/polarsim"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/slowtest"
	"syncd/internal/store/audits"
	"syncd/internal/worldtest"
)

// The metrics that no mirror can have exactly, as Polar counts what it does not list.
var (
	ofHidden = []string{ // subscriptions without started_at
		"active_subscriptions", "annual_recurring_revenue", "average_revenue_per_user", "churn_rate", "churned_subscriptions",
		"committed_annual_recurring_revenue", "committed_monthly_recurring_revenue", "committed_subscriptions", "ltv", "monthly_recurring_revenue",
	}
	ofOpened = []string{"checkouts", "checkouts_conversion"} // checkouts that were never opened
	ofUnseen = []string{"succeeded_checkouts"}               // and of those the ones that succeeded all the same, which are rare
	ofEvents = []string{                                     // what rows do not tell: costs, who was active, and the past of subscriptions
		"active_user_by_event", "canceled_subscriptions", "canceled_subscriptions_other", "cashflow", "cost_per_user", "costs", "cumulative_costs",
		"gross_margin", "gross_margin_percentage", "ltv", "new_subscriptions",
	}
	ofRates = []string{ // days without a payment of one's own, where two other days are equally near
		"annual_recurring_revenue", "average_revenue_per_user", "committed_annual_recurring_revenue", "committed_monthly_recurring_revenue", "ltv",
		"monthly_recurring_revenue", "trial_monthly_recurring_revenue", "trial_committed_monthly_recurring_revenue",
	}
)

// Two organizations, as they were after fourteen months, are mirrored whole: every row reads back equal, nothing is set aside, and
// nothing looks like a change of the API. Polar's metrics are computed from these mirrors, and held against all that the real server said
// about them: each interval, other time zones, bounds within a month. What differs is what Polar does not list: with these
// rows put in, nothing differs but what depends on when checkouts were opened. docs/recipes.md is answered in the same world: see answerRecipes.
func TestMetricsFollowFromTheMirror(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	for _, truth := range recorded.Truths() {
		t.Run(string(truth), func(t *testing.T) {
			t.Parallel()
			h, names := worldtest.StartTruth(t, truth)
			t.Run("rows", func(t *testing.T) {
				h.Equal(t, names...)
				requireNothingOdd(t, h)
			})
			t.Run("states", func(t *testing.T) { compareStates(t, h, truth) })
			t.Run("net amounts", func(t *testing.T) { compareNetAmounts(t, h) })
			t.Run("verdicts", func(t *testing.T) { judgeMetrics(t, h, truth) })
			before := compareMetrics(t, h, truth)
			if truth == recorded.FX {
				t.Run("recipes", func(t *testing.T) { answerRecipes(t, h, truth) })
			}
			hidden, err := truth.HiddenSubscriptions()
			if err != nil {
				t.Fatal(err)
			}
			putHidden(t, h, hidden)
			after := compareMetrics(t, h, truth)
			for interval, differ := range before {
				var rates []string
				if truth == recorded.FX && interval == "day" {
					rates = ofRates
				}
				only(t, interval+", as listed", differ, ofHidden, ofOpened, rates)
				only(t, interval+", with what Polar hides", after[interval], ofOpened, rates)
				t.Logf("%s: %d metrics differ, %d with what Polar hides", interval, len(differ), len(after[interval]))
			}
			h.Exec(t, "DELETE FROM events") // the stream is off by default
			for interval, differ := range compareMetrics(t, h, truth) {
				only(t, interval+", without events", differ, ofEvents, ofOpened, ofRates)
			}
		})
	}
}

// The simulator is as strict as Polar: its orders are in several currencies, at rates that move from day to day, with tax in the price or on top; it
// refunds, and takes some of that back, disputes and credits; payments come weeks late; it counts what it lists nowhere. After months in which
// things went on to happen, the mirror gives what it answers: 42 metrics in every period, and the others too once what is listed nowhere is put in.
func TestSimulatedMetricsFollowFromTheMirror(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	h := start(t, setup{Metrics: true, World: polarsim.Options{Seed: 7, Customers: 90, Now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}})
	for range 4 {
		h.World.Advance(25 * 24 * time.Hour)
		h.World.Churn(40)
	}
	back := h.First(t, "/v1/subscriptions/", url.Values{"active": {"true"}}, func(s map[string]any) bool { return s["status"] == "active" && s["cancel_at_period_end"] == false })
	for _, cancel := range []string{"true", "false"} { // which takes it back
		h.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+back["id"].(string), `{"cancel_at_period_end":`+cancel+`}`)
		h.World.Advance(time.Hour)
	}
	h.SyncAll(t, "products", "customers", "subscriptions", "orders", "payments", "checkouts", "customer_seats", "balance_events", "events")
	var asked []url.Values
	for _, zone := range []string{"UTC", "America/New_York", "Asia/Kolkata"} {
		asked = append(asked,
			url.Values{"interval": {"month"}, "start_date": {"2023-09-01"}, "end_date": {"2026-08-12"}, "timezone": {zone}},
			url.Values{"interval": {"day"}, "start_date": {"2025-08-15"}, "end_date": {"2026-08-12"}, "timezone": {zone}})
	}
	asked = append(asked,
		url.Values{"interval": {"month"}, "start_date": {"2025-11-10"}, "end_date": {"2026-07-20"}},
		url.Values{"interval": {"week"}, "start_date": {"2025-08-15"}, "end_date": {"2026-08-12"}},
		url.Values{"interval": {"year"}, "start_date": {"2022-01-01"}, "end_date": {"2026-08-12"}},
		url.Values{"interval": {"hour"}, "start_date": {"2026-06-22"}, "end_date": {"2026-06-28"}, "timezone": {"Asia/Kolkata"}})
	compareSimulated(t, h, "as listed", asked, ofHidden, ofOpened, ofUnseen)
	requireHidden(t, h)
	compareSimulated(t, h, "with what is listed nowhere", asked)
}

// compareSimulated demands that no metric differs but what may, and all of that in some answer.
func compareSimulated(t *testing.T, h *harness, what string, queries []url.Values, may ...[]string) {
	t.Helper()
	all := map[string]bool{}
	for _, asked := range queries {
		path := "/v1/metrics/?" + asked.Encode()
		_, body := h.Call(t, http.MethodGet, path, "")
		unequal := map[string]bool{}
		comparePeriods(t, recorded.Exchange{Request: recorded.Request{Path: path}, Body: string(body)}, ownMetrics(t, h.Harness, asked), unequal)
		only(t, path+" "+what, slices.Collect(maps.Keys(unequal)), may...)
		maps.Copy(all, unequal)
	}
	for _, slug := range slices.Concat(may...) {
		if !all[slug] {
			t.Errorf("%s %s: nowhere another number", slug, what)
		}
	}
}

// requireHidden puts into the mirror what the simulator counts and lists nowhere: subscriptions, and when checkouts were opened.
func requireHidden(t *testing.T, h *harness) {
	t.Helper()
	unlisted := h.World.Unlisted()
	if len(unlisted.Subscriptions) < 3 {
		t.Fatalf("only %d hidden subscriptions", len(unlisted.Subscriptions))
	}
	putHidden(t, h.Harness, unlisted.Subscriptions)
	opened, err := json.Marshal(unlisted.Opened)
	if err != nil {
		t.Fatal(err)
	}
	h.Exec(t, `UPDATE checkouts SET created_at = (opened.value #>> '{}')::timestamptz FROM jsonb_each($1) opened WHERE id = opened.key::uuid`, string(opened))
	h.Exec(t, `DELETE FROM checkouts WHERE NOT $1::jsonb ? id::text AND created_at >= '2026-01-22 12:13Z'`, string(opened))
}

// putHidden puts subscriptions into the mirror that no list shows.
func putHidden[T ~string | ~[]byte](t *testing.T, h *worldtest.Harness, rows []T) {
	t.Helper()
	for _, row := range rows {
		h.Exec(t, `INSERT INTO subscriptions SELECT * FROM jsonb_populate_record(NULL::subscriptions,
			$1::jsonb || jsonb_build_object('_extra', '{}'::jsonb, '_hash', '\x00', '_requested_at', now(), '_synced_at', now()))`, string(row))
	}
}

// compareStates demands that customer_state() says of each customer what the real server said.
func compareStates(t *testing.T, h *worldtest.Harness, truth recorded.Truth) {
	t.Helper()
	states, err := truth.CustomerStates()
	if err != nil || len(states) == 0 {
		t.Fatalf("%d states, %v", len(states), err)
	}
	for _, state := range states {
		var customer struct{ ID uuid.UUID }
		worldtest.Decode(t, state, &customer)
		differ, err := audits.New(h.Store.Pool()).CompareState(t.Context(), customer.ID, state)
		if err != nil {
			t.Fatal(err)
		}
		if len(differ.Values)+len(differ.Keys) > 0 {
			t.Errorf("%s: values %q, keys %q", customer.ID, differ.Values, differ.Keys)
		}
	}
}

// compareNetAmounts demands that the net amount of each subscription, which follows from its last charge, is that of the CSV
// export, the only place where Polar shows it.
func compareNetAmounts(t *testing.T, h *worldtest.Harness) {
	t.Helper()
	h.SyncAll(t, "subscriptions_export")
	for _, row := range h.Texts(t, `SELECT to_jsonb(e)::text FROM subscriptions_export e LEFT JOIN subscriptions_enriched s ON s.id = e.subscription_id
		WHERE e.net_amount IS DISTINCT FROM s.net_amount`) {
		t.Errorf("another net amount: %s", row)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(DISTINCT subscription_id) - (SELECT count(*) FROM subscriptions) FROM subscriptions_export"); n != 0 {
		t.Errorf("%d more rows in the export than in the list", n)
	}
	requireNothingOdd(t, h)
}

// only demands that nothing differs but what may.
func only(t *testing.T, what string, differ []string, may ...[]string) {
	t.Helper()
	for _, slug := range differ {
		if !slices.Contains(slices.Concat(may...), slug) {
			t.Errorf("%s: %s differs", what, slug)
		}
	}
}

// compareMetrics gives by interval the metrics that differ in any period of any recorded answer without filters.
func compareMetrics(t *testing.T, h *worldtest.Harness, truth recorded.Truth) map[string][]string {
	t.Helper()
	exchanges, err := truth.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	unequal := map[string]map[string]bool{}
	for _, e := range exchanges {
		path, query, _ := strings.Cut(e.Request.Path, "?")
		asked, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if path != "/v1/metrics/" || asked.Has("product_id") || asked.Has("billing_type") || asked.Has("customer_id") || asked.Has("metrics") {
			continue
		}
		if interval := asked.Get("interval"); unequal[interval] == nil {
			unequal[interval] = map[string]bool{}
		}
		comparePeriods(t, e, ownMetrics(t, h, asked), unequal[asked.Get("interval")])
	}
	differ := map[string][]string{}
	for interval, slugs := range unequal {
		differ[interval] = slices.Sorted(maps.Keys(slugs))
	}
	return differ
}

func comparePeriods(t *testing.T, e recorded.Exchange, own map[int64]map[string]float64, unequal map[string]bool) {
	t.Helper()
	var answer struct{ Periods []map[string]any }
	if err := json.Unmarshal([]byte(e.Body), &answer); err != nil {
		t.Fatal(err)
	}
	if len(own) != len(answer.Periods) {
		t.Errorf("%s: %d periods, Polar has %d", e.Request.Path, len(own), len(answer.Periods))
	}
	for _, period := range answer.Periods {
		start, err := time.Parse(time.RFC3339, period["timestamp"].(string))
		if err != nil {
			t.Fatal(err)
		}
		values := own[start.Unix()]
		if len(values) != len(period)-1 {
			t.Errorf("%s, %s: %d metrics, Polar has %d", e.Request.Path, start, len(values), len(period)-1)
		}
		for slug, value := range period {
			if polar, is := value.(float64); is && math.Abs(polar-values[slug]) > max(1e-6, math.Abs(polar)*1e-9) {
				unequal[slug] = true
			}
		}
	}
}

// ownMetrics are the values by the start of the period and the metric.
func ownMetrics(t *testing.T, h *worldtest.Harness, asked url.Values) map[int64]map[string]float64 {
	t.Helper()
	zone := "UTC"
	if asked.Has("timezone") {
		zone = asked.Get("timezone")
	}
	rows, err := h.Store.Pool().Query(t.Context(), "SELECT period_start, slug, value::float8 FROM metrics_own($1, $2::text::date, $3::text::date, $4)",
		asked.Get("interval"), asked.Get("start_date"), asked.Get("end_date"), zone)
	if err != nil {
		t.Fatal(err)
	}
	own := map[int64]map[string]float64{}
	var start time.Time
	var slug string
	var value float64
	if _, err := pgx.ForEachRow(rows, []any{&start, &slug, &value}, func() error {
		if own[start.Unix()] == nil {
			own[start.Unix()] = map[string]float64{}
		}
		own[start.Unix()][slug] = value
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return own
}
