package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/internal/store/db"
)

var (
	// ErrUnreachable: no connection to the database could be had.
	ErrUnreachable = errors.New("database unreachable")
	// ErrRefused: the database is there and lets syncd not in.
	ErrRefused = errors.New("database refuses the connection")
	// ErrSchemaNewer: the schema was migrated by a newer syncd than this one.
	ErrSchemaNewer = errors.New("schema is newer than this syncd")
	// ErrSchemaBehind: migrations of this syncd have not been applied.
	ErrSchemaBehind = errors.New("schema is not migrated")
	// ErrLeaseLost: another process took the stream's lease; nothing more may be written.
	ErrLeaseLost = errors.New("lease lost")
	// ErrBusy: another process holds the stream's lease.
	ErrBusy = errors.New("stream is busy")
	// ErrOtherOrganization: the schema mirrors another Polar organization.
	ErrOtherOrganization = errors.New("schema belongs to another organization")
)

// Config says which database and schema to write.
type Config struct {
	DSN      string // connection string, URL or key=value form
	Schema   string // created by Migrate where it is missing; any name that Postgres takes
	MaxConns int32  // 0 = pgx's default; pool_max_conns in the DSN goes before it
	Log      *slog.Logger
	// LockAfter is how long a lock is waited for before the log tells who holds it; 0 = 5 s.
	LockAfter time.Duration
}

// Store is a pool of connections whose search_path is the chosen schema alone. Most of what it can do hangs on handles: see the
// package.
type Store struct {
	pool   *Pool
	q      *db.Queries
	schema string
	log    *slog.Logger
}

// Open connects. It neither creates nor checks the schema: see Migrate and CheckSchema.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkSchemaName(c.Schema); err != nil {
		return nil, err
	}
	if err := CheckDSN(c.DSN); err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pc, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("database URL: a setting of the pool, such as pool_max_conns, has a value that cannot be used")
	}
	if !limited(c.DSN) && c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	params := pc.ConnConfig.RuntimeParams
	for name := range params {
		// A pooler refuses what it does not know at a connection's start, or drops it: these are set by statement.
		if strings.EqualFold(name, "search_path") || slices.ContainsFunc(needs, func(n setting) bool { return strings.EqualFold(name, n.name) }) {
			delete(params, name)
		}
	}
	if params["application_name"] == "" {
		params["application_name"] = "syncd"
	}
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	pool, err := connect(ctx, pc, session{schema: c.Schema}, cmp.Or(c.LockAfter, lockAfter), c.Log)
	if errors.Is(err, errPooler) {
		c.Log.DebugContext(ctx, "a pooler stands between syncd and Postgres: no session state is used")
		pool, err = connect(ctx, pc, session{schema: c.Schema, pooled: true}, cmp.Or(c.LockAfter, lockAfter), c.Log)
	}
	if err != nil {
		return nil, err
	}
	return &Store{pool: pool, q: db.New(pool), schema: c.Schema, log: c.Log}, nil
}

// Connections is how many connections are used at most by a process that reads so many streams at once: each has one for
// its page and one to renew its lease; the shared request budget and those who ask how things stand have one each.
func Connections(streams int) int { return 2*streams + 2 }

// Streams is how many streams the pool's connections are enough for; at least one, whose work then waits for its own.
func (p *Pool) Streams() int { return max(1, (int(p.Config().MaxConns)-Connections(0))/2) }

// limited tells whether the connection string says how many connections there may be.
func limited(dsn string) bool {
	c, err := pgconn.ParseConfig(dsn) // pgxpool's would take it out
	return err == nil && c.RuntimeParams["pool_max_conns"] != ""
}

// checkSchemaName refuses what Postgres would cut or reserve.
func checkSchemaName(name string) error {
	switch {
	case name == "":
		return errors.New("schema: a name is needed, such as polar")
	case len(name) > 63:
		return fmt.Errorf("schema %q: Postgres cuts names after 63 bytes; choose a shorter one", name)
	case strings.HasPrefix(strings.ToLower(name), "pg_"), name == "information_schema", name == "$user":
		// Postgres reads "$user" in a search_path as the role's own schema, quoted or not.
		return fmt.Errorf("schema %q: the name is reserved by Postgres; choose another", name)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("schema %q: a name cannot hold a NUL character", name)
	}
	return nil
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "SELECT 1")
	return err
}

// Close waits for connections in use and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool is the pool itself, for reads that belong to no run (reports, tests).
func (s *Store) Pool() *Pool { return s.pool }

// Schema is the name of the schema in use.
func (s *Store) Schema() string { return s.schema }
