// Package pgtest gives every test a PostgreSQL database of its own.
//
// A test process starts one server when the first test asks for a database, and stops it in [Main]. The server is the one that
// SYNCD_TEST_DATABASE_URL names; else a container, if Docker is healthy; else a private one ([localpg]).
// SYNCD_TEST_POSTGRES=container or =local forces one of the last two.
//
// Migrated copies a database to which all migrations were applied once per process. Tests share nothing but the server: each
// drops its database at its end.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"syncd/internal/localpg"
	"syncd/internal/store"
)

const (
	startTimeout    = 2 * time.Minute // a container image may have to be pulled first
	databaseTimeout = 30 * time.Second
)

// gcPercent is GOGC for test processes: worlds come and go, and memory is cheaper than the time to mark them.
const gcPercent = 400

// server is the one server of this test process.
var server shared

type shared struct {
	mu       sync.Mutex
	started  bool
	pg       *localpg.Server
	stop     func() error // of the container, if there is one
	err      error        // why there is no server; every test fails with it, and none tries again
	template string       // the migrated database, once it exists
}

// Main runs the tests and stops the server if one was started. It fails the process if goroutines are left over after tests that
// passed. It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	debug.SetGCPercent(gcPercent)
	code := m.Run()
	if err := server.close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: stop the server:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(ignored(server.stop != nil)...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: goroutines are left over:", err)
			code = 1
		}
	}
	return code
}

// Empty returns the DSN of a new empty database, dropped at the end of the test. The role may create schemas and
// roles in it.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// Migrated returns the DSN of a new database with all migrations applied in the schema "polar", dropped at the end
// of the test.
func Migrated(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	template, err := server.migrated(ctx)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return create(t, template)
}

func create(t testing.TB, template string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	pg, err := server.get(ctx)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := uniqueName()
	dsn, err := pg.CreateDatabase(ctx, name, template)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
		defer cancel()
		if err := pg.DropDatabase(ctx, name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return dsn
}

// uniqueName is a name that no other test process uses on a server they share.
func uniqueName() string { return "syncd_test_" + strings.ToLower(rand.Text()[:16]) }

// get starts the server on its first call.
func (s *shared) get(ctx context.Context) (*localpg.Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.pg, s.stop, s.err = start(ctx, os.Getenv)
	}
	return s.pg, s.err
}

// migrated is the name of a database with all migrations applied, made on the first call.
func (s *shared) migrated(ctx context.Context) (string, error) {
	pg, err := s.get(ctx)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.template != "" {
		return s.template, s.err
	}
	name := uniqueName()
	dsn, err := pg.CreateDatabase(ctx, name, "")
	if err == nil {
		err = migrate(ctx, dsn)
	}
	if err != nil {
		s.err = fmt.Errorf("make the migrated template: %w", err)
		return "", s.err
	}
	s.template = name
	return name, nil
}

// migrate applies all migrations and leaves no connection open: Postgres copies no database that somebody is connected to.
func migrate(ctx context.Context, dsn string) error {
	st, err := store.Open(ctx, store.Config{DSN: dsn, Schema: "polar"})
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.Migrate(ctx)
	return err
}

// close stops what get started. On a server given by DSN it drops the databases.
func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.pg != nil {
		err = s.pg.Close()
	}
	if s.stop != nil {
		err = errors.Join(err, s.stop())
	}
	return err
}
