package daemon

import (
	"context"

	"syncd/internal/fetch/limit"
	"syncd/internal/tail"
)

// askFeeds makes one round of feeds, when Polar can be read from.
func (d *Runner) askFeeds(ctx context.Context, q tail.Question) (a tail.Answer, err error) {
	for again := true; again; again = concernsAll(a.Err) && d.isShutOut(ctx, a.Err) {
		if !d.awaitPolar(ctx) {
			return a, context.Canceled
		}
		if a, err = d.feedOnce(ctx, q); err != nil {
			return a, d.untold(ctx, "feed", err)
		}
	}
	if a.News {
		if err := d.followUp(ctx); err != nil {
			_ = d.untold(ctx, "feed", err) // the round itself is made
		}
	}
	return a, nil
}

// feedOnce makes the round in a place.
func (d *Runner) feedOnce(ctx context.Context, q tail.Question) (tail.Answer, error) {
	if d.Beside.rounds.Take(ctx, d.Stop) {
		defer d.Beside.rounds.Free()
	}
	return d.org.Mirror.Feed(ctx, q)
}

// feedRate is how many requests a minute the budget sustains, at the pace that refusals have left.
func (d *Runner) feedRate() float64 { return limit.SustainedRate(d.client.Budget().Pace) }
