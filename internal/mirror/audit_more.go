package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/store"
)

// reference is a column that names a row of another stream: see Stream.Refers.
type reference struct{ table, column, target string }

// references are the columns that name rows of a stream. Prices are not among them: orders and subscriptions refer to
// archived ones and to those made for them alone, which no list has.
func (r *Runner) references(target string) (refs []reference) {
	for _, s := range r.Streams {
		for _, column := range s.Refers {
			if named(column) == target {
				refs = append(refs, reference{s.Name, column, target})
			}
		}
	}
	return refs
}

// orphans looks for rows that others refer to and that the mirror does not have. Polar may not have them either: deleted
// customers have orders.
func (a *auditing) orphans(ctx context.Context, c *Check, refs []reference) (found []store.Finding, err error) {
	by := map[uuid.UUID]reference{}
	var ids []uuid.UUID
	for _, ref := range refs {
		if a.r.streams[ref.table] == nil || a.r.Off[ref.table] {
			continue
		}
		some, err := a.r.Store.Audit().DanglingIDs(ctx, ref.table, ref.column, ref.target)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			if _, twice := by[id]; !twice {
				by[id] = ref
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 || a.r.streams[c.Stream].Get == "" {
		return nil, nil
	}
	newest, err := a.r.Store.Rows(c.Stream).Newest(ctx, "created_at", a.r.Client.Now())
	if err != nil {
		return nil, err
	}
	asked := ids[:min(len(ids), manyDifferences)]
	if res := a.r.refresh(ctx, c.Stream, store.KindAudit, asked); res.Err != nil {
		return nil, res.Err
	}
	there, err := a.r.Store.Audit().OlderThan(ctx, c.Stream, asked, newest)
	if err != nil {
		return nil, err
	}
	known, err := a.r.Store.Rows(c.Stream).LookUpIDs(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, id := range asked {
		if there[id] {
			found = append(found, store.Finding{Stream: c.Stream, Key: id.String(), Kind: store.FindingLost, Mirror: "absent", Other: "there", Healed: true,
				Evidence: fmt.Sprintf("%s.%s refers to it, and it is older than other rows that the mirror has; fetched by id", by[id].table, by[id].column)})
		}
	}
	c.Moved = len(known) - len(there)
	if n := len(asked) - len(known); n > 0 {
		c.say("%d rows that others refer to do not exist at Polar any more", n)
	}
	if n := len(ids) - len(asked); n > 0 {
		c.say("%d more rows that others refer to were not asked for", n)
	}
	return found, nil
}

// children looks for lists that lost a row.
func (a *auditing) children(ctx context.Context, c *Check, s Stream) ([]store.Finding, error) {
	again := func() (list []store.Difference, err error) {
		seen := map[uuid.UUID]bool{}
		take := func(some []store.Difference, err error) error {
			for _, d := range some {
				if !seen[d.ID] {
					seen[d.ID] = true
					list = append(list, d)
				}
			}
			return err
		}
		for _, child := range s.Children {
			if err := take(a.r.Store.Audit().ChildGaps(ctx, s.Name, child.Name, child.Parent)); err != nil {
				return nil, err
			}
		}
		if s.Name == "orders" {
			err = take(a.r.Store.Audit().UnsummedOrders(ctx))
		}
		return list, err
	}
	first, err := again()
	if err != nil {
		return nil, err
	}
	return a.verify(ctx, c, "the list has gaps, or does not add up", first, again, nil, func(store.Difference) string { return store.FindingChildren })
}

// count compares the number of rows. Where it differs the stream is swept: that finds which rows they are.
func (a *auditing) count(ctx context.Context, c *Check, s Stream, counter fetch.Counter) (found []store.Finding, err error) {
	n, err := counter.Count(fetch.WithPriority(ctx, fetch.PrioritySweep), a.r.Client, s.Path, s.Query)
	if err != nil {
		return nil, err
	}
	have, err := a.r.Store.Audit().CountListed(ctx, s.Name)
	if err != nil || int64(n.Total) == have || n.Total < 0 {
		return nil, err
	}
	before, err := a.r.Store.Audit().IDsChangedSince(ctx, s.Name, time.Time{})
	if err != nil {
		return nil, err
	}
	newest, err := a.r.Store.Rows(s.Name).Newest(ctx, "created_at", a.r.Client.Now())
	if err != nil {
		return nil, err
	}
	res := a.r.Once(ctx, s.Name)
	if res.Outcome != Succeeded {
		if res.Err == nil {
			res.Err = errors.New(res.Reason)
		}
		return nil, fmt.Errorf("%d rows, Polar counts %d, and a sweep does not settle it: %w", have, n.Total, res.Err)
	}
	slices.SortFunc(before, compareID)
	came, err := a.r.Store.Audit().IDsChangedSince(ctx, s.Name, a.since)
	if err != nil {
		return nil, err
	}
	came = slices.DeleteFunc(came, func(id uuid.UUID) bool {
		_, had := slices.BinarySearchFunc(before, id, compareID)
		return had
	})
	older, err := a.r.Store.Audit().OlderThan(ctx, s.Name, came, newest)
	if err != nil {
		return nil, err
	}
	why := fmt.Sprintf("the mirror had %d rows, Polar counted %d; sweep %d", have, n.Total, res.RunID)
	for _, id := range came {
		if older[id] {
			found = append(found, store.Finding{Stream: s.Name, Key: id.String(), Kind: store.FindingLost, Mirror: "absent", Other: "there", Healed: true,
				Evidence: why + " brought it, and it is older than other rows that the mirror had"})
		}
	}
	gone, err := a.r.Store.Rows(s.Name).IDsDeletedBy(ctx, res.RunID)
	if err != nil {
		return nil, err
	}
	if s.Lasting {
		for _, id := range gone {
			found = append(found, store.Finding{Stream: s.Name, Key: id.String(), Kind: store.FindingExtra, Mirror: "there", Other: "absent", Healed: true,
				Evidence: why + " did not, nor did Polar give it by id, and Polar never deletes such a row"})
		}
	}
	c.Moved = len(came) + len(gone) - len(found)
	return found, nil
}

func compareID(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) }

// figures compares the metrics.
func (a *auditing) figures(ctx context.Context, c *Check) ([]store.Finding, error) {
	if a.r.streams["metrics_export"] == nil {
		return nil, nil
	}
	asOf, err := a.export(ctx, "metrics_export", !a.o.Cached)
	if err != nil {
		return nil, err
	}
	first, err := a.r.Store.Audit().DifferingFigures(ctx, asOf)
	if err != nil {
		return nil, err
	}
	again := func() ([]store.Difference, error) { return a.r.Store.Audit().DifferingFigures(ctx, time.Time{}) }
	return a.verify(ctx, c, "metrics_export", first, again, a.renewal(ctx, "metrics_export"), kindOf)
}

// stateCache is for how long Polar keeps a customer state that nothing tells it to make anew (server/polar/customer/service.py).
const stateCache = time.Hour

// stateStreams are what a customer state is made of; the customer itself comes first.
func stateStreams() []string {
	return []string{"customers", "subscriptions", "customer_meters", "benefit_grants"}
}

// states compares a sample of customer states. One that differs is a finding for good only when it still does after the
// time for which Polar may have kept an old one.
func (a *auditing) states(ctx context.Context, c *Check) (found []store.Finding, err error) {
	standings, err := a.r.Store.Streams().Standings(ctx, stateStreams())
	if err != nil {
		return nil, err
	}
	for _, s := range standings {
		if s.CompleteAt.IsZero() {
			c.say("not compared: %s was never read", s.Stream)
			return nil, nil
		}
	}
	ids, err := a.r.Store.Audit().SampleCustomers(ctx, a.o.States)
	if err != nil {
		return nil, err
	}
	for _, f := range a.earlierStates(ctx) {
		if !slices.Contains(ids, f) {
			ids = append(ids, f)
		}
	}
	for _, id := range ids {
		same, err := a.sameState(ctx, id)
		if errors.Is(err, fetch.ErrNotFound) {
			continue // deleted since
		}
		if err == nil && !same {
			if err = a.refreshOwned(ctx, id); err == nil {
				same, err = a.sameState(ctx, id)
			}
			c.Moved++
		}
		if err != nil {
			return found, err
		}
		if !same {
			found = append(found, store.Finding{Stream: "customers", Key: id.String(), Kind: store.FindingState, Mirror: "customer_state()", Other: "another state",
				Evidence: "GET /v1/customers/{id}/state, after all that it is made of was fetched; Polar may give a state that is an hour old"})
		}
	}
	if len(found) > 0 {
		c.say("%d of %d states differ, which Polar's cache may explain for an hour", len(found), len(ids))
	}
	c.Moved -= len(found)
	return found, nil
}

// earlierStates are the customers whose state differed when it was compared last.
func (a *auditing) earlierStates(ctx context.Context) (ids []uuid.UUID) {
	open, err := a.r.Store.Audit().OpenFindings(ctx, []string{"customers"})
	if err != nil {
		return nil // the next question to the database will tell
	}
	for _, f := range open {
		if id, err := uuid.Parse(f.Key); err == nil && f.Kind == store.FindingState {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *auditing) sameState(ctx context.Context, id uuid.UUID) (bool, error) {
	body, err := a.r.Client.Get(ctx, "/v1/customers/"+id.String()+"/state", nil)
	if err != nil {
		return false, err
	}
	return a.r.Store.Audit().SameState(ctx, id, []byte(body.Value))
}

// refreshOwned fetches all that a customer's state is made of and that can be fetched by id.
func (a *auditing) refreshOwned(ctx context.Context, customer uuid.UUID) error {
	if res := a.r.refresh(ctx, "customers", store.KindAudit, []uuid.UUID{customer}); res.Err != nil {
		return res.Err
	}
	for _, stream := range stateStreams()[1:] {
		ids, err := a.r.Store.Audit().IDsOfCustomer(ctx, stream, customer)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		if res := a.r.refresh(ctx, stream, store.KindAudit, ids); res.Err != nil {
			return res.Err
		}
	}
	return nil
}
