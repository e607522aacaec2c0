package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/fetch/scan"
)

// SweepCost is what a sweep of a stream costs, and with it a first sync.
type SweepCost struct {
	Stream   string
	Rows     int    // that Polar counts now; -1 where it does not
	Requests int    // of one sweep, when nothing changes meanwhile
	Probes   int    // requests that it took to find out
	Refused  string // why there are no figures: Polar refuses the stream to this token
	AtMost   bool   // Requests is an upper bound: how many owners have rows is known when they are mirrored
}

// SweepCosts asks Polar, with a few requests for each stream that is on, what a sweep
// of it would cost.
//
// An Engine without a store can tell, too. With one, lists that are read for each
// row of another stream cost what the rows mirrored say.
func (r *Engine) SweepCosts(ctx context.Context) ([]SweepCost, error) {
	ctx = limit.WithPriority(ctx, limit.PriorityRefresh)
	names, err := r.Resolve()
	if err != nil {
		return nil, err
	}
	costs := make([]SweepCost, len(names))
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
	return costs, nil
}

func (r *Engine) cost(ctx context.Context, s *Stream, mirrored bool) (SweepCost, error) {
	cost := SweepCost{Stream: s.Name, Rows: -1}
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
func (r *Engine) learn(ctx context.Context, s *Stream, cost *SweepCost) error {
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
func (r *Engine) countOwners(ctx context.Context, s *Stream, cost *SweepCost) error {
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
func (r *Engine) productsWith(ctx context.Context, price string, cost *SweepCost) (ids []string, err error) {
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
