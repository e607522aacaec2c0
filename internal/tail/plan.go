package tail

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"syncd/internal/cost"
	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
)

// Cost is what a sweep of a stream costs, and how soon its changes are seen between sweeps.
type Cost struct {
	cost.Sweep
	// Rounds is in how many rounds of tails a change is seen at the latest, as far as tails can see it; 0 = before the next
	// sweep none is. CoveredBy is what shows it, and Lacks what would show it in every round; "" = nothing that there is.
	Rounds    int
	CoveredBy []string
	Lacks     string
}

// BestDelay says how soon changes would be seen if what the stream lacks were there: each round is so long.
func (c Cost) BestDelay(round string) string {
	if c.Lacks == lackEvents {
		return "sooner" // some by slow questions
	}
	return round
}

// Plan tells of each stream that is on what it costs, and how soon tails would see its changes. It asks Polar with a few
// requests, and needs no store, as cost.Sweeps.
func (f *Follower) Plan(ctx context.Context) ([]Cost, error) {
	swept, err := cost.Sweeps(ctx, f.engine)
	costs := make([]Cost, len(swept))
	for i, c := range swept {
		costs[i].Sweep = c
	}
	if err != nil {
		return costs, err
	}
	return costs, f.foresee(limit.WithPriority(ctx, limit.PriorityRefresh), costs)
}

// foresee tells of each stream how soon tails will see its changes, by what this organization and its token give.
func (f *Follower) foresee(ctx context.Context, costs []Cost) error {
	if len(costs) == 0 {
		return nil
	}
	a, spent, err := f.askAccess(ctx, &costs[0].Probes)
	if err != nil {
		return err
	}
	turns := 0
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
	left := max(1, RoundRequests-spent) // of a round, for slow questions
	for i := range costs {
		c := &costs[i]
		by, _ := f.spec(c.Stream).covers(int64(c.Rows), a)
		if c.Refused == "" && slices.ContainsFunc(by, func(b cover) bool { return b.slow }) {
			c.Rounds = (turns + left - 1) / left
		}
	}
	return nil
}

// askAccess asks Polar what there is beside the lists, and tells what it costs in a round.
func (f *Follower) askAccess(ctx context.Context, probes *int) (a access, perRound int, err error) {
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
		perRound++
	}
	page, may, err := ask(endpointsPath, url.Values{"limit": {"100"}})
	if err != nil {
		return a, 0, err
	}
	a.lacks = offeredEndpoints(page.Items, may).lacks
	endpoints := rawEndpoints(page.Items)
	if len(endpoints) > 0 {
		perRound++
		a.sent = func(hook string) bool { return sent(endpoints, hook, always) }
	}
	return a, perRound, nil
}
