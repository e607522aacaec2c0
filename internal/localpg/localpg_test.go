//go:build linux || darwin

package localpg

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	base := sharedDir(t)
	s := start(t, Options{Dir: base, Settings: map[string]string{"work_mem": "3MB"}})
	if got := query(t, s.DSN(), "SHOW work_mem"); got != "3MB" {
		t.Errorf("work_mem = %s, want the setting 3MB", got)
	}
	if got := query(t, s.DSN(), "SHOW fsync"); got != "off" {
		t.Errorf("fsync = %s, want the default off", got)
	}
	if got := query(t, s.DSN(), "SHOW listen_addresses"); got != "" {
		t.Errorf("listens on %q without being asked to", got)
	}
	dirs := clusterDirs(t, base)
	if len(dirs) != 1 {
		t.Fatalf("directories %q, want one", dirs)
	}
	info, err := os.Stat(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter the directory of the socket: %v", info.Mode())
	}

	// A session that is still open does not keep the server.
	connect(t, s.DSN())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if pids := processes(t, base); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
	if dirs := clusterDirs(t, base); len(dirs) != 0 {
		t.Errorf("directories %q are left", dirs)
	}
}

func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	base := sharedDir(t)
	const identifier = "SELECT system_identifier::text FROM pg_control_system()"
	one := start(t, Options{Dir: base})
	other := start(t, Options{Dir: base}) // whose sweep leaves the first alone
	if query(t, one.DSN(), identifier) == query(t, other.DSN(), identifier) {
		t.Error("both are the same cluster")
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	query(t, other.DSN(), identifier)
}

func TestTCP(t *testing.T) {
	t.Parallel()
	s := start(t, Options{TCP: true})
	u, err := url.Parse(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("listens on %s, want the loopback address alone", u.Hostname())
	}
	if got := query(t, s.DSN(), "SELECT current_user::text"); got != "postgres" {
		t.Errorf("user %s", got)
	}
	u.User = url.UserPassword("postgres", "guess")
	_, err = pgx.Connect(t.Context(), u.String())
	if pgErr := new(pgconn.PgError); !errors.As(err, &pgErr) || pgErr.Code != "28P01" {
		t.Errorf("a wrong password gave %v, want SQLSTATE 28P01", err)
	}
}

func TestCreateAndDropDatabase(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	ctx := t.Context()
	const name = `od"d-Näme`
	template, err := s.CreateDatabase(ctx, name, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := execOn(ctx, template, "CREATE TABLE t AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	copied, err := s.CreateDatabase(ctx, "copy", name)
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, copied, "SELECT n::text FROM t"); got != "7" {
		t.Errorf("the copy has %s, want 7", got)
	}
	if got := query(t, template, "SELECT current_database()::text"); got != name {
		t.Errorf("the DSN leads to %q, want %q", got, name)
	}
	if _, err := s.CreateDatabase(ctx, "copy", ""); err == nil || !strings.Contains(err.Error(), `create database "copy"`) {
		t.Errorf("making a database twice gave %v", err)
	}
	connect(t, copied)
	for range 2 {
		if err := s.DropDatabase(ctx, "copy"); err != nil {
			t.Error(err)
		}
	}
}

func TestGivenServer(t *testing.T) {
	t.Parallel()
	private := start(t, Options{})
	ctx := t.Context()
	given := start(t, Options{DSN: private.DSN(), BinDir: "/nonexistent"})
	if _, err := given.CreateDatabase(ctx, "made", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := given.CreateDatabase(ctx, "dropped", ""); err != nil {
		t.Fatal(err)
	}
	if err := given.DropDatabase(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	if _, err := private.CreateDatabase(ctx, "other", ""); err != nil {
		t.Fatal(err)
	}
	if err := given.Close(); err != nil {
		t.Fatal(err)
	}
	const left = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname IN ('made', 'dropped', 'other')"
	if got := query(t, private.DSN(), left); got != "other" {
		t.Errorf("databases left: %s; want the given server running, without what was made through it", got)
	}
}

func TestGivenServerUnreachable(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{DSN: "postgres://u:hunter2@127.0.0.1:1/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		timeout time.Duration
		o       Options
		want    string
	}{
		{"unknown setting", time.Minute, Options{Settings: map[string]string{"no_such_setting": "1"}}, `unrecognized configuration parameter "no_such_setting"`},
		{"no time at all", 0, Options{}, "deadline exceeded"},
		{"out of time", 150 * time.Millisecond, Options{}, "deadline exceeded"}, // initdb takes longer
		{"no such directory", time.Minute, Options{BinDir: "/nonexistent"}, "/nonexistent has no initdb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.o.Dir = sharedDir(t)
			ctx, cancel := context.WithTimeout(t.Context(), tc.timeout)
			defer cancel()
			_, err := Start(ctx, tc.o)
			if tc.o.BinDir == "" {
				needServer(t, err)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if dirs := clusterDirs(t, tc.o.Dir); len(dirs) != 0 {
				t.Errorf("directories %q are left", dirs)
			}
			if pids := processes(t, tc.o.Dir); len(pids) != 0 {
				t.Errorf("processes %v are left", pids)
			}
		})
	}
}

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ dsn, name string }{
		{"postgres://u:p@h:1/x?sslmode=disable", "new"},
		{"postgresql://u@h:1", "a b/c"},
		{"postgres://u@/x?host=/tmp&dbname=x&database=x", "new"},
		{"host=h user=u dbname=x", `qu'o"te\d`},
	} {
		dsn, err := withDatabase(tc.dsn, tc.name)
		if err != nil {
			t.Errorf("%s: %v", tc.dsn, err)
			continue
		}
		config, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if config.Database != tc.name || config.User != "u" {
			t.Errorf("%s leads to %q as %q, want %q as u", dsn, config.Database, config.User, tc.name)
		}
	}
	if _, err := withDatabase("postgres://u:hunter2@h:port/", "x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // its server may be gone
	return conn
}

// query is the one text value that a statement gives.
func query(t *testing.T, dsn, sql string) (value string) {
	t.Helper()
	conn := connect(t, dsn)
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return value
}
