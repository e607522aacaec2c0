package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"syncd/migrations"
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero: pending
}

// goose opens a provider over the pool. The version table lives in the chosen
// schema, so that two schemas of one database are migrated independently.
func (s *Store) goose(opts ...goose.ProviderOption) (*goose.Provider, *sql.DB, error) {
	conn := stdlib.OpenDBFromPool(s.pool)
	opts = append(opts, goose.WithSlog(s.log), goose.WithTableName("sync_migrations"))
	p, err := goose.NewProvider(goose.DialectPostgres, conn, migrations.FS, opts...)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("load migrations: %w", err), conn.Close())
	}
	return p, conn, nil
}

// Migrate creates the schema where it is missing and applies what is pending,
// in order, one transaction each. Several processes may call it at once: a
// session lock makes them queue. It returns the names of what it applied.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	if err := s.refuseNewer(ctx); err != nil {
		return nil, err
	}
	// Two sessions can both find the schema missing; the loser's CREATE then
	// fails on the catalogue's unique index even with IF NOT EXISTS.
	_, err = s.pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{s.schema}.Sanitize())
	if err != nil && !isCode(err, "23505") {
		return nil, fmt.Errorf("create schema %q: %w", s.schema, err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockID(s.schema)), lock.WithLockTimeout(1, 120))
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	p, conn, err := s.goose(goose.WithSessionLocker(locker))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	results, err := p.Up(ctx)
	for _, r := range results {
		if r.Error == nil {
			applied = append(applied, r.Source.Path)
		}
	}
	if err != nil {
		return applied, fmt.Errorf("migrate schema %q: %w", s.schema, err)
	}
	return applied, nil
}

// lockID separates the migration locks of schemas in one database (FNV-1a).
func lockID(schema string) int64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte("syncd migrations " + schema) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return int64(h >> 1)
}

// MigrationStatus lists every migration of this syncd, applied or pending.
func (s *Store) MigrationStatus(ctx context.Context) (list []Migration, err error) {
	at, err := s.applied(ctx)
	if err != nil {
		return nil, err
	}
	p, conn, err := s.goose()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, src := range p.ListSources() {
		list = append(list, Migration{Version: src.Version, Name: src.Path, AppliedAt: at[src.Version]})
	}
	return list, nil
}

// applied reads the version table without creating it: asking for the status
// of a database must not write to it.
func (s *Store) applied(ctx context.Context) (map[int64]time.Time, error) {
	rows, err := s.pool.Query(ctx, "SELECT version_id, tstamp FROM sync_migrations WHERE is_applied AND version_id > 0")
	if err == nil {
		at := map[int64]time.Time{}
		var version int64
		var t time.Time
		_, err = pgx.ForEachRow(rows, []any{&version, &t}, func() error { at[version] = t; return nil })
		if err == nil {
			return at, nil
		}
	}
	if isCode(err, "42P01") { // no such table: nothing is applied
		return map[int64]time.Time{}, nil
	}
	return nil, fmt.Errorf("read migrations of schema %q: %w", s.schema, err)
}

// refuseNewer keeps an old syncd from writing tables that a newer one shaped.
func (s *Store) refuseNewer(ctx context.Context) error {
	list, err := s.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	at, err := s.applied(ctx)
	if err != nil {
		return err
	}
	latest := list[len(list)-1].Version
	for v := range at {
		if v > latest {
			return fmt.Errorf("%w: schema %q is at migration %d, this syncd knows up to %d: upgrade syncd, or choose another schema (--schema)", ErrSchemaNewer, s.schema, v, latest)
		}
	}
	return nil
}

// CheckSchema reports ErrSchemaNewer or ErrSchemaBehind.
func (s *Store) CheckSchema(ctx context.Context) error {
	if err := s.refuseNewer(ctx); err != nil {
		return err
	}
	list, err := s.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.AppliedAt.IsZero() {
			return fmt.Errorf("%w: schema %q lacks %s: run `syncd migrate up`", ErrSchemaBehind, s.schema, m.Name)
		}
	}
	return nil
}

func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
