package tail

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"syncd/internal/cost"
	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/store/tails"
	"syncd/internal/tail/hooks"
)

// Cost is what a sweep of a stream costs, and how soon its changes are seen between sweeps.
type Cost struct {
	cost.Sweep
	// Rounds is how many rounds of tails it takes at most to see a change, as far as tails can see it; 0 = only a sweep sees it.
	// CoveredBy is what shows it. Lacks is what would show it in every round; "" = nothing would.
	Rounds    int
	CoveredBy []string
	Lacks     string
	// FeedRounds is how many rounds of feeds it takes to see a change that a feed shows; 0 = none shows any. FeedsAll: it shows them all.
	FeedRounds int
	FeedsAll   bool
}

// BestDelay is how soon changes would be seen if the stream had what it lacks; round is how often the feeds are asked.
func (c Cost) BestDelay(round string) string {
	if c.Lacks == lackEvents {
		return "sooner" // slow probes show some of them
	}
	return round
}

// IsCounted: between sweeps nothing but counts shows changes of the stream.
func (c Cost) IsCounted() bool { return slices.Equal(c.CoveredBy, []string{tails.ByCounts}) }

// LacksEndpoint: with a webhook endpoint as Lacks says, changes would be seen sooner.
func (c Cost) LacksEndpoint() bool { return c.Lacks != "" && c.Lacks != lackEvents }

// IsDelivered: webhooks tell of all changes of the stream.
func (c Cost) IsDelivered() bool { return slices.Contains(c.CoveredBy, deliveriesFeed) }

// Forecast is what a round costs at most while nothing changes, and what each stream that is on costs.
type Forecast struct {
	Round   int
	Streams []Cost
}

// Plan returns, for each stream that is on, what it costs and how soon tails would see its changes, if rounds have so many requests to
// spare for slow probes. It sends a few requests to Polar, and needs no store, as cost.Sweeps.
func (f *Follower) Plan(ctx context.Context, spare int) (Forecast, error) {
	swept, err := cost.Sweeps(ctx, f.engine)
	costs := make([]Cost, len(swept))
	for i, c := range swept {
		costs[i].Sweep = c
	}
	fc := Forecast{RoundRequests, costs}
	if err != nil || len(costs) == 0 {
		return fc, err
	}
	more, err := f.foresee(limit.WithPriority(ctx, limit.PriorityRefresh), costs, spare)
	fc.Round += more
	return fc, err
}

// foresee adds to each stream how soon tails will see its changes, by what this organization and its token offer. more is how many of
// the spare requests slow probes take.
func (f *Follower) foresee(ctx context.Context, costs []Cost, spare int) (more int, err error) {
	a, feeds, err := f.askAccess(ctx, &costs[0].Probes)
	if err != nil {
		return 0, err
	}
	a.counts = !slices.ContainsFunc(costs, func(c Cost) bool { return c.Stream == "metrics" && c.Refused != "" })
	spent, turns := feeds, 0
	for i := range costs {
		c, t := &costs[i], f.spec(costs[i].Stream)
		if c.Refused != "" {
			continue
		}
		by, lacks := t.covers(int64(c.Rows), a)
		c.Lacks = lacks
		for _, b := range by {
			c.CoveredBy = append(c.CoveredBy, b.shows)
			c.Rounds = max(c.Rounds, 1)
			if b.key == eventsFeed || b.key == deliveriesFeed {
				c.FeedRounds, c.FeedsAll = feeds, b.key == deliveriesFeed
			}
		}
		for _, p := range t.Fast {
			if _, asksNothing := p.(Due); !asksNothing {
				spent++
			}
		}
		for _, p := range t.Slow {
			if _, whole := p.(Whole); !whole || c.Rows <= wholeRows {
				turns++
			}
		}
	}
	left := max(1, RoundRequests-spent) // of a round, for slow probes
	more = max(0, min(spare, turns-left))
	left += more
	for i := range costs {
		c := &costs[i]
		by, _ := f.spec(c.Stream).covers(int64(c.Rows), a)
		if c.Refused == "" && slices.ContainsFunc(by, func(b cover) bool { return b.slow }) {
			c.Rounds = (turns + left - 1) / left
		}
	}
	return more, nil
}

// askAccess asks Polar what it offers beside the lists. feeds is how many of them can be read, at a request each in a round.
func (f *Follower) askAccess(ctx context.Context, probes *int) (a access, feeds int, err error) {
	ask := func(path string, query url.Values) (fetch.Page, bool, error) {
		page, err := f.engine.Client.Page(ctx, path, query)
		*probes += page.Requests
		if errors.Is(err, fetch.ErrScope) {
			return page, false, nil
		}
		return page, err == nil, err
	}
	if _, a.events, err = ask(eventsPath, url.Values{"source": {"system"}, "limit": {"1"}}); err != nil {
		return a, 0, err
	}
	if a.events {
		feeds++
	}
	page, may, err := ask(endpointsPath, url.Values{"limit": {"100"}})
	if err != nil {
		return a, 0, err
	}
	offered := hooks.Of(page.Items)
	a.lacks = hooks.Offer(offered, may).Lacks
	endpoints := tails.ReadableEndpoints(offered)
	if len(endpoints) > 0 {
		feeds++
		a.sent = func(hook string) bool { return hooks.Sent(endpoints, hook, hooks.Always) }
	}
	return a, feeds, nil
}
