package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/store/audits"
)

// Options say what to audit.
type Options struct {
	Streams []string // nil = all that are on; an export's name stands for the stream that it exports
	Cached  bool     // compare with the exports as last read, and request none
	States  int      // how many customer states are compared; 0 = 10, negative = none
	// Since leaves out the periods of metrics that begin before; zero = none.
	Since time.Time
}

// Report is the result of an audit.
type Report struct {
	Checks []Check `json:"checks"`
	// Findings are those of this audit, healed or not, and those of earlier audits that are still open.
	Findings []audits.Finding `json:"findings"`
	// Metrics are Polar's metrics held against the mirror's rows.
	Metrics  []audits.ComparedMetric `json:"metrics,omitempty"`
	Requests int64                   `json:"requests"`
}

// Check is one comparison of an audit.
type Check struct {
	Stream   string `json:"stream"`
	Against  string `json:"against"`        // the other source
	Findings int    `json:"findings"`       // made here
	Moved    int    `json:"moved"`          // rows that had changed at Polar since they were mirrored: these are no findings, and up to date now
	Failed   string `json:"failed"`         // why it could not be made; "" = it was
	Note     string `json:"note,omitempty"` // further remarks

	unsettled int // of the findings: those that time may explain
}

// Clean: everything was compared and nothing differed.
func (r Report) Clean() bool {
	return len(r.Findings) == 0 && !slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Failed != "" })
}

// say adds to the note.
func (c *Check) say(format string, args ...any) {
	c.Note = strings.TrimPrefix(c.Note+"; "+fmt.Sprintf(format, args...), "; ")
}

// Auditor audits what an engine mirrors.
type Auditor struct {
	engine  *mirror.Engine
	against map[string]Against // by stream
}

// Against is what the rows of a stream are compared with, beside the counts of its list.
type Against struct {
	// Export says how rows are compared with those of their export; nil = there is none.
	Export *audits.Pair
	// Refers are the columns that name rows of other streams which the mirror must have. Loose are those whose rows Polar may
	// hide or delete. Together they are all such columns: order_id names a row of orders.
	Refers, Loose []string
	// Lasting: Polar never deletes such a row.
	Lasting bool
}

// New makes an Auditor. It refuses a table of streams that does not put each reference into Refers or Loose.
func New(engine *mirror.Engine, against map[string]Against) (*Auditor, error) {
	if err := checkReferences(engine.Streams, against); err != nil {
		return nil, err
	}
	return &Auditor{engine, against}, nil
}

// Audit compares the mirror with what Polar says elsewhere about the same objects. It fetches rows that differ by id and compares
// them again. A difference is a finding only if time passing between the reads does not explain it: Polar's object has the digest
// that the mirror recorded, and yet the row differed. The findings are in sync_findings; those that the fetch healed are closed
// there.
//
// It returns an error only when nothing could be compared; a comparison that failed is in the Checks.
func (au *Auditor) Audit(ctx context.Context, o Options) (Report, error) {
	engine := au.engine
	a, err := au.begin(ctx, o)
	if err != nil {
		return Report{}, err
	}
	if err := engine.CheckAccess(ctx); err != nil {
		return Report{}, err
	}
	before := engine.Client.Requests()
	for _, check := range a.checks() {
		if err := ctx.Err(); err != nil {
			return a.Report, err
		}
		if engine.Draining() {
			return a.Report, context.Canceled
		}
		if !a.wanted[check.stream] || engine.Stream(check.stream) == nil {
			continue
		}
		if err := a.compare(ctx, check); err != nil {
			return a.Report, err
		}
	}
	a.Requests = engine.Client.Requests() - before
	return a.Report, a.addOpen(ctx)
}

// AuditMetrics compares Polar's metrics with the same computed from the mirror's rows, and nothing else. It sends no request to Polar.
func (au *Auditor) AuditMetrics(ctx context.Context) (Report, error) {
	a, err := au.begin(ctx, Options{Streams: []string{"metrics"}})
	if err != nil {
		return Report{}, err
	}
	if err := a.compare(ctx, a.ownMetrics()); err != nil {
		return a.Report, err
	}
	return a.Report, a.addOpen(ctx)
}

// begin begins an audit of streams.
func (au *Auditor) begin(ctx context.Context, o Options) (*auditing, error) {
	names, err := au.engine.Resolve(o.Streams...)
	if err != nil {
		return nil, err
	}
	if o.States == 0 {
		o.States = 10
	}
	a := &auditing{engine: au.engine, stored: audits.New(au.engine.Store.Pool()), against: au.against, o: o, wanted: map[string]bool{}}
	if a.since, err = au.engine.Store.Now(ctx); err != nil {
		return nil, err
	}
	for _, name := range names {
		if of := au.engine.Stream(name).Of; len(of) > 0 {
			name = of[len(of)-1]
		}
		a.wanted[name] = true
	}
	return a, nil
}

// addOpen adds the findings of earlier audits that are still open.
func (a *auditing) addOpen(ctx context.Context) error {
	open, err := a.stored.OpenFindings(ctx, slices.Sorted(maps.Keys(a.wanted)))
	if err != nil {
		return err
	}
	for _, f := range open {
		if !slices.ContainsFunc(a.Findings, func(m audits.Finding) bool {
			return m.Stream == f.Stream && m.Key == f.Key && m.Kind == f.Kind && m.Field == f.Field
		}) && f.Kind != audits.FindingUnsettled && (f.Kind != audits.FindingState || a.since.Sub(f.FirstSeen) > stateCache) {
			a.Findings = append(a.Findings, f)
		}
	}
	return nil
}

// auditing is a running audit.
type auditing struct {
	Report
	engine  *mirror.Engine
	stored  audits.Audits
	against map[string]Against
	o       Options
	since   time.Time // its start, by the clock of the database
	wanted  map[string]bool
}

// comparison is one possible comparison.
type comparison struct {
	stream, against string
	kinds           []string // of findings that it makes
	run             func(ctx context.Context, c *Check) ([]audits.Finding, error)
}

// checks are ordered so that what one heals is no finding of the next: customers before rows that hold their address, rows that
// others refer to before counts.
func (a *auditing) checks() (list []comparison) {
	pair := func(name string) {
		export := a.against[name].Export
		if export == nil {
			return
		}
		p := *export
		list = append(list, comparison{p.Table, p.Export, []string{audits.FindingDifferent, audits.FindingLost, audits.FindingExtra},
			func(ctx context.Context, c *Check) ([]audits.Finding, error) { return a.pair(ctx, c, p) }})
	}
	orphans := func(exported bool) {
		for _, s := range a.engine.Streams {
			if refs := a.references(s.Name); len(refs) > 0 && (a.against[s.Name].Export != nil) == exported {
				list = append(list, comparison{s.Name, "what refers to it", nil, func(ctx context.Context, c *Check) ([]audits.Finding, error) {
					return a.orphans(ctx, c, refs)
				}})
			}
		}
	}
	pair("customers")
	orphans(false) // before orders are fetched: orders bring copies of the rows that they refer to
	pair("subscriptions")
	pair("orders")
	orphans(true)
	for _, s := range a.engine.Streams {
		if len(s.Children) > 0 && s.Get != "" {
			list = append(list, comparison{s.Name, "its own lists", []string{audits.FindingChildren}, func(ctx context.Context, c *Check) ([]audits.Finding, error) {
				return a.children(ctx, c, s)
			}})
		}
	}
	for _, s := range a.engine.Streams {
		counter, counts := s.Scan.(scan.Counter)
		if counts && !a.engine.Off[s.Name] && !a.engine.Stream(s.Name).FellBack {
			list = append(list, comparison{s.Name, "total_count", nil, func(ctx context.Context, c *Check) ([]audits.Finding, error) {
				return a.count(ctx, c, s, counter)
			}})
		}
	}
	list = append(list, comparison{"metrics", "metrics_export", []string{audits.FindingDifferent, audits.FindingLost, audits.FindingExtra}, a.figures})
	if a.o.States > 0 && !slices.ContainsFunc(stateStreams(), func(name string) bool { return a.engine.Stream(name) == nil || a.engine.Off[name] }) {
		list = append(list, comparison{"customers", "customer states", []string{audits.FindingState}, a.states})
	}
	return append(list, a.ownMetrics()) // the last: it compares with rows that the others have healed
}

// compare makes one comparison and records its findings. An error of Polar's fails only that comparison.
func (a *auditing) compare(ctx context.Context, check comparison) error {
	c := Check{Stream: check.stream, Against: check.against}
	standings, err := a.engine.Store.Streams().Standings(ctx, []string{check.stream})
	if err != nil {
		return err
	}
	if a.engine.Off[check.stream] || standings[0].Unavailable != "" {
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
	case err != nil && a.engine.Stream(check.stream).Optional && errors.Is(err, fetch.ErrScope):
		return nil
	case a.engine.FallBack(ctx, check.stream, err): // no list is left that is counted
		return nil
	case err != nil:
		c.Failed = err.Error()
	}
	kinds := check.kinds
	if c.Failed != "" || a.o.Cached && check.against != ownRows || !a.o.Since.IsZero() { // older exports, or some periods, do not show that a difference is gone
		kinds = nil
	}
	c.Findings = len(found) - c.unsettled
	a.Checks = append(a.Checks, c)
	if err := a.stored.RecordFindings(ctx, check.stream, kinds, a.since, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Kind != audits.FindingState && f.Kind != audits.FindingUnsettled {
			a.Findings = append(a.Findings, f)
		}
	}
	return nil
}
