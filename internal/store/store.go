// Package store puts what syncd read into Postgres: leases, runs, checkpoints,
// pages, rejects. It knows no HTTP.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/internal/store/db"
)

var (
	// ErrUnreachable: no connection to the database could be had.
	ErrUnreachable = errors.New("database unreachable")
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
	MaxConns int32  // 0 = pgx's default
	Log      *slog.Logger
}

// Store is a pool of connections whose search_path is the chosen schema alone.
type Store struct {
	pool   *pgxpool.Pool
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
	pc, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("database connection string: %w", redactDSN(err))
	}
	if c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	// The schema alone: unqualified names must never fall through to another
	// schema of the same database that happens to hold a table of that name.
	pc.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{c.Schema}.Sanitize()
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "syncd"
	}
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	pc.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerUUID(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", redactDSN(err))
	}
	s := &Store{pool: pool, q: db.New(pool), schema: c.Schema, log: c.Log}
	if err := s.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
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

// redactDSN keeps the cause and drops the connection string, which can hold a password.
func redactDSN(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		if cause := errors.Unwrap(parse); cause != nil {
			return cause
		}
		return errors.New("it is neither a URL such as postgres://user@host/name nor key=value pairs")
	}
	return err
}

// Ping reports ErrUnreachable with the host and the cause.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		cc := s.pool.Config().ConnConfig
		return fmt.Errorf("%w: %s:%d, database %q, user %q: %w", ErrUnreachable, cc.Host, cc.Port, cc.Database, cc.User, redactDSN(err))
	}
	return nil
}

// Close waits for connections in use and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool is the pool itself, for reads that belong to no run (reports, tests).
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Schema is the name of the schema in use.
func (s *Store) Schema() string { return s.schema }

// Bind ties the schema to one organization, for good. A second organization is
// refused with ErrOtherOrganization: rows of two could not be told apart, as
// most Polar resources carry no organization id.
func (s *Store) Bind(ctx context.Context, organization uuid.UUID, server string) error {
	got, err := s.q.MetaBind(ctx, db.MetaBindParams{OrganizationID: organization, Server: server})
	if err != nil {
		return fmt.Errorf("bind schema %q to organization %s: %w", s.schema, organization, err)
	}
	if got.OrganizationID != organization {
		return fmt.Errorf("%w: schema %q mirrors organization %s (read from %s), the token is for %s: choose another schema (--schema) or the right token",
			ErrOtherOrganization, s.schema, got.OrganizationID, got.Server, organization)
	}
	return nil
}

// Organization is the one this schema is bound to; false when it was never filled.
func (s *Store) Organization(ctx context.Context) (uuid.UUID, bool, error) {
	m, err := s.q.MetaGet(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.UUID{}, false, nil
	}
	if err != nil {
		return uuid.UUID{}, false, fmt.Errorf("read the organization of schema %q: %w", s.schema, err)
	}
	return m.OrganizationID, true, nil
}
