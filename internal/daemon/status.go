package daemon

import (
	"context"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/sched"
	"syncd/internal/store"
	"syncd/internal/store/audits"
	"syncd/internal/store/tails"
)

// Status is what /status and `syncd status` show.
type Status struct {
	Schema       string         `json:"schema"`
	Organization string         `json:"organization,omitempty"`
	AnsweredAt   time.Time      `json:"polar_answered_at,omitzero"` // when Polar last answered any process; a refusal counts
	Tails        RoundStatus    `json:"tails"`
	Version      *VersionStatus `json:"polar_version,omitempty"`
	Polar        string         `json:"polar,omitempty"` // why the daemon that answers cannot read from it
	Streams      []StreamStatus `json:"streams"`
	// Uncovered are streams that tails follow, but whose changes show only at the next sweep.
	Uncovered []string      `json:"uncovered,omitempty"`
	Feeds     []FeedStatus  `json:"feeds,omitempty"`
	Emptied   []string      `json:"emptied,omitempty"`       // streams whose lists lost everything within a day
	Drift     int64         `json:"open_drift,omitempty"`    // differences from what this syncd knows of the API; see syncd drift
	Findings  int64         `json:"open_findings,omitempty"` // of audits
	Budget    *BudgetStatus `json:"budget,omitempty"`

	AnsweredAgo time.Duration `json:"-"` // by the clock of the database
}

// VersionStatus is the version of Polar's API that the mirror is read with.
type VersionStatus struct {
	Version  string    `json:"version"`
	Known    bool      `json:"known"`             // to this syncd
	Retired  string    `json:"retired,omitempty"` // the configured version that it replaces
	EndsAt   time.Time `json:"ends_at,omitzero"`  // the first day on which Polar may retire it
	DaysLeft *int      `json:"days_left,omitempty"`
}

func readVersion(ctx context.Context, s *store.Store, now time.Time) (*VersionStatus, error) {
	v, err := s.Polar().Version(ctx)
	if err != nil || v.Name == "" {
		return nil, err
	}
	report := &VersionStatus{Version: v.Name, Retired: v.Retired}
	if known, is := fetch.FindVersion(v.Name); is {
		left := known.DaysLeft(now)
		report.Known, report.EndsAt, report.DaysLeft = true, known.Ends, &left
	}
	return report, nil
}

// RoundStatus is the last round of tails.
type RoundStatus struct {
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Requests   int64     `json:"requests"`
	Inserted   int64     `json:"inserted"`
	Updated    int64     `json:"updated"`
	Rejected   int64     `json:"rejected"`
	Interval   string    `json:"interval"` // as configured
}

// StreamStatus is the state of one stream. Times without a value are left out.
type StreamStatus struct {
	Stream     string    `json:"stream"`
	Outcome    string    `json:"outcome"` // of the last run: never, running, succeeded, partial, failed, interrupted, skipped
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	CompleteAt time.Time `json:"complete_at,omitzero"` // the table held all that Polar listed at that time
	// DataThrough: Polar's state of that moment is mirrored, as far as tails can see it.
	DataThrough time.Time `json:"data_through,omitzero"`
	PolledAt    time.Time `json:"polled_at,omitzero"` // when Polar last answered a tail
	Pending     int64     `json:"pending_changes,omitempty"`
	SweepDue    string    `json:"sweep_due,omitempty"` // why a tail wants a sweep
	// FeedLag is how many seconds late, at least, the feeds that cover the stream tell of changes.
	FeedLag   float64   `json:"feed_lag_seconds,omitempty"`
	CoveredBy []string  `json:"covered_by,omitempty"` // what shows changes between sweeps
	Rows      int64     `json:"rows"`
	Pages     int64     `json:"pages"`
	Requests  int64     `json:"requests"`
	Inserted  int64     `json:"inserted"`
	Updated   int64     `json:"updated"`
	Rejected  int64     `json:"rejected"`
	Held      int64     `json:"held_deletions,omitempty"` // how many the brake holds back
	HeldRun   int64     `json:"held_run,omitempty"`       // the run to approve
	WaitsFor  string    `json:"waits_for,omitempty"`      // what its sweep waits for, in the daemon that answers
	Off       string    `json:"off,omitempty"`            // why it is synced only when it is named
	Schedule  string    `json:"schedule"`
	NextAt    time.Time `json:"next_at,omitzero"`
}

// ReadStatus reads the state of all streams from the database; next returns when each runs again.
func ReadStatus(ctx context.Context, s *store.Store, cfg *config.Config, next func(store.StreamStatus) time.Time) (Status, error) {
	report := Status{Schema: s.Schema()}
	id, bound, err := s.Polar().Organization(ctx)
	if err != nil {
		return report, err
	}
	if bound {
		report.Organization = id.String()
	}
	list, err := s.Streams().Statuses(ctx, cfg.StreamNames())
	if err != nil {
		return report, err
	}
	fresh, err := s.Streams().Freshness(ctx)
	if err != nil {
		return report, err
	}
	if report.Version, err = readVersion(ctx, s, time.Now()); err != nil {
		return report, err
	}
	if report.AnsweredAt, report.AnsweredAgo, err = s.Polar().LastAnswer(ctx); err != nil {
		return report, err
	}
	if report.Emptied, err = s.Streams().ListEmptied(ctx); err != nil {
		return report, err
	}
	drift, err := s.Streams().OpenDrift(ctx)
	if err != nil {
		return report, err
	}
	report.Drift = drift.Total()
	if report.Findings, err = audits.New(s.Pool()).CountOpen(ctx); err != nil {
		return report, err
	}
	r, err := s.Streams().LastRound(ctx)
	if err != nil {
		return report, err
	}
	report.Tails = RoundStatus{Outcome: r.Outcome, Reason: r.Reason, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Rejected: r.Rejected, Interval: "off"}
	if cfg.Tail > 0 {
		report.Tails.Interval = humanize.Interval(cfg.Tail)
	}
	for _, st := range list {
		f := fresh[st.Stream]
		report.Streams = append(report.Streams, StreamStatus{
			Stream: st.Stream, Outcome: st.Outcome, Reason: st.Reason,
			StartedAt: st.StartedAt.UTC(), FinishedAt: st.FinishedAt.UTC(), CompleteAt: st.CompleteAt.UTC(),
			Rows: st.Rows, Pages: st.Pages, Requests: st.Requests, Inserted: st.Inserted, Updated: st.Updated, Rejected: st.Rejected,
			Held: st.Held, HeldRun: st.HeldRun,
			DataThrough: f.DataThrough.UTC(), PolledAt: f.PolledAt.UTC(), Pending: f.Pending, SweepDue: f.SweepDue,
			FeedLag: max(0, f.FeedLag.Seconds()), CoveredBy: f.CoveredBy,
			Off: cfg.WhyOff(st.Stream), Schedule: cfg.ScheduleOf(st.Stream), NextAt: next(st),
		})
	}
	report.Uncovered = uncovered(report)
	if report.Feeds, err = readFeeds(ctx, s); err != nil {
		return report, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return report, err
	}
	report.Budget, err = readBudget(ctx, s, now)
	return report, err
}

// uncovered are the streams whose changes wait for a sweep although tails follow them: the list is too long to be read in each
// round, and no endpoint tells of it. Before the first round it is empty.
func uncovered(r Status) (names []string) {
	if r.Tails.StartedAt.IsZero() || r.Tails.Interval == "off" {
		return nil
	}
	followed := map[string]bool{}
	for _, e := range catalog.Entries() {
		followed[e.Name] = !e.Tail.IsEmpty()
	}
	for _, st := range r.Streams {
		if followed[st.Stream] && st.Off == "" && len(st.CoveredBy) == 0 && !st.CompleteAt.IsZero() && st.CompleteAt.Before(r.Tails.StartedAt) {
			names = append(names, st.Stream)
		}
	}
	return names
}

// NextRun is when a daemon with this configuration would next run a stream. It runs an overdue one as it starts.
func NextRun(cfg *config.Config, st store.StreamStatus, now time.Time) time.Time {
	if cfg.StreamsOff[st.Stream] {
		return time.Time{}
	}
	spec := cfg.ScheduleOf(st.Stream)
	if overdue, err := sched.Overdue(spec, cfg.Timezone, st.SucceededAt, now); err != nil || overdue {
		return now
	}
	next, err := sched.Next(spec, cfg.Timezone, st.SucceededAt)
	if err != nil {
		return time.Time{} // the configuration has been checked
	}
	return next.UTC()
}

// status is what /status shows: what the database holds, and what only this process knows.
func (d *daemon) status(ctx context.Context) (any, error) {
	upcoming := d.sched.Upcoming()
	report, err := ReadStatus(ctx, d.org.Store, d.config(), func(st store.StreamStatus) time.Time { return upcoming[st.Stream].UTC() })
	if problem := d.access.problem(); problem != nil {
		report.Polar = problem.Error()
	}
	for i, s := range report.Streams {
		if what, is := d.waits.Load(s.Stream); is {
			report.Streams[i].WaitsFor, _ = what.(string)
		}
	}
	return report, err
}

// FeedStatus is the state of a change feed.
type FeedStatus struct {
	Feed        string    `json:"feed"`
	AskedAt     time.Time `json:"asked_at"`
	ToldThrough time.Time `json:"told_through,omitzero"` // the newest change that it has told of
	Lag         float64   `json:"lag_seconds"`           // how late it tells of changes, at least
	Untold      int       `json:"untold,omitempty"`      // new rows that lists show and the feed has not told of
	StandsStill bool      `json:"stands_still,omitempty"`
}

func readFeeds(ctx context.Context, s *store.Store) ([]FeedStatus, error) {
	feeds, err := tails.New(s.Pool()).Feeds().List(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]FeedStatus, len(feeds))
	for i, f := range feeds {
		reports[i] = FeedStatus{f.Name, f.AskedAt.UTC(), f.ToldThrough.UTC(), f.Lag.Seconds(), f.Untold, f.StandsStill}
	}
	return reports, nil
}
