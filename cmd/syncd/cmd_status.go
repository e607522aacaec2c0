package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/store"
)

type statusCmd struct {
	JSON bool `name:"json" help:"As JSON."`
	databaseFlags
	streamFlags
	scheduleFlags
}

func (cmd *statusCmd) Run(c *command) error {
	cfg, _, err := c.config(config.GroupDatabase)
	if err != nil {
		return err
	}
	return withStore(c, func(s *store.Store) error {
		ctx, release := c.interruptible()
		defer release()
		if err := s.CheckSchema(ctx); err != nil {
			return interrupted(ctx, err)
		}
		now, err := s.Now(ctx)
		if err != nil {
			return interrupted(ctx, err)
		}
		report, err := readStatus(ctx, s, cfg, func(st store.StreamStatus) time.Time { return expected(cfg, st, now) })
		if err != nil {
			return interrupted(ctx, err)
		}
		if cmd.JSON {
			out := json.NewEncoder(c.stdout)
			out.SetIndent("", "  ")
			return out.Encode(report)
		}
		return report.print(c, now)
	})
}

// statusReport is what /status and `syncd status` show.
type statusReport struct {
	Schema       string         `json:"schema"`
	Organization string         `json:"organization,omitempty"`
	AnsweredAt   time.Time      `json:"polar_answered_at,omitzero"` // when Polar last answered any process, a refusal included
	Tails        roundReport    `json:"tails"`
	Version      *versionReport `json:"polar_version,omitempty"`
	Polar        string         `json:"polar,omitempty"` // why the daemon that was asked cannot read from it
	Streams      []streamReport `json:"streams"`
	Feeds        []feedReport   `json:"feeds,omitempty"`
	Emptied      []string       `json:"emptied,omitempty"` // streams whose lists have lost everything within a day
	Budget       *budgetReport  `json:"budget,omitempty"`

	answered time.Duration // ago, by the clock of the database
}

// versionReport is the version of Polar's API that the mirror is read in.
type versionReport struct {
	Version  string    `json:"version"`
	Known    bool      `json:"known"`             // to this syncd
	Retired  string    `json:"retired,omitempty"` // the one configured, in whose place it is used
	EndsAt   time.Time `json:"ends_at,omitzero"`  // the first day on which Polar may retire it
	DaysLeft *int      `json:"days_left,omitempty"`
}

func readVersion(ctx context.Context, s *store.Store, now time.Time) (*versionReport, error) {
	v, err := s.Version(ctx)
	if err != nil || v.Name == "" {
		return nil, err
	}
	report := &versionReport{Version: v.Name, Retired: v.Retired}
	if known, is := fetch.FindVersion(v.Name); is {
		left := known.DaysLeft(now)
		report.Known, report.EndsAt, report.DaysLeft = true, known.Ends, &left
	}
	return report, nil
}

// line is the version in words.
func (r *versionReport) line() string {
	if r == nil {
		return "Polar-Version: not asked yet"
	}
	text := "Polar-Version " + r.Version
	switch {
	case !r.Known:
		text += ", which this syncd does not know: upgrade it"
	case *r.DaysLeft < 0:
		text += ", which Polar may retire any day"
	default:
		text += fmt.Sprintf(", served until about %s: %d days left", r.EndsAt.Format(time.DateOnly), *r.DaysLeft)
	}
	if r.Retired != "" {
		text += "; Polar has retired the configured " + r.Retired + ": set polar_version"
	}
	return text
}

// roundReport is the last round of tails.
type roundReport struct {
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

// streamReport is the state of one stream. Times that are not there are left out.
type streamReport struct {
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
	// FeedLag: by how many seconds the feeds that cover the stream tell late, at least.
	FeedLag   float64   `json:"feed_lag_seconds,omitempty"`
	CoveredBy []string  `json:"covered_by,omitempty"` // what shows changes between sweeps
	Rows      int64     `json:"rows"`
	Pages     int64     `json:"pages"`
	Requests  int64     `json:"requests"`
	Inserted  int64     `json:"inserted"`
	Updated   int64     `json:"updated"`
	Rejected  int64     `json:"rejected"`
	Held      int64     `json:"held_deletions,omitempty"` // that the brake holds back
	HeldRun   int64     `json:"held_run,omitempty"`       // to approve
	WaitsFor  string    `json:"waits_for,omitempty"`      // what keeps its sweep from beginning, in the daemon that was asked
	Off       string    `json:"off,omitempty"`            // why it is not synced unless it is named
	Schedule  string    `json:"schedule"`
	NextAt    time.Time `json:"next_at,omitzero"`
}

// readStatus reads the state of all streams; next tells when each runs again.
func readStatus(ctx context.Context, s *store.Store, cfg *config.Config, next func(store.StreamStatus) time.Time) (statusReport, error) {
	report := statusReport{Schema: s.Schema()}
	id, bound, err := s.Organization(ctx)
	if err != nil {
		return report, err
	}
	if bound {
		report.Organization = id.String()
	}
	list, err := s.Streams(ctx, cfg.StreamNames())
	if err != nil {
		return report, err
	}
	fresh, err := s.Freshness(ctx)
	if err != nil {
		return report, err
	}
	if report.Version, err = readVersion(ctx, s, time.Now()); err != nil {
		return report, err
	}
	if report.AnsweredAt, report.answered, err = s.LastAnswer(ctx); err != nil {
		return report, err
	}
	if report.Emptied, err = s.Emptied(ctx); err != nil {
		return report, err
	}
	r, err := s.LastRound(ctx)
	if err != nil {
		return report, err
	}
	report.Tails = roundReport{Outcome: r.Outcome, Reason: r.Reason, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Rejected: r.Rejected, Interval: "off"}
	if cfg.Tail > 0 {
		report.Tails.Interval = humanize.Interval(cfg.Tail)
	}
	for _, st := range list {
		f := fresh[st.Stream]
		report.Streams = append(report.Streams, streamReport{
			Stream: st.Stream, Outcome: st.Outcome, Reason: st.Reason,
			StartedAt: st.StartedAt.UTC(), FinishedAt: st.FinishedAt.UTC(), CompleteAt: st.CompleteAt.UTC(),
			Rows: st.Rows, Pages: st.Pages, Requests: st.Requests, Inserted: st.Inserted, Updated: st.Updated, Rejected: st.Rejected,
			Held: st.Held, HeldRun: st.HeldRun,
			DataThrough: f.DataThrough.UTC(), PolledAt: f.PolledAt.UTC(), Pending: f.Pending, SweepDue: f.SweepDue,
			FeedLag: max(0, f.FeedLag.Seconds()), CoveredBy: f.CoveredBy,
			Off: cfg.WhyOff(st.Stream), Schedule: cfg.ScheduleOf(st.Stream), NextAt: next(st),
		})
	}
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

// expected is when a daemon with this configuration would run a stream next. What is overdue it runs as it starts.
func expected(cfg *config.Config, st store.StreamStatus, now time.Time) time.Time {
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

func (r statusReport) print(c *command, now time.Time) error {
	organization := r.Organization
	if organization == "" {
		organization = "none yet"
	}
	if _, err := fmt.Fprintf(c.stdout, "Schema %s, organization %s\n\n", r.Schema, organization); err != nil {
		return err
	}
	t := table{head: []string{"STREAM", "ROWS", "LAST RUN", "OUTCOME", "COMPLETE AS OF", "DATA THROUGH", "POLLED", "NEXT RUN", "REASON"}, align: "lr"}
	for _, s := range r.Streams {
		next := humanize.Until(s.NextAt, now)
		if s.Schedule == sched.Off || s.Off != "" {
			next = "off"
		}
		if s.Off != "" {
			s.Outcome, s.Reason = "off", s.Off
		}
		t.add(s.Stream, humanize.Count(s.Rows), humanize.Ago(s.StartedAt, now), s.Outcome, humanize.Ago(s.CompleteAt, now), humanize.Ago(s.DataThrough, now), humanize.Ago(s.PolledAt, now), next, shorten(s.Reason, 80))
	}
	if err := t.print(c.stdout); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.stdout, "\n%s\n%s\n%s\n", r.Tails.line(now), r.lastAnswer(), r.Version.line()); err != nil {
		return err
	}
	for _, s := range r.Streams {
		if s.Held == 0 {
			continue
		}
		if _, err := fmt.Fprintf(c.stdout, "\n%s: run %d holds %s deletions back: see sync_suspects, and `syncd approve-deletions %d` if they are right\n", s.Stream, s.HeldRun, humanize.Count(s.Held), s.HeldRun); err != nil {
			return err
		}
	}
	for _, f := range r.Feeds {
		if line := f.line(now); line != "" {
			if _, err := fmt.Fprintf(c.stdout, "\n%s\n", line); err != nil {
				return err
			}
		}
	}
	if wrong := mirror.LooksWrong(r.Emptied); wrong != "" {
		if _, err := fmt.Fprintf(c.stdout, "\n%s\n", wrong); err != nil {
			return err
		}
	}
	return r.Budget.print(c, now)
}

// line is the last round of tails in words.
func (r roundReport) line(now time.Time) string {
	every := "Tails (every " + r.Interval + ")"
	if r.Interval == "off" {
		every = "Tails (off)"
	}
	if r.StartedAt.IsZero() {
		return every + ": no round yet"
	}
	text := fmt.Sprintf("%s: last round %s, %s, %s requests", every, humanize.Ago(r.StartedAt, now), r.Outcome, humanize.Count(r.Requests))
	if r.Reason != "" {
		text += ": " + shorten(r.Reason, 200)
	}
	return text
}

func (r statusReport) lastAnswer() string {
	if r.AnsweredAt.IsZero() {
		return "Polar has not answered yet"
	}
	return "Polar last answered " + humanize.Span(r.answered) + " ago"
}

// shorten keeps a reason within a line; --json has the whole.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
