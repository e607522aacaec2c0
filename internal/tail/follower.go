package tail

import (
	"cmp"
	"context"
	"slices"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/mirror"
	"syncd/internal/store"
	"syncd/internal/store/tails"
)

// Name is the name under which a round of tails is recorded.
const Name = "tail"

// RoundRequests is the most that a round costs while nothing has changed, beside what it may spare for slow probes.
const RoundRequests = 10

const (
	// DefaultOverlap is how late Polar may show a row that is already dated. A row is dated when it is flushed and shows when it
	// is committed; an event takes its time to the store that lists it.
	DefaultOverlap = 10 * time.Minute
	// DefaultLag is how long after a change Polar's replicas may still return the old row.
	DefaultLag = 10 * time.Second
	// slowWithin is how long a slow probe may be put off that costs more than a round has left.
	slowWithin = time.Hour
	// roundPatience is how long a round waits for a Polar that is away. The next one comes soon.
	roundPatience = 30 * time.Second
	// mostChanges bounds how many changes of a stream one round fetches; the rest stays pending.
	mostChanges = 2000
)

// Config of a Follower.
type Config struct {
	// Lag is how long Polar's replicas may return the row from before a change: what a tail fetched sooner, it fetches once more.
	// 0 = DefaultLag, negative = not at all.
	Lag time.Duration
	// Overlap is how late Polar may show what is already dated. 0 = DefaultOverlap.
	Overlap time.Duration
}

// Follower makes rounds of tails, as runs of an engine.
type Follower struct {
	engine       *mirror.Engine
	specs        map[string]Spec // by stream
	lag, overlap time.Duration
	turn         chan struct{} // held by the round of this process that is made; rounds of others are kept apart by the lease
}

// New makes a Follower of an engine's streams. It refuses a stream whose tail does not say what it leaves unseen, or that has two
// probes of one name.
func New(engine *mirror.Engine, specs map[string]Spec, c Config) (*Follower, error) {
	for _, s := range engine.Streams {
		if err := specs[s.Name].check(s.Name); err != nil {
			return nil, err
		}
	}
	return &Follower{engine: engine, specs: specs, lag: cmp.Or(c.Lag, DefaultLag), overlap: cmp.Or(c.Overlap, DefaultOverlap), turn: make(chan struct{}, 1)}, nil
}

// kept is the state that tails keep in the database between rounds.
func (f *Follower) kept() tails.Tails { return tails.New(f.engine.Store.Pool()) }

// spec is how a stream is followed. A stream that has fallen back has no list for probes.
func (f *Follower) spec(name string) Spec {
	s := f.specs[name]
	if f.engine.Stream(name).FellBack {
		s.Fast, s.Slow, s.Census = nil, nil, nil
	}
	return s
}

// Tail makes one round of tails: feeds first, then the probes of each stream, then the changes that these found. It leaves out
// streams that were never swept completely, are off, or are not available. A stream that fails does not keep the others from
// being followed.
//
// A feed tells of all streams at once and is read once. Changes of streams that are not named here, or whose first sweep is still
// under way, are recorded as pending, and a later round fetches them.
func (f *Follower) Tail(ctx context.Context, names ...string) (mirror.Result, error) {
	res, _, err := f.TailSparing(ctx, 0, 0, names...)
	return res, err
}

// TailSparing is Tail with so many requests to spare for slow probes, which then need not wait for their turn. It returns how many
// are left. While it lasts no round of feeds can be made, so it looks at the feeds itself, this often; 0 = not.
func (f *Follower) TailSparing(ctx context.Context, spare int, feeds time.Duration, names ...string) (res mirror.Result, left int, err error) {
	names, err = f.engine.Resolve(names...)
	if err != nil {
		return res, spare, err
	}
	rd := &round{Follower: f, spare: spare, listens: feeds}
	res, err = f.make(ctx, store.KindTail, func(ctx context.Context, run *mirror.Run) error {
		rd.run = run
		return rd.follow(ctx, f.listeners(names), names)
	})
	return res, rd.spare, err
}

// make makes a round, of tails or of feeds. It waits for another round of this process.
func (f *Follower) make(ctx context.Context, kind string, do mirror.Work) (mirror.Result, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return mirror.Result{}, context.Cause(ctx)
	}
	if err := f.engine.Store.CheckSchema(ctx); err != nil {
		return mirror.Result{}, err
	}
	ctx = limit.WithPatience(limit.WithPriority(ctx, limit.PriorityTail), roundPatience)
	return f.engine.RunOfSeveral(ctx, Name, kind, do), nil
}

// listeners are the streams that a feed is read for: these, and all that are on.
func (f *Follower) listeners(names []string) []string {
	return slices.DeleteFunc(f.engine.Names(), func(name string) bool { return f.engine.Off[name] && !slices.Contains(names, name) })
}
