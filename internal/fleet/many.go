package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/serve"
	"syncd/internal/store/leases"
	"syncd/internal/store/pg"
)

const (
	// connections is how many a fleet has to the database, unless the connection string says otherwise; and one more for what must not
	// wait behind the work of organizations: leases, the clock, and whether the database answers.
	connections = 19
	// feedsPerSecond is how many rounds of feeds a process makes at most: with more organizations each has its turn less often.
	feedsPerSecond = 10
	// mostClaimed is how many organizations a process takes at once: others may come up at the same time.
	mostClaimed = 50
)

// believed is how long the leases of a process last that is not heard of: two thirds of what the configuration says. Until that is over
// others have taken what it had, and made the rounds that were due.
func (m *many) believed() time.Duration { return m.p.Config.Lease * 2 / 3 }

// many is the work of a process that runs organizations, beside other processes that run the rest.
type many struct {
	p       *process
	gauges  *serve.Members
	beside  daemon.Beside
	names   *names
	id      string // of the replica
	host    string
	conns   *pg.Connections // of the organizations
	own     *pg.Connections // of the process
	hooks   *daemon.Hooks   // nil = none
	changed chan struct{}   // holds a signal: look at once what is to be run

	mu      sync.Mutex
	away    error                 // why the database was not reached yet
	clock   *daemon.DatabaseClock // nil = it was not reached yet
	leases  *leases.Leases
	share   leases.Share
	over    time.Time // since when this process holds more than is fair; zero = it does not
	running map[string]*member
	ending  sync.WaitGroup
}

func newMany(p *process, list []string) (*many, error) {
	if p.Config.DatabaseURL == "" {
		return nil, config.Problems{errors.New("SYNCD_DATABASE_URL is not set: name the database of the fleet in it, or in database_url at the top of the configuration file")}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	m := &many{p: p, gauges: serve.NewMembers(p.Build, p.Config.StreamsOn()), names: newNames(p.Sources, p.Config.OrganizationsDir, list), host: host,
		changed: make(chan struct{}, 1), running: map[string]*member{}, away: errors.New("not connected yet")}
	p.metrics = m.gauges.Metrics
	return m, nil
}

// run runs what this process holds until it is told to stop.
func (m *many) run(ctx context.Context) (err error) {
	starting, release := daemon.Interruptible(ctx, m.p.Stop)
	defer release()
	if m.hooks != nil { // ends at the first signal: Polar tries again later, or at another process
		var received errgroup.Group
		received.Go(func() error { return m.hooks.Run(starting) })
		defer func() { err = errors.Join(err, received.Wait()) }()
		defer release()
	}
	err = m.await(starting, m.connect)
	for again := 0; err == nil && starting.Err() == nil; {
		var l *leases.Leases
		var until time.Time
		if err = m.await(starting, func(ctx context.Context) (err error) { l, until, err = m.join(ctx); return err }); err != nil {
			break
		}
		joined := time.Now()
		if err = m.hold(ctx, starting, l, until); errors.Is(err, leases.ErrOver) && starting.Err() == nil {
			m.p.Log.WarnContext(ctx, "this process holds no organizations any more: it joins the fleet anew", "error", err)
			if again++; time.Since(joined) > 2*m.believed() {
				again = 0
			}
			pause(starting, min(time.Second<<min(again, 10), longestPause))
			err = nil
		}
	}
	if starting.Err() != nil || ctx.Err() != nil {
		return nil
	}
	return err
}

// longestPause is the longest wait before a process joins the fleet anew.
const longestPause = 15 * time.Second

// await does something with the database as soon as that is there. It returns what waiting does not heal.
func (m *many) await(starting context.Context, do func(context.Context) error) error {
	return daemon.AwaitDatabase(starting, m.p.Log, m.setAway, pause, do)
}

// connect makes the connections that all share.
func (m *many) connect(ctx context.Context) (err error) {
	of := pg.Config{DSN: m.p.Config.DatabaseURL.Reveal(), MaxConns: connections, Log: m.p.Log}
	if m.conns == nil {
		if m.conns, err = pg.Share(ctx, of); err != nil {
			return err
		}
	}
	of.Exactly = 1
	if m.own, err = pg.Share(ctx, of); err != nil {
		return err
	}
	ask := func(ctx context.Context) (at time.Time, err error) {
		err = m.own.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at)
		return at, err
	}
	shown, err := ask(ctx)
	if err != nil {
		m.own.Close()
		m.own = nil
		return fmt.Errorf("%w: read its clock: %w", pg.ErrUnreachable, err)
	}
	clock := daemon.NewDatabaseClock(ctx, shown, ask)
	m.beside = daemon.NewBeside(m.conns, clock.Now, m.feedEvery)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away, m.clock = nil, clock
	return nil
}

// join makes the process a replica of the fleet. What it holds is believed until a time of this host.
func (m *many) join(ctx context.Context) (*leases.Leases, time.Time, error) {
	lease := m.believed()
	asking, done := context.WithTimeout(ctx, lease/2)
	defer done()
	id := fmt.Sprintf("%s/%d/%s", m.host, os.Getpid(), rand.Text()[:8])
	until := time.Now().Add(lease)
	l, err := leases.Open(asking, leases.Config{Connections: m.own, ID: id, Host: m.host, Lease: lease})
	if err == nil {
		until = time.Now().Add(lease)
		err = l.Join(asking)
	}
	if err != nil {
		if ctx.Err() == nil && asking.Err() != nil {
			err = fmt.Errorf("%w: no answer within %s: %w", pg.ErrUnreachable, lease/2, err)
		}
		return nil, until, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away, m.id, m.leases = nil, id, l
	m.p.Log.InfoContext(ctx, "joined the fleet", "replica", id)
	return l, until, nil
}

// hold runs what the process may run, until it is told to stop, or its leases are over: they are believed until a time of this host.
func (m *many) hold(ctx, starting context.Context, l *leases.Leases, until time.Time) error {
	lease := m.believed()
	// What is held is given up a while before others may take it, by the time that has elapsed here.
	holding, giveUp := context.WithCancelCause(ctx)
	defer m.ending.Wait()
	defer func() { giveUp(leases.ErrOver) }()
	if m.hooks != nil {
		m.ending.Go(func() { m.passOn(holding, l) })
	}
	for leaving := false; ; {
		asking, done := context.WithDeadline(ctx, until.Add(-lease/6))
		asked := time.Now()
		err := l.Renew(asking)
		if err == nil {
			until = asked.Add(lease)
			if !leaving {
				err = m.look(asking, holding, l)
			}
		}
		done()
		switch {
		case errors.Is(err, leases.ErrOver), time.Now().After(until.Add(-lease / 6)):
			return errors.Join(leases.ErrOver, err)
		case err != nil:
			m.p.Log.WarnContext(ctx, "what this process should run cannot be told: it goes on with what it has", "error", err)
		}
		if leaving && m.count() == 0 {
			return l.Leave(context.WithoutCancel(ctx))
		}
		again := time.NewTimer(m.lookAgain())
		select {
		case <-again.C:
		case <-m.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.stopping(starting, leaving):
			leaving = true
			if err := l.Leaving(ctx); err != nil {
				m.p.Log.WarnContext(ctx, "others are not told that this process ends", "error", err)
			}
			m.drain()
		}
		again.Stop()
	}
}

// lookAgain is when the leases are to be renewed, or sooner: when those of a replica that is not heard of end, or more can be claimed.
func (m *many) lookAgain() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := m.believed() / 6
	if m.share.Taken == mostClaimed {
		return after / 10
	}
	if next := m.share.Next; next > 0 && next < after {
		return next + 10*time.Millisecond
	}
	return after
}

// stopping is closed at the first signal, once.
func (m *many) stopping(starting context.Context, leaving bool) <-chan struct{} {
	if leaving {
		return nil
	}
	return starting.Done()
}

// look claims what is free, starts what this process holds, and stops what it should not run.
func (m *many) look(ctx, holding context.Context, l *leases.Leases) error {
	list := m.names.look(m.p.Log, m.reload)
	share, err := l.Claim(ctx, list, mostClaimed)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.share = share
	wanted := map[string]bool{}
	for _, name := range list {
		wanted[name] = true
	}
	mine := slices.DeleteFunc(slices.Clone(share.Held), func(name string) bool { return !wanted[name] })
	mine = mine[:len(mine)-m.tooMany(len(mine)-share.Fair)]
	keep := map[string]bool{}
	for _, name := range mine {
		keep[name] = true
		if m.running[name] == nil {
			m.start(holding, name, l)
		}
	}
	var free []string
	for name, one := range m.running {
		if !keep[name] {
			one.stop()
		}
	}
	for _, name := range share.Held {
		if !keep[name] && m.running[name] == nil {
			free = append(free, name)
		}
	}
	if len(free) > 0 {
		return l.GiveBack(ctx, free...)
	}
	return nil
}

// tooMany is how many organizations are to be given back now, of so many more than are fair: some at a time, as others take them in steps,
// and none before they have been too many for a lease. A replica that replaces one which was killed comes while that still counts; when
// the lease is over, it takes what that one had, and nothing else changes hands. The caller holds the lock.
func (m *many) tooMany(more int) int {
	switch {
	case more <= 0:
		m.over = time.Time{}
	case m.over.IsZero():
		m.over = time.Now()
	case time.Since(m.over) >= m.believed():
		return (more + 3) / 4
	}
	return 0
}

// start runs an organization until it is stopped, and gives it back. The caller holds the lock.
func (m *many) start(ctx context.Context, name string, l *leases.Leases) {
	one := newMember(ctx, m, name, l.Guard(name))
	m.running[name] = one
	m.ending.Go(func() {
		one.run()
		m.mu.Lock()
		delete(m.running, name)
		m.mu.Unlock()
		if errors.Is(context.Cause(ctx), leases.ErrOver) { // there is nothing to give back
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := l.GiveBack(ctx, name); err != nil {
			one.log.WarnContext(ctx, "others take the organization when its lease ends", "error", err)
		}
		m.wake()
	})
}

// wake has what is to be run looked at at once.
func (m *many) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *many) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.running)
}

func (m *many) members() []*member {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*member, 0, len(m.running))
	for _, one := range m.running {
		list = append(list, one)
	}
	return list
}

// feedEvery is how often each organization's feeds are asked at most.
func (m *many) feedEvery() time.Duration {
	return time.Duration(m.count()) * time.Second / feedsPerSecond
}

func (m *many) drain() {
	for _, one := range m.members() {
		one.stop()
	}
}

func (m *many) answers() {
	for _, one := range m.members() {
		if r := one.runner(); r != nil {
			r.Answers()
		}
	}
}

// runner runs the organization here; nil = none does.
func (m *many) runner(name string) *daemon.Runner {
	m.mu.Lock()
	one := m.running[name]
	m.mu.Unlock()
	if one == nil {
		return nil
	}
	return one.runner()
}

func (m *many) about() []any {
	webhooks := "off"
	if m.hooks != nil {
		webhooks = m.hooks.Addr()
	}
	return []any{"organizations", len(m.names.list()), "webhooks", webhooks}
}

func (m *many) close() {
	m.beside.Close()
	for _, c := range []*pg.Connections{m.conns, m.own} {
		if c != nil {
			c.Close()
		}
	}
}

func (m *many) setAway(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = err
}

// followReloads reads the configuration again when it is asked to: who there is, the settings of the process, and those of each.
func (m *many) followReloads(ctx context.Context) {
	for {
		select {
		case <-m.p.Reload:
		case <-ctx.Done():
			return
		}
		read, _, err := m.p.Sources.Load()
		if err == nil {
			err = m.names.read()
		}
		if err != nil {
			m.p.Log.ErrorContext(ctx, "the configuration could not be read again: syncd goes on with the previous one", slog.Any("error", err))
			continue
		}
		m.p.LogLevel.Set(read.LogLevel)
		m.rereadSecrets()
		for _, one := range m.members() {
			one.reload()
		}
		m.wake()
	}
}

// reload has one organization read its configuration again.
func (m *many) reload(name string) {
	m.rereadSecrets()
	m.mu.Lock()
	one := m.running[name]
	m.mu.Unlock()
	if one != nil {
		one.reload()
	}
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
