package feed

import (
	"context"
	"time"

	"syncd/internal/mirror"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
)

// Config of a Poller.
type Config struct {
	// Every is how often the feeds are asked; 0 = only when nudged. It is read again after each round and each nudge.
	Every func() time.Duration
	// Rate is how many requests a minute the budget sustains now; 0 = no budget.
	Rate func() float64
	// Ask makes a round of feeds and reports its own failures. An error only means that it is made again later.
	Ask func(context.Context, tail.Question) (tail.Answer, error)
}

// Poller makes rounds of feeds. It is used for one Run.
type Poller struct {
	cfg    Config
	nudges *nudges
	pace   pace

	allowance allowance
}

// New makes a Poller.
func New(c Config) *Poller { return &Poller{cfg: c, nudges: newNudges()} }

// Run makes rounds until ctx ends or stop is closed. A round that has begun is made to its end, as Ask obeys ctx.
func (p *Poller) Run(ctx context.Context, stop <-chan struct{}) {
	for wait := p.pace.begin(p.cfg.Every()); ; {
		if !p.wait(ctx, stop, wait) {
			return
		}
		wait = p.round(ctx)
	}
}

// wait waits for a time, or for a nudge; 0 = for a nudge alone. It returns false when Run is to end.
func (p *Poller) wait(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	var ticked <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		ticked = timer.C
	}
	select {
	case <-ticked:
	case <-p.nudges.came:
	case <-stop:
		return false
	case <-ctx.Done():
		return false
	}
	select { // when it comes together with a tick, select takes either
	case <-stop:
		return false
	default:
		return ctx.Err() == nil
	}
}

// round makes one round, and returns how long to wait for the next; 0 = until a nudge.
func (p *Poller) round(ctx context.Context) time.Duration {
	every, began := p.cfg.Every(), time.Now()
	taken := p.nudges.take()
	rate := p.cfg.Rate()
	q := tail.Question{Every: p.pace.interval(every), Each: p.pace.busy(), Named: taken.named, Room: p.allowance.grant(began, rate)}
	switch {
	case taken.asked:
		q.Every, q.Each = 0, true
	case every == 0:
		q.Unasked = true
	}
	a, err := p.cfg.Ask(ctx, q)
	p.allowance.spend(a.Requests)
	if err != nil || a.Outcome != mirror.Succeeded && a.Outcome != mirror.Partial {
		p.nudges.giveBack(taken)
		return p.pace.failed(every, a.Outcome == mirror.Skipped, len(taken.named) > 0 || taken.asked)
	}
	for _, fetched := range taken.fetched {
		fetched()
	}
	return p.pace.after(every, rate, a, time.Since(began))
}

// Nudge is what somebody knows of changes at Polar before the feeds tell of them.
type Nudge struct {
	// Named are the objects that may have changed, as tail.Follower.NamedBy makes them of a webhook event. They are fetched at once.
	// Without any, the feeds are asked at once.
	Named []tails.Changed
	// Fetched is called, if it is not nil, when what is named has been fetched and stored. It must not block.
	Fetched func()
}
