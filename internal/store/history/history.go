// Package history keeps the changes of rows for as long as they are to be kept, and puts rebuilt ones in their place. The changes
// themselves are recorded by triggers on the tables of streams, in the transactions in which they happen; see record_change() in migrations.
//
// What is kept for good is divided by years, for its size alone. What is kept for a time is divided by months, so that dropping
// it costs nothing.
package history

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/partition"
	"syncd/internal/store/pg"
)

// History is the handle on the changes of a schema.
type History struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle.
func New(pool *pg.Pool) History { return History{pool, db.New(pool)} }

// lock comes before any of a table, as in transactions that record changes.
func (h History) lock(ctx context.Context, tx pgx.Tx) error { return h.q.WithTx(tx).HistoryLock(ctx) }

// dropping takes note of what readers will not find any more.
func (h History) dropping(ctx context.Context, tx pgx.Tx, from, until time.Time) error {
	return h.q.WithTx(tx).HistoryDropped(ctx, db.HistoryDroppedParams{Since: from, Until: until})
}

// expire removes old changes where they are in one table: Citus takes no partitions of partitions.
func (h History) expire(ctx context.Context, now time.Time, keep time.Duration) error {
	if keep == 0 {
		return nil
	}
	if err := h.q.HistoryExpire(ctx, now.Add(-keep)); err != nil {
		return fmt.Errorf("remove old changes: %w", err)
	}
	return nil
}

// Maintain makes the partitions of now and of what comes next, and drops those of limited changes that are all older than keep; zero
// keeps them for good. Where there is nothing to do, it is a query for the time, one for each table, and two more where changes are
// dropped some day. It may be called at any time, by several processes.
// What the default partitions hold stays there: moved, it would come again to those who have subscribed to changes.
func (h History) Maintain(ctx context.Context, keep time.Duration) error {
	now, err := clock.Now(ctx, h.q)
	if err != nil {
		return err
	}
	permanent := partition.New(h.pool, partition.Table{Name: "changes_permanent", Column: "seen_at", Unit: partition.Year, Lock: h.lock})
	limited := partition.New(h.pool, partition.Table{Name: "changes_limited", Column: "seen_at", Unit: partition.Month, Lock: h.lock, Dropping: h.dropping})
	divided, err := limited.IsDivided(ctx)
	if err != nil {
		return err
	}
	if !divided {
		return h.expire(ctx, now, keep)
	}
	for _, p := range []*partition.Partitions{permanent, limited} {
		if err := p.Ahead(ctx, now); err != nil {
			return err
		}
	}
	if keep == 0 {
		return nil
	}
	if _, err := limited.Drop(ctx, now.Add(-keep)); err != nil {
		return err
	}
	if err := h.q.HistoryExpireDefault(ctx, now.Add(-keep)); err != nil {
		return fmt.Errorf("remove old changes: %w", err)
	}
	return nil
}
