package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"syncd/bench/phases"
	"syncd/internal/polarsim"
)

// fleetPlan says which fleet is measured.
type fleetPlan struct {
	organizations, customers int
	interval                 time.Duration // of tails
	churn                    int           // changes a second, spread over all organizations
	streams                  string        // that they have: default, or these without some
	first                    time.Duration // for all first syncs, at most
	phases                   phases.List   // after these, one after the other
	compared                 int           // organizations; negative: all
	comparing                time.Duration // after which no comparison begins
}

func (p *fleetPlan) flags() {
	flag.IntVar(&p.organizations, "organizations", 50, "organizations of the section fleet")
	flag.IntVar(&p.customers, "customers", 50, "customers of each of them")
	flag.DurationVar(&p.interval, "interval", time.Minute, "interval of their tails")
	flag.IntVar(&p.churn, "churn", 1, "changes a second among all of them")
	flag.StringVar(&p.streams, "streams", "default", "streams that they have: default, or these without some, such as -metrics_export")
	flag.DurationVar(&p.first, "first", 3*time.Hour, "how long all first syncs may take")
	p.phases = phases.List{{Processes: 1, During: 5 * time.Minute}}
	flag.Var(&p.phases, "phases", "how many processes share them, for how long, and how often one of these is killed and a new one started: 1x5m,3x10m/1m")
	flag.IntVar(&p.compared, "compare", -1, "organizations that are compared with fresh mirrors at the end; -1 for all")
	flag.DurationVar(&p.comparing, "comparing", 2*time.Hour, "after which time no further organization is compared")
}

// leaseOfFleet is for how long a process that has died still holds its organizations.
const leaseOfFleet = 30 * time.Second

// settings are those of a server that is made for many organizations. Whatever is dropped takes a lock for each table, index, type, column's default
// and constraint; the server has room for max_locks_per_transaction times its connections, for all together. Catalogs grow by three megabytes
// an organization, which each new connection reads.
func (p *fleetPlan) settings() map[string]string {
	return map[string]string{
		"max_connections": "200", "max_locks_per_transaction": "512",
		"shared_buffers": fmt.Sprintf("%dMB", max(256, min(2*p.organizations, 4096))),
	}
}

// fleet runs many organizations as a user would: one file of configuration, a file for each organization, syncd run. The first syncs are
// made once; each phase is measured on what they left. At the end the organizations are compared with mirrors that are made anew.
func (b *bench) fleet(ctx context.Context, p plan) (err error) {
	f := p.fleet
	dir, err := os.MkdirTemp("", "syncd-fleet-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	organizations := filepath.Join(dir, "organizations")
	polar, err := startPolar(ctx, "--organizations", strconv.Itoa(f.organizations), "--customers", strconv.Itoa(f.customers), "--per-minute", "500", "--write-config", organizations)
	if err != nil {
		return err
	}
	defer polar.stop()
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "fleet.yaml")
	text := fmt.Sprintf("database_url: %s\norganizations_dir: %s\nstreams: %s\ntail: %s\nlease: %s\nfeed: off\nfresh_share: 0\nlisten: off\nlog_level: warn\n", dsn, organizations, f.streams, f.interval, leaseOfFleet)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	r := &replicas{config: config, log: log}
	defer func() { err = errors.Join(err, r.resize(ctx, 0)) }()
	w := &watchedFleet{bench: b, plan: f, dsn: dsn, polar: polar, replicas: r}
	if err := w.all(ctx); err != nil {
		return errors.Join(err, r.tellLog())
	}
	return b.pg.DropDatabase(ctx, name)
}

func (w *watchedFleet) all(ctx context.Context) error {
	w.phase = w.plan.phases[0]
	if err := w.replicas.resize(ctx, w.phase.Processes); err != nil {
		return err
	}
	began := time.Now()
	if err := w.ready(ctx); err != nil {
		return err
	}
	w.table.Add(w.label(fmt.Sprintf("first syncs, %d customers each", w.plan.customers)), "s", nil, time.Since(began).Seconds())
	for _, w.phase = range w.plan.phases {
		if err := w.replicas.resize(ctx, w.phase.Processes); err != nil {
			return err
		}
		if err := errors.Join(w.shared(ctx), w.followed(ctx, 1)); err != nil { // all run where they should, and what was late is not this phase's
			return err
		}
		if err := w.measure(ctx); err != nil {
			return err
		}
	}
	if err := w.followed(ctx, 2); err != nil {
		return err
	}
	if err := w.replicas.resize(ctx, 0); err != nil {
		return err
	}
	if err := w.alone(ctx); err != nil {
		return err
	}
	return w.compare(ctx)
}

func tokenOf(n int) string { return fmt.Sprintf("%s_%04d", polarsim.AnyToken, n) }
