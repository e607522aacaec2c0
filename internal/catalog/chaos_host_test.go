package catalog_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/worldtest"
)

// badDefaults are what a role or a database may have set for all that connect.
var badDefaults = []string{
	"client_encoding TO 'LATIN1'", "TimeZone TO 'Asia/Kolkata'", "DateStyle TO 'SQL, DMY'", "IntervalStyle TO 'sql_standard'",
	"default_transaction_isolation TO 'serializable'", "default_transaction_isolation TO 'repeatable read'",
	"standard_conforming_strings TO off", "bytea_output TO 'escape'", "extra_float_digits TO '-15'", "search_path TO public",
}

// chaosDatabase is a database with what DBAs and hosts do to it: bad defaults, and a pooler before it.
func chaosDatabase(t *testing.T, random *rand.Rand, sum *tally) (dsn, direct string) {
	t.Helper()
	dsn = pgtest.Migrated(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for range random.IntN(4) {
		bad := badDefaults[random.IntN(len(badDefaults))]
		if _, err := conn.Exec(t.Context(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "+strings.ReplaceAll(bad, "'", "''")+"', current_database()); END $$"); err != nil {
			t.Fatalf("%s: %v", bad, err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	modes := []string{"", "", "session", "transaction"}
	mode := modes[random.IntN(len(modes))]
	if mode == "" {
		return dsn, dsn
	}
	sum.pooled.Add(1)
	return pgtest.Pooler(t, dsn, mode, "default_pool_size=20"), dsn
}

// rob takes connections or leases away: from a process that was asleep for too long, or by a database that fails over.
func (h *harness) rob(ctx context.Context, t *testing.T, r *rand.Rand, sum *tally) {
	t.Helper()
	if r.IntN(3) == 0 {
		sum.kills.Add(int64(h.CutConnections(t)))
		return
	}
	tag, err := h.Store.Pool().Exec(ctx, "UPDATE sync_streams SET leased_until = now() WHERE lease_run IS NOT NULL AND random() < 0.5")
	if err == nil { // else the connection was cut
		sum.kills.Add(tag.RowsAffected())
	}
}

// reconnect leaves behind the connections that were cut. A pooler may refuse a client while it finds out about its own, or
// while it is started again.
func (h *harness) reconnect(t *testing.T) {
	t.Helper()
	h.Store.Pool().Reset()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		err := h.Store.Ping(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the database does not come back: %v", err)
		}
	}
}

// step sets the clock of the database, as a failover does to a server whose clock is behind, or ahead; and tells by how much.
func (h *harness) step(t *testing.T, r *rand.Rand, ahead time.Duration, daemon bool) time.Duration {
	t.Helper()
	by := []time.Duration{time.Minute, time.Hour, 24 * time.Hour}[r.IntN(3)]
	if r.IntN(2) == 0 {
		by = -by
	}
	pgtest.SetClock(t, h.Direct, ahead+by, h.Store.Pool())
	if daemon { // it has its own connections
		h.CutConnections(t)
	}
	return by
}

// buildSyncd makes the program that worlds of chaos run as a daemon.
func buildSyncd(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "syncd")
	if out, err := osexec.CommandContext(t.Context(), "go", "build", "-o", path, "syncd/cmd/syncd").CombinedOutput(); err != nil {
		t.Fatalf("build syncd: %v\n%s", err, out)
	}
	return path
}

// daemon is one life of `syncd run`: it ends with SIGKILL at any moment, of its start too, and none outlives ctx.
func (h *harness) daemon(ctx context.Context, t *testing.T, r *rand.Rand, syncd, dsn string, sum *tally) {
	life, end := context.WithTimeout(ctx, time.Duration(50+r.IntN(2000))*time.Millisecond)
	defer end()
	cmd := osexec.CommandContext(life, syncd, "run", "--listen", "off", "--schedule", "@every 1s", "--tail", "30s", "--jitter", "0s", "--lease", "1s",
		"--requests-per-minute", "60000", "--streams", strings.Join(chaosStreams(), ","))
	cmd.Env = append(os.Environ(), "SYNCD_DATABASE_URL="+dsn, "POLAR_SERVER="+h.HTTP.URL, "POLAR_ACCESS_TOKEN="+worldtest.Token)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	err := cmd.Run()
	sum.daemons.Add(1)
	// One whose connection is ended before it has begun says so and ends, as where the database cannot be reached; so does one
	// that starts and is told of no organization, of several, or of one without an id: a person has to look.
	says := func(text string) bool { return strings.Contains(log.String(), text) }
	refused := !says("syncd starts") && (says("SQLSTATE 57P01") || says("SQLSTATE 08P01") || says("database unreachable") || says("the connection to the database was lost"))
	if killed := life.Err() != nil; !killed && !refused && !says("syncd: organization: ") || says("panic") {
		t.Errorf("the daemon ended by itself: %v\n%s", err, log.String())
	}
}
