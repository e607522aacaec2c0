package status

import "time"

// Report is what /status, the page and `syncd status` show.
type Report struct {
	Now          time.Time `json:"now"` // by the clock of the database
	Schema       string    `json:"schema"`
	Organization string    `json:"organization,omitempty"`
	AnsweredAt   time.Time `json:"polar_answered_at,omitzero"` // when Polar last answered any process; a refusal counts
	Tails        Round     `json:"tails"`
	Version      *Version  `json:"polar_version,omitempty"`
	Polar        string    `json:"polar,omitempty"` // why the daemon that answers cannot read from it
	Streams      []Stream  `json:"streams"`
	// Uncovered are streams that tails follow, but whose changes show only at the next sweep.
	Uncovered []string `json:"uncovered,omitempty"`
	Feeds     []Feed   `json:"feeds,omitempty"`
	Emptied   []string `json:"emptied,omitempty"`       // streams whose lists lost everything within a day
	Drift     int64    `json:"open_drift,omitempty"`    // differences from what this syncd knows of the API; see syncd drift
	Findings  int64    `json:"open_findings,omitempty"` // of audits
	Budget    *Budget  `json:"budget,omitempty"`

	Rounds   []Run     `json:"last_rounds,omitempty"` // of tails, newest first
	Runs     []Run     `json:"last_runs,omitempty"`   // all others, newest first
	Problems []Problem `json:"problems,omitempty"`    // what is wrong, and what to do; see Judge

	AnsweredAgo time.Duration `json:"-"` // by the clock of the database
}

// Run is a run of a stream, or a round of tails. Times without a value are left out.
type Run struct {
	ID         int64     `json:"id"`
	Stream     string    `json:"stream,omitempty"`
	Kind       string    `json:"kind"`
	Outcome    string    `json:"outcome"` // running, succeeded, partial, failed, interrupted, skipped
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Pages      int64     `json:"pages,omitempty"`
	Requests   int64     `json:"requests"`
	Inserted   int64     `json:"inserted"`
	Updated    int64     `json:"updated"`
	Rejected   int64     `json:"rejected"`
}

// Sweep is how far a sweep has come that is running or was interrupted.
type Sweep struct {
	Rows  int64   `json:"rows"`                   // received so far
	Total int64   `json:"total,omitempty"`        // that Polar counts; 0 where it does not
	Pages int64   `json:"pages"`                  // stored so far
	Left  float64 `json:"left_seconds,omitempty"` // until the end at the present speed; 0 = unknown
}

// Round is the last round of tails.
type Round struct {
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Requests   int64     `json:"requests"`
	Inserted   int64     `json:"inserted"`
	Updated    int64     `json:"updated"`
	Rejected   int64     `json:"rejected"`
	Interval   string    `json:"interval"`         // as configured
	Feeds      string    `json:"feeds,omitempty"`  // the interval of the rounds of feeds between them, as configured
	NextAt     time.Time `json:"next_at,omitzero"` // of the daemon that answers
}

// Version is the version of Polar's API that the mirror is read with.
type Version struct {
	Version  string    `json:"version"`
	Known    bool      `json:"known"`             // to this syncd
	Retired  string    `json:"retired,omitempty"` // the configured version that it replaces
	EndsAt   time.Time `json:"ends_at,omitzero"`  // the first day on which Polar may retire it
	DaysLeft *int      `json:"days_left,omitempty"`
}

// Stream is the state of one stream. Times without a value are left out.
type Stream struct {
	Stream     string    `json:"stream"`
	Outcome    string    `json:"outcome"` // of the last run: never, running, succeeded, partial, failed, interrupted, skipped
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	CompleteAt time.Time `json:"complete_at,omitzero"` // the table held all that Polar listed at that time
	// DataThrough: Polar's state of that moment is mirrored, as far as tails can see it.
	DataThrough time.Time `json:"data_through,omitzero"`
	PolledAt    time.Time `json:"polled_at,omitzero"` // when Polar last answered a tail
	// CurrentAt: no change of before that moment is known to be missing, and one would be known, as far as tails can see it.
	CurrentAt time.Time `json:"current_at,omitzero"`
	Pending   int64     `json:"pending_changes,omitempty"`
	SweepDue  string    `json:"sweep_due,omitempty"` // why a tail wants a sweep
	// FeedLag is how many seconds late, at least, the feeds that cover the stream tell of changes.
	FeedLag   float64  `json:"feed_lag_seconds,omitempty"`
	CoveredBy []string `json:"covered_by,omitempty"` // what shows changes between sweeps
	Rows      int64    `json:"rows"`                 // as each write keeps the number: sync_row_counts
	// RowsCorrectedBy is what the last count of the table, by a complete sweep, has added to that number; 0 = it was right.
	RowsCorrectedBy int64 `json:"rows_corrected_by,omitempty"`

	Pages    int64  `json:"pages"`
	Requests int64  `json:"requests"`
	Inserted int64  `json:"inserted"`
	Updated  int64  `json:"updated"`
	Rejected int64  `json:"rejected"`
	Held     int64  `json:"held_deletions,omitempty"` // how many the brake holds back
	HeldRun  int64  `json:"held_run,omitempty"`       // the run to approve
	WaitsFor string `json:"waits_for,omitempty"`      // what its sweep waits for, in the daemon that answers
	Off      string `json:"off,omitempty"`            // why it is synced only when it is named
	// Missing is why the table is not known to be whole as of complete_at, as syncd verify says it; "" = it is.
	Missing     string    `json:"missing,omitempty"`
	Unavailable string    `json:"unavailable,omitempty"`  // why Polar refuses the stream to this token
	Rejects     int64     `json:"open_rejects,omitempty"` // objects that could not be stored, and have not been since
	Sweep       *Sweep    `json:"sweep,omitempty"`        // the sweep that is running or was interrupted
	Schedule    string    `json:"schedule"`
	NextAt      time.Time `json:"next_at,omitzero"`
}

// Feed is the state of a change feed.
type Feed struct {
	Feed        string    `json:"feed"`
	AskedAt     time.Time `json:"asked_at"`              // when all of it was last read that may still come late
	PolledAt    time.Time `json:"polled_at,omitzero"`    // when Polar last answered a request for it
	ToldThrough time.Time `json:"told_through,omitzero"` // the newest change that it has told of
	Lag         float64   `json:"lag_seconds"`           // how late it tells of changes, at least
	Untold      int       `json:"untold,omitempty"`      // new rows that lists show and the feed has not told of
	StandsStill bool      `json:"stands_still,omitempty"`
}

// Budget is the state of the request budget that the processes on one schema share.
type Budget struct {
	PausedSeconds float64   `json:"paused_for_seconds,omitempty"` // left of a pause after a 429
	Processes     []Process `json:"processes"`
}

// Process is one process, as of its last request for tokens. Counts are since its start.
type Process struct {
	Process       string           `json:"process"`
	AskedAt       time.Time        `json:"asked_at"`
	Budget        int64            `json:"requests_per_minute"` // as configured
	Pace          int64            `json:"pace_per_minute"`     // the current pace: less than the budget after repeated refusals
	Used          int64            `json:"used_last_minute"`
	Left          int64            `json:"left_this_minute"`
	Requests      map[string]int64 `json:"requests"` // by priority
	RateLimited   int64            `json:"rate_limited"`
	PausedSeconds float64          `json:"paused_seconds"`
}
