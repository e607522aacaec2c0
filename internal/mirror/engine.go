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

	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/mirror/ahead"
	"syncd/internal/mirror/streams"
	"syncd/internal/spelling"
	"syncd/internal/store"
	"syncd/internal/store/budget"
	"syncd/internal/store/origin"
	"syncd/internal/store/partition"
	"syncd/internal/token"
)

// Outcome of a run.
type Outcome string

// The outcomes. Only Succeeded means that nothing is missing.
const (
	Succeeded   Outcome = "succeeded"   // everything was read and stored
	Partial     Outcome = "partial"     // read to the end, but something is missing
	Failed      Outcome = "failed"      // ended on an error
	Interrupted Outcome = "interrupted" // was stopped; the next run goes on from there
	Skipped     Outcome = "skipped"     // did not read: another process has the lease, or this token may not
)

// Result of one run of one stream.
type Result struct {
	Stream, Kind string
	Outcome      Outcome
	Reason       string // why it is not Succeeded
	Err          error  // the error behind Reason, if there is one
	RunID        int64  // 0 where no run was opened
	Resumed      bool   // the run went on where an earlier one was interrupted
	Unavailable  bool   // Polar refuses this stream to this kind of token: no loss, and no failure
	Emptied      bool   // the list brought none of the table's rows, and that was not believed
	Deleted      int    // rows marked as deleted
	Distinct     int    // different rows received in the sweep
	Total        int    // rows by Polar's count; -1 where it does not count
	store.Counts
	StartedAt time.Time // by the clock of the database; zero where no run was opened
	Duration  time.Duration
}

// IsWhole: the stream's table is known to hold all that Polar shows this token.
func (r Result) IsWhole() bool { return r.Outcome == Succeeded || r.Unavailable }

// Observer is told of runs, from several goroutines at once.
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
	Streams        []streams.Stream         // the table of streams; parents come before what refers to them
	Off            map[string]bool          // streams that run only when they are named, and of which no copies are stored; nil = none
	Retention      map[string]time.Duration // how far back the rows of a stream by windows are kept; 0 = all
	KeepHistory    time.Duration            // for how long changes of limited retention are kept; 0 = for good
	Parallel       int                      // streams at a time in Sync; default 4
	Ahead          int                      // pages that go together into one transaction at most, and that are read meanwhile; 0 = store.MaxPages
	OrganizationID string                   // the organization that the token must belong to; "" = any
	Room           *Room                    // for pages on their way; nil = of this engine alone
	LeaseTTL       time.Duration
	WaitForLease   bool  // wait for the lease of a process that died to end, rather than skip the stream
	Brake          Brake // zero = DefaultBrake
	Log            *slog.Logger
	Observer       Observer
}

// Room is what sweeps may have on their way between Polar and Postgres. It bounds the memory.
type Room = ahead.Room

// NewSharedRoom makes room for engines side by side: with many sweeps at once, each has less for itself.
func NewSharedRoom() *Room { return ahead.NewRoom(2, store.MaxPages) }

// DefaultLeaseTTL is how long the lease of a process that died keeps others away. A living process renews it three times as
// often, whatever it waits for.
const DefaultLeaseTTL = 30 * time.Second

// Engine makes runs. It holds what they share: the client, the store, the table of streams, and the request to stop.
type Engine struct {
	Config
	streams map[string]*ways
	holder  string

	drain     chan struct{}
	drainOnce sync.Once

	version atomic.Value // the origin.Version recorded last

	checks atomic.Int64 // requests of Check that no run has counted yet

	mu       sync.Mutex
	disabled map[string]string // stream -> why, until the next start
	noted    time.Time         // the answer of Polar that is on record
	prepared time.Time         // when partitions were looked after
}

// prepared is a stream with what is computed from it once.
type prepared struct {
	streams.Stream
	shape  *item.Shape
	target *store.Target         // nil if it stores no pages
	months *partition.Partitions // of its table; nil where it is not divided
	place  int                   // in the table of streams
}

// New checks the table of streams and makes an Engine.
func New(c Config) (*Engine, error) {
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	if c.Ahead <= 0 {
		if c.Ahead = store.MaxPages; c.Room == nil {
			c.Room = ahead.NewRoom(ahead.Each, store.MaxPages)
		}
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
		if err := s.Check(); err != nil {
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
		own.target, own.months = r.targetOf(own), r.monthsOf(own)
		if s.Fallback != nil {
			other := s.Instead()
			if err := other.Check(); err != nil {
				return nil, err
			}
			w.other = &prepared{Stream: c.bind(other), shape: own.shape, target: own.target, months: own.months, place: i}
		}
		for _, p := range s.AllParents() {
			if r.streams[p.Stream] == nil {
				return nil, fmt.Errorf("stream %q is read for each row of %q, which has to come before it", s.Name, p.Stream)
			}
		}
	}
	if c.Client != nil && c.Store != nil {
		c.Client.ShareBudget(sharedBudget{budget.New(c.Store.Pool()), r.holder})
		c.Client.DateRequestsBy(c.Store.Time)
	}
	return r, nil
}

// Beside makes an engine of other streams, which stops with this one.
func (e *Engine) Beside(others ...streams.Stream) (*Engine, error) {
	c := e.Config
	c.Streams, c.Off = others, nil
	other, err := New(c)
	if err != nil {
		return nil, err
	}
	other.drain = e.drain
	return other, nil
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
func (e *Engine) Stream(name string) *streams.Stream {
	if s := e.lookUp(name); s != nil {
		return &s.Stream
	}
	return nil
}

// UnknownStreamError names the given name, and the one that was probably meant.
type UnknownStreamError struct{ Name, Nearest string }

func (e *UnknownStreamError) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("no stream is named %q: `syncd status` lists them", e.Name)
	}
	return fmt.Sprintf("no stream is named %q: did you mean %q?", e.Name, e.Nearest)
}

// Resolve checks names of streams and sorts them by the table; without names, it returns all that are on.
func (e *Engine) Resolve(names ...string) ([]string, error) {
	all := e.Names()
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(n string) bool { return e.Off[n] }), nil
	}
	return PickStreams(all, names...)
}

// PickStreams checks names of streams and sorts them by all; without names, it returns all.
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

// Drain asks runs to stop after their current pages. It returns at once. The runs end as interrupted, and the next ones go on
// from there.
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

// CheckAccess sends one request. It warms up the token (Polar limits a token that it has not seen for five minutes to 60 requests a
// minute), proves that the token is accepted, and ties the schema to its organization.
func (e *Engine) CheckAccess(ctx context.Context) error {
	if err := e.Store.CheckSchema(ctx); err != nil {
		return err
	}
	before := e.Client.Requests()
	id, err := token.Organization(ctx, e.Client, e.OrganizationID)
	e.checks.Add(e.Client.Requests() - before)
	e.noteAnswer(ctx)
	if err != nil {
		return err
	}
	if err := e.Store.Polar().BindOrganization(ctx, id, e.Client.Server()); err != nil {
		return err
	}
	return e.noteVersion(ctx, origin.Version{})
}

// noteVersion records which version of the API the mirror is read in, if it has changed.
func (e *Engine) noteVersion(ctx context.Context, noted any) error {
	v := origin.Version{Name: e.Client.Version(), Retired: e.Client.RetiredVersion()}
	if noted == v {
		return nil
	}
	if err := e.Store.Polar().SetVersion(ctx, v); err != nil {
		return err
	}
	e.version.Store(v)
	return nil
}

// answerEvery is the shortest time between two recorded answers of Polar.
const answerEvery = 5 * time.Second

// noteAnswer records when Polar last answered, for monitoring. If that fails, the next call does it.
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

// TakeCheckRequests returns how many requests Check has sent since the last call.
func (e *Engine) TakeCheckRequests() int64 { return e.checks.Swap(0) }

// Sync calls Check, then makes one run of each stream, several at a time. It returns an error only when nothing could run, or
// when Polar refused the token meanwhile; the outcome of each stream is in its Result.
func (e *Engine) Sync(ctx context.Context, names ...string) ([]Result, error) {
	names, err := e.Resolve(names...)
	if err != nil {
		return nil, err
	}
	if err := e.CheckAccess(ctx); err != nil {
		return nil, err
	}
	results := make([]Result, len(names))
	// A stream waits for those whose copies it holds, so that a copy is stored only if there really is no row. Those come earlier
	// in the table, so a waiting stream never takes the place of one that it waits for.
	done := make(map[string]chan struct{}, len(names))
	for _, name := range names {
		done[name] = make(chan struct{})
	}
	var g errgroup.Group
	g.SetLimit(e.Parallel)
	for i, name := range names {
		g.Go(func() error {
			defer close(done[name])
			for _, of := range e.lookUp(name).Before() {
				if c := done[of]; c != nil {
					<-c
				}
			}
			results[i] = e.SweepOnce(ctx, name)
			if errors.Is(results[i].Err, fetch.ErrAuth) && !results[i].Unavailable {
				// Every further request would be refused too, and use up the 60 a minute of such a token.
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

// mostCopies bounds how many copied rows are fetched at the end of a Sync; the next sweeps fetch the rest.
const mostCopies = 500

// askForCopies fetches by id the rows that were stored from copies although their stream had already been swept. Not every copy
// says that Polar has deleted its object, and until it is fetched the row would look live.
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
