package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"syncd/bench/figures"
	"syncd/bench/process"
)

// limit reads orders under Polar's limit of 500 requests a minute, with the
// default share of it, which is half.
func (b *bench) limit(ctx context.Context, p plan) error {
	if p.limited == 0 {
		return nil
	}
	const granted = 250
	polar, err := startPolar(ctx, "--orders", strconv.Itoa(p.limited), "--per-minute", "500")
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "migrate", "up"); err != nil {
		return err
	}
	environ := append(polar.environ(dsn), "SYNCD_REQUESTS_PER_MINUTE="+strconv.Itoa(granted))
	u, err := process.Run(ctx, environ, syncd, "sync", "orders", "--no-migrate", "--log-level", "debug")
	if err != nil {
		return err
	}
	requests := float64(strings.Count(u.Output, `msg="request answered"`))
	b.table.Add(fmt.Sprintf("share used of %d requests a minute, %d orders", granted, p.limited), "ratio", figures.AtLeast(0.95), requests/u.Wall.Minutes()/granted)
	b.table.Add("429 meanwhile", "answers", figures.AtMost(0), float64(strings.Count(u.Output, "status=429")))
	return b.pg.DropDatabase(ctx, name)
}
