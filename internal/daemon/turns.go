package daemon

import (
	"context"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
)

// freshRequests is how many requests a round has to spare for what shows changes late, where the budget sustains so many a minute. At
// most half of them go into the slow probes of the round, the rest into sweeps in turn.
func freshRequests(cfg *config.Config, perMinute float64) float64 {
	return perMinute * float64(cfg.FreshShare) / 100 * cfg.Tail.Minutes()
}

// SparedForProbes is the part of them for slow probes.
func SparedForProbes(cfg *config.Config, client *fetch.Client) int {
	return int(freshRequests(cfg, client.SustainedRate()) / 2)
}

// turnOf is a stream's turn to be swept; false if it takes none: an export is a second source, of one moment, and a stream whose
// schedule is off is swept by hand.
func turnOf(cfg *config.Config, stream string, export bool, requests int, age time.Duration) (sched.Turn, bool) {
	return sched.Turn{Name: stream, Cost: requests, Age: age}, !export && cfg.ScheduleOf(stream) != sched.Off
}

// tailOnce makes a round with what it may spare, and returns how many requests are left for sweeps in turn.
func (d *Runner) tailOnce(ctx context.Context) (res mirror.Result, left float64, err error) {
	fresh := freshRequests(d.config(), d.org.Client.SustainedRate())
	probes := SparedForProbes(d.config(), d.org.Client)
	res, unspent, err := d.org.Mirror.TailSparing(ctx, probes, d.config().FeedEvery())
	return res, fresh - float64(probes-unspent), err
}

// takeTurns brings forward the sweeps of streams that nothing else keeps fresh, as far as the requests go.
func (d *Runner) takeTurns(ctx context.Context, requests float64) error {
	next, err := d.nextTurns(ctx, requests)
	for _, stream := range next {
		if d.sched.RunSoon(stream) {
			d.Log.DebugContext(ctx, "a stream has its turn to be swept", "stream", stream)
		}
	}
	return err
}

// nextTurns are the streams to sweep with what a round has left.
func (d *Runner) nextTurns(ctx context.Context, requests float64) ([]string, error) {
	if requests <= 0 {
		return nil, nil
	}
	uncovered, err := tails.New(d.org.Store.Pool()).Uncovered(ctx)
	if err != nil {
		return nil, err
	}
	var waiting []sched.Turn
	for _, u := range uncovered {
		s := d.org.Mirror.Stream(u.Stream)
		if s == nil || d.config().StreamsOff[u.Stream] {
			continue
		}
		// What is saved is no reason to read twice within a round.
		if t, takes := turnOf(d.config(), u.Stream, s.IsExport(), u.Requests, u.Age); takes && u.Age > d.config().Tail/2 {
			waiting = append(waiting, t)
		}
	}
	return d.turns.Next(requests, waiting), nil
}

// foreseeTurns returns how often each stream has its turn.
func foreseeTurns(cfg *config.Config, costs tail.Forecast, perMinute float64) map[string]time.Duration {
	var jobs []sched.Turn
	for _, c := range costs.Streams {
		if t, takes := turnOf(cfg, c.Stream, c.Export, c.Requests, 0); takes && (c.Rounds == 0 || c.IsCounted()) && c.Refused == "" {
			jobs = append(jobs, t)
		}
	}
	return sched.ForeseeTurns(freshRequests(cfg, perMinute)-float64(costs.Round-tail.RoundRequests), cfg.Tail, jobs)
}
