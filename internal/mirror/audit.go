package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/store"
)

// AuditOptions say what is audited.
type AuditOptions struct {
	Streams []string // nil = all that are on; the name of an export stands for what it is of
	Cached  bool     // compare with the exports as they were read last, and ask for none
	States  int      // how many customer states are compared; 0 = 10, negative = none
}

// Audit is what an audit came to.
type Audit struct {
	Checks []Check `json:"checks"`
	// Findings are those that this audit made, healed or not, and those of earlier audits that are still open.
	Findings []store.Finding `json:"findings"`
	Requests int64           `json:"requests"`
}

// Check is one comparison of an audit.
type Check struct {
	Stream   string `json:"stream"`
	Against  string `json:"against"`        // the other source
	Findings int    `json:"findings"`       // made here
	Moved    int    `json:"moved"`          // rows that had changed at Polar since they were mirrored: no findings, and up to date now
	Failed   string `json:"failed"`         // why it could not be made; "" = it was
	Note     string `json:"note,omitempty"` // what was met beside
}

// Clean tells whether everything was compared and nothing differed.
func (a Audit) Clean() bool {
	return len(a.Findings) == 0 && !slices.ContainsFunc(a.Checks, func(c Check) bool { return c.Failed != "" })
}

// Audit compares the mirror with what Polar says of the same things elsewhere. What differs is fetched by id and compared
// again. A difference counts as a finding only where time passing between the reads does not explain it: the object that
// Polar gives is the one that the mirror says it has stored, by its digest, and yet the row differed. The findings are in
// sync_findings; those that the fetch healed are closed there.
//
// The error is set only when nothing could be compared at all; what could not be is in the Checks.
func (r *Runner) Audit(ctx context.Context, o AuditOptions) (Audit, error) {
	names, err := r.Resolve(o.Streams...)
	if err != nil {
		return Audit{}, err
	}
	if err := r.Check(ctx); err != nil {
		return Audit{}, err
	}
	a := &auditing{r: r, o: o, wanted: map[string]bool{}}
	if a.since, err = r.Store.Now(ctx); err != nil {
		return Audit{}, err
	}
	for _, name := range names {
		if of := r.streams[name].Of; len(of) > 0 {
			name = of[len(of)-1]
		}
		a.wanted[name] = true
	}
	if a.o.States == 0 {
		a.o.States = 10
	}
	before := r.Client.Requests()
	for _, check := range a.checks() {
		if err := ctx.Err(); err != nil {
			return a.Audit, err
		}
		if r.draining() {
			return a.Audit, context.Canceled
		}
		if !a.wanted[check.stream] || r.streams[check.stream] == nil {
			continue
		}
		if err := a.make(ctx, check); err != nil {
			return a.Audit, err
		}
	}
	a.Requests = r.Client.Requests() - before
	open, err := r.Store.Audit().OpenFindings(ctx, slices.Sorted(maps.Keys(a.wanted)))
	if err != nil {
		return a.Audit, err
	}
	for _, f := range open {
		if !slices.ContainsFunc(a.Findings, func(m store.Finding) bool {
			return m.Stream == f.Stream && m.Key == f.Key && m.Kind == f.Kind && m.Field == f.Field
		}) && (f.Kind != store.FindingState || a.since.Sub(f.FirstSeen) > stateCache) {
			a.Findings = append(a.Findings, f)
		}
	}
	return a.Audit, nil
}

// auditing is an audit under way.
type auditing struct {
	Audit
	r      *Runner
	o      AuditOptions
	since  time.Time // when it began, by the clock of the database
	wanted map[string]bool
}

// auditCheck is one comparison that can be made.
type auditCheck struct {
	stream, against string
	kinds           []string // of findings that it makes
	run             func(ctx context.Context, c *Check) ([]store.Finding, error)
}

// checks are in an order in which what one heals is no finding of the next: customers before what is told by their address,
// rows that others refer to before counts.
func (a *auditing) checks() (list []auditCheck) {
	pair := func(name string) {
		s := a.r.streams[name]
		if s == nil || s.Export == nil {
			return
		}
		p := *s.Export
		list = append(list, auditCheck{p.Table, p.Export, []string{store.FindingDifferent, store.FindingLost, store.FindingExtra},
			func(ctx context.Context, c *Check) ([]store.Finding, error) { return a.pair(ctx, c, p) }})
	}
	orphans := func(exported bool) {
		for _, s := range a.r.Streams {
			if refs := a.r.references(s.Name); len(refs) > 0 && (s.Export != nil) == exported {
				list = append(list, auditCheck{s.Name, "what refers to it", nil, func(ctx context.Context, c *Check) ([]store.Finding, error) {
					return a.orphans(ctx, c, refs)
				}})
			}
		}
	}
	pair("customers")
	orphans(false) // before orders are fetched: they bring copies of what they refer to
	pair("subscriptions")
	pair("orders")
	orphans(true)
	for _, s := range a.r.Streams {
		if len(s.Children) > 0 && s.Get != "" {
			list = append(list, auditCheck{s.Name, "its own lists", []string{store.FindingChildren}, func(ctx context.Context, c *Check) ([]store.Finding, error) {
				return a.children(ctx, c, s)
			}})
		}
	}
	for _, s := range a.r.Streams {
		counter, counts := s.Scan.(fetch.Counter)
		if counts && !a.r.Off[s.Name] && len(s.Parents) == 0 {
			list = append(list, auditCheck{s.Name, "total_count", nil, func(ctx context.Context, c *Check) ([]store.Finding, error) {
				return a.count(ctx, c, s, counter)
			}})
		}
	}
	list = append(list, auditCheck{"metrics", "metrics_export", []string{store.FindingDifferent, store.FindingLost, store.FindingExtra}, a.figures})
	if a.o.States > 0 && !slices.ContainsFunc(stateStreams(), func(name string) bool { return a.r.streams[name] == nil || a.r.Off[name] }) {
		list = append(list, auditCheck{"customers", "customer states", []string{store.FindingState}, a.states})
	}
	return list
}

// make makes a comparison and records what it found. An error of Polar's fails that comparison alone.
func (a *auditing) make(ctx context.Context, check auditCheck) error {
	c := Check{Stream: check.stream, Against: check.against}
	standings, err := a.r.Store.Streams().Standings(ctx, []string{check.stream})
	if err != nil {
		return err
	}
	if a.r.Off[check.stream] || standings[0].Unavailable != "" {
		return nil
	}
	if standings[0].CompleteAt.IsZero() {
		c.Failed = "never read as a whole: run `syncd sync " + check.stream + "` first"
		a.Checks = append(a.Checks, c)
		return nil
	}
	found, err := check.run(ctx, &c)
	switch {
	case store.IsStore(err) || ctx.Err() != nil || errors.Is(err, fetch.ErrAuth):
		return err
	case err != nil && a.r.streams[check.stream].Optional && errors.Is(err, fetch.ErrScope):
		return nil
	case err != nil:
		c.Failed = err.Error()
	}
	kinds := check.kinds
	if c.Failed != "" || a.o.Cached { // older exports do not show that a difference is gone
		kinds = nil
	}
	c.Findings = len(found)
	a.Checks = append(a.Checks, c)
	if err := a.r.Store.Audit().RecordFindings(ctx, check.stream, kinds, a.since, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Kind != store.FindingState {
			a.Findings = append(a.Findings, f)
		}
	}
	return nil
}

// manyDifferences is from when on the whole stream is read again rather than object by object.
const manyDifferences = 200

// heal fetches the objects, and tells which of them Polar has changed since the mirror stored them: what differed of those
// is explained by that.
func (a *auditing) heal(ctx context.Context, stream string, list []store.Difference) (moved map[uuid.UUID]bool, err error) {
	var ids []uuid.UUID
	before := map[uuid.UUID]string{}
	for _, d := range list {
		if _, twice := before[d.ID]; !twice {
			before[d.ID] = d.Hash
			ids = append(ids, d.ID)
		}
	}
	var res Result
	if len(ids) > manyDifferences || a.r.streams[stream].Get == "" {
		res = a.r.do(ctx, spec{stream: stream, kind: store.KindSweep}, func(ctx context.Context, run *Run) error {
			run.force = true
			return readWhole(ctx, run)
		})
	} else {
		res = a.r.refresh(ctx, stream, store.KindAudit, ids)
	}
	if res.Err != nil {
		return nil, fmt.Errorf("read again what differs: %w", res.Err)
	}
	after, err := a.r.Store.Audit().Hashes(ctx, stream, ids)
	if err != nil {
		return nil, err
	}
	moved = map[uuid.UUID]bool{}
	for id, hash := range before {
		moved[id] = after[id] != hash
	}
	return moved, nil
}

// verify heals what differs and compares again. What is healed was wrong in the mirror; what still differs then is looked
// at once more with a fresh export, and is an open finding if it differs from that too.
func (a *auditing) verify(ctx context.Context, c *Check, evidence string, first []store.Difference, again func() ([]store.Difference, error), renew func() error, kind func(store.Difference) string) (found []store.Finding, err error) {
	if len(first) == 0 {
		return nil, nil
	}
	moved, err := a.heal(ctx, c.Stream, first)
	if err != nil {
		return nil, err
	}
	still, err := a.still(moved, again)
	if err != nil {
		return nil, err
	}
	if len(still) > 0 && renew != nil {
		later, err := a.heal(ctx, c.Stream, slices.Collect(maps.Values(still)))
		if err != nil {
			return nil, err
		}
		if err := renew(); err != nil {
			return nil, err
		}
		for id, m := range later {
			moved[id] = moved[id] || m
		}
		if still, err = a.still(moved, again); err != nil {
			return nil, err
		}
	}
	movers := map[uuid.UUID]bool{}
	for _, d := range first {
		if moved[d.ID] {
			movers[d.ID] = true
			continue
		}
		if !d.Settled {
			continue
		}
		_, differs := still[d.Key+"\x00"+d.Field]
		f := store.Finding{Stream: c.Stream, Key: d.Key, Kind: kind(d), Field: d.Field, Mirror: d.Mirror, Other: d.Other, Healed: !differs}
		f.Evidence = evidence + "; fetched by id, Polar's object was the one stored here, and the row was written anew"
		if differs {
			f.Evidence = evidence + "; fetched by id and compared with a second export, it still differs"
		}
		if renew == nil && differs { // it is written as Polar has it: that does not add up at Polar
			if c.Note == "" {
				c.say("some lists are the same at Polar itself")
			}
			continue
		}
		found = append(found, f)
	}
	c.Moved += len(movers)
	return found, nil
}

// still are the differences there are now, but for objects that have moved.
func (a *auditing) still(moved map[uuid.UUID]bool, again func() ([]store.Difference, error)) (map[string]store.Difference, error) {
	list, err := again()
	still := map[string]store.Difference{}
	for _, d := range list {
		if was, asked := moved[d.ID]; asked && !was {
			still[d.Key+"\x00"+d.Field] = d
		}
	}
	return still, err
}

// export reads an export unless the last one is to do, and gives when the one at hand was begun.
func (a *auditing) export(ctx context.Context, name string, fresh bool) (asOf time.Time, err error) {
	if fresh {
		if res := a.r.Once(ctx, name); res.Outcome != Succeeded {
			if res.Err != nil {
				return asOf, res.Err
			}
			return asOf, fmt.Errorf("%s: %s: %s", name, res.Outcome, res.Reason)
		}
	} else if err := a.r.relink(ctx, name); err != nil {
		return asOf, err
	}
	list, err := a.r.Store.Streams().Standings(ctx, []string{name})
	if err != nil {
		return asOf, err
	}
	if list[0].CompleteAt.IsZero() {
		return asOf, fmt.Errorf("%s was never read: leave out --cached, or run `syncd sync %s`", name, name)
	}
	return list[0].CompleteAt, nil
}

// renewal reads an export once more, unless the last one is to do.
func (a *auditing) renewal(ctx context.Context, name string) func() error {
	return func() error {
		if a.o.Cached {
			return nil
		}
		_, err := a.export(ctx, name, true)
		return err
	}
}

// kindOf is the kind of finding that a difference between the mirror and an export is.
func kindOf(d store.Difference) string {
	switch {
	case d.Field != "":
		return store.FindingDifferent
	case d.ID == uuid.Nil:
		return store.FindingLost
	}
	return store.FindingExtra
}

// relink finds the mirrored rows of an export anew.
func (r *Runner) relink(ctx context.Context, name string) error {
	return (&Run{r: r, s: r.streams[name]}).link(ctx)
}

// pair compares a stream with its export.
func (a *auditing) pair(ctx context.Context, c *Check, p store.Pair) ([]store.Finding, error) {
	if a.r.streams[p.Export] == nil {
		return nil, nil
	}
	asOf, err := a.export(ctx, p.Export, !a.o.Cached)
	if err != nil {
		return nil, err
	}
	differ := func(asOf time.Time) ([]store.Difference, error) {
		fields, err := a.r.Store.Against(p).Differences(ctx, asOf)
		if err != nil {
			return nil, err
		}
		extra, err := a.r.Store.Against(p).ExtraRows(ctx, asOf, a.since)
		return append(fields, extra...), err
	}
	first, err := differ(asOf)
	if err != nil {
		return nil, err
	}
	again := func() ([]store.Difference, error) {
		if err := a.r.relink(ctx, p.Export); err != nil {
			return nil, err
		}
		return differ(time.Time{})
	}
	renew := a.renewal(ctx, p.Export)
	// An extra row is proven by its own endpoint, and then is deleted: its digest says nothing.
	found, err := a.verify(ctx, c, p.Export, first, again, renew, kindOf)
	if err != nil {
		return nil, err
	}
	lost, err := a.lost(ctx, p, renew)
	return append(found, lost...), err
}

// lost looks for the rows of an export that the mirror does not have, and fetches them.
func (a *auditing) lost(ctx context.Context, p store.Pair, renew func() error) (found []store.Finding, err error) {
	if err := a.r.relink(ctx, p.Export); err != nil {
		return nil, err
	}
	list, err := a.r.Store.Against(p).LostRows(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if err := a.bring(ctx, p, list); err != nil {
		return nil, err
	}
	still := map[string]bool{}
	look := func() error {
		if err := a.r.relink(ctx, p.Export); err != nil {
			return err
		}
		clear(still)
		now, err := a.r.Store.Against(p).LostRows(ctx)
		for _, d := range now {
			still[d.Key] = true
		}
		return err
	}
	if err := look(); err != nil {
		return nil, err
	}
	if len(still) > 0 { // gone again since, perhaps
		if err := errors.Join(renew(), look()); err != nil {
			return nil, err
		}
	}
	for _, d := range list {
		if !d.Settled {
			continue
		}
		f := store.Finding{Stream: p.Table, Key: d.Key, Kind: store.FindingLost, Mirror: d.Mirror, Other: d.Other, Healed: !still[d.Key],
			Evidence: p.Export + " has it, and it is older than other rows that the mirror has; fetched"}
		if still[d.Key] {
			f.Evidence = p.Export + " has it, a second export too; Polar does not give it when asked for"
		}
		found = append(found, f)
	}
	return found, nil
}

// bring fetches lost rows: by id where the export names one, else by the time that it names.
func (a *auditing) bring(ctx context.Context, p store.Pair, list []store.Difference) error {
	var res Result
	_, byTime := a.r.streams[p.Table].Scan.(fetch.Keyset)
	switch {
	case len(list) > manyDifferences:
		res = a.r.Once(ctx, p.Table)
	case p.Time == "" || !byTime:
		ids := make([]uuid.UUID, len(list))
		for i, d := range list {
			ids[i] = d.ID
		}
		res = a.r.refresh(ctx, p.Table, store.KindAudit, ids)
	default:
		res = a.r.do(ctx, spec{p.Table, store.KindAudit, noLease}, func(ctx context.Context, run *Run) error {
			run.force = true
			for _, d := range list {
				page, err := run.moment(ctx, d.At)
				if err != nil {
					return err
				}
				if err := run.store(ctx, page, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if res.Err != nil {
		return fmt.Errorf("fetch rows that the mirror lacks: %w", res.Err)
	}
	return nil
}

// moment reads the rows of one moment, of a list that filters by time.
func (run *Run) moment(ctx context.Context, at time.Time) (fetch.Page, error) {
	const around = time.Microsecond // the bounds are exclusive
	bound := func(at time.Time) []string { return []string{at.UTC().Format("2006-01-02T15:04:05.000000Z")} }
	k := run.s.Scan.(fetch.Keyset)
	page, err := run.r.Client.Page(ctx, run.s.Path, url.Values{k.After: bound(at.Add(-around)), k.Before: bound(at.Add(around)), "limit": {"100"}, "page": {"1"}})
	run.requests += int64(page.Requests)
	return page, err
}

// say adds to the note.
func (c *Check) say(format string, args ...any) {
	c.Note = strings.TrimPrefix(c.Note+"; "+fmt.Sprintf(format, args...), "; ")
}
