package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store/counts"
	"syncd/internal/store/tails"
	"syncd/internal/tail/stand"
)

// round is one round of tails over all streams: one run.
type round struct {
	*Follower
	run       *mirror.Run // the round's own: its result, its requests
	question  *Question   // of a round of feeds; nil: a round of tails
	tails     []*stream
	feeds     feedPosition
	first     bool             // no feed has been read before
	endpoints []tails.Endpoint // whose deliveries are read
	begun     time.Time        // start, by the clock of the database
	read      time.Time        // when begun was read, on this machine
	told      time.Time        // when the feeds had been read, as a Stamp of the store
	left      int              // requests left for slow probes; at least one, else a busy organization's would never be asked
	listens   time.Duration    // how often a round of tails looks at the feeds while it lasts; 0 = once
	heard     time.Time        // when it last did, on this machine
	aside     int64            // requests of that
	spare     int              // of these, what the round costs beyond RoundRequests; afterwards what is left of that
}

func (rd *round) follow(ctx context.Context, all, names []string) (err error) {
	if err := rd.open(ctx, all, names); err != nil {
		return err
	}
	if err := rd.readFeeds(ctx); err != nil {
		return err
	}
	if rd.told, err = rd.engine.Store.Stamp(ctx); err != nil {
		return err
	}
	rd.heard = time.Now()
	for _, t := range rd.followed() {
		if err := rd.interlude(ctx); err != nil {
			return err
		}
		for _, p := range t.spec.Fast {
			t.ask(ctx, p)
		}
		if err := t.fatal(); err != nil {
			return err
		}
	}
	least := 1
	if rd.first { // the sweeps have shown what slow probes show, and the feeds tell of the minutes before them
		if err := rd.fetchFollowed(ctx); err != nil {
			return err
		}
		least = 0
	}
	// A process that makes one round and ends has also asked whose the token is.
	rd.left = rd.spare + max(least, RoundRequests-int(rd.spent()-rd.aside+rd.engine.TakeCheckRequests()))
	if err := rd.slow(ctx); err != nil {
		return err
	}
	rd.spare = max(0, min(rd.spare, rd.left))
	for _, t := range rd.followed() {
		if err := rd.interlude(ctx); err != nil {
			return err
		}
		t.attempt(func() error { return t.takeCensus(ctx) })
		if err := t.fatal(); err != nil {
			return err
		}
	}
	if err := rd.fetchFollowed(ctx); err != nil {
		return err
	}
	return rd.close(ctx)
}

// fetchFollowed fetches the pending changes of the followed streams, and once more what was fetched right after its change.
func (rd *round) fetchFollowed(ctx context.Context) error {
	watch := rd.kept().Changes().Watch()
	for _, t := range rd.followed() {
		if err := rd.interlude(ctx); err != nil {
			return err
		}
		all := tails.Wanted{Lag: rd.lag, Most: mostChanges}
		t.attempt(func() error {
			if busy, err := watch.IsBusy(ctx, t.s.Name, all); err != nil || !busy {
				return err
			}
			return t.fetchChanges(ctx, all)
		})
		if err := t.fatal(); err != nil {
			return err
		}
	}
	return nil
}

// open decides which streams the feeds tell of, which of them are followed, and from where.
func (rd *round) open(ctx context.Context, all, names []string) (err error) {
	if rd.begun, err = rd.engine.Store.Now(ctx); err != nil {
		return err
	}
	rd.read = time.Now()
	states, err := rd.kept().States(ctx, append(slices.Clone(all), Name)) // after begun, so no sweep seems younger than it is
	if err != nil {
		return err
	}
	now := rd.engine.Client.Now()
	if own := states[Name].Position; own != nil {
		if err := json.Unmarshal(own, &rd.feeds); err != nil {
			return fmt.Errorf("position of the feeds: %w", err)
		}
		stand.Until(rd.now(), &rd.feeds.Events.Seen, &rd.feeds.Deliveries.Seen, &rd.feeds.Events.Polled, &rd.feeds.Deliveries.Polled, &rd.feeds.Listed, &rd.feeds.Again)
		rd.engine.Client.AddMoments(rd.feeds.Moments)
	}
	rd.first = rd.feeds.Events.Polled.IsZero() && rd.feeds.Deliveries.Polled.IsZero()
	rd.feeds.Events.Begin(now)
	rd.feeds.Deliveries.Begin(now)
	for _, name := range all {
		st := states[name]
		if rd.specs[name].IsEmpty() || st.Unavailable || rd.engine.IsDisabled(name) {
			continue
		}
		t := &stream{Follower: rd.Follower, s: rd.engine.Stream(name), spec: rd.spec(name), round: rd, run: rd.run.IdlePart(name)}
		if st.CompleteAt.IsZero() {
			t.listens = true
			rd.tails = append(rd.tails, t)
			continue
		}
		t.at.Complete, t.swept = st.CompleteAge, st.SweptAt
		t.follows = slices.Contains(names, name)
		if st.Position != nil {
			if err := json.Unmarshal(st.Position, &t.at); err != nil {
				return fmt.Errorf("position of the tail of %s: %w", name, err)
			}
			t.at.present(rd.now(), rd.engine.Client.Now())
		}
		t.at.Newest.Begin(now)
		t.at.Modified.Begin(now)
		if t.at.Through.IsZero() && !st.Through.After(now) {
			t.at.Through = st.Through
		}
		if !t.at.Since.Equal(st.CompleteAt) {
			t.at.Since, t.at.Short = st.CompleteAt, nil
		}
		rd.tails = append(rd.tails, t)
	}
	if rd.question != nil {
		return nil
	}
	return openAll(ctx, rd.run, slices.DeleteFunc(slices.Clone(rd.tails), func(t *stream) bool { return t.listens })...)
}

// followed are the streams whose probes are asked in this round; feeds also tell of the others.
func (rd *round) followed() []*stream {
	return slices.DeleteFunc(slices.Clone(rd.tails), func(t *stream) bool { return !t.follows })
}

// slow asks as many slow probes as a quiet round may cost, those first that were asked longest ago.
func (rd *round) slow(ctx context.Context) error {
	type turn struct {
		t *stream
		p Probe
	}
	var turns []turn
	for _, t := range rd.followed() {
		for _, p := range t.spec.Slow {
			turns = append(turns, turn{t, p})
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return a.t.lastAsked(a.p).Compare(b.t.lastAsked(b.p)) })
	for _, u := range turns {
		if err := rd.interlude(ctx); err != nil || rd.left <= 0 {
			return err
		}
		before := rd.spent() - rd.aside
		if u.t.at.Cost[u.p.Name()] > rd.left && rd.now().Sub(u.t.lastAsked(u.p)) < slowWithin {
			continue
		}
		u.t.ask(ctx, u.p)
		if err := u.t.fatal(); err != nil {
			return err
		}
		cost := int(rd.spent() - rd.aside - before)
		u.t.at.asked(rd.now(), u.p.Name(), cost-u.t.sought)
		rd.left -= cost
	}
	return nil
}

// lastAsked is when a slow probe was last asked. A sweep asks what reads the whole list, too: else that comes again right after the first.
// It is the same as long as the round lasts: else a slow round would put off these probes, and break the turn that syncd plan promises.
func (t *stream) lastAsked(p Probe) time.Time {
	asked := t.at.Asked[p.Name()]
	if _, is := p.(Whole); is {
		return later(asked, t.round.begun.Add(-t.at.Complete))
	}
	return asked
}

// spent is the cost of the round so far.
func (rd *round) spent() (n int64) {
	n = rd.run.Requests()
	for _, t := range rd.tails {
		n += t.run.Requests()
	}
	return n
}

// close records where each stream stands; a stream that failed stays where it was.
func (rd *round) close(ctx context.Context) error {
	rd.run.CountRequests(int(rd.spent() - rd.run.Requests()))
	var failed []string
	rows, err := counts.New(rd.engine.Store.Pool()).Kept(ctx)
	if err != nil {
		return err
	}
	var all []tails.Tailed
	for _, t := range rd.tails {
		if t.listens || !t.opened && t.sweepDue == "" && t.err == nil {
			continue
		}
		for _, why := range rd.run.TakeIn(ctx, t.run) {
			failed = append(failed, t.s.Name+": "+why)
		}
		if t.err != nil {
			if errors.Is(t.err, fetch.ErrScope) {
				rd.engine.DisableStream(t.s.Name, fmt.Sprintf("disabled until the next start: the token lacks %s", t.s.Scope))
			}
			rd.run.AddError(fmt.Errorf("%s: %w", t.s.Name, t.err))
			failed = append(failed, t.s.Name+": "+t.err.Error())
			continue
		}
		done, err := t.stands(rows[t.s.Name])
		if err != nil {
			return err
		}
		all = append(all, done)
	}
	if len(failed) > 0 {
		rd.run.MarkPartial("%s", strings.Join(failed, "; "))
	}
	rd.feeds.Moments = rd.engine.Client.Moments()
	own := tails.Tailed{Stream: Name}
	if own.Position, err = json.Marshal(rd.feeds); err != nil {
		return fmt.Errorf("position of the feeds: %w", err)
	}
	if rd.feeds.Events.Answered || rd.feeds.Deliveries.Answered || slices.ContainsFunc(rd.tails, func(t *stream) bool { return t.answered }) {
		own.PolledAt = rd.begun
	}
	if err := rd.kept().Save(ctx, append(all, own)...); err != nil || rd.question != nil {
		return err
	}
	return rd.kept().Forget(ctx)
}

// now is the time by the clock of the database, which dates the positions for the next round.
func (rd *round) now() time.Time {
	return rd.begun.Add(time.Since(rd.read)).UTC().Truncate(time.Millisecond)
}
