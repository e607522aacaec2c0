package audit

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/store"
	"syncd/internal/store/audits"
)

// stateCache is how long Polar keeps a customer state that nothing makes it compute anew (server/polar/customer/service.py).
const stateCache = time.Hour

// stateStreams are the streams that a customer state is made of; the customer comes first.
func stateStreams() []string {
	return []string{"customers", "subscriptions", "customer_meters", "benefit_grants"}
}

// states compares a sample of customer states. A state that differs is a final finding only if it still differs after the time
// for which Polar may have cached an old one.
func (a *auditing) states(ctx context.Context, c *Check) (found []audits.Finding, err error) {
	standings, err := a.engine.Store.Streams().Standings(ctx, stateStreams())
	if err != nil {
		return nil, err
	}
	for _, s := range standings {
		if s.CompleteAt.IsZero() {
			c.say("not compared: %s was never read", s.Stream)
			return nil, nil
		}
	}
	ids, err := a.stored.SampleCustomers(ctx, a.o.States)
	if err != nil {
		return nil, err
	}
	for _, f := range a.earlierStates(ctx) {
		if !slices.Contains(ids, f) {
			ids = append(ids, f)
		}
	}
	lacks := map[string]bool{}
	for _, id := range ids {
		d, err := a.compareState(ctx, id)
		if errors.Is(err, fetch.ErrNotFound) {
			continue // deleted since
		}
		if err == nil && len(d.Values) > 0 {
			if err = a.refreshOwned(ctx, id); err == nil {
				d, err = a.compareState(ctx, id)
			}
			c.Moved++
		}
		if err != nil {
			return found, err
		}
		for _, key := range d.Keys {
			lacks[key] = true
		}
		if len(d.Values) > 0 {
			found = append(found, audits.Finding{Stream: "customers", Key: id.String(), Kind: audits.FindingState, Mirror: "customer_state()",
				Other:    "another " + cmp.Or(strings.Join(d.Values, ", "), "customer"),
				Evidence: "GET /v1/customers/{id}/state, after all its parts were fetched; Polar may return a state that is an hour old"})
		}
	}
	if len(found) > 0 {
		c.say("%d of %d states differ; for an hour, Polar's cache may explain that", len(found), len(ids))
	}
	if len(lacks) > 0 {
		c.say("Polar's states have keys that customer_state() lacks: %s; a newer syncd may know them", strings.Join(slices.Sorted(maps.Keys(lacks)), ", "))
	}
	c.Moved -= len(found)
	return found, nil
}

// earlierStates are the customers whose state differed at the last comparison.
func (a *auditing) earlierStates(ctx context.Context) (ids []uuid.UUID) {
	open, err := a.stored.OpenFindings(ctx, []string{"customers"})
	if err != nil {
		return nil // the next query will report the error
	}
	for _, f := range open {
		if id, err := uuid.Parse(f.Key); err == nil && f.Kind == audits.FindingState {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *auditing) compareState(ctx context.Context, id uuid.UUID) (audits.StateDifference, error) {
	body, err := a.engine.Client.Get(ctx, "/v1/customers/"+id.String()+"/state", nil)
	if err != nil {
		return audits.StateDifference{}, err
	}
	return a.stored.CompareState(ctx, id, []byte(body.Value))
}

// refreshOwned fetches all parts of a customer's state that can be fetched by id.
func (a *auditing) refreshOwned(ctx context.Context, customer uuid.UUID) error {
	if res := a.engine.RefreshAs(ctx, store.KindAudit, "customers", []uuid.UUID{customer}); res.Err != nil {
		return res.Err
	}
	for _, stream := range stateStreams()[1:] {
		ids, err := a.stored.IDsOfCustomer(ctx, stream, customer)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		if res := a.engine.RefreshAs(ctx, store.KindAudit, stream, ids); res.Err != nil {
			return res.Err
		}
	}
	return nil
}
