package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fleetPlan says which fleet is measured.
type fleetPlan struct {
	organizations, customers int
	interval                 time.Duration // of tails
	during                   time.Duration // after all first syncs
	churn                    int           // changes a second, spread over all organizations
	replicas                 int
	kill                     time.Duration // how often one of them is killed; 0 = never
}

func (p *fleetPlan) flags() {
	flag.IntVar(&p.organizations, "organizations", 50, "organizations of the section fleet")
	flag.IntVar(&p.customers, "customers", 50, "customers of each of them")
	flag.DurationVar(&p.interval, "interval", time.Minute, "interval of their tails")
	flag.DurationVar(&p.during, "during", 5*time.Minute, "for how long they are measured after their first syncs")
	flag.IntVar(&p.churn, "churn", 1, "changes a second among all of them")
	flag.IntVar(&p.replicas, "replicas", 1, "processes that share them")
	flag.DurationVar(&p.kill, "kill", 0, "how often one of these is killed, and a new one started; 0 for never")
}

const (
	// leaseOfFleet is for how long a process that has died still holds its organizations.
	leaseOfFleet = 30 * time.Second
	// firstSyncs is how long all of them may take.
	firstSyncs = time.Hour
)

// fleet runs many organizations as a user would: one file of configuration, a file for each organization, syncd run. The tables of each
// organization tell how late it is. At the end they are compared with the simulator.
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
	text := fmt.Sprintf("database_url: %s\norganizations_dir: %s\ntail: %s\nfeed: off\nfresh_share: 0\nlisten: off\nlog_level: warn\n", dsn, organizations, f.interval)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	r := &replicas{config: config, log: filepath.Join(dir, "log")}
	defer func() { err = errors.Join(err, r.stop()) }()
	for range f.replicas {
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	w := &watchedFleet{bench: b, plan: f, dsn: dsn, polar: polar, replicas: r}
	began := time.Now()
	if err := w.ready(ctx); err != nil {
		return errors.Join(err, r.tellLog())
	}
	b.table.add(w.label("first syncs of all"), "s", nil, time.Since(began).Seconds())
	if err := w.measure(ctx); err != nil {
		return errors.Join(err, r.tellLog())
	}
	if err := w.compare(ctx); err != nil {
		return errors.Join(err, r.tellLog())
	}
	if err := r.stop(); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
}

// replicas are processes of syncd with one configuration.
type replicas struct {
	config, log string
	mu          sync.Mutex
	running     []*exec.Cmd
}

func (r *replicas) start(ctx context.Context) error {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has it
	cmd := exec.CommandContext(ctx, syncd, "run", "--config", r.config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = append(r.running, cmd)
	return nil
}

// replace kills the oldest, as a machine that fails does, and starts another.
func (r *replicas) replace(ctx context.Context) error {
	r.mu.Lock()
	oldest := r.running[0]
	r.running = r.running[1:]
	r.mu.Unlock()
	if err := oldest.Process.Kill(); err != nil {
		return err
	}
	_ = oldest.Wait() // it was killed
	return r.start(ctx)
}

// stop asks all to end.
func (r *replicas) stop() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cmd := range r.running {
		err = errors.Join(err, cmd.Process.Signal(os.Interrupt))
	}
	for _, cmd := range r.running {
		_ = cmd.Wait() // a process that ends while its runs are broken off says so
	}
	r.running = nil
	return err
}

// tellLog is the end of what the processes said.
func (r *replicas) tellLog() error {
	text, err := os.ReadFile(r.log)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("the processes said last:\n%s", strings.Join(lines[max(0, len(lines)-20):], "\n"))
}

// each does something with every process that runs.
func (r *replicas) each(do func(pid int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cmd := range r.running {
		do(cmd.Process.Pid)
	}
}

// requestsOfAll counts them at the simulator.
func (p *polar) requestsOfAll(ctx context.Context) (float64, error) {
	var stats struct{ Requests float64 }
	err := p.control(ctx, http.MethodGet, "/sim/stats", "", &stats)
	return stats.Requests, err
}
