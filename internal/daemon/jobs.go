package daemon

import (
	"context"
	"errors"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/store"
	"syncd/internal/store/tails"
)

// jobs are the sweeps of all streams that are on, the audit of metrics, and the rounds of tails. An overdue job runs at the start.
func (d *Runner) jobs(ctx context.Context, now time.Time) ([]sched.Job, error) {
	states, err := d.org.Store.Streams().Statuses(ctx, d.Config.StreamsOn())
	if err != nil {
		return nil, err
	}
	var jobs []sched.Job
	for _, st := range states {
		d.Metrics.SetLastSuccess(st.Stream, st.SucceededAt)
		d.Metrics.SetRows(st.Stream, st.Rows)
		spec := d.Config.ScheduleOf(st.Stream)
		overdue, err := sched.Overdue(spec, d.Config.Timezone, st.SucceededAt, now)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, sched.Job{Name: st.Stream, Spec: spec, AtStart: overdue || st.Unfinished, Run: d.sweepJob(st.Stream)})
	}
	rounds, err := d.tailJob(ctx)
	if err != nil {
		return nil, err
	}
	return append(jobs, sched.Job{Name: auditJob, Spec: auditSchedule(d.Config), Run: d.auditMetrics}, rounds), nil
}

// sweepJob makes one run of a stream. Only a failed run is tried again soon. A run is partial because some items cannot be
// stored, or because rows came and went meanwhile; reading the whole stream again would cost the same for little.
func (d *Runner) sweepJob(stream string) func(context.Context) error {
	var w waiting
	return func(ctx context.Context) error {
		d.awaitOpenings(ctx)
		if err := d.mayRead(); err != nil {
			return err
		}
		switch swept, err := d.awaitParent(ctx, stream, &w); {
		case err != nil:
			return d.untold(ctx, stream, err)
		case swept:
			return nil
		}
		res := d.org.Mirror.SweepOnce(ctx, stream)
		if concernsAll(res.Err) && !res.Unavailable && d.isShutOut(ctx, res.Err) {
			return errShutOut()
		}
		if busy, is := errors.AsType[*store.BusyError](res.Err); is {
			return d.awaitLease(ctx, stream, &w, busy)
		}
		d.stopWaiting(stream, &w)
		d.notices.costed.Store(false)
		d.sched.Hurry() // sweeps that wait for this one
		d.showFreshness(ctx)
		d.showStandings(ctx)
		if res.Outcome == mirror.Failed && !errors.Is(res.Err, fetch.ErrScope) {
			return res.Err
		}
		return nil
	}
}

// runTails makes one round of tails, and brings forward the sweeps that the tails want.
func (d *Runner) runTails(ctx context.Context) error {
	if err := d.mayRead(); err != nil {
		return err
	}
	d.notices.say(ctx, d)
	res, fresh, err := d.tailOnce(ctx)
	if err != nil {
		return d.untold(ctx, "tail", err)
	}
	if concernsAll(res.Err) && d.isShutOut(ctx, res.Err) {
		return errShutOut()
	}
	if busy, is := errors.AsType[*store.BusyError](res.Err); is {
		if err := d.awaitRound(ctx, busy); err != nil {
			return err
		}
	}
	d.tailed = true
	d.showStandings(ctx)
	if err := d.followUp(ctx); err != nil {
		return d.untold(ctx, "tail", err)
	}
	if res.Outcome == mirror.Failed {
		return res.Err
	}
	return d.takeTurns(ctx, fresh)
}

// untold logs why a job fails that made no run, whose line would tell it.
func (d *Runner) untold(ctx context.Context, job string, err error) error {
	if again := (*sched.Again)(nil); ctx.Err() == nil && !errors.As(err, &again) {
		d.Log.WarnContext(ctx, "a job fails", "job", job, "reason", err)
	}
	return err
}

// followUp shows what a round has changed, and brings forward the sweeps that it wants.
func (d *Runner) followUp(ctx context.Context) error {
	d.showFreshness(ctx)
	due, err := tails.New(d.org.Store.Pool()).SweepsDue(ctx)
	if err != nil {
		return err
	}
	for stream, reason := range due {
		if d.sched.RunSoon(stream) {
			d.Log.InfoContext(ctx, "a tail brings a sweep forward", "stream", stream, "reason", reason)
		}
	}
	return nil
}

// auditJob is the name of the audit of metrics among the jobs; no stream has it.
const auditJob = "audit"

// auditSchedule is when metrics are audited: never without the stream.
func auditSchedule(cfg *config.Config) string {
	if cfg.StreamsOff["metrics"] {
		return sched.Off
	}
	return cfg.Audit
}

// auditMetrics compares Polar's metrics with the mirror's rows. Findings are in sync_findings; the next audit comes as scheduled.
func (d *Runner) auditMetrics(ctx context.Context) error {
	report, err := d.org.Mirror.AuditMetrics(ctx)
	if err != nil {
		return err
	}
	for _, c := range report.Checks {
		line := d.Log.With("findings", len(report.Findings), "note", c.Note)
		switch {
		case c.Failed != "":
			line.InfoContext(ctx, "metrics were not audited", "reason", c.Failed)
		case report.Clean():
			line.InfoContext(ctx, "metrics agree with the mirror")
		default:
			line.WarnContext(ctx, "metrics differ from what the mirror's rows give: see sync_findings", "first", report.Findings[0].Key)
		}
	}
	return nil
}
