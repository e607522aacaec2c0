package tail_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// What a plan says a sync will cost is what it costs: the first one, and the sweeps after it.
func TestPlanPredictsRequests(t *testing.T) {
	t.Parallel()
	for _, customers := range []int{10, 150, 350} {
		t.Run(fmt.Sprintf("%d customers", customers), func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{
				World:   polarsim.Options{Customers: customers},
				Server:  polarsim.ServerOptions{StableTies: true}, // else members that tie are read again until all have come
				Metrics: true,
				Mirror: func(c *catalog.Config) { // whose many rows take long, and cost the same whatever the size
					c.Off = map[string]bool{"metrics": true, "metrics_export": true, "events": true}
				},
			})
			for _, sync := range []string{"first sync", "second sync", "third sync"} {
				h.Server.Reset()
				plan, err := h.Plan(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				costs := plan.Streams
				probes, want := 0, 1 // Sync asks who it is
				for _, c := range costs {
					probes, want = probes+c.Probes, want+c.Requests
				}
				if n := h.Server.Requests(); n != probes || probes > 3*len(costs) {
					t.Errorf("%s: the plan of %d streams took %d requests and told of %d", sync, len(costs), n, probes)
				}
				h.Server.Reset()
				results := h.SyncAll(t)
				got := h.Server.Requests()
				t.Logf("%s: %d requests, %d predicted", sync, got, want)
				// What Polar has deleted shows in no list, so a first sync cannot know that it will ask for some of it by id.
				deleted := 0.0
				if sync == "first sync" {
					deleted = float64(results["discounts"].Requests - 1)
				}
				if math.Abs(float64(got-want)-deleted) > 0.05*float64(got) {
					t.Errorf("%s: %d requests, %d predicted", sync, got, want)
				}
				for _, c := range costs {
					res := results[c.Stream]
					if int64(c.Requests) != res.Requests || c.Rows >= 0 && c.Rows != res.Distinct {
						t.Logf("%s: %s: %d rows in %d requests, predicted %+v", sync, c.Stream, res.Distinct, res.Requests, c)
					}
				}
			}
		})
	}
}

// A list whose last sweep had to read pages again is taken to cost as much once more.
func TestPlanLearnsFromTheLastSweep(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Orders: 2500}})
	h.SyncAll(t, "customers", "products", "subscriptions", "orders")
	for _, factor := range []int{1, 3} {
		if _, err := h.Store.Pool().Exec(t.Context(), "UPDATE sync_runs SET requests = $1 * requests WHERE stream = 'orders'", factor); err != nil {
			t.Fatal(err)
		}
		plan, err := h.Plan(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		costs := plan.Streams
		for _, c := range costs {
			if c.Stream == "orders" && (c.Requests < 26*factor || c.Requests > 29*factor) {
				t.Errorf("after a sweep that cost %d times as much: %+v", factor, c)
			}
		}
	}
}

// How soon a plan says that tails see a change is how soon they do, and what it says they do not see, they do not.
func TestPlanForeseesWhatTailsSee(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"with an endpoint": {}, "without": {NoWebhook: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Products, world.Customers = 130, 150
			h := start(t, setup{World: world, Mirror: worldtest.Tailing})
			h.SyncAll(t)
			for range worldtest.EveryTurn {
				h.Round(t)
			}
			plan, err := h.Plan(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			costs := plan.Streams
			by := map[string]tail.Cost{}
			for _, c := range costs {
				by[c.Stream] = c
			}
			fresh, err := h.Store.Streams().Freshness(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for stream, c := range by {
				if followed := len(fresh[stream].CoveredBy) > 0; followed != (c.Rounds > 0) || followed && !slices.Equal(c.CoveredBy, fresh[stream].CoveredBy) {
					t.Errorf("%s: the plan says %d rounds, by %q; the tails are covered by %q", stream, c.Rounds, c.CoveredBy, fresh[stream].CoveredBy)
				}
			}
			if p := by["products"]; world.NoWebhook && (p.Rounds != 0 || p.Lacks == "") || !world.NoWebhook && (p.Rounds != 1 || p.Lacks != "") {
				t.Errorf("%d products: %+v", p.Rows, p)
			}
			if k := by["orders"]; k.Rounds != 1 {
				t.Errorf("%+v", k)
			}
			if k := by["customer_seats"]; k.Rounds == 0 || k.IsCounted() != world.NoWebhook {
				t.Errorf("%+v", k)
			}
			for stream, path := range map[string]string{"products": "/v1/products/", "meters": "/v1/meters/", "discounts": "/v1/discounts/", "customers": "/v1/customers/"} {
				id := h.All(t, path, nil)[0]["id"].(string)
				name := fmt.Sprintf("Renamed %s", stream)
				h.Want(t, http.StatusOK, http.MethodPatch, path+id, fmt.Sprintf(`{"name":%q}`, name))
				took := 0
				for n := 1; n <= max(by[stream].Rounds, 5) && took == 0; n++ {
					h.Round(t)
					if len(h.Stored(t, stream, fmt.Sprintf("id = '%s' AND name = '%s'", id, name))) > 0 {
						took = n
					}
				}
				if took > by[stream].Rounds || took == 0 && by[stream].Rounds > 0 {
					t.Errorf("%s: seen in round %d, the plan says %d", stream, took, by[stream].Rounds)
				}
			}
		})
	}
}

// Where deliveries do not tell of all changes, a plan says what they need to, and it is true: nothing else is missing.
func TestPlanNamesWhatDeliveriesLack(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 5}})
	endpoint := "/v1/webhooks/endpoints/" + h.All(t, "/v1/webhooks/endpoints", nil)[0]["id"].(string)
	patch := func(body string) { h.Want(t, http.StatusOK, http.MethodPatch, endpoint, body) }
	const seats = `"customer_seat.assigned","customer_seat.claimed","customer_seat.revoked"`
	for _, step := range []struct {
		body, want string
	}{
		{`{"enabled":false}`, "the raw webhook endpoint enabled"},
		{`{"events":["order.created","customer_seat.claimed"]}`, "the raw webhook endpoint enabled and sent customer_seat.assigned, customer_seat.revoked"},
		{`{"enabled":true}`, "the raw webhook endpoint sent customer_seat.assigned, customer_seat.revoked"},
		{`{"events":[` + seats + `]}`, ""},
		{`{"format":"slack"}`, "a raw webhook endpoint (here is only slack)"},
		{`{"enabled":false}`, "a raw webhook endpoint"},
		{`{"format":"raw","enabled":true}`, ""},
	} {
		patch(step.body)
		if c := planOf(t, h, "customer_seats"); c.Lacks != step.want || c.IsCounted() != (step.want != "") {
			t.Errorf("after %s: %d rounds, lacks %q, want %q", step.body, c.Rounds, c.Lacks, step.want)
		}
	}
	h.Fault(t, "403:path=/v1/webhooks/endpoints")
	if c := planOf(t, h, "customer_seats"); c.Lacks != "the scope webhooks:read and a raw webhook endpoint" {
		t.Errorf("without the scope: %+v", c)
	}
}

// planOf is what a plan says of one stream.
func planOf(t *testing.T, h *harness, stream string) tail.Cost {
	t.Helper()
	plan, err := h.Plan(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	costs := plan.Streams
	i := slices.IndexFunc(costs, func(c tail.Cost) bool { return c.Stream == stream })
	if i < 0 {
		t.Fatalf("the plan has no %s", stream)
	}
	return costs[i]
}
