package mirror

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/spelling"
	"syncd/internal/store"
	"syncd/internal/store/budget"
)

// Outcome of a run.
type Outcome string

// The outcomes. Only Succeeded means that nothing is missing.
const (
	Succeeded   Outcome = "succeeded"   // everything was read and stored
	Partial     Outcome = "partial"     // read to the end, but something is missing
	Failed      Outcome = "failed"      // broke off on an error
	Interrupted Outcome = "interrupted" // was stopped; the next run goes on from there
	Skipped     Outcome = "skipped"     // did not read: busy elsewhere, or not available to this token
)

// Result of one run of one stream.
type Result struct {
	Stream, Kind string
	Outcome      Outcome
	Reason       string // why it is not Succeeded
	Err          error  // the error behind Reason, if there was one
	RunID        int64  // 0 where no run was opened
	Resumed      bool   // went on from where an earlier run had been cut off
	Unavailable  bool   // Polar does not give this stream to this kind of token: no loss, and no failure
	Emptied      bool   // the list brought nothing of what the table had, and that was not believed
	Deleted      int    // rows marked as deleted
	Distinct     int    // different rows received in the sweep
	Total        int    // rows that Polar says there are; -1 where it does not say
	store.Counts
	StartedAt time.Time // by the clock of the database; zero where no run was opened
	Duration  time.Duration
}

// Whole tells whether the stream's table is known to hold all that Polar lets this token see.
func (r Result) Whole() bool { return r.Outcome == Succeeded || r.Unavailable }

// Observer is told what happens, from several goroutines at once.
type Observer interface {
	RunStarted(stream string)
	// PageStored reports the rows of the sweep so far and the expected total (-1: unknown).
	PageStored(stream string, rows, total int)
	RunFinished(Result)
}

// Config of an Engine.
type Config struct {
	Client         *fetch.Client
	Store          *store.Store
	Streams        []Stream                 // the table of streams; parents come before what refers to them
	Off            map[string]bool          // streams that run only when they are named, and of which no copies are stored; nil = none
	Retention      map[string]time.Duration // how far back the rows of a stream by windows are kept; 0 = all
	KeepHistory    time.Duration            // for how long changes of limited retention are kept; 0 = for good
	Parallel       int                      // streams at a time in Sync; default 4
	Ahead          int                      // pages that go together into one transaction at most, and that are read meanwhile; 0 = store.MaxPages
	OrganizationID string                   // the organization that the token must belong to; "" = any
	LeaseTTL       time.Duration
	WaitForLease   bool  // wait out the lease of a process that died, rather than skip the stream at once
	Brake          Brake // zero = DefaultBrake
	Log            *slog.Logger
	Observer       Observer
}

// DefaultLeaseTTL is how long the lease of a process that died keeps others
// away. A living one renews it three times as often, whatever it waits for.
const DefaultLeaseTTL = 30 * time.Second

// Engine makes runs. It is what they share: the client, the store, the table of streams, and the wish to stop.
type Engine struct {
	Config
	streams map[string]*ways
	holder  string

	drain     chan struct{}
	drainOnce sync.Once

	version atomic.Value // the store.Version that was noted last

	checks atomic.Int64 // requests of Check that nobody has counted yet

	mu       sync.Mutex
	disabled map[string]string // stream -> why, until the next start
	noted    time.Time         // the answer of Polar that is on record
	prepared time.Time         // when the partitions of changes were looked after
}

// prepared is a stream with what is derived from it once.
type prepared struct {
	Stream
	shape  *item.Shape
	target *store.Target // nil of what stores no pages
	place  int           // in the table of streams
}

// New checks the table of streams and makes an Engine.
func New(c Config) (*Engine, error) {
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	if c.Ahead <= 0 {
		c.Ahead = store.MaxPages
	}
	if c.LeaseTTL <= 0 {
		c.LeaseTTL = DefaultLeaseTTL
	}
	if c.Brake == (Brake{}) {
		c.Brake = DefaultBrake
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	r := &Engine{
		Config:   c,
		streams:  map[string]*ways{},
		holder:   fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8]),
		drain:    make(chan struct{}),
		disabled: map[string]string{},
	}
	for i, s := range c.Streams {
		if err := s.check(); err != nil {
			return nil, err
		}
		own := &prepared{Stream: c.bind(s), shape: s.Shape(), place: i}
		w := &ways{own: own}
		r.streams[s.Name] = w
		for f, of := range s.Copies {
			if r.streams[of] == nil {
				return nil, fmt.Errorf("stream %q: %q is a copy of a row of %q, which has to come before it", s.Name, f, of)
			}
		}
		own.target = r.targetOf(own)
		if s.Fallback != nil {
			other := s.instead()
			if err := other.check(); err != nil {
				return nil, err
			}
			w.other = &prepared{Stream: c.bind(other), shape: own.shape, target: own.target, place: i}
		}
		for _, p := range s.parents() {
			if r.streams[p.Stream] == nil {
				return nil, fmt.Errorf("stream %q is read for each row of %q, which has to come before it", s.Name, p.Stream)
			}
		}
	}
	if c.Client != nil && c.Store != nil {
		c.Client.ShareBudget(sharedBudget{budget.New(c.Store.Pool()), r.holder})
		c.Client.DateRequestsBy(c.Store.Stamp)
	}
	return r, nil
}

type nobody struct{}

func (nobody) RunStarted(string)           {}
func (nobody) PageStored(string, int, int) {}
func (nobody) RunFinished(Result)          {}

// Names lists the streams in their order.
func (e *Engine) Names() []string {
	names := make([]string, len(e.Streams))
	for i, s := range e.Streams {
		names[i] = s.Name
	}
	return names
}

// Stream is an entry of the table of streams; nil where none has the name.
func (e *Engine) Stream(name string) *Stream {
	if s := e.lookUp(name); s != nil {
		return &s.Stream
	}
	return nil
}

// UnknownStreamError names what was asked for, and what may have been meant.
type UnknownStreamError struct{ Name, Nearest string }

func (e *UnknownStreamError) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("no stream is named %q: `syncd status` lists them", e.Name)
	}
	return fmt.Sprintf("no stream is named %q: did you mean %q?", e.Name, e.Nearest)
}

// Resolve checks names of streams and puts them into the order of the table; none means all that are not off.
func (e *Engine) Resolve(names ...string) ([]string, error) {
	all := e.Names()
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(n string) bool { return e.Off[n] }), nil
	}
	return PickStreams(all, names...)
}

// PickStreams checks names of streams and puts them into the order of all; none means all.
func PickStreams(all []string, names ...string) ([]string, error) {
	if len(names) == 0 {
		return all, nil
	}
	var errs []error
	for _, n := range names {
		if !slices.Contains(all, n) {
			errs = append(errs, &UnknownStreamError{Name: n, Nearest: spelling.Nearest(n, all)})
		}
	}
	picked := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !slices.Contains(names, n) })
	return picked, errors.Join(errs...)
}

// Drain asks runs to stop after the page in hand. It returns at once; the runs
// end as interrupted, and the next ones go on where they stopped.
func (e *Engine) Drain() { e.drainOnce.Do(func() { close(e.drain) }) }

// Draining tells whether runs have been asked to stop.
func (e *Engine) Draining() bool {
	select {
	case <-e.drain:
		return true
	default:
		return false
	}
}

// ErrOrganization: which organization the token is for could not be told, or it is the wrong one.
var ErrOrganization = errors.New("organization")

// Check sends one request: it warms up the token (Polar lets a token it has not
// seen for five minutes make only 60 requests a minute), proves that it is
// accepted, and ties the schema to the organization behind it.
//
// The token must be of one organization. A personal token sees all those of its
// user, whose orders and subscriptions cannot be told apart.
func (e *Engine) Check(ctx context.Context) error {
	if err := e.Store.CheckSchema(ctx); err != nil {
		return err
	}
	before := e.Client.Requests()
	id, err := e.organization(ctx)
	e.checks.Add(e.Client.Requests() - before)
	e.noteAnswer(ctx)
	if err != nil {
		return err
	}
	if want := e.OrganizationID; want != "" && want != id.String() {
		return fmt.Errorf("%w: the token is for %s, the configuration says %s: use a token of that organization, or correct POLAR_ORGANIZATION_ID", ErrOrganization, id, want)
	}
	if err := e.Store.Polar().BindOrganization(ctx, id, e.Client.Server()); err != nil {
		return err
	}
	return e.noteVersion(ctx, store.Version{})
}

// noteVersion puts down in which version of the API the mirror is read, unless that is the one that was noted.
func (e *Engine) noteVersion(ctx context.Context, noted any) error {
	v := store.Version{Name: e.Client.Version(), Retired: e.Client.RetiredVersion()}
	if noted == v {
		return nil
	}
	if err := e.Store.Polar().SetVersion(ctx, v); err != nil {
		return err
	}
	e.version.Store(v)
	return nil
}

// answerEvery is how far apart answers of Polar are at least that are put on record.
const answerEvery = 5 * time.Second

// noteAnswer puts on record when Polar last answered. It is for those who watch: where it fails, the next time does it.
func (e *Engine) noteAnswer(ctx context.Context) {
	at := e.Client.AnsweredAt()
	e.mu.Lock()
	due := at.Sub(e.noted) >= answerEvery
	if due {
		e.noted = at
	}
	e.mu.Unlock()
	if !due {
		return
	}
	if err := e.Store.Polar().NoteAnswer(ctx, time.Since(at)); err != nil {
		e.Log.DebugContext(ctx, "not on record", "error", err)
	}
}

// TakeCheckRequests returns how many requests Check has sent since this was called last.
func (e *Engine) TakeCheckRequests() int64 { return e.checks.Swap(0) }

func (e *Engine) organization(ctx context.Context) (uuid.UUID, error) {
	page, err := e.Client.Page(ctx, "/v1/organizations/", map[string][]string{"limit": {"2"}, "page": {"1"}})
	switch {
	case errors.Is(err, fetch.ErrScope):
		return e.organizationOf(ctx, err)
	case err != nil:
		return uuid.UUID{}, err
	case page.TotalCount > 1:
		return uuid.UUID{}, fmt.Errorf("%w: the token sees %d organizations, and the rows of several could not be told apart: use an organization access token (Polar: Settings, Developers), not a personal one", ErrOrganization, page.TotalCount)
	case len(page.Items) == 0:
		return uuid.UUID{}, fmt.Errorf("%w: Polar shows none to this token; a blocked organization is hidden: ask Polar, nothing was changed here", ErrOrganization)
	}
	id, err := item.FieldID(page.Items[0], "id")
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("%w: %s lists one without a usable id: %w", ErrOrganization, "/v1/organizations/", err)
	}
	return id, nil
}

// organizationOf finds the organization through rows that name it, for a token
// without the scope to ask directly.
func (e *Engine) organizationOf(ctx context.Context, cause error) (uuid.UUID, error) {
	for _, path := range []string{"/v1/products/", "/v1/customers/", "/v1/payments/"} {
		page, err := e.Client.Page(ctx, path, map[string][]string{"limit": {"1"}, "page": {"1"}})
		if errors.Is(err, fetch.ErrScope) {
			continue
		}
		if err != nil {
			return uuid.UUID{}, err
		}
		for _, object := range page.Items {
			if id, err := item.FieldID(object, "organization_id"); err == nil {
				return id, nil
			}
		}
	}
	return uuid.UUID{}, fmt.Errorf("%w: cannot tell which one the token is for; give it the scope organizations:read: %w", ErrOrganization, cause)
}

// Sync checks, then makes one run of each stream, several at a time. The error
// is set only when nothing could run at all, or when Polar refused the token on
// the way; what became of each stream is in its Result.
func (e *Engine) Sync(ctx context.Context, names ...string) ([]Result, error) {
	names, err := e.Resolve(names...)
	if err != nil {
		return nil, err
	}
	if err := e.Check(ctx); err != nil {
		return nil, err
	}
	results := make([]Result, len(names))
	// A stream waits for those it holds copies of, so that a copy is stored only
	// where there is really no row. They come earlier in the table: one that waits
	// never keeps its place from one that it waits for.
	done := make(map[string]chan struct{}, len(names))
	for _, name := range names {
		done[name] = make(chan struct{})
	}
	var g errgroup.Group
	g.SetLimit(e.Parallel)
	for i, name := range names {
		g.Go(func() error {
			defer close(done[name])
			for _, of := range e.lookUp(name).before() {
				if c := done[of]; c != nil {
					<-c
				}
			}
			results[i] = e.Once(ctx, name)
			if errors.Is(results[i].Err, fetch.ErrAuth) && !results[i].Unavailable {
				// Every further request would be refused too, out of a bucket of 60 a minute.
				e.Drain()
				return results[i].Err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return results, err
	}
	if err := e.remark(ctx, results); err != nil {
		return results, err
	}
	return results, e.askForCopies(ctx, results)
}

// mostCopies bounds how many copied rows are asked for at the end of a Sync; the next sweeps ask for the rest.
const mostCopies = 500

// askForCopies asks by id for rows that streams stored, which had been swept before, from copies inside their objects. Not
// every copy says that Polar has deleted its object, and until it is asked for the row would pass for a live one.
func (e *Engine) askForCopies(ctx context.Context, results []Result) error {
	for i, res := range results {
		s := e.lookUp(res.Stream)
		if res.Outcome != Succeeded || s.Get == "" || e.Draining() {
			continue
		}
		ids, err := e.Store.Rows(s.Name).CopiedIDs(ctx)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		asked := e.RefreshAs(ctx, store.KindRefresh, s.Name, ids[:min(mostCopies, len(ids))])
		results[i].Requests += asked.Requests
		results[i].Deleted += asked.Deleted
		results[i].Updated += asked.Updated
		if asked.Outcome != Succeeded {
			results[i].Outcome, results[i].Err = asked.Outcome, asked.Err
			results[i].Reason = "rows known from copies only: " + asked.Reason
		}
	}
	return nil
}
