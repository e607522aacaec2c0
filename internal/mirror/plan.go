package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/store"
)

// Cost is what a sweep of a stream costs, and with it a first sync.
type Cost struct {
	Stream   string
	Rows     int    // that Polar counts now; -1 where it does not
	Requests int    // of one sweep, when nothing changes meanwhile
	Probes   int    // requests that it took to find out
	Refused  string // why there are no figures: Polar refuses the stream to this token
	AtMost   bool   // Requests is an upper bound: how many owners have rows is known when they are mirrored
	// Rounds is in how many rounds of tails a change is seen at the latest, as far as tails can see it; 0 = before the next
	// sweep none is. CoveredBy is what shows it, and Lacks what would show it in every round; "" = nothing that there is.
	Rounds    int
	CoveredBy []string
	Lacks     string
}

// Better says how soon changes would be seen if what the stream lacks were there: each round is so long.
func (c Cost) Better(round string) string {
	if c.Lacks == lackEvents {
		return "sooner" // some by slow questions
	}
	return round
}

// Plan asks Polar, with a few requests for each stream that is on, what a sweep
// of it would cost.
//
// A Engine without a store can plan, too. With one, lists that are read for each
// row of another stream cost what the rows mirrored say.
func (r *Engine) Plan(ctx context.Context) ([]Cost, error) {
	ctx = fetch.WithPriority(ctx, fetch.PriorityRefresh)
	names, err := r.Resolve()
	if err != nil {
		return nil, err
	}
	costs := make([]Cost, len(names))
	mirrored := r.Store != nil && r.Store.CheckSchema(ctx) == nil
	var g errgroup.Group
	g.SetLimit(r.Parallel)
	for i, name := range names {
		g.Go(func() (err error) {
			costs[i], err = r.cost(ctx, &r.streams[name].Stream, mirrored)
			if err != nil {
				return fmt.Errorf("plan %s: %w", name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return costs, err
	}
	return costs, r.foresee(ctx, costs)
}

// foresee tells of each stream how soon tails will see its changes, by what this organization and its token give.
func (r *Engine) foresee(ctx context.Context, costs []Cost) error {
	if len(costs) == 0 {
		return nil
	}
	a, spent, err := r.askAccess(ctx, &costs[0].Probes)
	if err != nil {
		return err
	}
	turns := 0
	for i := range costs {
		c, t := &costs[i], r.streams[costs[i].Stream].Tail
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
		by, _ := r.streams[c.Stream].Tail.covers(int64(c.Rows), a)
		if c.Refused == "" && slices.ContainsFunc(by, func(b cover) bool { return b.slow }) {
			c.Rounds = (turns + left - 1) / left
		}
	}
	return nil
}

// askAccess asks Polar what there is beside the lists, and tells what it costs in a round.
func (r *Engine) askAccess(ctx context.Context, probes *int) (a access, perRound int, err error) {
	ask := func(path string, query url.Values) (fetch.Page, bool, error) {
		page, err := r.Client.Page(ctx, path, query)
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
	hooks := r.streams["webhook_endpoints"]
	if hooks == nil || r.Off[hooks.Name] {
		return a, perRound, nil
	}
	page, _, err := ask(hooks.Path, url.Values{"limit": {"100"}})
	if err != nil {
		return a, 0, err
	}
	var endpoints []store.Endpoint
	for _, object := range page.Items {
		var e struct {
			Enabled bool     `json:"enabled"`
			Format  string   `json:"format"`
			Events  []string `json:"events"`
		}
		if jsonv2.Unmarshal(object, &e, jsontext.AllowDuplicateNames(true)) == nil && e.Enabled && e.Format == "raw" {
			endpoints = append(endpoints, store.Endpoint{Events: e.Events})
		}
	}
	if len(endpoints) > 0 {
		perRound++
		a.sent = func(hook string) bool { return sent(endpoints, hook, always) }
	}
	return a, perRound, nil
}

func (r *Engine) cost(ctx context.Context, s *Stream, mirrored bool) (Cost, error) {
	cost := Cost{Stream: s.Name, Rows: -1}
	var err error
	switch known, e := r.ownersKnown(ctx, s, mirrored); {
	case e != nil:
		return cost, e
	case known:
		var e scan.Estimate
		e, err = scan.EstimateScan(ctx, r.Client, s.Scan, s.Path, s.Query)
		cost.Rows, cost.Requests, cost.Probes = e.Rows, e.Requests, e.Probes
	default:
		err = r.countOwners(ctx, s, &cost)
	}
	switch {
	case errors.Is(err, fetch.ErrScope):
		cost.Refused = fmt.Sprintf("the token lacks %s", s.Scope)
	case s.Optional && errors.Is(err, fetch.ErrAuth):
		cost.Refused = "Polar refuses this list to an organization access token"
	case err == nil && mirrored:
		err = r.learn(ctx, s, &cost)
		return cost, err
	default:
		return cost, err
	}
	cost.Requests, cost.Rows = 1, -1 // a sweep finds out as well
	return cost, nil
}

// learn adds what only the mirror knows of: rows that have to be asked for one by
// one, and that pages are read again because their rows tie in the order of the list.
func (r *Engine) learn(ctx context.Context, s *Stream, cost *Cost) error {
	requests, rows, err := r.Store.Runs().SweepCost(ctx, s.Name)
	if err != nil {
		return err
	}
	const many, more = 20, 1.1 // a few requests more tell nothing
	if like := float64(requests) * float64(cost.Rows) / float64(max(1, rows)); cost.Requests >= many && like > more*float64(cost.Requests) {
		cost.Requests = int(like)
	}
	if s.Get == "" {
		return nil
	}
	ids, err := r.Store.Rows(s.Name).CopiedIDs(ctx)
	if n := len(ids); n > 0 {
		cost.Requests += n + 1 // one that is known to be there comes first
	}
	return err
}

// ownersKnown tells whether the rows that own those of the stream have been
// mirrored, where there are any to be known.
func (r *Engine) ownersKnown(ctx context.Context, s *Stream, mirrored bool) (bool, error) {
	if len(s.Parents) == 0 {
		return true, nil
	}
	if !mirrored {
		return false, nil
	}
	list, err := r.Store.Streams().Standings(ctx, parentNames(s))
	if err != nil {
		return false, err
	}
	for _, st := range list {
		if st.Run == 0 {
			return false, nil
		}
	}
	return true, nil
}

func parentNames(s *Stream) (names []string) {
	for _, p := range s.Parents {
		names = append(names, p.Stream)
	}
	return names
}

// countOwners asks Polar how many rows own any of the stream.
func (r *Engine) countOwners(ctx context.Context, s *Stream, cost *Cost) error {
	products := map[string][]string{} // by type of price
	for _, p := range s.Parents {
		of := r.streams[p.Stream]
		query := url.Values{}
		for k, v := range of.Query {
			query[k] = v
		}
		for k, v := range p.Filter {
			query[k] = v
		}
		if p.Price != "" {
			if _, known := products[p.Price]; !known {
				ids, err := r.productsWith(ctx, p.Price, cost)
				if err != nil {
					return err
				}
				products[p.Price] = ids
			}
			if len(products[p.Price]) == 0 {
				continue
			}
			query["product_id"] = products[p.Price]
		}
		cost.AtMost = cost.AtMost || p.Where != "" && p.Price == ""
		e, err := scan.Offset{}.Estimate(ctx, r.Client, of.Path, query)
		cost.Probes += e.Probes
		if err != nil {
			return err
		}
		cost.Requests += e.Rows
	}
	return nil
}

// productsWith are the ids of the products with a price of this type.
func (r *Engine) productsWith(ctx context.Context, price string, cost *Cost) (ids []string, err error) {
	of := r.streams["products"]
	for page, err := range of.Scan.Pages(ctx, r.Client, of.Path, of.Query, scan.Cursor{}) {
		cost.Probes += page.Requests
		if err != nil {
			return nil, err
		}
		for _, object := range page.Items {
			var product struct {
				ID     string `json:"id"`
				Prices []struct {
					Type string `json:"amount_type"`
				} `json:"prices"`
			}
			if err := jsonv2.Unmarshal(object, &product, jsontext.AllowDuplicateNames(true)); err != nil {
				return nil, fmt.Errorf("prices of a product: %w", err)
			}
			for _, p := range product.Prices {
				if strings.EqualFold(p.Type, price) {
					ids = append(ids, product.ID)
					break
				}
			}
		}
	}
	return ids, nil
}
