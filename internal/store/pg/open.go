package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Config says which database and schema to write.
type Config struct {
	DSN      string // connection string, URL or key=value form
	Schema   string // created by Migrate where it is missing; any name that Postgres takes
	MaxConns int32  // 0 = pgx's default; pool_max_conns in the DSN goes before it
	Exactly  int32  // goes before both; 0 = it does not
	// Connections are used in place of own ones, which DSN and MaxConns are about; nil = own ones.
	Connections *Connections
	// Guard is a statement that goes first in every transaction of the pool, in the same round trip, and with every statement that stands
	// alone: it fails with the code Refused where this process may not write any more. "" = it always may.
	Guard string
	Log   *slog.Logger
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
	if c.Connections != nil {
		p, err := newPool(ctx, c.Connections, c.Schema, c.Log)
		if err == nil {
			p.guard = c.Guard
		}
		return p, err
	}
	conns, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	p, err := newPool(ctx, conns, c.Schema, c.Log)
	if err != nil {
		conns.Close()
	}
	return p, err
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
