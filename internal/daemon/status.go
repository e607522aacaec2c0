package daemon

import (
	"context"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/sched"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/store/audits"
	"syncd/internal/store/tails"
)

func readVersion(ctx context.Context, s *store.Store, now time.Time) (*status.Version, error) {
	v, err := s.Polar().Version(ctx)
	if err != nil || v.Name == "" {
		return nil, err
	}
	report := &status.Version{Version: v.Name, Retired: v.Retired}
	if known, is := fetch.FindVersion(v.Name); is {
		left := known.DaysLeft(now)
		report.Known, report.EndsAt, report.DaysLeft = true, known.Ends, &left
	}
	return report, nil
}

// ReadStatus reads the state of all streams from the database; next returns when each runs again.
func ReadStatus(ctx context.Context, s *store.Store, cfg *config.Config, next func(store.StreamStatus) time.Time) (status.Report, error) {
	report := status.Report{Schema: s.Schema()}
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
	report.Tails = status.Round{Outcome: r.Outcome, Reason: r.Reason, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Rejected: r.Rejected, Interval: "off"}
	if cfg.Tail > 0 {
		report.Tails.Interval = humanize.Interval(cfg.Tail)
	}
	if every := cfg.FeedEvery(); every > 0 {
		report.Tails.Feeds = humanize.Interval(every)
	}
	for _, st := range list {
		f := fresh[st.Stream]
		report.Streams = append(report.Streams, status.Stream{
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
func uncovered(r status.Report) (names []string) {
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
	if !d.isOpen() {
		return nil, d.starting(ctx)
	}
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

func readFeeds(ctx context.Context, s *store.Store) ([]status.Feed, error) {
	feeds, err := tails.New(s.Pool()).Feeds().List(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]status.Feed, len(feeds))
	for i, f := range feeds {
		reports[i] = status.Feed{Feed: f.Name, AskedAt: f.AskedAt.UTC(), PolledAt: f.PolledAt.UTC(), ToldThrough: f.ToldThrough.UTC(), Lag: f.Lag.Seconds(), Untold: f.Untold, StandsStill: f.StandsStill}
	}
	return reports, nil
}
