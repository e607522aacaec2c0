package tail

import "time"

// position is what the tails of a stream go on from; JSON in sync_streams.
type position struct {
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

// present makes the times of the position that lie ahead be now, each by its own clock.
func (at *position) present(now, polar time.Time) {
	until(now, &at.Newest.Seen, &at.Modified.Seen)
	until(polar.UTC(), &at.Checked)
	for name, asked := range at.Asked {
		until(now, &asked)
		at.Asked[name] = asked
	}
}

// asked keeps when a question was asked, and what it cost.
func (at *position) asked(now time.Time, name string, cost int) {
	if at.Asked == nil {
		at.Asked, at.Cost = map[string]time.Time{}, map[string]int{}
	}
	at.Asked[name] = now
	if least, before := at.Cost[name]; !before || cost < least {
		at.Cost[name] = cost
	}
}

// mark is the newest time met in a list that goes by time.
type mark struct {
	At   time.Time `json:"at"`   // by Polar's clock
	Seen time.Time `json:"seen"` // when it was met first, by that of the database
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

// until makes times that lie ahead of now be now: they were taken from a clock that was set back since.
func until(now time.Time, times ...*time.Time) {
	for _, t := range times {
		if t.After(now) {
			*t = now
		}
	}
}
