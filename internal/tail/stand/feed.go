package stand

import (
	"time"

	"syncd/internal/store/tails"
)

// Feed is where a feed is read on from, and how far it can be trusted.
type Feed struct {
	Mark                          // of its newest entry
	Told     time.Time            `json:"told,omitzero"`     // the newest change that it has told of
	Asked    time.Time            `json:"asked,omitzero"`    // when it was last read to its end, by the clock that dates requests
	Polled   time.Time            `json:"polled,omitzero"`   // when it was last asked and answered, by the clock of the database
	Glanced  time.Time            `json:"glanced,omitzero"`  // when its newest part was last read, as Asked; rounds of feeds read no more
	Part     time.Time            `json:"part,omitzero"`     // where that part began
	From     time.Time            `json:"from,omitzero"`     // when a part of it was left out, by the clock of the database: sweeps that began before lack that part
	Lag      time.Duration        `json:"lag,omitzero"`      // how late it tells of changes, at least
	Measured time.Time            `json:"measured,omitzero"` // when Lag was measured
	Untold   map[string]time.Time `json:"untold,omitempty"`  // new rows that lists show and it has not told of: when they were made

	Answered bool `json:"-"` // it was read in this round
	News     int  `json:"-"` // how many new entries it had in this round

	late time.Duration   // the largest lag that this round has measured
	told map[string]bool // rows that it told of in this round
}

const (
	// LagHalves is the half-life of a measured lag.
	LagHalves = time.Hour
	// mostOverlap bounds how far back a feed is read again; sweeps cover what lies before.
	mostOverlap = 6 * time.Hour
	// MostUntold bounds how many untold rows are recorded; this many prove enough.
	MostUntold = 100
)

// Overlap is how much of a feed is read again: twice its recent lag.
func (f *Feed) Overlap(least time.Duration) time.Duration {
	return max(least, min(2*f.Lag, mostOverlap))
}

// Through is the moment up to which the feed has told everything. It is no later than the newest change that it told of, since a
// feed that stands still answers too; no later than now less its lag; and no later than the oldest row that it is known to owe.
func (f *Feed) Through(least time.Duration) time.Time {
	if f.Asked.IsZero() || f.Told.IsZero() {
		return time.Time{}
	}
	at := earliest(f.Told, f.Asked.Add(-f.Overlap(least)))
	if owed := f.Owed(); !owed.IsZero() {
		at = earliest(at, owed.Add(-time.Microsecond))
	}
	return at
}

// Owed is when the oldest row was made that the feed has not told of; zero: it owes none.
func (f *Feed) Owed() (at time.Time) {
	for _, made := range f.Untold {
		if at.IsZero() || made.Before(at) {
			at = made
		}
	}
	return at
}

// Read records a new entry. listed is when it was listed, change the time of its change. dated: change is also when the entry was
// written.
func (f *Feed) Read(listed, change, asked time.Time, dated bool) {
	if change.After(asked) {
		return // it is wrongly dated and tells nothing
	}
	if change.After(f.Told) {
		f.Told = change
	}
	if !dated || f.Asked.IsZero() || asked.Sub(listed) > LagHalves {
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

// ClearOwed records that the feed told of a row that it owed.
func (f *Feed) ClearOwed(stream, id string) {
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

// End records that the feed has been read to its end: the whole of it, or its part from a moment on.
func (f *Feed) End(asked, from time.Time, whole bool) {
	f.Answered = true
	if f.Glanced, f.Part = asked, from; whole {
		f.settle(asked)
	}
	for ; f.Lag > 0 && asked.Sub(f.Measured) > LagHalves; f.Lag /= 2 {
		f.Measured = f.Measured.Add(LagHalves)
	}
	if late := f.late.Round(time.Second); late >= f.Lag {
		f.Lag, f.Measured = late, asked
	}
	f.late = 0
}

// settle records that the whole of the feed has been read: what it owes is owed still.
func (f *Feed) settle(asked time.Time) {
	for key, made := range f.Untold {
		if owes := asked.Sub(made); owes > LagHalves && f.Told.After(made) {
			delete(f.Untold, key) // the feed has moved on and will not tell of this row
		} else {
			f.late = max(f.late, owes)
		}
	}
	f.Asked = asked
}

// Skip records that a part of the feed was not read: sweeps make up for it.
func (f *Feed) Skip(now time.Time) { f.From, f.Asked, f.Answered = now, time.Time{}, true }

// Report is what is published about a feed. A feed stands still when lists show rows that are newer than everything that it told
// of by more than its usual lag.
func (f *Feed) Report(name string, least time.Duration) tails.Feed {
	r := tails.Feed{Name: name, AskedAt: f.Asked, PolledAt: f.Polled, ToldThrough: f.Told, Lag: f.Lag, Untold: len(f.Untold), UntoldSince: f.Owed()}
	for _, made := range f.Untold {
		r.StandsStill = r.StandsStill || made.After(f.Told) && f.Asked.Sub(made) > least
	}
	return r
}

// HasTold: it has told of a row in this round.
func (f *Feed) HasTold(stream, id string) bool { return f.told[stream+"/"+id] }

// Owes records a new row that a list shows and the feed has not told of.
func (f *Feed) Owes(stream, id string, made time.Time) {
	if f.Untold == nil {
		f.Untold = map[string]time.Time{}
	}
	f.Untold[stream+"/"+id] = made
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
