package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/erasure"
	"syncd/internal/store/origin"
	"syncd/internal/store/pg"
)

var (
	// ErrLeaseLost: another process took the stream's lease; nothing more may be written.
	ErrLeaseLost = errors.New("lease lost")
	// ErrBusy: another process holds the stream's lease.
	ErrBusy = errors.New("stream is busy")
	// ErrNoRow: there is no row of this id.
	ErrNoRow = pgx.ErrNoRows
)

// Config says which database and schema to write.
type Config = pg.Config

// Store is a pool of connections whose search_path is only the chosen schema. Most of its methods are on handles: see the
// package.
type Store struct {
	pool   *pg.Pool
	q      *db.Queries
	schema string
	clock  *clock.Clock
}

// Open connects. It neither creates nor checks the schema: see Migrate and CheckSchema.
func Open(ctx context.Context, c Config) (*Store, error) {
	pool, err := pg.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	q := db.New(pool)
	return &Store{pool: pool, q: q, schema: c.Schema, clock: clock.New(q)}, nil
}

// IsStore: the error comes from the database or from its use.
func IsStore(err error) bool {
	return pg.IsError(err) || errors.Is(err, ErrLeaseLost) || errors.Is(err, ErrBusy)
}

// Connections is the most connections that a process uses when it reads this many streams at once: each stream has one for its
// page and one to renew its lease; the shared request budget and status queries have one each.
func Connections(streams int) int { return 2*streams + 2 }

// Parallel is how many streams the pool's connections suffice for. It is at least one, whose steps then wait for each other's
// connection.
func (s *Store) Parallel() int { return max(1, (int(s.pool.Config().MaxConns)-Connections(0))/2) }

// Migrate creates a missing schema, applies pending migrations, makes the views, keeps erased customers out of new tables, and returns
// the names of what it applied. first comes before pending migrations: see pg.Pool.
func (s *Store) Migrate(ctx context.Context, first ...func(context.Context) error) ([]string, error) {
	applied, err := s.pool.Migrate(ctx, first...)
	if err != nil {
		return applied, err
	}
	return applied, erasure.New(s.pool).Keep(ctx)
}

// Migrations lists every migration and file of views of this syncd, applied or pending. It writes nothing.
func (s *Store) Migrations(ctx context.Context) ([]pg.Migration, error) {
	return s.pool.Migrations(ctx)
}

// CheckSchema returns pg.ErrSchemaNewer or pg.ErrSchemaBehind if the schema is not that of this syncd.
func (s *Store) CheckSchema(ctx context.Context) error { return s.pool.CheckSchema(ctx) }

// CheckWrites checks whether the database accepts writes.
func (s *Store) CheckWrites(ctx context.Context) error { return s.pool.CheckWrites(ctx) }

// Stamp is the time by sync_clock: see clock.Stamp.
func (s *Store) Stamp(ctx context.Context) (time.Time, error) { return s.clock.Stamp(ctx) }

// Time dates a request by sync_clock: see clock.Clock.
func (s *Store) Time(ctx context.Context) (time.Time, error) { return s.clock.Time(ctx) }

// Now is the time by the clock of the database, which may have been set back since the last call.
func (s *Store) Now(ctx context.Context) (time.Time, error) { return clock.Now(ctx, s.q) }

// Ping checks whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "SELECT 1")
	return err
}

// Close waits for connections in use and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool is the pool itself, for reads that belong to no run (reports, tests).
func (s *Store) Pool() *pg.Pool { return s.pool }

// Schema is the name of the schema in use.
func (s *Store) Schema() string { return s.schema }

// Polar returns the handle on what is known of Polar.
func (s *Store) Polar() origin.Polar { return origin.New(s.q, s.schema) }
