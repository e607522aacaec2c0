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
	"syncd/internal/store/recent"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
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

// ReadStatus reads the state of all streams from the database; next returns when each runs again. It reads little, however large the
// tables are.
func ReadStatus(ctx context.Context, s *store.Store, cfg *config.Config, next func(store.StreamStatus) time.Time) (report status.Report, err error) {
	list, err := s.Streams().Statuses(ctx, cfg.StreamNames())
	if err != nil {
		return report, err
	}
	report.Schema = s.Schema()
	for _, read := range []func(context.Context, *store.Store, *status.Report) error{readPolar, readFaults, readRecent, readFeeds} {
		if err := read(ctx, s, &report); err != nil {
			return report, err
		}
	}
	if report.Budget, err = readBudget(ctx, s, report.Now); err != nil {
		return report, err
	}
	report.Tails.Interval = "off"
	if cfg.Tail > 0 {
		report.Tails.Interval = humanize.Interval(cfg.Tail)
	}
	if every := cfg.FeedEvery(); every > 0 {
		report.Tails.Feeds = humanize.Interval(every)
	}
	if err := readStreams(ctx, s, cfg, list, &report); err != nil {
		return report, err
	}
	for i, st := range list {
		report.Streams[i].NextAt = next(st)
	}
	report.Uncovered = uncovered(report)
	report.Judge()
	return report, nil
}

// readPolar reads whose mirror it is, and when Polar last answered.
func readPolar(ctx context.Context, s *store.Store, report *status.Report) (err error) {
	if report.Now, err = s.Now(ctx); err != nil {
		return err
	}
	id, bound, err := s.Polar().Organization(ctx)
	if err != nil {
		return err
	}
	if bound {
		report.Organization = id.String()
	}
	if report.Version, err = readVersion(ctx, s, report.Now); err != nil {
		return err
	}
	report.AnsweredAt, report.AnsweredAgo, err = s.Polar().LastAnswer(ctx)
	return err
}

// readFaults counts what somebody should look at.
func readFaults(ctx context.Context, s *store.Store, report *status.Report) (err error) {
	if report.Emptied, err = s.Streams().ListEmptied(ctx); err != nil {
		return err
	}
	drift, err := s.Streams().OpenDrift(ctx)
	if err != nil {
		return err
	}
	report.Drift = drift.Total()
	report.Findings, err = audits.New(s.Pool()).CountOpen(ctx)
	return err
}

// How many of the last rounds and runs a report has.
const lastRounds, lastRuns = 40, 12

// readRecent reads the last runs and rounds.
func readRecent(ctx context.Context, s *store.Store, report *status.Report) error {
	r, err := s.Streams().LastRound(ctx)
	if err != nil {
		return err
	}
	report.Tails = status.Round{Outcome: r.Outcome, Reason: r.Reason, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Rejected: r.Rejected}
	lately := recent.New(s.Pool())
	rounds, err := lately.Rounds(ctx, lastRounds)
	if err != nil {
		return err
	}
	runs, err := lately.Runs(ctx, lastRuns)
	report.Rounds, report.Runs = shownRuns(rounds), shownRuns(runs)
	if len(rounds) > 0 && report.Rounds[0].Outcome == "" {
		report.Rounds[0].Outcome = report.Tails.Outcome // running, unless its process has died
	}
	return err
}

func shownRuns(list []recent.Run) (runs []status.Run) {
	for _, r := range list {
		runs = append(runs, status.Run{ID: r.ID, Stream: r.Stream, Kind: r.Kind, Outcome: r.Outcome, Reason: r.Reason, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
			Pages: r.Pages, Requests: r.Requests, Inserted: r.Inserted, Updated: r.Updated, Rejected: r.Rejected})
	}
	return runs
}

// readStreams reads how fresh each stream is, whether it is whole, and how far its sweep has come.
func readStreams(ctx context.Context, s *store.Store, cfg *config.Config, list []store.StreamStatus, report *status.Report) error {
	fresh, err := s.Streams().Freshness(ctx)
	if err != nil {
		return err
	}
	standings, err := s.Streams().Standings(ctx, cfg.StreamNames())
	if err != nil {
		return err
	}
	sweeps, err := recent.New(s.Pool()).Sweeps(ctx)
	if err != nil {
		return err
	}
	under := map[string]*status.Sweep{}
	for _, sw := range sweeps {
		under[sw.Stream] = &status.Sweep{Rows: sw.Rows, Total: sw.Total, Pages: sw.Pages, Left: sw.Left.Seconds()}
	}
	for i, st := range list {
		f, standing := fresh[st.Stream], standings[i]
		report.Streams = append(report.Streams, status.Stream{
			Stream: st.Stream, Outcome: st.Outcome, Reason: st.Reason,
			StartedAt: st.StartedAt.UTC(), FinishedAt: st.FinishedAt.UTC(), CompleteAt: st.CompleteAt.UTC(),
			Rows: st.Rows, RowsCorrectedBy: standing.CorrectedBy, Pages: st.Pages, Requests: st.Requests, Inserted: st.Inserted, Updated: st.Updated, Rejected: st.Rejected,
			Held: st.Held, HeldRun: st.HeldRun, Rejects: standing.Rejects, Missing: standing.Missing(), Unavailable: standing.Unavailable, Sweep: under[st.Stream],
			DataThrough: f.DataThrough.UTC(), PolledAt: f.PolledAt.UTC(), CurrentAt: currentAt(f).UTC(), Pending: f.Pending, SweepDue: f.SweepDue,
			FeedLag: max(0, f.FeedLag.Seconds()), CoveredBy: f.CoveredBy,
			Off: cfg.WhyOff(st.Stream), Schedule: cfg.ScheduleOf(st.Stream),
		})
	}
	return nil
}

// currentAt is the moment up to which a stream is current: when what shows its changes was last asked, less by how much that is
// late, unless a change waits to be fetched; and never before the last complete sweep. data_through is no measure of that: it
// stands still while nothing changes.
func currentAt(f store.Freshness) time.Time {
	at := f.PolledAt.Add(-max(0, f.FeedLag))
	switch {
	case len(f.CoveredBy) == 0 || f.PolledAt.IsZero():
		at = f.CompleteAt
	case f.Pending > 0 && f.DataThrough.Before(at):
		at = f.DataThrough
	}
	if at.Before(f.CompleteAt) {
		return f.CompleteAt
	}
	return at
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

// Status is what /status shows: the same as the page, as a value to encode.
func (d *Runner) Status(ctx context.Context) (any, error) { return d.Report(ctx) }

// Report is what the page shows: what the database holds, and what only this process knows.
func (d *Runner) Report(ctx context.Context) (report status.Report, err error) {
	if !d.IsOpen() {
		return report, d.starting(ctx)
	}
	report, err = ReadStatus(ctx, d.org.Store, d.config(), noNext)
	d.complete(&report)
	return report, err
}

// noNext leaves it open when a stream runs again: the daemon asks its scheduler.
func noNext(store.StreamStatus) time.Time { return time.Time{} }

// complete adds what only this process knows.
func (d *Runner) complete(report *status.Report) {
	upcoming := d.sched.Upcoming()
	if problem := d.access.problem(); problem != nil {
		report.Polar = problem.Error()
	}
	if report.Tails.Interval != "off" {
		report.Tails.NextAt = upcoming[tail.Name].UTC()
	}
	for i, s := range report.Streams {
		report.Streams[i].NextAt = upcoming[s.Stream].UTC()
		if what, is := d.waits.Load(s.Stream); is {
			report.Streams[i].WaitsFor, _ = what.(string)
		}
	}
	report.Judge()
}

func readFeeds(ctx context.Context, s *store.Store, report *status.Report) error {
	feeds, err := tails.New(s.Pool()).Feeds().List(ctx)
	for _, f := range feeds {
		report.Feeds = append(report.Feeds, status.Feed{Feed: f.Name, AskedAt: f.AskedAt.UTC(), PolledAt: f.PolledAt.UTC(), ToldThrough: f.ToldThrough.UTC(), Lag: f.Lag.Seconds(), Untold: f.Untold, StandsStill: f.StandsStill})
	}
	return err
}
