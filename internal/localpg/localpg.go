// Package localpg gives a throwaway PostgreSQL server to the demo, the tests and the benchmarks.
//
// The way of a server, in order:
//
//  1. Start uses the server of Options.DSN or, without one, looks for initdb and postgres (find.go).
//  2. It makes a directory, locks it, and removes the directories of dead processes (dir.go).
//  3. It chooses a user that may run Postgres (identity.go), and starts a guard, which makes the cluster and runs the server (cluster.go).
//  4. CreateDatabase makes databases. A Pooler puts PgBouncer in front of the server (pooler.go).
//  5. Close stops the server and removes the directory.
//
// Nothing is left behind: the guard stops the server and cleans up when its owner ends in any way, kill -9 included. If the guard
// is killed too, the next Start does it.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNoServer: no DSN was given and no server binaries were found. The error that wraps it names the remedies.
var ErrNoServer = errors.New("no PostgreSQL server found")

// ErrNoPooler: PgBouncer is not installed.
var ErrNoPooler = errors.New("no pgbouncer found: install the package pgbouncer")

// Options says which server to use.
type Options struct {
	// DSN of a running server whose role may create databases. If it is set, that server is used and never stopped; Close drops
	// only the databases that CreateDatabase made.
	DSN string
	// BinDir holds the binaries initdb and postgres. Empty: $PG_BIN, then $PATH, then the usual places of packages, newest
	// version first.
	BinDir string
	// Dir is where the private cluster makes its own directory, removed by Close. Empty: [os.TempDir].
	// Keep it short: the path of a Unix socket has at most 103 bytes.
	Dir string
	// TCP makes the private cluster listen on 127.0.0.1 as well, on a free port and with a random password, for programs that
	// cannot use a Unix socket. DSN then has the port and the password.
	TCP bool
	// Settings of the private cluster (postgresql.conf names). They override the defaults, which trade durability for speed.
	Settings map[string]string
	// Log gets a line for each stale cluster that was removed. Nil: nothing is logged.
	Log *slog.Logger
}

// Server is a PostgreSQL server: a private cluster of this process, or the server of a DSN. Several goroutines may use it.
type Server struct {
	dsn     string
	cluster *cluster // nil for the server of a DSN

	mu      sync.Mutex
	created []string // databases to drop at Close; only for the server of a DSN

	closeOnce sync.Once
	closeErr  error
}

// Start returns a server that accepts connections: that of Options.DSN, or a new private cluster.
//
// Only this user (and root) can reach a private cluster. It ends with Close, and also when this process ends in any other way,
// kill -9 included. ctx bounds only the start. Start works as root too, which PostgreSQL itself refuses: the server then runs as
// another user.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DSN != "" {
		s := &Server{dsn: o.DSN}
		if err := s.exec(ctx, "SELECT 1"); err != nil {
			return nil, fmt.Errorf("localpg: use the given server: %w", err)
		}
		return s, nil
	}
	bin, err := findBinaries(o.BinDir)
	if err != nil {
		return nil, err
	}
	c, err := startCluster(ctx, bin, o)
	if err != nil {
		return nil, fmt.Errorf("localpg: start a private server with %s: %w", bin, err)
	}
	return &Server{dsn: c.dsn, cluster: c}, nil
}

// DSN leads to the maintenance database. On a private cluster its role is a superuser.
func (s *Server) DSN() string { return s.dsn }

// CreateDatabase makes a database and returns its DSN. template names the database to copy, to which nobody may be connected;
// empty means the server's default.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) (string, error) {
	dsn, err := withDatabase(s.dsn, name)
	if err != nil {
		return "", fmt.Errorf("localpg: create database %q: %w", name, err)
	}
	sql := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize()
	if template != "" {
		sql += " TEMPLATE " + pgx.Identifier{template}.Sanitize()
		// Since Postgres 15 a template is copied block by block through the log unless one asks for its files: ten times the
		// work, which spares a checkpoint. Here a checkpoint costs nothing, as nothing is synced.
		if s.cluster != nil && s.cluster.version >= 15 {
			sql += " STRATEGY file_copy"
		}
	}
	if err := s.exec(ctx, sql); err != nil {
		return "", fmt.Errorf("localpg: create database %q: %w", name, err)
	}
	if s.cluster == nil {
		s.mu.Lock()
		s.created = append(s.created, name)
		s.mu.Unlock()
	}
	return dsn, nil
}

// DropDatabase ends every session of a database and drops it. A missing database is no error.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("localpg: drop database %q: %w", name, err)
	}
	s.mu.Lock()
	s.created = slices.DeleteFunc(s.created, func(n string) bool { return n == name })
	s.mu.Unlock()
	return nil
}

// Close stops a private cluster at once, even with open sessions, and removes its directory. On the server of a DSN it drops the
// databases that CreateDatabase made. Further calls return the result of the first.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		if s.cluster != nil {
			s.closeErr = s.cluster.stop()
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		s.mu.Lock()
		created := slices.Clone(s.created)
		s.mu.Unlock()
		for _, name := range created {
			s.closeErr = errors.Join(s.closeErr, s.DropDatabase(ctx, name))
		}
	})
	return s.closeErr
}

// exec runs one statement on a connection of its own: databases are made and dropped rarely, so no connection is kept open.
func (s *Server) exec(ctx context.Context, sql string) error {
	return execOn(ctx, s.dsn, sql)
}

func execOn(ctx context.Context, dsn, sql string) (err error) {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return conn.Exec(ctx, sql).Close()
}

// majorVersion is 15 for a Postgres 15.18, and 17 for a 17beta1.
func majorVersion(ctx context.Context, dsn string) (_ int, err error) {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var version int
	_, err = fmt.Sscanf(conn.ParameterStatus("server_version"), "%d", &version)
	return version, err
}

// withDatabase is dsn, a URL or keywords, with another database.
func withDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)
		return dsn + " dbname='" + quoted + "'", nil // of two values, the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the server's DSN is no URL") // the cause would print the password
	}
	u.Path, u.RawPath = "/"+name, ""
	query := u.Query()
	query.Del("dbname") // it would override the path
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String(), nil
}
