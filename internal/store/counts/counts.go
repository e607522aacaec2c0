// Package counts holds the numbers of rows that are kept by triggers against the tables themselves, and corrects them. See
// sync_row_counts: whoever only wants the numbers reads them there.
package counts

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Counts is the handle on the counts of a schema.
type Counts struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle.
func New(pool *pg.Pool) Counts { return Counts{pool, db.New(pool)} }

// Comparison is how many live rows a table has, counted and as it was kept, both of one moment.
type Comparison struct{ Counted, Kept int64 }

// Difference is what the kept number lacks.
func (c Comparison) Difference() int64 { return c.Counted - c.Kept }

// Compare reads the whole table of a stream. It writes nothing.
func (cs Counts) Compare(ctx context.Context, stream string) (c Comparison, err error) {
	// One statement sees one moment: a row and its count are committed together.
	err = cs.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM `+pgx.Identifier{stream}.Sanitize()+` WHERE _deleted_at IS NULL),
		       (SELECT COALESCE(sum(rows), 0)::bigint FROM sync_row_counts WHERE stream = $1)`, stream).Scan(&c.Counted, &c.Kept)
	if err != nil {
		return c, fmt.Errorf("count rows of %s: %w", stream, err)
	}
	return c, nil
}

// Kept are the numbers of live rows as they are kept, by stream.
func (cs Counts) Kept(ctx context.Context) (map[string]int64, error) {
	rows, err := cs.q.RowCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how many rows there are: %w", err)
	}
	kept := make(map[string]int64, len(rows))
	for _, r := range rows {
		kept[r.Stream] = r.Rows
	}
	return kept, nil
}

// Correct compares, and makes the kept number right; sync_streams says when that was, and what it found. Only one process may do
// that for a stream at a time: the one that holds its lease.
func (cs Counts) Correct(ctx context.Context, stream string) (Comparison, error) {
	c, err := cs.Compare(ctx, stream)
	if err != nil {
		return c, err
	}
	if err := cs.q.RowCountChecked(ctx, db.RowCountCheckedParams{Stream: stream, Difference: c.Difference()}); err != nil {
		return c, fmt.Errorf("record the count of rows of %s: %w", stream, err)
	}
	return c, nil
}

// Dropping takes the live rows of a time from the count of a table that is divided by a column, in the transaction that drops their
// partition: no trigger is run for these. It takes the stream's turn first, as whoever writes rows does: so a page is committed or has not
// begun, and no row comes after the count and goes with the partition.
func Dropping(stream, column string) func(ctx context.Context, tx pgx.Tx, from, until time.Time) error {
	c := pgx.Identifier{column}.Sanitize()
	statement := `
		INSERT INTO sync_row_counts (stream, writer, rows)
		SELECT $1, $1, -count(*) FROM ` + pgx.Identifier{stream}.Sanitize() + ` WHERE _deleted_at IS NULL AND ` + c + ` >= $2 AND ` + c + ` < $3
		ON CONFLICT (stream, writer) DO UPDATE SET rows = sync_row_counts.rows + EXCLUDED.rows`
	return func(ctx context.Context, tx pgx.Tx, from, until time.Time) error {
		if _, err := db.New(tx).StreamHold(ctx, stream); err != nil {
			return fmt.Errorf("wait for the turn of %s: %w", stream, err)
		}
		if _, err := tx.Exec(ctx, statement, stream, from, until); err != nil {
			return fmt.Errorf("count rows of %s that go: %w", stream, err)
		}
		return nil
	}
}
