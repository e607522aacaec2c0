package mirror_test

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store/budget"
	"syncd/internal/worldtest"
)

// shortWindow stands for Polar's minute in tests over a network and a database, whose time cannot be simulated.
const shortWindow = 2 * time.Second

// quick makes the simulated limiter's minutes last a shortWindow.
func quick() func() time.Time {
	start := time.Now()
	return func() time.Time { return start.Add(time.Since(start) * (time.Minute / shortWindow)) }
}

// limited is another process over the same database and server, with a budget.
func (h *harness) limited(t *testing.T, perWindow int) (*catalog.Mirror, *fetch.Client) {
	t.Helper()
	client, err := fetch.New(fetch.Config{
		Server: h.HTTP.URL, Token: worldtest.Token, RequestsPerMinute: perWindow, Window: shortWindow, MaxPause: shortWindow, Now: h.World.Now,
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return h.NewMirror(t, func(c *catalog.Config) { c.Client = client }), client
}

// Two processes on one database, each configured with a budget that is all of Polar's limit, stay within it together:
// no request is refused in three minutes' worth of them. Two that did not share would be refused at once.
func TestTwoProcessesShareOneBudget(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const perMinute = 120
	h := start(t, setup{World: polarsim.Options{Customers: 60}, Server: polarsim.ServerOptions{PerMinute: perMinute, Clock: quick()}})
	var clients []*fetch.Client
	var sent atomic.Int64
	var wg sync.WaitGroup
	for i, streams := range [][]string{{"customers", "products", "payments"}, {"orders", "subscriptions", "members"}} {
		r, client := h.limited(t, perMinute)
		clients = append(clients, client)
		wg.Go(func() {
			for round := 0; sent.Load() < 3*perMinute; round++ {
				res := r.SweepOnce(t.Context(), streams[round%len(streams)])
				if !res.IsWhole() {
					t.Errorf("process %d: %s: %s", i, res.Stream, res.Reason)
				}
				sent.Add(res.Requests)
			}
		})
	}
	wg.Wait()
	for i, c := range clients {
		b := c.Budget()
		if b.RateLimited != 0 || b.Away || b.Sharers != 2 || b.Requests[limit.PrioritySweep] < 20 {
			t.Errorf("process %d: %+v", i, b)
		}
	}
	list, _, err := budget.New(h.Store.Pool()).Holders(t.Context())
	if err != nil || len(list) != 2 || !slices.Equal(list[0].Requests[:2], []int64{0, 0}) {
		t.Errorf("%+v, %v", list, err)
	}
}

// A rival with another token of the organization has used up Polar's limit in the first part of each window. The sync
// takes longer, and nothing is missing.
func TestRivalSlowsASyncDown(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const perMinute = 60
	h := start(t, setup{Server: polarsim.ServerOptions{PerMinute: perMinute, Clock: quick()}})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(shortWindow / (3 * perMinute)) // three times what is allowed
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				h.Call(t, http.MethodGet, "/v1/products/?limit=1", "")
			}
		}
	})
	defer wg.Wait()
	defer close(stop)
	time.Sleep(shortWindow / 2)
	r, client := h.limited(t, perMinute/2)
	// On a machine that is busy with something else a rival may be too slow to hurt.
	for b := client.Budget(); b.RateLimited == 0 || b.Paused == 0; b = client.Budget() {
		results, err := r.Sync(t.Context(), "products", "customers", "orders")
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range results {
			if !res.IsWhole() {
				t.Errorf("%s: %s: %s", res.Stream, res.Outcome, res.Reason)
			}
		}
	}
}
