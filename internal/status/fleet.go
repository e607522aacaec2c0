package status

import "time"

// States of an organization in a fleet.
const (
	StateHere      = "here"      // this process runs it
	StateStarting  = "starting"  // this process opens it
	StateFailed    = "failed"    // this process cannot run it, and tries again
	StateElsewhere = "elsewhere" // another process runs it
	StateWaiting   = "waiting"   // nobody runs it yet
)

// Fleet is what /status and the page of a process show that runs many organizations.
type Fleet struct {
	Now           time.Time `json:"now"` // by the clock of the database
	Replica       string    `json:"replica"`
	Replicas      int       `json:"replicas"` // processes that share the organizations, this one included
	Organizations []Member  `json:"organizations"`
}

// Member is an organization of a fleet, as the process that answers knows it. Times without a value are left out.
type Member struct {
	Name    string `json:"name"`
	Schema  string `json:"schema,omitempty"`
	State   string `json:"state"`
	Replica string `json:"replica,omitempty"` // that runs it
	Problem string `json:"problem,omitempty"` // why nothing is read
	Summary
}

// Summary is how the streams of an organization stand, in short.
type Summary struct {
	// CurrentAt is the earliest of its streams: no change of before that moment is known to be missing, as far as tails can see it.
	CurrentAt  time.Time `json:"current_at,omitzero"`
	PolledAt   time.Time `json:"polled_at,omitzero"`         // when Polar last answered a tail
	CompleteAt time.Time `json:"complete_at,omitzero"`       // the earliest of the last complete sweeps of its streams
	Missing    []string  `json:"missing,omitempty"`          // streams that are not whole as of their last complete sweep
	First      int       `json:"not_yet_complete,omitempty"` // streams without a complete sweep
	Pending    int64     `json:"pending_changes,omitempty"`
	Rejects    int64     `json:"open_rejects,omitempty"`
	Held       int64     `json:"held_deletions,omitempty"`
	Drift      int64     `json:"open_drift,omitempty"`
}

// IsFresh: this process reads it, and Polar answered a round, or all sweeps, within three of the intervals of rounds. every is how long
// that is; 0 = no rounds are made.
func (m Member) IsFresh(now time.Time, every time.Duration) bool {
	at := m.PolledAt
	if m.CompleteAt.After(at) {
		at = m.CompleteAt
	}
	return m.State == StateHere && m.Problem == "" && (every == 0 || now.Sub(at) <= 3*every+time.Minute)
}
