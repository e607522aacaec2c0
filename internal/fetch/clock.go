package fetch

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// polarClock is Polar's clock, by the Date of its answers. What Polar has dated is compared with this one: that of the
// machine may be wrong. Where no answer tells the time, the machine has to.
type polarClock struct {
	mu    sync.Mutex
	date  time.Time     // of the answer that it was set by; zero: none yet
	at    time.Time     // when that came
	ahead time.Duration // of the clock that requests are dated by, at most
}

// note takes in the Date of an answer to a request that was dated sent and took so long. Date is cut to the second.
func (p *polarClock) note(resp *http.Response, sent time.Time, took time.Duration) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.ahead = date.Add(time.Second).Sub(sent)
	if shown := p.date.Add(now.Sub(p.at)); shown.Before(date) || shown.After(date.Add(time.Second+took)) {
		p.date, p.at = date, now
	}
}

func (p *polarClock) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.date.IsZero() {
		return now
	}
	return p.date.Add(now.Sub(p.at))
}

// Now is the time by Polar's clock, as of its last answer.
func (c *Client) Now() time.Time { return c.cfg.Now() }

// Ahead is by how much Polar's clock is at most ahead of the one that dates RequestedAt; false where Polar has not told.
func (c *Client) Ahead() (time.Duration, bool) {
	p := &c.exchange.polar
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ahead, !p.date.IsZero()
}

// DateBy has requests dated by another clock than that of the machine: each is asked for the time right before it is sent,
// and not sent if that fails. It is called before the first request.
func (c *Client) DateBy(stamp func(context.Context) (time.Time, error)) { c.exchange.stamp = stamp }

func byMachine(context.Context) (time.Time, error) { return time.Now(), nil }
