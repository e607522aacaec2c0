package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"syncd/bench/process"
)

// replicas are processes of syncd with one configuration.
type replicas struct {
	config string
	log    *os.File

	mu      sync.Mutex
	running []*process.Process
	started int
	ended   time.Duration     // processor time of those that have ended
	killed  map[int]time.Time // when, by the clock of the database, by process id
}

// replicaName begins the names under which the processes are known to Postgres, each by its own: so their connections can be counted.
const replicaName = "replica "

// resize starts processes, or asks the oldest to end, until there are so many.
func (r *replicas) resize(ctx context.Context, n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.running) < n {
		r.started++
		p, err := process.Start(ctx, []string{"PGAPPNAME=" + replicaName + strconv.Itoa(r.started)}, r.log, syncd, "run", "--config", r.config)
		if err != nil {
			return err
		}
		r.running = append(r.running, p)
	}
	leaving := r.running[:len(r.running)-n]
	r.running = r.running[len(leaving):]
	for _, p := range leaving {
		if err := p.Interrupt(); err != nil {
			return err
		}
	}
	for _, p := range leaving {
		u, _ := p.Wait() // a process that ends while its runs are broken off says so
		r.ended += u.CPU
	}
	return nil
}

// replace kills the oldest, as a machine that fails does, and starts another.
func (r *replicas) replace(ctx context.Context, now func(context.Context) (time.Time, error)) error {
	r.mu.Lock()
	n, oldest := len(r.running), r.running[0]
	r.running = r.running[1:]
	u, err := oldest.Kill()
	r.ended += u.CPU
	r.mu.Unlock()
	if err != nil {
		return err
	}
	at, err := now(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.killed == nil {
		r.killed = map[int]time.Time{}
	}
	r.killed[oldest.PID] = at
	r.mu.Unlock()
	return r.resize(ctx, n)
}

// alive returns an error if a process has ended by itself.
func (r *replicas) alive() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.running {
		if p.Ended() {
			_, err := p.Wait()
			return fmt.Errorf("a process ended by itself: %w", cmp.Or(err, errors.New("exit code 0")))
		}
	}
	return nil
}

// killedAt is when a process was killed.
func (r *replicas) killedAt(pid int) (at time.Time, was bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, was = r.killed[pid]
	return at, was
}

// busy is the processor time that all have taken so far.
func (r *replicas) busy() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := r.ended
	for _, p := range r.running {
		if own, _, err := process.Time(p.PID); err == nil {
			sum += own
		}
	}
	return sum
}

// largest is the largest resident set of one that runs, MB.
func (r *replicas) largest() (mb float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.running {
		mb = max(mb, process.Peak(p.PID))
	}
	return mb
}

// tellLog is the end of what the processes said.
func (r *replicas) tellLog() error {
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("the processes said last:\n%s", strings.Join(lines[max(0, len(lines)-20):], "\n"))
}
