package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/sched"
	"syncd/internal/serve"
	"syncd/internal/store/leases"
	"syncd/internal/store/pg"
)

const (
	// connections is how many a fleet has to the database, unless the connection string says otherwise; and one more for what must not
	// wait behind the work of organizations: leases, the clock, and whether the database answers.
	connections = 19
	// openings is how many organizations are opened at once. Opening one is all work of the database.
	openings = 4
	// feedsPerSecond is how many rounds of feeds a process makes at most: with more organizations each has its turn less often.
	feedsPerSecond = 10
	// mostClaimed is how many organizations a process takes at once: others may come up at the same time.
	mostClaimed = 50
)

// many is the work of a process that runs organizations, beside other processes that run the rest.
type many struct {
	p       *process
	gauges  *serve.Members
	beside  daemon.Beside
	names   *names
	id      string // of the replica
	host    string
	opened  chan struct{}   // closed when conns is there
	conns   *pg.Connections // of the organizations
	own     *pg.Connections // of the process
	changed chan struct{}   // holds a signal: look at once what is to be run

	mu      sync.Mutex
	away    error // why the database was not reached yet
	leases  *leases.Leases
	share   leases.Share
	running map[string]*member
	ending  sync.WaitGroup
}

func newMany(p *process, list []string) (*many, error) {
	if p.Config.WebhookListen != "" {
		return nil, config.Problems{errors.New("webhook_listen: a process with many organizations receives no webhooks, and asks the feeds instead: leave it out, or run an organization by itself with --organization")}
	}
	if p.Config.DatabaseURL == "" {
		return nil, config.Problems{errors.New("SYNCD_DATABASE_URL is not set: name the database of the fleet in it, or in database_url at the top of the configuration file")}
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	transport = transport.Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 64
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	m := &many{p: p, gauges: serve.NewMembers(p.Build, p.Config.StreamsOn()), names: newNames(p.Sources, p.Config.OrganizationsDir, list), host: host,
		opened: make(chan struct{}), changed: make(chan struct{}, 1), running: map[string]*member{}, away: errors.New("not connected yet")}
	m.beside = daemon.Beside{Transport: transport, Opening: sched.NewPlaces(openings), Feeds: m.feedEvery}
	p.metrics = m.gauges.Metrics
	return m, nil
}

// run runs what this process holds until it is told to stop.
func (m *many) run(ctx context.Context) error {
	starting, release := daemon.Interruptible(ctx, m.p.Stop)
	defer release()
	if err := m.connect(starting); err != nil {
		if starting.Err() != nil {
			return nil
		}
		return err
	}
	for {
		err := m.hold(ctx, starting)
		if starting.Err() != nil || ctx.Err() != nil {
			return nil
		}
		m.p.Log.WarnContext(ctx, "this process holds no organizations any more: it joins the fleet anew", "error", err)
		pause(starting, time.Second)
	}
}

// connect makes the connections that all share. It waits for a database that is not there yet.
func (m *many) connect(ctx context.Context) error {
	said := ""
	for tried := 0; ; tried++ {
		err := m.dial(ctx)
		if err == nil {
			most := int(m.conns.Config().MaxConns)
			m.beside.Connections, m.beside.Now = m.conns, m.clock(ctx)
			// With more sweeps at once, runs would wait for connections until they fail. Rounds are short, and have places of their own: what
			// waits for Polar holds a place and no connection.
			m.beside.Sweeps, m.beside.Rounds = sched.NewPlaces(most), sched.NewPlaces(2*most)
			m.setAway(nil)
			close(m.opened)
			return nil
		}
		if ctx.Err() != nil || !errors.Is(err, pg.ErrUnreachable) && !pg.IsLost(err) {
			return err
		}
		m.setAway(err)
		if text := err.Error(); text != said {
			said = text
			m.p.Log.WarnContext(ctx, "the database is not there: syncd asks again until it is", "error", err)
		}
		pause(ctx, min(time.Second<<min(tried, 4), 15*time.Second))
	}
}

// dial makes the first connection for each purpose.
func (m *many) dial(ctx context.Context) (err error) {
	of := pg.Config{DSN: m.p.Config.DatabaseURL.Reveal(), MaxConns: connections, Log: m.p.Log}
	if m.conns == nil {
		if m.conns, err = pg.Share(ctx, of); err != nil {
			return err
		}
	}
	of.Exactly = 1
	m.own, err = pg.Share(ctx, of)
	return err
}

// clock is the clock of the database: as it was lately, plus the time elapsed since.
func (m *many) clock(ctx context.Context) func() time.Time {
	const lately = 10 * time.Second
	ctx = context.WithoutCancel(ctx)
	var mu sync.Mutex
	var shown, read time.Time
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		if shown.IsZero() || time.Since(read) > lately {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			var at time.Time
			if err := m.own.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err == nil {
				shown, read = at, time.Now()
			} else if shown.IsZero() {
				return time.Now()
			}
		}
		return shown.Add(time.Since(read))
	}
}

// hold joins the fleet, and runs what it may until it is told to stop, or its leases are over.
func (m *many) hold(ctx, starting context.Context) error {
	lease := m.p.Config.Lease
	m.mu.Lock()
	m.id = fmt.Sprintf("%s/%d/%s", m.host, os.Getpid(), rand.Text()[:8])
	m.mu.Unlock()
	l, err := leases.Open(ctx, leases.Config{Connections: m.own, ID: m.id, Host: m.host, Lease: lease})
	if err != nil {
		return err
	}
	until := time.Now().Add(lease)
	if err := l.Join(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	m.leases = l
	m.mu.Unlock()
	m.p.Log.InfoContext(ctx, "joined the fleet", "replica", m.id)
	// What is held is given up a while before others may take it, by the time that has elapsed here.
	holding, giveUp := context.WithCancel(ctx)
	defer m.ending.Wait()
	defer giveUp()
	tick := time.NewTicker(lease / 6)
	defer tick.Stop()
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
		select {
		case <-tick.C:
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
	}
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
	// What is too much goes in steps, as others take it in steps.
	if over := len(mine) - share.Fair; over > 0 {
		mine = mine[:len(mine)-(over+3)/4]
	}
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

// start runs an organization until it is stopped, and gives it back. The caller holds the lock.
func (m *many) start(ctx context.Context, name string, l *leases.Leases) {
	one := newMember(ctx, m, name)
	m.running[name] = one
	m.ending.Go(func() {
		one.run()
		m.mu.Lock()
		delete(m.running, name)
		m.mu.Unlock()
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

func (m *many) listen(context.Context) error { return nil }

func (m *many) about() []any { return []any{"organizations", len(m.names.list())} }

func (m *many) close() {
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
		for _, one := range m.members() {
			one.reload()
		}
		m.wake()
	}
}

// reload has one organization read its configuration again.
func (m *many) reload(name string) {
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
