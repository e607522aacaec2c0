package daemon

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/serve"
	"syncd/internal/store/tails"
)

// listen takes the address of health, readiness, metrics and status, if there is to be one.
func (d *daemon) listen(ctx context.Context) (err error) {
	if d.Config.Listen == "" {
		return nil
	}
	d.server, err = serve.Listen(ctx, serve.Config{
		Addr: d.Config.Listen,
		Ready: []serve.Check{
			{Name: "database", Ask: d.org.Store.Ping},
			{Name: "schema", Ask: d.org.Store.CheckSchema},
			{Name: "polar", Ask: d.checkPolar, Note: d.lastAnswer},
		},
		Status:  d.status,
		Metrics: d.metrics,
		Log:     d.Log,
	})
	return err
}

// address is where the server listens.
func (d *daemon) address() string {
	if d.server == nil {
		return "off"
	}
	return d.server.Addr()
}

// checkPolar tells why Polar cannot be read from, by what this process knows and by when Polar last answered any process.
func (d *daemon) checkPolar(ctx context.Context) error {
	if err := d.access.problem(); err != nil {
		return err
	}
	most := longestSilence(d.config())
	at, ago, err := d.org.Store.Polar().LastAnswer(ctx)
	switch {
	case err != nil:
		return err
	case most > 0 && ago > most:
		return fmt.Errorf("Polar last answered %s ago, at %s; not ready after %s without an answer", humanize.Span(ago), at.Format(time.RFC3339), humanize.Span(most))
	}
	return nil
}

// longestSilence is for how long Polar may be silent before the daemon is not ready: three rounds of tails, and at least five
// minutes, in which a request is repeated and a pause of the limit ends. Without tails nobody asks often enough to tell: 0.
func longestSilence(cfg *config.Config) time.Duration {
	if cfg.Tail <= 0 {
		return 0
	}
	return max(3*cfg.Tail, 5*time.Minute)
}

// lastAnswer is said where all is well.
func (d *daemon) lastAnswer(ctx context.Context) string {
	if at, ago, err := d.org.Store.Polar().LastAnswer(ctx); err == nil && !at.IsZero() {
		return "last answered " + humanize.Span(ago) + " ago, at " + at.Format(time.RFC3339)
	}
	return ""
}

// showFreshness brings the gauges up to date. Where that fails, the next run does it.
func (d *daemon) showFreshness(ctx context.Context) {
	fresh, err := d.org.Store.Streams().Freshness(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics do not tell how fresh the streams are", "error", err)
	}
	for stream, f := range fresh {
		d.metrics.SetFreshness(stream, f.DataThrough, f.PolledAt, f.Pending)
	}
	drift, err := d.org.Store.Streams().OpenDrift(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics do not tell of drift", "error", err)
	} else {
		d.metrics.SetDrift(drift)
	}
	feeds, err := tails.New(d.org.Store.Pool()).Feeds().List(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "the metrics do not tell how late the feeds are", "error", err)
	}
	for _, f := range feeds {
		d.metrics.SetFeed(f.Name, f.Lag, f.StandsStill)
	}
}

// warnDays is how long before the end of a version the log warns of it.
const warnDays = 45

// warnOfVersion tells in time that Polar will retire the version that is asked for.
func (d *daemon) warnOfVersion(ctx context.Context) {
	v, known := fetch.FindVersion(d.Config.PolarVersion)
	if left := v.DaysLeft(d.org.Client.Now()); known && left < warnDays {
		d.Log.WarnContext(ctx, "Polar retires the version of its API that is configured: set polar_version to a newer one, or upgrade syncd; until then its current one is used when that day comes",
			"polar_version", v.Name, "ends", v.Ends.Format(time.DateOnly), "days_left", left)
	}
}
