package limit_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/limit"
)

// fixed counts in fixed windows as Polar does, and lets a rival have its requests first.
type fixed struct {
	limit, left int
	ends        time.Time
	rival       func(into time.Duration) int // requests of the rival so far, that long after the beginning of a window
	taken       int                          // by the rival, in this window
	served      []time.Time
	refused     int
}

func (f *fixed) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	for !now.Before(f.ends) {
		if f.ends.IsZero() || f.rival == nil {
			f.ends = now
		}
		f.ends, f.left, f.taken = f.ends.Add(limit.Window), f.limit, 0
	}
	if f.rival != nil {
		n := min(f.left, f.rival(limit.Window-f.ends.Sub(now))-f.taken)
		f.left, f.taken = f.left-n, f.taken+n
	}
	if f.left == 0 {
		f.refused++
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.left--
	f.served = append(f.served, now)
	inprocess.ReplyEmpty(w)
}

// A rival that has used up the limit at a third of each window, whenever that window begins, slows the client down. No
// request fails, and few are sent that are refused.
func TestRivalThatEatsTheLimit(t *testing.T) {
	t.Parallel()
	for _, share := range []time.Duration{2, 5, 20} { // seconds it takes the rival
		synctest.Test(t, func(t *testing.T) {
			server := &fixed{limit: 500, rival: func(into time.Duration) int { return int(600 * into / (share * time.Second)) }}
			c := fetchtest.InProcess(t, func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) },
				func(cfg *fetch.Config) { cfg.RequestsPerMinute = 250 })
			time.Sleep(17 * time.Second)
			start := time.Now()
			one := func() {
				if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
					t.Fatal(err)
				}
			}
			for time.Since(start) < 30*time.Minute {
				one()
			}
			windows := int(time.Since(start) / limit.Window)
			if n := len(server.served); n < windows/2 {
				t.Errorf("rival of %v s: only %d requests in %d windows", int(share), n, windows)
			}
			if server.refused > 8*windows {
				t.Errorf("rival of %v s: %d refusals in %d windows", int(share), server.refused, windows)
			}
			t.Logf("rival of %v s: %d served and %d refused in %d windows, pace %d", int(share), len(server.served), server.refused, windows, c.Budget().Pace)
		})
	}
}
