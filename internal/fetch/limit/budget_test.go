package limit_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/limit"
	"syncd/internal/polarsim"
)

// A busy sync at the default share uses its budget, and Polar's limiter, as simulated, never has to refuse it.
func TestDefaultShareIsUsedAndNeverRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 3}), polarsim.ServerOptions{PerMinute: 500})
		c := fetchtest.NewClient(t, fetch.Config{Server: "https://polar.test", Token: inprocess.Token, Transport: inprocess.To(sim)})
		start := time.Now()
		flood(background(), t, c, 700)
		took := time.Since(start)
		used := float64(sim.Requests()) / took.Minutes() / 250
		if used < 0.95 || c.Budget().RateLimited != 0 || c.Budget().Paused != 0 {
			t.Errorf("%.3f of the budget used, %d refused, paused %v", used, c.Budget().RateLimited, c.Budget().Paused)
		}
		if b := c.Budget(); b.PerMinute != 250 || b.Pace != 250 || b.Used > 250 || b.Used < 230 || b.Left != 250-b.Used || b.Requests[limit.PrioritySweep] != 700 {
			t.Errorf("budget %+v", b)
		}
		time.Sleep(2 * time.Minute)
		if b := c.Budget(); b.Used != 0 || b.Left != 250 {
			t.Errorf("after a rest: %+v", b)
		}
		t.Logf("%.3f of the budget", used)
	})
}

// order sends requests of several priorities at once and returns the order in which they were served.
func order(t *testing.T, perMinute int, arrive []limit.Priority, beside func(*fetch.Client)) (served []limit.Priority) {
	t.Helper()
	var mu sync.Mutex
	c := fetchtest.InProcess(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		served = append(served, limit.PriorityOf(r.Context()))
		mu.Unlock()
		inprocess.ReplyEmpty(w)
	}, func(cfg *fetch.Config) { cfg.RequestsPerMinute = perMinute })
	flood(background(), t, c, 8) // warm, and without a token left
	served = nil
	var wg sync.WaitGroup
	for _, p := range arrive {
		wg.Go(func() {
			if _, err := c.Page(limit.WithPriority(background(), p), "/v1/orders/", nil); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
	}
	if beside != nil {
		beside(c)
	}
	wg.Wait()
	return served
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := order(t, 30, []limit.Priority{limit.PriorityExport, limit.PrioritySweep, limit.PriorityTail, limit.PrioritySweep, limit.PriorityRefresh, limit.PriorityTail}, func(c *fetch.Client) {
			if b := c.Budget(); b.Waiting != [4]int{1, 2, 2, 1} {
				t.Errorf("waiting: %v", b.Waiting)
			}
		})
		// Eight turns had been given: one by priority, the tenth to the one who has waited longest.
		want := []limit.Priority{limit.PriorityRefresh, limit.PriorityExport, limit.PriorityTail, limit.PriorityTail, limit.PrioritySweep, limit.PrioritySweep}
		if len(got) != len(want) {
			t.Fatal(got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("served in the order %v, want %v", got, want)
			}
		}
	})
}

// However many refreshes come, an export has its turn.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) { inprocess.ReplyEmpty(w) }, func(cfg *fetch.Config) { cfg.RequestsPerMinute = 60 })
		ctx, stop := context.WithCancel(background())
		defer stop()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = c.Page(limit.WithPriority(ctx, limit.PriorityRefresh), "/v1/orders/x", nil)
				}
			})
		}
		time.Sleep(time.Minute)
		start := time.Now()
		for range 3 {
			if _, err := c.Page(limit.WithPriority(ctx, limit.PriorityExport), "/v1/orders/export", nil); err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(start); waited > 100*time.Second {
			t.Errorf("three exports had to wait %v for 1 request a second", waited)
		}
		stop()
		wg.Wait()
	})
}

// An organization that Polar restricts to 60 requests a minute: after two windows the client keeps within that, and says
// so once.
func TestRestrictedOrganization(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fixed{limit: 60}
		var log bytes.Buffer
		c := fetchtest.InProcess(t, server.ServeHTTP, func(cfg *fetch.Config) {
			cfg.RequestsPerMinute, cfg.Log = 250, slog.New(slog.NewTextHandler(&log, nil))
		})
		work := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); {
				if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		work(4 * time.Minute)
		if b := c.Budget(); b.Pace != 54 || server.refused > 3 {
			t.Errorf("pace %d after %d refusals", b.Pace, server.refused)
		}
		server.refused, server.served = 0, nil
		work(10 * time.Minute)
		if n := len(server.served); n < 450 || server.refused > 2 {
			t.Errorf("%d requests and %d refusals in ten minutes", n, server.refused)
		}
		if n := strings.Count(log.String(), "Polar refuses requests although"); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}
