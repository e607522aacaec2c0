package daemon

import (
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/cost"
	"syncd/internal/sched"
	"syncd/internal/slowtest"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// How fresh an organization of 5,000 customers is without an endpoint, at 250 requests a minute, by the rules of the daemon.
func TestFreshWithoutEndpoint(t *testing.T) {
	t.Parallel()
	costs := tail.Forecast{Round: tail.RoundRequests + 15, Streams: []tail.Cost{
		{Sweep: cost.Sweep{Stream: "files", Requests: 2}}, {Sweep: cost.Sweep{Stream: "metrics", Requests: 7}},
		{Sweep: cost.Sweep{Stream: "license_keys", Requests: 20}}, {Sweep: cost.Sweep{Stream: "customer_seats", Requests: 962}},
		{Sweep: cost.Sweep{Stream: "orders", Requests: 314}, Rounds: 1},                             // tails see its changes
		{Sweep: cost.Sweep{Stream: "orders_export", Requests: 3, Export: true}},                     // is to compare with
		{Sweep: cost.Sweep{Stream: "organization_access_tokens", Requests: 1, Refused: "so it is"}}, // is not to be had
		{Sweep: cost.Sweep{Stream: "products", Requests: 5}},                                        // is swept by hand
	}}
	for share, seats := range map[int]time.Duration{0: 0, 10: 65 * time.Minute, 30: 15 * time.Minute, 50: 10 * time.Minute} {
		cfg := &config.Config{Tail: 5 * time.Minute, FreshShare: share, Schedules: map[string]string{"products": sched.Off}}
		at := foreseeTurns(cfg, costs, 246)
		for stream, within := range map[string]time.Duration{"files": 5 * time.Minute, "metrics": 5 * time.Minute, "license_keys": 5 * time.Minute, "customer_seats": seats} {
			if share == 0 {
				within = 0
			}
			if at[stream] != within {
				t.Errorf("with %d %%, %s is swept every %v, want %v", share, stream, at[stream], within)
			}
		}
		for _, stream := range []string{"orders", "orders_export", "organization_access_tokens", "products"} {
			if at[stream] != 0 {
				t.Errorf("%s has its turn", stream)
			}
		}
	}
}

// An hour of rounds: a stream that nothing shows changes of is swept as often as its share allows and the plan says, and
// freshness tells how often that was.
func TestTurnsKeepStreamsFresh(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{Mirror: func(c *catalog.Config) {
		c.Off = map[string]bool{"license_key_activations": true, "payment_methods": true}
	}})
	for _, e := range h.All(t, "/v1/webhooks/endpoints", nil) {
		h.Want(t, 204, "DELETE", "/v1/webhooks/endpoints/"+e["id"].(string), "")
	}
	h.SyncAll(t)
	d := &Runner{org: &Organization{Store: h.Store, Mirror: h.Mirror}}
	const round, allowance = 5 * time.Minute, 3
	jobs := []sched.Turn{{Name: "files", Cost: 2}, {Name: "customer_seats", Cost: worldtest.Query[int](t, h, "SELECT requests FROM sync_runs WHERE stream = 'customer_seats' AND verdict = 'complete'")}}
	d.current.Store(&config.Config{Tail: round})
	if next, err := d.nextTurns(t.Context(), 100); err != nil || len(next) > 0 {
		t.Errorf("swept again at once: %v, %v", next, err)
	}
	d.turns = sched.Turns{}
	foreseen := sched.ForeseeTurns(allowance, round, jobs)
	age, longest, swept := map[string]time.Duration{}, map[string]time.Duration{}, map[string]int{}
	h.Round(t) // it finds out what shows changes of which stream
	for range 12 {
		h.Exec(t, "UPDATE sync_runs SET started_at = started_at - interval '5 minutes' WHERE kind = 'sweep'")
		next, err := d.nextTurns(t.Context(), allowance)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			age[j.Name] += round
		}
		for _, stream := range next {
			if r := h.SweepOnce(t.Context(), stream); !r.IsWhole() {
				t.Fatalf("%+v", r)
			}
			longest[stream], age[stream] = max(longest[stream], age[stream]), 0
			swept[stream]++
		}
	}
	for _, j := range jobs {
		every := worldtest.Query[float64](t, h, "SELECT extract(epoch FROM swept_every) FROM freshness WHERE stream = $1", j.Name)
		if swept[j.Name] < 2 || longest[j.Name] > foreseen[j.Name]+round || time.Duration(every*float64(time.Second)).Round(time.Minute) > longest[j.Name] {
			t.Errorf("%s, which costs %d: swept %d times, every %v at most, %v s by freshness; %v was foreseen", j.Name, j.Cost, swept[j.Name], longest[j.Name], every, foreseen[j.Name])
		}
	}
	if len(swept) != len(jobs) {
		t.Errorf("swept in turn: %v", swept)
	}
	// After a week the sweeps that found nothing are forgotten, but for the last.
	h.Exec(t, "UPDATE sync_runs SET finished_at = finished_at - interval '8 days' WHERE kind = 'sweep'")
	h.Round(t)
	if kept := h.Texts(t, "SELECT stream || ' ' || rows_inserted FROM sync_runs WHERE kind = 'sweep' AND stream = 'files' ORDER BY id"); len(kept) != 2 || !strings.HasSuffix(kept[1], " 0") {
		t.Errorf("kept of the sweeps of files: %v", kept)
	}
}
