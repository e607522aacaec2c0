package tail

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store/tails"
)

// feedState is where a feed is read on from, and how far it can be trusted.
type feedState struct {
	mark                          // of its newest entry
	Told     time.Time            `json:"told,omitzero"`     // the newest change that it has told of
	Asked    time.Time            `json:"asked,omitzero"`    // when it was last read to its end, by the clock that dates requests
	Polled   time.Time            `json:"polled,omitzero"`   // when it was last asked and answered, by the clock of the database
	Glanced  time.Time            `json:"glanced,omitzero"`  // when its newest part was last read, as Asked; rounds of feeds read no more
	Part     time.Time            `json:"part,omitzero"`     // where that part began
	From     time.Time            `json:"from,omitzero"`     // when a part of it was left out, by the clock of the database: sweeps that began before lack that part
	Lag      time.Duration        `json:"lag,omitzero"`      // how late it tells of changes, at least
	Measured time.Time            `json:"measured,omitzero"` // when Lag was measured
	Untold   map[string]time.Time `json:"untold,omitempty"`  // new rows that lists show and it has not told of: when they were made

	late     time.Duration   // the largest lag that this round has measured
	told     map[string]bool // rows that it told of in this round
	answered bool            // it was read in this round
	news     int             // how many new entries it had in this round
}

const (
	// lagHalves is the half-life of a measured lag.
	lagHalves = time.Hour
	// mostOverlap bounds how far back a feed is read again; sweeps cover what lies before.
	mostOverlap = 6 * time.Hour
	// mostUntold bounds how many untold rows are recorded; this many prove enough.
	mostUntold = 100
)

// overlap is how much of a feed is read again: twice its recent lag.
func (f *feedState) overlap(least time.Duration) time.Duration {
	return max(least, min(2*f.Lag, mostOverlap))
}

// through is the moment up to which the feed has told everything. It is no later than the newest change that it told of, since a
// feed that stands still answers too; no later than now less its lag; and no later than the oldest row that it is known to owe.
func (f *feedState) through(least time.Duration) time.Time {
	if f.Asked.IsZero() || f.Told.IsZero() {
		return time.Time{}
	}
	at := earlier(f.Told, f.Asked.Add(-f.overlap(least)))
	if owed := f.owed(); !owed.IsZero() {
		at = earlier(at, owed.Add(-time.Microsecond))
	}
	return at
}

// owed is when the oldest row was made that the feed has not told of; zero: it owes none.
func (f *feedState) owed() (at time.Time) {
	for _, made := range f.Untold {
		if at.IsZero() || made.Before(at) {
			at = made
		}
	}
	return at
}

// read records a new entry. listed is when it was listed, change the time of its change. dated: change is also when the entry was
// written.
func (f *feedState) read(listed, change, asked time.Time, dated bool) {
	if change.After(asked) {
		return // it is wrongly dated and tells nothing
	}
	f.Told = later(f.Told, change)
	if !dated || f.Asked.IsZero() || asked.Sub(listed) > lagHalves {
		return
	}
	late, last := listed.Sub(change), f.Asked
	if f.Glanced.After(last) && listed.After(f.Part) {
		last = f.Glanced
	}
	if listed.Before(last) {
		late = last.Sub(change) // it was not there when that part of the feed was last read
	}
	f.late = max(f.late, late)
}

// clearOwed records that the feed told of a row that it owed.
func (f *feedState) clearOwed(stream, id string) {
	key := stream + "/" + id
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[key] = true
	if made, owed := f.Untold[key]; owed {
		f.late = max(f.late, f.Asked.Sub(made))
		delete(f.Untold, key)
	}
}

// end records that the feed has been read to its end: the whole of it, or its part from a moment on.
func (f *feedState) end(asked, from time.Time, whole bool) {
	f.answered = true
	if f.Glanced, f.Part = asked, from; whole {
		f.settle(asked)
	}
	for ; f.Lag > 0 && asked.Sub(f.Measured) > lagHalves; f.Lag /= 2 {
		f.Measured = f.Measured.Add(lagHalves)
	}
	if late := f.late.Round(time.Second); late >= f.Lag {
		f.Lag, f.Measured = late, asked
	}
	f.late = 0
}

// settle records that the whole of the feed has been read: what it owes is owed still.
func (f *feedState) settle(asked time.Time) {
	for key, made := range f.Untold {
		if owes := asked.Sub(made); owes > lagHalves && f.Told.After(made) {
			delete(f.Untold, key) // the feed has moved on and will not tell of this row
		} else {
			f.late = max(f.late, owes)
		}
	}
	f.Asked = asked
}

// skip records that a part of the feed was not read: sweeps make up for it.
func (f *feedState) skip(now time.Time) { f.From, f.Asked, f.answered = now, time.Time{}, true }

// report is what is published about a feed. A feed stands still when lists show rows that are newer than everything that it told
// of by more than its usual lag.
func (f *feedState) report(name string, least time.Duration) tails.Feed {
	r := tails.Feed{Name: name, AskedAt: f.Asked, PolledAt: f.Polled, ToldThrough: f.Told, Lag: f.Lag, Untold: len(f.Untold), UntoldSince: f.owed()}
	for _, made := range f.Untold {
		r.StandsStill = r.StandsStill || made.After(f.Told) && f.Asked.Sub(made) > least
	}
	return r
}

// newcomers records the rows of a page that the mirror does not have: the feeds that tell of each new row owe these, too.
func (t *stream) newcomers(ctx context.Context, page fetch.Page) error {
	var feeds []*feedState
	a := t.round.access(t.at.Since)
	if f := &t.round.feeds.Deliveries; a.carries(t.spec.Hook) && slices.Contains(hookTypes, t.spec.Hook+"created") {
		feeds = append(feeds, f)
	}
	if a.events && t.spec.Told.Event != "" {
		feeds = append(feeds, &t.round.feeds.Events)
	}
	feeds = slices.DeleteFunc(feeds, func(f *feedState) bool { return f.Asked.IsZero() || len(f.Untold) >= mostUntold })
	if len(feeds) == 0 {
		return nil
	}
	made := map[uuid.UUID]time.Time{}
	var ids []uuid.UUID
	before, now := t.at.Reach[t.probe], t.engine.Client.Now()
	if before.IsZero() {
		return nil
	}
	for _, object := range page.Items {
		id, err := uuid.Parse(item.FieldText(object, "id"))
		at := item.FieldTime(object, "created_at")
		if told := t.spec.Told; err != nil || at.Before(before.Add(-t.overlap)) || at.After(now) || told.Field != "" && item.FieldText(object, told.Field) != told.Value {
			continue
		}
		ids, made[id] = append(ids, id), at
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := t.engine.Store.Rows(t.s.Name).LookUpIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, is := known[id]; is {
			continue
		}
		key := t.s.Name + "/" + id.String()
		for _, f := range feeds {
			if f.told[key] { // the round fetches later what the feed told of
				continue
			}
			if f.Untold == nil {
				f.Untold = map[string]time.Time{}
			}
			f.Untold[key] = made[id]
		}
	}
	return nil
}
