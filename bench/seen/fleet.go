package seen

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/process"
)

// SchemaOf is the schema of organization n, as syncd names it.
func SchemaOf(n int) string { return fmt.Sprintf("polar_%04d", n) }

// atOnce is how many organizations one query is about: each of their tables and indexes takes a lock, and max_locks_per_transaction bounds these.
const atOnce = 50

// OfEach asks a query for each of these organizations; SCHEMA stands for its schema.
func OfEach[T any](ctx context.Context, conn *pgx.Conn, organizations []int, query string, args ...any) (all []T, err error) {
	for some := range slices.Chunk(organizations, atOnce) {
		var parts []string
		for _, n := range some {
			parts = append(parts, "("+strings.ReplaceAll(query, "SCHEMA", SchemaOf(n))+")")
		}
		rows, err := conn.Query(ctx, strings.Join(parts, " UNION ALL "), args...)
		if err != nil {
			return nil, err
		}
		some, err := pgx.CollectRows(rows, pgx.RowTo[T])
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Made tells which organizations have a table of runs.
func Made(ctx context.Context, conn *pgx.Conn) (made map[int]bool, err error) {
	rows, err := conn.Query(ctx, `SELECT substr(nspname, 7, 4)::int FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'sync_runs' AND nspname ~ '^polar_\d{4}_sync$'`)
	if err != nil {
		return nil, err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int])
	made = map[int]bool{}
	for _, n := range numbers {
		made[n] = true
	}
	return made, err
}

// Ages are how old what was known of organizations became, in seconds: from the beginning of each whole round to the end of the next, or to now.
// Rounds on record tell that of every organization at every moment, which looks do not. Those that ended since a time count.
func Ages(ctx context.Context, conn *pgx.Conn, organizations []int, from time.Time) ([]float64, error) {
	return OfEach[float64](ctx, conn, organizations, `
		SELECT extract(epoch FROM known_until - started_at)::float8 FROM (
			SELECT started_at, COALESCE(lead(finished_at) OVER (ORDER BY finished_at), clock_timestamp()) AS known_until
			FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded') r WHERE known_until > $1`, from)
}

// Seldom is how long to wait after a look that took so long, at least so long: looks take a twentieth of the time, however many organizations there are.
func Seldom(took, least time.Duration) time.Duration { return max(least, 20*took) }

// Backends is the memory of Postgres' processes for connections of syncd, MB, the most at a look. Each caches what it has read of the catalogs about
// every table that it was asked for, and of every organization, until it ends.
type Backends struct {
	Private, Share float64 // of all together
	Largest        float64 // private, of one
}

// Look notes them, and returns the most connections of one client whose name begins so.
func (b *Backends) Look(ctx context.Context, conn *pgx.Conn, begins string) (connections float64, err error) {
	rows, err := conn.Query(ctx, "SELECT application_name, pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, $1) AND backend_type = 'client backend'", begins)
	if err != nil {
		return 0, err
	}
	var private, share float64
	var name string
	var pid int
	of := map[string]float64{}
	_, err = pgx.ForEachRow(rows, []any{&name, &pid}, func() error {
		own := process.Private(pid)
		private, share, b.Largest = private+own, share+process.Share(pid), max(b.Largest, own)
		of[name]++
		connections = max(connections, of[name])
		return nil
	})
	b.Private, b.Share = max(b.Private, private), max(b.Share, share)
	return connections, err
}
