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

// RoundRequests is what a round costs at most while nothing has changed.
const RoundRequests = 10

const (
	// DefaultOverlap is how late Polar may show what it has dated: rows are
	// dated when they are flushed and show when they are committed, and events
	// take their time to the store that they are listed from.
	DefaultOverlap = 10 * time.Minute
	// DefaultLag is how long after a change Polar's replicas may still give the old row.
	DefaultLag = 10 * time.Second
	// slowWithin is how long a slow probe that costs more than a round has left may be put off.
	slowWithin = time.Hour
	// roundPatience is how long a round waits for a Polar that is away. The next one comes soon.
	roundPatience = 30 * time.Second
	// mostChanges bounds what one round fetches of a stream; the rest waits for the next.
	mostChanges = 2000
)

// Config of a Follower.
type Config struct {
	// Lag is how long Polar's replicas may give the row from before a change: what a tail fetched sooner it fetches
	// once more. 0 = DefaultLag, negative = not at all.
	Lag time.Duration
	// Overlap is how late Polar may show what it has dated. 0 = DefaultOverlap.
	Overlap time.Duration
}

// Follower makes rounds of tails, by runs of an engine.
type Follower struct {
	engine       *mirror.Engine
	specs        map[string]Spec // by stream
	lag, overlap time.Duration
}

// New makes a Follower of an engine's streams. It refuses a stream whose tail does not say what it leaves unseen, or that has
// two probes of one name.
func New(engine *mirror.Engine, specs map[string]Spec, c Config) (*Follower, error) {
	for _, s := range engine.Streams {
		if err := specs[s.Name].check(s.Name); err != nil {
			return nil, err
		}
	}
	return &Follower{engine: engine, specs: specs, lag: cmp.Or(c.Lag, DefaultLag), overlap: cmp.Or(c.Overlap, DefaultOverlap)}, nil
}

// kept is what the database keeps for tails between their rounds.
func (f *Follower) kept() tails.Tails { return tails.New(f.engine.Store.Pool()) }

// spec is how a stream is followed. Of one that has fallen back there is no list to be asked about.
func (f *Follower) spec(name string) Spec {
	s := f.specs[name]
	if f.engine.Stream(name).FellBack {
		s.Fast, s.Slow, s.Census = nil, nil, nil
	}
	return s
}

// Tail makes one round of tails: feeds first, then the probes of each stream,
// then what these found to have changed. Streams that were never swept
// completely, are off or not available are left out. A stream that fails does
// not keep the others from being followed.
//
// A feed tells of all streams at once and is read once. What it tells of streams
// that are not named here, or whose first sweep is still under way, is noted and
// fetched by a later round.
func (f *Follower) Tail(ctx context.Context, names ...string) (mirror.Result, error) {
	names, err := f.engine.Resolve(names...)
	if err != nil {
		return mirror.Result{}, err
	}
	if err := f.engine.Store.CheckSchema(ctx); err != nil {
		return mirror.Result{}, err
	}
	ctx = limit.WithPatience(limit.WithPriority(ctx, limit.PriorityTail), roundPatience)
	res := f.engine.RunOfSeveral(ctx, Name, store.KindTail, func(ctx context.Context, run *mirror.Run) error {
		return (&round{Follower: f, run: run}).follow(ctx, f.listeners(names), names)
	})
	return res, nil
}

// listeners are the streams that a feed is read for: these, and all that are on.
func (f *Follower) listeners(names []string) []string {
	return slices.DeleteFunc(f.engine.Names(), func(name string) bool { return f.engine.Off[name] && !slices.Contains(names, name) })
}
