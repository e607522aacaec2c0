package pg

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

// Open makes a pool and its first connection. It neither creates nor checks the schema: see Migrate and CheckSchema.
func Open(ctx context.Context, c Config) (*Pool, error) {
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
		// A pooler refuses unknown settings at the start of a connection, or drops them: these are set by a statement.
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
	return pool, err
}

// limited tells whether the connection string says how many connections there may be.
func limited(dsn string) bool {
	c, err := pgconn.ParseConfig(dsn) // pgxpool's would take it out
	return err == nil && c.RuntimeParams["pool_max_conns"] != ""
}

const longestSchema = 63 - len(bookkeepingSuffix)

// checkSchemaName refuses what Postgres would cut or reserve.
func checkSchemaName(name string) error {
	switch {
	case name == "":
		return errors.New("schema: a name is needed, such as polar")
	case len(name) > longestSchema:
		return fmt.Errorf("schema %q: Postgres cuts names after 63 bytes, and the bookkeeping goes to a schema of this name and %s: choose one of at most %d bytes, or ALTER SCHEMA ... RENAME TO it", name, bookkeepingSuffix, longestSchema)
	case strings.HasPrefix(strings.ToLower(name), "pg_"), name == "information_schema", name == "$user":
		// Postgres reads "$user" in a search_path as the role's own schema, quoted or not.
		return fmt.Errorf("schema %q: the name is reserved by Postgres; choose another", name)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("schema %q: a name cannot hold a NUL character", name)
	}
	return nil
}
