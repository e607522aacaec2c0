package tail

import (
	"time"

	"syncd/internal/tail/stand"
)

// position is where the tails of a stream go on from; JSON in sync_streams.
type position struct {
	Newest   stand.Mark           `json:"newest,omitzero"`   // sort value of the newest row on a head
	Modified stand.Mark           `json:"modified,omitzero"` // newest modified_at
	Nulls    int                  `json:"nulls,omitzero"`    // number of rows that were never modified; they come first in descending order
	Checked  time.Time            `json:"checked,omitzero"`  // until when passing dates have been handled, by Polar's clock
	Through  time.Time            `json:"through,omitzero"`  // of the newest mirrored change
	Reach    map[string]time.Time `json:"reach,omitempty"`   // by probe: up to when it has shown everything
	Began    map[string]time.Time `json:"began,omitempty"`   // by probe: when the first page of a large hot set was requested
	Complete time.Duration        `json:"-"`
	Short    *int                 `json:"short,omitempty"` // rows that Polar counted and the table lacked, at the first count after the sweep
	Odd      string               `json:"odd,omitempty"`   // which counts differed when their reason was last looked for
	Since    time.Time            `json:"since,omitzero"`  // start of the complete sweep that Short belongs to
	Page     map[string]int       `json:"page,omitempty"`  // by probe: where a large hot set goes on
	Asked    map[string]time.Time `json:"asked,omitempty"` // by slow probe, and the census: when it was last asked
	Cost     map[string]int       `json:"cost,omitempty"`  // the least each has cost, which is its cost while nothing changes
}

// present sets times that lie in the future to now, each by its own clock.
func (at *position) present(now, polar time.Time) {
	stand.Until(now, &at.Newest.Seen, &at.Modified.Seen)
	stand.Until(polar.UTC(), &at.Checked)
	for name, asked := range at.Asked {
		stand.Until(now, &asked)
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
