package fetch

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// polarClock estimates Polar's clock from the Date headers of its answers. Dates that Polar wrote are compared with this clock,
// because the clock of the machine may be wrong. Before the first answer with a Date, it is the clock of the machine.
type polarClock struct {
	mu      sync.Mutex
	date    time.Time // of the answer that set the clock; zero before the first
	at      time.Time // when that answer came
	moments []Moment  // in order of Stamp
}

// Moment is one comparison of two clocks: when the clock that dates requests showed Stamp, Polar's clock showed Polar at most.
type Moment struct {
	Stamp time.Time `json:"stamp"`
	Polar time.Time `json:"polar"`
}

const (
	// mostMoments is how many moments are kept. The older they are, the more are dropped.
	mostMoments = 48
	// dateSlack is how far a Date may be behind the server's clock: it is cut to the second, and servers compute it once a
	// second.
	dateSlack = 2 * time.Second
)

// note sets the clock by the Date of an answer. sent is when its request was dated, took how long the answer took. Date is cut to
// the second.
func (p *polarClock) note(resp *http.Response, sent time.Time, took time.Duration) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.remember(Moment{sent.UTC(), date.Add(dateSlack).UTC()})
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

// Now is the time by Polar's clock, as far as its last answer tells.
func (c *Client) Now() time.Time { return c.cfg.Now() }

// remember adds a moment. Answers may come in another order than their requests. A moment that adds nothing is left out.
func (p *polarClock) remember(m Moment) {
	if n := len(p.moments); n > 0 {
		last := &p.moments[n-1]
		if !m.Stamp.After(last.Stamp) {
			return
		}
		if m.Polar.Equal(last.Polar) {
			last.Stamp = m.Stamp
			return
		}
	}
	p.moments = append(p.moments, m)
	for len(p.moments) > mostMoments {
		for i := range mostMoments / 4 { // drop every second one of the older half
			p.moments = slices.Delete(p.moments, i, i+1)
		}
	}
}

// Moments returns the comparisons of both clocks so far, for AddMoments of a later client.
func (c *Client) Moments() []Moment {
	p := &c.exchange.polar
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.moments)
}

// AddMoments adds the comparisons that another client made.
func (c *Client) AddMoments(moments []Moment) {
	p := &c.exchange.polar
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Concat(moments, p.moments)
	slices.SortStableFunc(all, func(a, b Moment) int { return a.Stamp.Compare(b.Stamp) })
	p.moments = nil
	for _, m := range all {
		p.remember(m)
	}
}

// StampBefore converts a time by Polar's clock into one by the clock that dates RequestedAt. The result is surely not later than
// the moment at which Polar's clock showed polar: whatever was requested up to the result was requested before that moment. It is
// zero where nothing is known. present is the current time by the clock that dates requests.
//
// Neither clock is trusted to run evenly, since either may be set between two answers. A moment at which both were seen stays
// true.
func (c *Client) StampBefore(polar, present time.Time) (stamp time.Time) {
	p := &c.exchange.polar
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.moments {
		if m.Polar.After(polar) || m.Stamp.After(present) {
			break
		}
		stamp = m.Stamp
	}
	return stamp
}

// DateRequestsBy replaces the clock that dates requests; by default it is that of the machine. stamp is called right before each
// attempt, and the attempt is not sent if stamp fails. Call it before the first request.
func (c *Client) DateRequestsBy(stamp func(context.Context) (time.Time, error)) {
	c.exchange.stamp = stamp
}

func byMachine(context.Context) (time.Time, error) { return time.Now(), nil }
