// Package localpg gives a throwaway PostgreSQL server to the demo, the tests and the benchmarks.
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

// ErrNoServer reports that there is no server to use: no DSN was given and no server binaries were found.
// The error that wraps it names the ways out.
var ErrNoServer = errors.New("no PostgreSQL server found")

// ErrNoPooler reports that PgBouncer is not installed.
var ErrNoPooler = errors.New("no pgbouncer found: install the package pgbouncer")

// Options says which server to use.
type Options struct {
	// DSN of a running server whose role may create databases. When it is set, that server is used and never
	// stopped; Close only drops the databases that CreateDatabase made.
	DSN string
	// BinDir holds the binaries initdb and postgres. Empty: $PG_BIN, then $PATH, then the places where the
	// usual packages put them, newest version first.
	BinDir string
	// Dir is where the private cluster makes its own directory, removed by Close. Empty: [os.TempDir].
	// Keep it short: the path of a Unix socket has at most 103 bytes.
	Dir string
	// TCP lets the private cluster listen on 127.0.0.1 as well, on a free port and with a random password, for
	// programs that cannot use a Unix socket. DSN then names the port and the password.
	TCP bool
	// Settings of the private cluster (postgresql.conf names) over the defaults, which trade durability for speed.
	Settings map[string]string
	// Log hears of stale clusters that were swept. Nil: nothing is logged.
	Log *slog.Logger
}

// Server is a PostgreSQL server: a private cluster of this process, or one that a DSN led to.
// Its methods may be called from several goroutines.
type Server struct {
	dsn     string
	cluster *cluster // nil when the server is somebody else's

	mu      sync.Mutex
	created []string // databases to drop at Close; only of a server that outlives us

	closeOnce sync.Once
	closeErr  error
}

// Start gives a server that accepts connections: the one Options.DSN leads to, or a new private cluster.
//
// A private cluster can be reached by this user (and root) only. It ends with Close, and also when this process
// ends in any other way, kill -9 included. ctx bounds the start alone. Works as root too, which PostgreSQL itself
// refuses: the server then runs as another user.
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

// DSN leads to the maintenance database. On a private cluster the role is a superuser.
func (s *Server) DSN() string { return s.dsn }

// CreateDatabase makes a database and returns its DSN. template names the database to copy, which nobody may be
// connected to; empty means the server's default.
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

// DropDatabase ends every session in a database and drops it. A missing one is fine.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("localpg: drop database %q: %w", name, err)
	}
	s.mu.Lock()
	s.created = slices.DeleteFunc(s.created, func(n string) bool { return n == name })
	s.mu.Unlock()
	return nil
}

// Close stops a private cluster at once, open sessions included, and removes its directory. On a server given by
// DSN it drops the databases that CreateDatabase made. Further calls return what the first one did.
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

// exec runs one statement on a connection of its own: databases are made and dropped rarely, and a connection
// kept open would be one more thing to lose.
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
		return dsn + " dbname='" + quoted + "'", nil // of two, the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the server's DSN is no URL") // the cause would print the password
	}
	u.Path, u.RawPath = "/"+name, ""
	query := u.Query()
	query.Del("dbname") // would win over the path
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String(), nil
}
