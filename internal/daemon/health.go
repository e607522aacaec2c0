package daemon

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/status"
	"syncd/internal/store/tails"
)

// CheckPolar returns why Polar cannot be read from, by what this process knows and by when Polar last answered any process.
func (d *Runner) CheckPolar(ctx context.Context) error {
	if err := d.access.problem(); err != nil {
		return err
	}
	most := longestSilence(d.config())
	if !d.IsOpen() {
		return nil
	}
	at, ago, err := d.org.Store.Polar().LastAnswer(ctx)
	switch {
	case err != nil:
		return err
	case most > 0 && ago > most:
		return fmt.Errorf("Polar last answered %s ago, at %s; not ready after %s without an answer", humanize.Span(ago), at.Format(time.RFC3339), humanize.Span(most))
	}
	return nil
}

// longestSilence is how long Polar may be silent before the daemon is not ready: three rounds of tails, and at least five
// minutes, in which a request is repeated and a pause of the limit ends. Without tails, requests are too rare to tell: 0.
func longestSilence(cfg *config.Config) time.Duration {
	if cfg.Tail <= 0 {
		return 0
	}
	return max(3*cfg.Tail, 5*time.Minute)
}

// LastAnswer is the note on a check that passes.
func (d *Runner) LastAnswer(ctx context.Context) string {
	if !d.IsOpen() {
		return ""
	}
	if at, ago, err := d.org.Store.Polar().LastAnswer(ctx); err == nil && !at.IsZero() {
		return "last answered " + humanize.Span(ago) + " ago, at " + at.Format(time.RFC3339)
	}
	return ""
}

// showFreshness updates the gauges that any news may move: it is called every few seconds, and asks two things. If that fails, the next
// round does it.
func (d *Runner) showFreshness(ctx context.Context) {
	fresh, err := d.org.Store.Streams().Freshness(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics on freshness could not be updated", "error", err)
	}
	for stream, f := range fresh {
		var current time.Time
		if len(f.CoveredBy) > 0 {
			current = currentAt(f)
		}
		d.Metrics.SetFreshness(stream, f.DataThrough, f.PolledAt, current, f.Pending)
	}
	feeds, err := tails.New(d.org.Store.Pool()).Feeds().List(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics on feeds could not be updated", "error", err)
	}
	var told time.Time
	for _, f := range feeds {
		d.Metrics.SetFeed(f.Name, f.Lag, f.StandsStill)
		if f.ToldThrough.After(told) {
			told = f.ToldThrough
		}
	}
	d.listenFor(ctx, told)
}

// showStandings updates the gauges that sweeps and rounds of tails move.
func (d *Runner) showStandings(ctx context.Context) {
	drift, err := d.org.Store.Streams().OpenDrift(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics on drift could not be updated", "error", err)
	} else {
		d.Metrics.SetDrift(drift)
	}
	standings, err := d.org.Store.Streams().Standings(ctx, d.config().StreamsOn())
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics on verdicts could not be updated", "error", err)
	}
	for _, st := range standings {
		d.Metrics.SetStanding(st.Stream, st.Unavailable == "", st.Missing() == "", st.CompleteAt, st.Rejects, st.Held)
		d.Metrics.SetRows(st.Stream, st.Rows)
	}
}

// warnOfVersion warns in time that Polar will retire the requested version.
func (d *Runner) warnOfVersion(ctx context.Context) {
	v, known := fetch.FindVersion(d.Config.PolarVersion)
	if left := v.DaysLeft(d.client.Now()); known && left < status.WarnDays {
		d.Log.WarnContext(ctx, "Polar will retire the configured version of its API: set polar_version to a newer one, or upgrade syncd; from that day on syncd uses Polar's current version",
			"polar_version", v.Name, "ends", v.Ends.Format(time.DateOnly), "days_left", left)
	}
}
