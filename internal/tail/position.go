package tail

import "time"

// position is where the tails of a stream go on from; JSON in sync_streams.
type position struct {
	Newest   mark                 `json:"newest,omitzero"`   // sort value of the newest row on a head
	Modified mark                 `json:"modified,omitzero"` // newest modified_at
	Nulls    int                  `json:"nulls,omitzero"`    // number of rows that were never modified; they come first in descending order
	Checked  time.Time            `json:"checked,omitzero"`  // until when passing dates have been handled, by Polar's clock
	Through  time.Time            `json:"through,omitzero"`  // of the newest mirrored change
	Reach    map[string]time.Time `json:"reach,omitempty"`   // by probe: up to when it has shown everything
	Began    map[string]time.Time `json:"began,omitempty"`   // by probe: when the first page of a large hot set was requested
	Complete time.Duration        `json:"-"`
	Short    *int                 `json:"short,omitempty"` // rows that Polar counted and the table lacked, at the first count after the sweep
	Since    time.Time            `json:"since,omitzero"`  // start of the complete sweep that Short belongs to
	Page     map[string]int       `json:"page,omitempty"`  // by probe: where a large hot set goes on
	Asked    map[string]time.Time `json:"asked,omitempty"` // by slow probe, and the census: when it was last asked
	Cost     map[string]int       `json:"cost,omitempty"`  // the least each has cost, which is its cost while nothing changes
}

// present sets times that lie in the future to now, each by its own clock.
func (at *position) present(now, polar time.Time) {
	until(now, &at.Newest.Seen, &at.Modified.Seen)
	until(polar.UTC(), &at.Checked)
	for name, asked := range at.Asked {
		until(now, &asked)
		at.Asked[name] = asked
	}
}

// asked records when a probe was asked, and what it cost.
func (at *position) asked(now time.Time, name string, cost int) {
	if at.Asked == nil {
		at.Asked, at.Cost = map[string]time.Time{}, map[string]int{}
	}
	at.Asked[name] = now
	if least, before := at.Cost[name]; !before || cost < least {
		at.Cost[name] = cost
	}
}

// mark is the newest time in a list that goes by time.
type mark struct {
	At   time.Time `json:"at"`   // by Polar's clock
	Seen time.Time `json:"seen"` // when it was first seen, by the database's clock
}

func (m mark) IsZero() bool { return m.At.IsZero() }

// reach moves the mark to a newer time. A time later than its request moves nothing: Polar has dated the row wrongly, or by a
// clock ahead of the database's, and then the row comes again. now is by the clock of the database.
func (m *mark) reach(at, asked, now time.Time) {
	if at.After(m.At) && !at.After(asked) {
		*m = mark{at, now}
	}
}

// since is where to read on: from before the mark, as long as rows with earlier dates may still show.
func (m mark) since(now time.Time, overlap time.Duration) time.Time {
	if now.Sub(m.Seen) > overlap+overlap/100 {
		return m.At
	}
	return m.At.Add(-overlap)
}

// begin clears a mark in the future: an earlier syncd took it from an object that Polar dates in the future.
func (m *mark) begin(now time.Time) {
	if m.At.After(now) {
		*m = mark{}
	}
}

// until sets times in the future to now: they came from a clock that was set back since.
func until(now time.Time, times ...*time.Time) {
	for _, t := range times {
		if t.After(now) {
			*t = now
		}
	}
}
