package fetch

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// polarClock is Polar's clock, by the Date of its answers. What Polar has dated is compared with this one: that of the
// machine may be wrong. Where no answer tells the time, the machine has to.
type polarClock struct {
	mu      sync.Mutex
	date    time.Time // of the answer that it was set by; zero: none yet
	at      time.Time // when that came
	moments []Moment  // in order of Stamp
}

// Moment is what an answer tells of two clocks: at Stamp, by the one that requests are dated by, Polar's showed Polar at most.
type Moment struct {
	Stamp time.Time `json:"stamp"`
	Polar time.Time `json:"polar"`
}

const (
	// mostMoments bounds how many are kept: the older they are, the fewer.
	mostMoments = 48
	// dateSlack is by how much a Date may be behind the clock that it is of: it is cut to the second, and servers work it out
	// once a second.
	dateSlack = 2 * time.Second
)

// note takes in the Date of an answer to a request that was dated sent and took so long. Date is cut to the second.
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

// Now is the time by Polar's clock, as of its last answer.
func (c *Client) Now() time.Time { return c.cfg.Now() }

// remember adds a moment. Answers may come in another order than the requests; what tells no more is left out.
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
		for i := range mostMoments / 4 { // of the older half every second one goes
			p.moments = slices.Delete(p.moments, i, i+1)
		}
	}
}

// Moments is what is known of both clocks, for Recall.
func (c *Client) Moments() []Moment {
	p := &c.exchange.polar
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.moments)
}

// AddMoments adds what another client came to know.
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

// StampBefore is a moment, by the clock that dates RequestedAt, which was surely not later than the one at which Polar's clock
// showed polar: whatever was requested until then was requested before that. Zero where nothing tells. present is what the
// clock that dates requests shows now.
//
// Neither clock is trusted to run evenly: either may be set between two answers. A moment at which both were seen stays true.
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

// DateRequestsBy has requests dated by another clock than that of the machine: each is asked for the time right before it is sent,
// and not sent if that fails. It is called before the first request.
func (c *Client) DateRequestsBy(stamp func(context.Context) (time.Time, error)) {
	c.exchange.stamp = stamp
}

func byMachine(context.Context) (time.Time, error) { return time.Now(), nil }
