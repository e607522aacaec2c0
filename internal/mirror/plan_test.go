package mirror_test

import (
	"fmt"
	"math"
	"testing"

	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// What a plan says a sync will cost is what it costs: the first one, and the sweeps after it.
func TestPlanPredictsRequests(t *testing.T) {
	t.Parallel()
	for _, customers := range []int{10, 150, 700} {
		t.Run(fmt.Sprintf("%d customers", customers), func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{
				world:   polarsim.Options{Customers: customers},
				server:  polarsim.ServerOptions{StableTies: true}, // else members that tie are read again until all have come
				metrics: true,
				mirror: func(c *mirror.Config) { // whose many rows take long, and cost the same whatever the size
					c.Off = map[string]bool{"metrics": true, "metrics_export": true, "events": true}
				},
			})
			for _, sync := range []string{"first sync", "second sync", "third sync"} {
				h.server.Reset()
				costs, err := h.Plan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				probes, want := 0, 1 // Sync asks who it is
				for _, c := range costs {
					probes, want = probes+c.Probes, want+c.Requests
				}
				if n := h.server.Requests(); n != probes || probes > 3*len(costs) {
					t.Errorf("%s: the plan of %d streams took %d requests and told of %d", sync, len(costs), n, probes)
				}
				h.server.Reset()
				results := h.sync(t)
				got := h.server.Requests()
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
	t.Parallel()
	h := start(t, setup{world: polarsim.Options{Orders: 2500}})
	h.sync(t, "customers", "products", "subscriptions", "orders")
	for _, factor := range []int{1, 3} {
		if _, err := h.store.Pool().Exec(t.Context(), "UPDATE sync_runs SET requests = $1 * requests WHERE stream = 'orders'", factor); err != nil {
			t.Fatal(err)
		}
		costs, err := h.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range costs {
			if c.Stream == "orders" && (c.Requests < 26*factor || c.Requests > 29*factor) {
				t.Errorf("after a sweep that cost %d times as much: %+v", factor, c)
			}
		}
	}
}
