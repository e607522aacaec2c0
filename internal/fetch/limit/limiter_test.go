package limit_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/limit"
	"syncd/internal/slowtest"
)

// arrivals records when requests arrive, and how many at once.
type arrivals struct {
	mu          sync.Mutex
	at          []time.Time
	inside, top int
}

func (a *arrivals) enter() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Now())
	a.inside++
	a.top = max(a.top, a.inside)
	return len(a.at)
}

func (a *arrivals) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inside--
}

// busiest is the largest number of arrivals in any window of 60 s, both ends included.
func (a *arrivals) busiest() (most int) {
	for i, from := 0, 0; i < len(a.at); i++ {
		for a.at[i].Sub(a.at[from]) > limit.Window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// flood sends n requests from 8 goroutines and returns when the last is answered.
func flood(ctx context.Context, t *testing.T, c *fetch.Client, n int) {
	t.Helper()
	var wg sync.WaitGroup
	work := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for range work {
				if _, err := c.Page(ctx, "/v1/orders/", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range n {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
}

func TestTrap24_BudgetHoldsInEveryWindow(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, perMinute := range []int{1, 2, 7, 50, 60, 250, 1000} {
		t.Run(strconv.Itoa(perMinute), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen arrivals
				c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
					// Every tenth attempt fails, for the attempts that follow have to fit in too.
					if n := seen.enter(); n%10 == 0 {
						w.WriteHeader(http.StatusBadGateway)
					} else {
						time.Sleep(30 * time.Millisecond)
						inprocess.ReplyEmpty(w)
					}
					seen.leave()
				}, func(cfg *fetch.Config) { cfg.RequestsPerMinute = perMinute })
				start := time.Now()
				n := 3 * perMinute
				flood(background(), t, c, n)
				time.Sleep(10 * time.Minute) // a bucket that has filled up again
				flood(background(), t, c, n)
				if most := seen.busiest(); most > perMinute {
					t.Errorf("%d requests within 60 s, more than %d", most, perMinute)
				}
				took := time.Since(start) - 10*time.Minute
				if least := float64(len(seen.at)) / took.Minutes() / float64(perMinute); perMinute >= 50 && least < 0.95 {
					t.Errorf("only %.3f of the budget used", least)
				}
			})
		})
	}
}

func TestTrap26_FirstRequestGoesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen arrivals
		failures := 2
		alone := true
		c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
			seen.enter()
			defer seen.leave()
			time.Sleep(time.Second)
			seen.mu.Lock()
			defer seen.mu.Unlock()
			if failures > 0 {
				failures--
				alone = alone && seen.top == 1
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			inprocess.ReplyEmpty(w)
		})
		flood(background(), t, c, 16)
		if !alone {
			t.Error("a request was sent beside one that had not succeeded yet")
		}
		if seen.top != 8 {
			t.Errorf("%d requests at once after the first, want 8", seen.top)
		}
		for i := 1; i <= 3; i++ { // two that fail and one that succeeds
			if gap := seen.at[i].Sub(seen.at[i-1]); gap < time.Second {
				t.Errorf("request %d came %v after the one before", i, gap)
			}
		}
		// After 300 s of silence Polar has forgotten the token.
		seen.top = 0
		time.Sleep(301 * time.Second)
		from := len(seen.at)
		flood(background(), t, c, 16)
		if gap := seen.at[from+1].Sub(seen.at[from]); gap < time.Second {
			t.Errorf("the second request after a silence came %v after the first", gap)
		}
	})
}

func TestTrap25_RateLimitPausesEveryone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		want   time.Duration
	}{{"60", time.Minute}, {"5", 5 * time.Second}, {"3600", time.Minute}, {"", time.Minute}} {
		t.Run("Retry-After "+test.header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen arrivals
				var refused time.Time
				c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
					n := seen.enter()
					defer seen.leave()
					if n == 20 {
						refused = time.Now()
						if test.header != "" {
							w.Header().Set("Retry-After", test.header)
						}
						w.WriteHeader(http.StatusTooManyRequests)
						return
					}
					time.Sleep(10 * time.Millisecond)
					inprocess.ReplyEmpty(w)
				}, func(cfg *fetch.Config) { cfg.RequestsPerMinute = 300 })
				flood(background(), t, c, 100)
				end := refused
				for _, at := range seen.at {
					switch {
					case at.After(refused) && at.Before(refused.Add(test.want)):
						t.Errorf("a request %v after the 429", at.Sub(refused))
					case at.After(refused) && (end.Equal(refused) || at.Before(end)):
						end = at
					}
				}
				if waited := end.Sub(refused); waited > test.want+test.want/10 {
					t.Errorf("waited %v, want about %v", waited, test.want)
				}
				if most := seen.busiest(); most > 300 {
					t.Errorf("%d requests within 60 s", most)
				}
				if c.Budget().RateLimited != 1 || c.Budget().Retries != 1 || c.Budget().Paused < test.want || c.Budget().Paused > test.want+test.want/10 {
					t.Errorf("%d times limited, %d retries, paused %v", c.Budget().RateLimited, c.Budget().Retries, c.Budget().Paused)
				}
			})
		})
	}
}

func TestSeveralRateLimitsPauseOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
			if at := time.Since(start); at > time.Second && at < 61*time.Second {
				time.Sleep(50 * time.Millisecond) // so that others are on their way
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			time.Sleep(300 * time.Millisecond)
			inprocess.ReplyEmpty(w)
		})
		flood(background(), t, c, 100)
		if c.Budget().RateLimited < 2 || c.Budget().Paused > 65*time.Second || time.Since(start) > 80*time.Second {
			t.Errorf("%d times limited, paused %v of %v", c.Budget().RateLimited, c.Budget().Paused, time.Since(start))
		}
	})
}

func TestWaitersLeaveWhenCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) { inprocess.ReplyEmpty(w) }, func(cfg *fetch.Config) { cfg.RequestsPerMinute = 1 })
		flood(background(), t, c, 1)
		ctx, cancel := context.WithTimeout(background(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Page(ctx, "/v1/orders/", nil)
		if !errors.Is(err, context.DeadlineExceeded) || fetch.Class(err) != fetch.ClassCanceled || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		// The turn that was given up is nobody's: the next request does not wait for two.
		flood(background(), t, c, 1)
		if took := time.Since(start); took > 61*time.Second {
			t.Errorf("the next request came after %v", took)
		}
		// A leader that is given up must not lock out the others.
		time.Sleep(time.Hour)
		flood(background(), t, c, 1)
	})
}
