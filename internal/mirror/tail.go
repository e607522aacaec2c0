package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store"
)

// Tail says how a stream is followed between sweeps, by requests whose number
// does not grow with the stream. A tail never takes the absence of a row for a
// deletion.
type Tail struct {
	// Touched: which events of Polar's own (source=system) tell of changes here.
	Touched []Touch
	// Hook is the prefix of the webhook events whose payload is an object of this stream; "" = none.
	Hook string
	// Told is the event that Polar writes of each new row; none = of some there is none.
	Told Told
	// Batch is a filter of the list that takes several values at once, to fetch
	// many changed objects with few requests: id, or the column customer_id.
	Batch string
	Fast  []Probe // asked in every round
	Slow  []Probe // asked in turn, as many a round as requests are left for
	// Census: where a sweep is due, the stream's export is asked first, in one request, and compared as this says; nil = it is not.
	Census *store.Pair
	// Unseen is what no tail sees; the next sweep does.
	Unseen string
}

// Touch reads from an event what has changed.
type Touch struct {
	Event  string // its name; one that ends in a dot stands for all that begin so
	Field  string // of its metadata, or customer_id of the event itself, that holds the id
	Filter string // of the stream's list that finds what changed by this id; "" = it is the object's own id
}

// Told is an event of each new row, or of each with a value.
type Told struct{ Event, Field, Value string }

// Probe is one cheap question to Polar.
type Probe interface {
	// Name tells it from the others of its stream. Databases keep where it stands under this name: it never changes.
	Name() string
	ask(ctx context.Context, t *tail) error
	// shows tells in words which changes the answers show; "" = none, they only tell that something is amiss.
	shows() string
}

// TailStream is the name under which a round of tails is recorded.
const TailStream = "tail"

// RoundRequests is what a round costs at most while nothing has changed.
const RoundRequests = 10

const (
	// DefaultTailOverlap is how late Polar may show what it has dated: rows are
	// dated when they are flushed and show when they are committed, and events
	// take their time to the store that they are listed from.
	DefaultTailOverlap = 10 * time.Minute
	// DefaultTailLag is how long after a change Polar's replicas may still give the old row.
	DefaultTailLag = 10 * time.Second
	// slowWithin is how long a slow probe that costs more than a round has left may be put off.
	slowWithin = time.Hour
	// roundPatience is how long a round waits for a Polar that is away. The next one comes soon.
	roundPatience = 30 * time.Second
	// mostChanges bounds what one round fetches of a stream; the rest waits for the next.
	mostChanges = 2000
)

// round is one round of tails over all streams: one run.
type round struct {
	*Run      // of the round itself: its result, its requests
	tails     []*tail
	feeds     feedPosition
	endpoints []store.Endpoint // that deliveries are read of
	begun     time.Time        // by the clock of the database
	read      time.Time        // when that was asked for
	told      time.Time        // when the feeds had been read, as Stamp tells it
	left      int              // requests to spend on slow probes; never none, or a busy organization's would not be asked
}

// tail is one stream in a round.
type tail struct {
	*Run              // that stores what the tail reads
	places   []string // of rows that Polar cannot render
	round    *round
	at       tailPosition
	probe    string    // name of the one being asked
	swept    time.Time // when the last complete sweep began, as Stamp tells it
	follows  bool      // it is asked about in this round
	listens  bool      // it was never swept to its end: what the feeds tell of it meanwhile is noted, and no more; record is empty
	through  time.Time // of the newest change stored
	answered bool      // Polar has answered a question of the stream's own
	sweepDue string
	err      error
}

// tailPosition is what the tails of a stream go on from; JSON in sync_streams.
type tailPosition struct {
	Newest   mark                 `json:"newest,omitzero"`   // sort value of the newest row that a head met
	Modified mark                 `json:"modified,omitzero"` // newest modified_at met
	Nulls    int                  `json:"nulls,omitzero"`    // rows that were never modified; they come first in descending order
	Checked  time.Time            `json:"checked,omitzero"`  // until when dates that pass have been looked at, by Polar's clock
	Through  time.Time            `json:"through,omitzero"`  // of the newest change mirrored
	Reach    map[string]time.Time `json:"reach,omitempty"`   // by probe: up to when they have shown everything
	Began    map[string]time.Time `json:"began,omitempty"`   // by probe: when the first page of a large hot set was asked for
	Complete time.Duration        `json:"-"`
	Short    *int                 `json:"short,omitempty"` // rows that Polar counted and that are not here, when a count was taken first
	Since    time.Time            `json:"since,omitzero"`  // when the complete sweep began that Short belongs to
	Page     map[string]int       `json:"page,omitempty"`  // by probe: where a large hot set goes on
	Asked    map[string]time.Time `json:"asked,omitempty"` // by slow probe, and the census: when it was asked
	Cost     map[string]int       `json:"cost,omitempty"`  // the least they have cost, which is what they cost while nothing changes
}

// mark is the newest time met in a list that goes by time.
type mark struct {
	At   time.Time `json:"at"`   // by Polar's clock
	Seen time.Time `json:"seen"` // when it was met first, by that of the database
}

// now is the time by the clock of the database, by which the positions are dated that the next round goes on from.
func (rd *round) now() time.Time {
	return rd.begun.Add(time.Since(rd.read)).UTC().Truncate(time.Millisecond)
}

// until makes times that lie ahead of now be now: they were taken from a clock that was set back since.
func until(now time.Time, times ...*time.Time) {
	for _, t := range times {
		if t.After(now) {
			*t = now
		}
	}
}

// present makes the times of the position that lie ahead be now, each by its own clock.
func (at *tailPosition) present(now, polar time.Time) {
	until(now, &at.Newest.Seen, &at.Modified.Seen)
	until(polar.UTC(), &at.Checked)
	for name, asked := range at.Asked {
		until(now, &asked)
		at.Asked[name] = asked
	}
}

// asked keeps when a question was asked, and what it cost.
func (at *tailPosition) asked(now time.Time, name string, cost int) {
	if at.Asked == nil {
		at.Asked, at.Cost = map[string]time.Time{}, map[string]int{}
	}
	at.Asked[name] = now
	if least, before := at.Cost[name]; !before || cost < least {
		at.Cost[name] = cost
	}
}

func (m mark) IsZero() bool { return m.At.IsZero() }

// reach moves the mark to a newer time. What is dated later than it was asked for moves nothing: Polar has dated it wrongly,
// or by a clock that is ahead of ours, and then it comes again. now is by the clock of the database.
func (m *mark) reach(at, asked, now time.Time) {
	if at.After(m.At) && !at.After(asked) {
		*m = mark{at, now}
	}
}

// since is from where to read on behind a mark: from before it, as long as something dated earlier may still show.
func (m mark) since(now time.Time, overlap time.Duration) time.Time {
	if now.Sub(m.Seen) > overlap+overlap/100 {
		return m.At
	}
	return m.At.Add(-overlap)
}

// begin forgets a mark that lies ahead of now: an earlier syncd took it from an object that Polar dates in the future.
func (m *mark) begin(now time.Time) {
	if m.At.After(now) {
		*m = mark{}
	}
}

// Tail makes one round of tails: feeds first, then the probes of each stream,
// then what these found to have changed. Streams that were never swept
// completely, are off or not available are left out. A stream that fails does
// not keep the others from being followed.
//
// A feed tells of all streams at once and is read once. What it tells of streams
// that are not named here, or whose first sweep is still under way, is noted and
// fetched by a later round.
func (r *Engine) Tail(ctx context.Context, names ...string) (Result, error) {
	names, err := r.Resolve(names...)
	if err != nil {
		return Result{}, err
	}
	if err := r.Store.CheckSchema(ctx); err != nil {
		return Result{}, err
	}
	ctx = fetch.WithPatience(fetch.WithPriority(ctx, fetch.PriorityTail), roundPatience)
	res := r.do(ctx, spec{TailStream, store.KindTail, ofTails}, func(ctx context.Context, run *Run) error {
		return (&round{Run: run}).follow(ctx, r.listeners(names), names)
	})
	return res, nil
}

// listeners are the streams that a feed is read for: these, and all that are on.
func (r *Engine) listeners(names []string) []string {
	return slices.DeleteFunc(r.Names(), func(name string) bool { return r.Off[name] && !slices.Contains(names, name) })
}

func (rd *round) follow(ctx context.Context, all, names []string) (err error) {
	if err := rd.open(ctx, all, names); err != nil {
		return err
	}
	if err := rd.readFeeds(ctx); err != nil {
		return err
	}
	if rd.told, err = rd.r.Store.Stamp(ctx); err != nil {
		return err
	}
	for _, t := range rd.followed() {
		for _, p := range t.s.Tail.Fast {
			t.ask(ctx, p)
		}
		if err := t.fatal(); err != nil {
			return err
		}
	}
	// A process that makes one round and ends has asked whose the token is, too.
	rd.left = max(1, RoundRequests-int(rd.spent()+rd.r.checks.Swap(0)))
	if err := rd.slow(ctx); err != nil {
		return err
	}
	for _, t := range rd.followed() {
		t.attempt(func() error { return t.takeCensus(ctx) })
		t.attempt(func() error { return t.fetchChanges(ctx) })
		if err := t.fatal(); err != nil {
			return err
		}
	}
	return rd.close(ctx)
}

// followed are the streams that are asked about in this round; of the others the feeds tell, too.
func (rd *round) followed() []*tail {
	return slices.DeleteFunc(slices.Clone(rd.tails), func(t *tail) bool { return !t.follows })
}

// open finds out of which streams the feeds tell, which of them are to be followed, and from where.
func (rd *round) open(ctx context.Context, all, names []string) error {
	states, err := rd.r.Store.Tails().States(ctx, append(slices.Clone(all), TailStream))
	if err != nil {
		return err
	}
	if rd.begun, err = rd.r.Store.Now(ctx); err != nil {
		return err
	}
	rd.read = time.Now()
	now := rd.r.Client.Now()
	if own := states[TailStream].Position; own != nil {
		if err := json.Unmarshal(own, &rd.feeds); err != nil {
			return fmt.Errorf("position of the feeds: %w", err)
		}
		until(rd.now(), &rd.feeds.Events.Seen, &rd.feeds.Deliveries.Seen)
		rd.r.Client.Recall(rd.feeds.Moments)
	}
	rd.feeds.Events.begin(now)
	rd.feeds.Deliveries.begin(now)
	for _, name := range all {
		s, st := rd.r.streams[name], states[name]
		if s.Tail.empty() || st.Unavailable || rd.r.isDisabled(name) {
			continue
		}
		if st.CompleteAt.IsZero() {
			rd.tails = append(rd.tails, &tail{Run: rd.r.newRun(s, name, &store.Run{}, &Result{Stream: name}), round: rd, listens: true})
			continue
		}
		record, err := rd.record.ForStream(ctx, name, store.KindTail)
		if err != nil {
			return err
		}
		t := &tail{Run: rd.r.newRun(s, name, record, &Result{Stream: name, Outcome: Succeeded}), round: rd}
		if t.places, err = record.Gaps(ctx, true); err != nil {
			return err
		}
		t.at.Complete, t.swept = st.CompleteAge, st.SweptAt
		t.follows = slices.Contains(names, name)
		if st.Position != nil {
			if err := json.Unmarshal(st.Position, &t.at); err != nil {
				return fmt.Errorf("position of the tail of %s: %w", name, err)
			}
			t.at.present(rd.now(), rd.r.Client.Now())
		}
		t.at.Newest.begin(now)
		t.at.Modified.begin(now)
		if t.at.Through.IsZero() && !st.Through.After(now) {
			t.at.Through = st.Through
		}
		if !t.at.Since.Equal(st.CompleteAt) {
			t.at.Since, t.at.Short = st.CompleteAt, nil
		}
		rd.tails = append(rd.tails, t)
	}
	return nil
}

func (t Tail) empty() bool { return len(t.Touched)+len(t.Fast)+len(t.Slow) == 0 && t.Hook == "" }

// ask asks one probe, and keeps what went wrong for the end of the round.
func (t *tail) ask(ctx context.Context, p Probe) {
	t.attempt(func() error { t.probe = p.Name(); return p.ask(ctx, t) })
}

func (t *tail) attempt(do func() error) {
	if t.err == nil {
		before := t.requests
		t.err = do()
		t.answered = t.answered || t.err == nil && t.requests > before
	}
}

// fatal is an error that concerns all streams alike.
func (t *tail) fatal() error {
	if errors.Is(t.err, fetch.ErrAuth) && !t.s.Optional || errors.Is(t.err, context.Canceled) || errors.Is(t.err, store.ErrLeaseLost) {
		return t.err
	}
	return nil
}

// spent is what the round has cost so far.
func (rd *round) spent() (n int64) {
	n = rd.requests
	for _, t := range rd.tails {
		n += t.requests
	}
	return n
}

// slow asks as many of the slow probes as a quiet round may cost, those first that were asked longest ago.
func (rd *round) slow(ctx context.Context) error {
	type turn struct {
		t *tail
		p Probe
	}
	var turns []turn
	for _, t := range rd.followed() {
		for _, p := range t.s.Tail.Slow {
			turns = append(turns, turn{t, p})
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return a.t.at.Asked[a.p.Name()].Compare(b.t.at.Asked[b.p.Name()]) })
	for _, u := range turns {
		before := rd.spent()
		if rd.left <= 0 {
			return nil
		}
		if u.t.at.Cost[u.p.Name()] > rd.left && rd.now().Sub(u.t.at.Asked[u.p.Name()]) < slowWithin {
			continue
		}
		u.t.ask(ctx, u.p)
		if err := u.t.fatal(); err != nil {
			return err
		}
		cost := int(rd.spent() - before)
		u.t.at.asked(rd.now(), u.p.Name(), cost)
		rd.left -= cost
	}
	return nil
}

// close records where each stream stands; that of one that failed stays where it was.
func (rd *round) close(ctx context.Context) error {
	rd.requests = rd.spent()
	var failed []string
	for _, t := range rd.tails {
		if t.listens {
			continue
		}
		rd.record.Counts.Add(t.record.Counts)
		rd.res.Deleted += t.res.Deleted
		for _, why := range t.unstored() {
			t.res.Outcome = Partial
			failed = append(failed, t.s.Name+": "+why)
		}
		t.recordDrift(ctx)
		if t.err != nil {
			if errors.Is(t.err, fetch.ErrScope) {
				rd.r.disable(t.s.Name, fmt.Sprintf("disabled until the next start: the token lacks %s", t.s.Scope))
			}
			rd.res.Err = errors.Join(rd.res.Err, fmt.Errorf("%s: %w", t.s.Name, t.err))
			failed = append(failed, t.s.Name+": "+t.err.Error())
			continue
		}
		if err := t.save(ctx); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		rd.partial("%s", strings.Join(failed, "; "))
	}
	rd.feeds.Moments = rd.r.Client.Moments()
	position, err := json.Marshal(rd.feeds)
	if err != nil {
		return fmt.Errorf("position of the feeds: %w", err)
	}
	own := store.Tailed{Position: position}
	if rd.feeds.Events.answered || rd.feeds.Deliveries.answered || slices.ContainsFunc(rd.tails, func(t *tail) bool { return t.answered }) {
		own.PolledAt = rd.begun
	}
	if err := rd.r.Store.Tails().Save(ctx, TailStream, own); err != nil {
		return err
	}
	return rd.r.Store.Tails().Forget(ctx)
}

// save records where the stream stands.
func (t *tail) save(ctx context.Context) error {
	t.at.Through = later(t.at.Through, t.through)
	by, err := t.covered(ctx)
	if err != nil {
		return err
	}
	done := store.Tailed{Through: t.claim(by), SweepDue: t.sweepDue, CoveredBy: make([]string, 0, len(by))}
	for _, c := range by {
		done.CoveredBy = append(done.CoveredBy, c.shows)
	}
	if t.polled(by) {
		done.PolledAt = t.round.begun
	}
	if done.Position, err = json.Marshal(t.at); err != nil {
		return fmt.Errorf("position of the tail of %s: %w", t.s.Name, err)
	}
	return t.r.Store.Tails().Save(ctx, t.s.Name, done)
}

// listed keeps a page that a question brought. What the feeds have told of and it shows need not be asked for.
func (t *tail) listed(ctx context.Context, page fetch.Page, field string) (newest time.Time, err error) {
	if newest, err = t.keep(ctx, page, field); err != nil {
		return newest, err
	}
	changed, err := t.r.Store.Changes().Settle(ctx, t.s.Name, store.ByID, item.FieldIDs(page.Items), t.round.told, always)
	t.through = later(t.through, changed)
	return newest, err
}

// keep stores the items of a reply, and tells the newest value of a time field among them. One that lies ahead of the
// request counts for nothing.
func (t *tail) keep(ctx context.Context, page fetch.Page, field string) (newest time.Time, err error) {
	if len(page.Items)+len(page.Gaps) == 0 {
		return newest, nil
	}
	if field != "" {
		if err := t.newcomers(ctx, page); err != nil {
			return newest, err
		}
	}
	if err := t.store(ctx, page, nil); err != nil {
		return newest, err
	}
	now := t.r.Client.Now()
	for _, object := range page.Items {
		if at := item.FieldTime(object, field); !at.After(now) {
			newest = later(newest, at)
		}
	}
	t.through = later(t.through, newest)
	return newest, nil
}

// page reads one page of the stream's list, with these parameters beside its own.
func (t *tail) page(ctx context.Context, query map[string][]string) (fetch.Page, error) {
	q := map[string][]string{"limit": {"100"}, "page": {"1"}}
	for k, v := range t.s.Query {
		q[k] = v
	}
	for k, v := range query {
		q[k] = v
	}
	page, err := t.r.Client.Salvage(fetch.WithGaps(ctx, t.places), t.s.Path, q)
	t.requests += int64(page.Requests)
	return page, err
}

// start is a moment before which nothing can have happened that the last
// complete sweep has not met, reckoned back from something that Polar dated.
func (t *tail) start(newest time.Time) time.Time {
	if newest.IsZero() {
		return newest
	}
	return newest.Add(-t.at.Complete - t.r.TailOverlap)
}

func byID(stream string, ids []uuid.UUID, at time.Time) []store.Changed {
	changes := make([]store.Changed, len(ids))
	for i, id := range ids {
		changes[i] = store.Changed{Stream: stream, Filter: store.ByID, Value: id.String(), At: at}
	}
	return changes
}

func (r *Engine) isDisabled(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disabled[name] != ""
}
