package main

import (
	"context"
	"errors"
	"os"
	"time"

	"syncd/bench/process"
)

// daemon is one at work: syncd run, on the mirror of a simulated organization with 10,000 orders and Polar's limit.
type daemon struct {
	*process.Process
	polar *polar
	dsn   string
}

// daemonPlan says how one is run. It makes rounds of tails and of feeds as here says, and no sweeps.
type daemonPlan struct {
	there, here []string // further flags of the simulator, and of the daemon
	environ     []string
	before      func(*polar) error               // is done before the mirror is made; nil = nothing
	prepare     func(p *polar, dsn string) error // and after that
}

// withDaemon makes a mirror, and runs the daemon while something is done.
func (b *bench) withDaemon(ctx context.Context, plan daemonPlan, do func(*daemon) error) error {
	polar, err := startPolar(ctx, append([]string{"--orders", "10000", "--per-minute", "500"}, plan.there...)...)
	if err != nil {
		return err
	}
	defer polar.stop()
	if plan.before != nil {
		if err := plan.before(polar); err != nil {
			return err
		}
	}
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	environ := append(append(polar.environ(dsn), "SYNCD_REQUESTS_PER_MINUTE=250"), plan.environ...)
	if _, err := process.Run(ctx, environ, syncd, "sync"); err != nil {
		return err
	}
	if plan.prepare != nil {
		if err := plan.prepare(polar, dsn); err != nil {
			return err
		}
	}
	p, err := process.Start(ctx, environ, os.Stderr, syncd, append([]string{"run", "--schedule", "off", "--jitter", "0s", "--listen", "off", "--log-level", "warn"}, plan.here...)...)
	if err != nil {
		return err
	}
	err = do(&daemon{p, polar, dsn})
	if err := errors.Join(err, p.Stop()); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
}

// pause lets time pass; false: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
