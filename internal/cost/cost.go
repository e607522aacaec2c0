// Package cost estimates, with a few requests to Polar, how many requests sweeps take.
//
// Sweeps asks the scan of each stream for its estimate, which reads counts and no rows. Then it adds what only the mirror knows:
// rows that are fetched one by one, and pages that are read again because their rows tie. If Polar refuses a stream, the result
// says so, and the other streams are still estimated.
package cost

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
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/token"
)

// Sweep is the cost of a sweep of a stream; a first sync costs the same.
type Sweep struct {
	Stream   string
	Rows     int    // Polar's count now; -1 where it does not count
	Requests int    // of one sweep, if nothing changes meanwhile
	Probes   int    // requests that the estimate took
	Refused  string // why there is no estimate: Polar refuses the stream to this token
	Export   bool   // it is a file, to compare other streams with
	AtMost   bool   // Requests is an upper bound: how many owners have rows is known once they are mirrored
}

// Sweeps estimates, with a few requests for each stream, what a sweep of it costs; without names, of all that are on.
//
// The engine may have no store. If it has one, the mirrored rows tell what lists cost that are read for each row of another
// stream.
func Sweeps(ctx context.Context, e *mirror.Engine, names ...string) ([]Sweep, error) {
	ctx = limit.WithPriority(ctx, limit.PriorityRefresh)
	names, err := e.Resolve(names...)
	if err != nil {
		return nil, err
	}
	costs := make([]Sweep, len(names))
	mirrored := e.Store != nil && e.Store.CheckSchema(ctx) == nil
	g, ctx := errgroup.WithContext(ctx) // Polar that does not answer one question answers none
	g.SetLimit(e.Parallel)
	for i, name := range names {
		g.Go(func() (err error) {
			costs[i], err = estimator{e, mirrored}.sweep(ctx, e.Stream(name))
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

// estimator estimates the streams of an engine.
type estimator struct {
	*mirror.Engine
	mirrored bool // the store can tell what was mirrored before
}

func (e estimator) sweep(ctx context.Context, s *streams.Stream) (Sweep, error) {
	cost := Sweep{Stream: s.Name, Rows: -1, Export: s.IsExport()}
	var err error
	switch known, failed := e.ownersKnown(ctx, s); {
	case failed != nil:
		return cost, failed
	case known:
		var estimate scan.Estimate
		estimate, err = scan.EstimateCost(ctx, e.Client, s.Scan, s.Path, s.Query)
		cost.Rows, cost.Requests, cost.Probes = estimate.Rows, estimate.Requests, estimate.Probes
	default:
		err = e.countOwners(ctx, s, &cost)
	}
	if s.FellBack {
		cost.Requests++ // a sweep asks for the list that was ended, too
	}
	if e.FallBack(ctx, s.Name, err) {
		probes := cost.Probes
		cost, err = e.sweep(ctx, e.Stream(s.Name))
		cost.Probes += probes
		return cost, err
	}
	switch {
	case errors.Is(err, fetch.ErrScope):
		cost.Refused = token.Lack(s.Scope)
	case err == nil && cost.Refused != "":
	case s.Optional && errors.Is(err, fetch.ErrAuth):
		cost.Refused = "Polar refuses this list to an organization access token"
	case err == nil && e.mirrored:
		err = e.learn(ctx, s, &cost)
		return cost, err
	default:
		return cost, err
	}
	cost.Requests, cost.Rows = 1, -1 // a sweep finds the rest out, too
	return cost, nil
}

// learn adds what only the mirror knows: rows that are fetched one by one, and pages that are read again because their rows tie
// in the order of the list.
func (e estimator) learn(ctx context.Context, s *streams.Stream, cost *Sweep) error {
	requests, rows, err := e.Store.Runs().SweepCost(ctx, s.Name)
	if err != nil {
		return err
	}
	const many, more = 20, 1.1 // less than these is noise
	if like := float64(requests) * float64(cost.Rows) / float64(max(1, rows)); cost.Requests >= many && like > more*float64(cost.Requests) {
		cost.Requests = int(like)
	}
	if s.Get == "" {
		return nil
	}
	ids, err := e.Store.Rows(s.Name).CopiedIDs(ctx)
	if n := len(ids); n > 0 {
		cost.Requests += n + 1 // the control request comes first
	}
	return err
}

// ownersKnown: the rows that own those of the stream have been mirrored, if it has owners.
func (e estimator) ownersKnown(ctx context.Context, s *streams.Stream) (bool, error) {
	if len(s.Parents) == 0 {
		return true, nil
	}
	if !e.mirrored {
		return false, nil
	}
	list, err := e.Store.Streams().Standings(ctx, s.ParentNames())
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

// countOwners asks Polar how many rows can own rows of the stream.
func (e estimator) countOwners(ctx context.Context, s *streams.Stream, cost *Sweep) error {
	own := true
	for _, p := range s.Parents {
		own = own && e.Stream(p.Stream).Scope != s.Scope
	}
	if own { // the lists of the parents do not tell whether it may be read
		cost.Probes++
		if lacking, err := token.IsLacking(ctx, e.Client, s.Path); err != nil || lacking {
			cost.Refused = token.Lack(s.Scope)
			return err
		}
	}
	products := map[string][]string{} // by type of price
	for _, p := range s.Parents {
		of := e.Stream(p.Stream)
		query := url.Values{}
		for k, v := range of.Query {
			query[k] = v
		}
		for k, v := range p.Filter {
			query[k] = v
		}
		if p.Price != "" {
			if _, known := products[p.Price]; !known {
				ids, err := e.productsWith(ctx, p.Price, cost)
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
		estimate, err := scan.Offset{}.Estimate(ctx, e.Client, of.Path, query)
		cost.Probes += estimate.Probes
		if err != nil {
			return err
		}
		cost.Requests += estimate.Rows
	}
	return nil
}

// productsWith are the ids of the products with a price of this type.
func (e estimator) productsWith(ctx context.Context, price string, cost *Sweep) (ids []string, err error) {
	of := e.Stream("products")
	for page, err := range of.Scan.Pages(ctx, e.Client, of.Path, of.Query, scan.Cursor{}) {
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
