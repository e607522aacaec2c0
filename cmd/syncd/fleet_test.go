package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// processes are those of a fleet of three organizations, and their database.
type processes struct {
	dsn     string
	conn    *pgx.Conn
	config  string
	schemas []string
	worlds  []*worldtest.Harness
	over    map[string]string // when the leases of processes ended that were killed or stood still, by the condition on the holder
}

// fleetOf prepares a fleet whose feeds are asked each second. The clock of the database is hours behind that of the processes: it alone counts.
func fleetOf(t *testing.T, lease time.Duration) *processes {
	t.Helper()
	p := &processes{dsn: pgtest.Empty(t), schemas: []string{"polar_org_1", "polar_org_2", "polar_org_3"}, over: map[string]string{}}
	pgtest.SetClock(t, p.dsn, -5*time.Hour)
	p.conn = pgtest.Connect(t, p.dsn)
	p.config, p.worlds = organizationsFile(t, fmt.Sprintf("database_url: %q\nstreams: products,customers,orders\ntail: 30s\nfeed: 1s\nschedule: '@daily'\njitter: 0s\nlease: %s\n", p.dsn+"&pool_max_conns=6", lease), p.schemas...)
	return p
}

func (p *processes) start(t *testing.T) *daemonUnderTest {
	t.Helper()
	return startDaemonOn(t, p.dsn, "", "--config", p.config)
}

// list is what a query gives, in order.
func (p *processes) list(t *testing.T, sql string) []string {
	t.Helper()
	return pgtest.List(t, p.conn, "SELECT x::text FROM ("+sql+") AS q(x)")
}

// of restricts holders to those of a process.
func of(d *daemonUnderTest) string { return fmt.Sprintf("holder LIKE '%%/%d/%%'", d.cmd.Process.Pid) }

// awaitHeld waits until a process has so many organizations, and has made a round of each.
func (p *processes) awaitHeld(t *testing.T, d *daemonUnderTest, most int) (names []string) {
	t.Helper()
	await(t, fmt.Sprintf("%d organizations", most), func() bool {
		if there := p.list(t, "SELECT to_regclass('syncd_fleet.organizations') IS NOT NULL"); there[0] != "true" {
			return false
		}
		names = p.list(t, "SELECT name FROM syncd_fleet.organizations WHERE "+of(d)+" ORDER BY name")
		if len(names) != most {
			return false
		}
		for _, name := range names {
			if runs := "polar_" + name + "_sync.sync_runs"; p.list(t, "SELECT to_regclass('"+runs+"') IS NOT NULL")[0] != "true" ||
				p.list(t, "SELECT count(DISTINCT stream) >= 3 FROM "+runs+" WHERE kind = 'sweep' AND outcome = 'succeeded'")[0] != "true" ||
				p.list(t, "SELECT count(*) > 0 FROM "+runs+" WHERE kind IN ('tail', 'feed') AND outcome = 'succeeded' AND "+of(d))[0] != "true" {
				return false
			}
		}
		return true
	})
	return names
}

// alone demands that no run of an organization overlaps one of another process. A run of a process that was killed, or stood still, ended when
// its lease did at the latest, whenever another process closed it: until then it may have been at work, and nobody else was.
func (p *processes) alone(t *testing.T) {
	t.Helper()
	over := "'infinity'::timestamptz"
	for theirs, until := range p.over {
		over = fmt.Sprintf("CASE WHEN outcome = 'interrupted' AND %s THEN '%s' ELSE %s END", theirs, until, over)
	}
	for _, schema := range p.schemas {
		if beside := p.list(t, `
			WITH runs AS (SELECT id, split_part(holder, '/', 2) AS pid, stream, kind, started_at, LEAST(finished_at, `+over+`) AS finished_at FROM `+schema+`_sync.sync_runs)
			SELECT format('%s %s of %s from %s to %s, and %s %s of %s from %s', a.kind, a.id, a.pid, a.started_at, a.finished_at, b.kind, b.id, b.pid, b.started_at)
			FROM runs a JOIN runs b ON a.pid <> b.pid AND b.started_at >= a.started_at AND b.started_at < a.finished_at`); len(beside) > 0 {
			t.Errorf("%s: at one time: %s", schema, strings.Join(beside, "; "))
		}
	}
}

// equal demands that changes come to all organizations.
func (p *processes) equal(t *testing.T) {
	t.Helper()
	for n, h := range p.worlds {
		h.World.Churn(5)
		awaitEqual(t, h, p.dsn, p.schemas[n])
	}
}

// One of two processes is killed, or stands still for longer than its lease: the other takes over when that is over and not before. The one that
// goes on after that begins nothing before it has joined the fleet anew.
func TestFleetOfProcesses(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const lease = 6 * time.Second
	p := fleetOf(t, lease)
	first := p.start(t)
	p.awaitHeld(t, first, 3)
	second := p.start(t)
	p.awaitHeld(t, second, 1)
	p.awaitHeld(t, first, 2)
	p.equal(t)

	// over is when the leases of a process end that is heard of no more.
	over := func(d *daemonUnderTest) string {
		t.Helper()
		until := p.list(t, "SELECT holds_until FROM syncd_fleet.replicas WHERE id LIKE '%/"+strconv.Itoa(d.cmd.Process.Pid)+"/%'")
		if len(until) != 1 {
			t.Fatalf("the process is known by %v", until)
		}
		p.over[of(d)] = until[0]
		return until[0]
	}
	takenAfter := func(names []string, until string) {
		t.Helper()
		for _, name := range names {
			if early := p.list(t, "SELECT since FROM syncd_fleet.organizations WHERE name = '"+name+"' AND since <= '"+until+"'"); len(early) > 0 {
				t.Errorf("%s was taken at %s, its lease lasted until %s", name, early[0], until)
			}
		}
	}

	stopped := p.awaitHeld(t, first, 2)
	first.signal(t, syscall.SIGSTOP)
	until := over(first)
	p.awaitHeld(t, second, 3)
	takenAfter(stopped, until)
	first.signal(t, syscall.SIGCONT)
	await(t, "the first to notice", func() bool { return strings.Contains(first.logged(), "joins the fleet anew") })
	again := p.awaitHeld(t, first, 1)
	for _, name := range stopped {
		since := "'infinity'"
		if slices.Contains(again, name) {
			since = "(SELECT since FROM syncd_fleet.organizations WHERE name = '" + name + "')"
		}
		if begun := p.list(t, "SELECT id FROM polar_"+name+"_sync.sync_runs WHERE "+of(first)+" AND started_at > '"+until+"' AND started_at < "+since); len(begun) > 0 {
			t.Errorf("%s: the first process began the runs %v after its leases were over", name, begun)
		}
	}
	p.equal(t)

	// One is killed, and replaced at once: the new one has what that one had, and the other keeps what it has.
	kept := p.awaitHeld(t, second, 2)
	since := "SELECT format('%s since %s', name, since) FROM syncd_fleet.organizations WHERE " + of(second) + " ORDER BY name"
	before := p.list(t, since)
	first.signal(t, syscall.SIGKILL)
	if code := first.end(t); code != -1 {
		t.Errorf("the killed one ended with %d", code)
	}
	until = over(first)
	third := p.start(t)
	killed := p.awaitHeld(t, third, 1)
	takenAfter(killed, until)
	p.equal(t)
	if after := p.list(t, since); !slices.Equal(after, before) {
		t.Errorf("%v changed hands: %v, before %v", kept, after, before)
	}
	p.alone(t)
	for _, d := range []*daemonUnderTest{second, third} {
		d.terminate(t)
		if code := d.end(t); code != exitComplete {
			t.Errorf("ended with %d", code)
		}
	}
}

// A process whose leases are over cannot know that if its own clock stood still meanwhile, as that of a suspended machine does. The database
// refuses what it begins.
func TestFleetRefusesWhoIsOver(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	p := fleetOf(t, time.Minute) // it asks every ten seconds whether it still has its leases
	d := p.start(t)
	names := p.awaitHeld(t, d, 3)
	var over string
	for tries := 1; !strings.Contains(d.logged(), "does not hold the organization"); tries++ { // it may ask before it begins a run
		if tries > 10 {
			t.Fatal("no run is refused")
		}
		noticed := strings.Count(d.logged(), "joins the fleet anew")
		over = d.row(t, "WITH gone AS (DELETE FROM syncd_fleet.replicas) SELECT clock_timestamp()::text")
		await(t, "the process to notice", func() bool { return strings.Count(d.logged(), "joins the fleet anew") > noticed })
		p.awaitHeld(t, d, 3)
	}
	for _, name := range names {
		if begun := p.list(t, "SELECT kind FROM polar_"+name+"_sync.sync_runs WHERE started_at > '"+over+"' AND started_at < (SELECT since FROM syncd_fleet.organizations WHERE name = '"+name+"')"); len(begun) > 0 {
			t.Errorf("%s: %v began after the leases were over", name, begun)
		}
	}
	p.equal(t)
}
