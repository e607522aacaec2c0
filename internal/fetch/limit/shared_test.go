package limit_test

import (
	"bytes"
	"context"
	"errors"
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
)

// pot is a shared budget in memory.
type pot struct {
	mu     sync.Mutex
	tokens float64
	at     time.Time
	paused time.Time
	asked  []time.Time
	broken bool
}

func (p *pot) Take(ctx context.Context, ask limit.Ask) (limit.Grant, error) {
	time.Sleep(5 * time.Millisecond) // so that there is a moment in which others wait for the answer
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.asked = append(p.asked, now)
	if p.broken {
		return limit.Grant{}, errors.New("database unreachable")
	}
	if p.at.IsZero() {
		p.at = now
	}
	p.tokens = min(float64(ask.Burst), p.tokens+ask.Rate*now.Sub(p.at).Seconds())
	p.at = now
	g := limit.Grant{Sharers: 2, Pause: max(0, p.paused.Sub(now))}
	if g.Tokens = min(ask.Want, int(p.tokens)); g.Pause > 0 {
		g.Tokens = 0
	}
	p.tokens -= float64(g.Tokens)
	if g.Tokens == 0 {
		g.Wait = time.Duration((1 - p.tokens) / ask.Rate * float64(time.Second))
	}
	return g, ctx.Err()
}

func (p *pot) Pause(_ context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = time.Now().Add(d)
	return nil
}

// both makes two clients of one server that share a pot.
func both(t *testing.T, p *pot, handler http.HandlerFunc, change ...func(*fetch.Config)) (a, b *fetch.Client) {
	t.Helper()
	change = append([]func(*fetch.Config){func(cfg *fetch.Config) { cfg.RequestsPerMinute = 250 }}, change...)
	a, b = fetchtest.InProcess(t, handler, change...), fetchtest.InProcess(t, handler, change...)
	a.ShareBudget(p)
	b.ShareBudget(p)
	return a, b
}

// Two processes with one budget use it, stay within it in every window, and hardly ever ask.
func TestSharedBudgetHoldsAndIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen arrivals
		p := &pot{}
		a, b := both(t, p, func(w http.ResponseWriter, _ *http.Request) {
			seen.enter()
			defer seen.leave()
			time.Sleep(30 * time.Millisecond)
			inprocess.ReplyEmpty(w)
		})
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { flood(background(), t, a, 900) })
		wg.Go(func() { flood(background(), t, b, 300) })
		wg.Wait()
		took := time.Since(start)
		if most := seen.busiest(); most > 250 {
			t.Errorf("%d requests within a window", most)
		}
		if used := float64(len(seen.at)) / took.Minutes() / 250; used < 0.95 {
			t.Errorf("only %.3f of the budget used", used)
		}
		if rate := float64(len(p.asked)) / took.Seconds(); rate > 8 { // both together
			t.Errorf("asked %.1f times a second", rate)
		}
		if s := a.Budget(); s.Sharers != 2 || s.Away || s.Requests[limit.PrioritySweep] != 900 {
			t.Errorf("%+v", s)
		}
	})
}

// A 429 to one process pauses the other as well.
func TestSharedPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var refused, after time.Time
		n := 0
		a, b := both(t, &pot{}, func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 100 {
				refused = time.Now()
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			if now := time.Now(); !refused.IsZero() && now.Sub(refused) > 2*time.Second && (after.IsZero() || now.Before(after)) {
				after = now
			}
			inprocess.ReplyEmpty(w)
		})
		var wg sync.WaitGroup
		wg.Go(func() { flood(background(), t, a, 150) })
		wg.Go(func() { flood(background(), t, b, 150) })
		wg.Wait()
		if waited := after.Sub(refused); waited < time.Minute {
			t.Errorf("a request %v after the refusal", waited)
		}
		if a.Budget().Paused < 50*time.Second || b.Budget().Paused < 50*time.Second {
			t.Errorf("paused %v and %v", a.Budget().Paused, b.Budget().Paused)
		}
	})
}

// Without its database a process goes on with a part of the budget that is safe, says so once, and comes back.
func TestSharedBudgetOutOfReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen arrivals
		var log bytes.Buffer
		p := &pot{}
		a, _ := both(t, p, func(w http.ResponseWriter, _ *http.Request) {
			seen.enter()
			defer seen.leave()
			inprocess.ReplyEmpty(w)
		}, fetchtest.LogTo(&log))
		flood(background(), t, a, 250)
		p.broken = true
		from, start := len(seen.at), time.Now()
		flood(background(), t, a, 250)
		rate := float64(len(seen.at)-from) / time.Since(start).Minutes()
		if rate > 86 || rate < 75 { // a third: two processes, and one that may have come
			t.Errorf("%.0f requests a minute without the database", rate)
		}
		if most := seen.busiest(); most > 250 || !a.Budget().Away {
			t.Errorf("%d requests within a window, %+v", most, a.Budget())
		}
		p.broken = false
		time.Sleep(10 * time.Second)
		flood(background(), t, a, 100)
		if text := log.String(); a.Budget().Away || strings.Count(text, "cannot be reached") != 1 || strings.Count(text, "can be reached again") != 1 {
			t.Errorf("away: %v; %d and %d lines", a.Budget().Away, strings.Count(text, "cannot be reached"), strings.Count(text, "can be reached again"))
		}
	})
}
