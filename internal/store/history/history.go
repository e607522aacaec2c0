// Package history keeps the partitions of the table changes: it makes those of the time to come, and drops those whose time is
// over. The changes themselves are recorded by triggers on the tables of streams, in the transactions in which they happen; see
// record_change() in migrations.
//
// What is kept for good is divided by years, for its size alone. What is kept for a time is divided by months, so that dropping
// it costs nothing. Where no partition was made ahead, changes go to a default one: nothing is lost. Readers go by the table
// changes; its partitions are in the schema of the bookkeeping.
package history

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// History is the handle on the changes of a schema.
type History struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle.
func New(pool *pg.Pool) History { return History{pool, db.New(pool)} }

// class is one way of keeping changes: changes.retention.
type class struct {
	name          string
	layout        string // of the time in the names of its partitions
	years, months int    // that one partition covers
}

var (
	permanent = class{name: "permanent", layout: "2006", years: 1}
	limited   = class{name: "limited", layout: "2006_01", months: 1}
)

// period is the time that one partition covers.
type period struct {
	class
	from, to time.Time
}

// periodOf is the one that a time falls into.
func (c class) periodOf(t time.Time) period {
	t = t.UTC()
	from := time.Date(t.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	if c.months > 0 {
		from = from.AddDate(0, int(t.Month()-time.January), 0)
	}
	return period{c, from, from.AddDate(c.years, c.months, 0)}
}

func (c class) table() string { return "changes_" + c.name }
func (p period) table() string {
	return p.class.table() + "_" + p.from.Format(p.layout)
}

// lockWait bounds how long a partition is waited for that somebody reads: others who want to read queue behind.
const lockWait = "SET LOCAL lock_timeout TO '2s'"

// Maintain makes the partitions of now and of what comes next, and drops those of limited changes that are all older than keep; zero
// keeps them for good. Where there is nothing to do, it is one query. It may be called at any time, by several processes.
func (h History) Maintain(ctx context.Context, keep time.Duration) error {
	now, err := clock.Now(ctx, h.q)
	if err != nil {
		return err
	}
	missing, over, err := h.due(ctx, now, keep)
	if err != nil {
		return fmt.Errorf("look for the partitions of changes: %w", err)
	}
	for _, p := range missing {
		if err := h.make(ctx, p); err != nil {
			return fmt.Errorf("make the partition %s: %w", p.table(), err)
		}
	}
	for _, p := range over {
		if err := h.drop(ctx, p); err != nil {
			return fmt.Errorf("drop the partition %s: %w", p.table(), err)
		}
	}
	if keep == 0 {
		return nil
	}
	if err := h.q.HistoryExpireDefault(ctx, now.Add(-keep)); err != nil {
		return fmt.Errorf("remove old changes: %w", err)
	}
	return nil
}

// due are the partitions that are to be made, and those that are to be dropped.
func (h History) due(ctx context.Context, now time.Time, keep time.Duration) (missing, over []period, err error) {
	rows, err := h.pool.Query(ctx, `
		SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent IN ('changes_permanent'::regclass, 'changes_limited'::regclass)`)
	if err != nil {
		return nil, nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, nil, err
	}
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		began, err := time.Parse(limited.table()+"_"+limited.layout, name)
		if p := limited.periodOf(began); err == nil && keep > 0 && !p.to.After(now.Add(-keep)) {
			over = append(over, p)
		}
	}
	for _, c := range []class{permanent, limited} {
		this := c.periodOf(now)
		for _, p := range []period{this, c.periodOf(this.to)} {
			if !there[p.table()] {
				missing = append(missing, p)
			}
		}
	}
	return missing, over, nil
}

// alone is a transaction in which nobody else records changes. It takes the lock of changes before any of a table, as they do.
func (h History) alone(ctx context.Context, work func(pgx.Tx, *db.Queries) error) error {
	return h.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := h.q.WithTx(tx)
		if err := q.HistoryLock(ctx); err != nil {
			return err
		}
		return work(tx, q)
	}, lockWait)
}

// make makes a partition, unless another process has, or the default one holds changes of its time already: those stay there.
func (h History) make(ctx context.Context, p period) error {
	return h.alone(ctx, func(tx pgx.Tx, _ *db.Queries) error {
		parent := pgx.Identifier{p.class.table()}.Sanitize()
		var taken bool
		err := tx.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1))
			    OR EXISTS (SELECT FROM `+pgx.Identifier{p.class.table() + "_default"}.Sanitize()+` WHERE seen_at >= $2 AND seen_at < $3)`,
			p.table(), p.from, p.to).Scan(&taken)
		if err != nil || taken {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
			pgx.Identifier{h.pool.Bookkeeping(), p.table()}.Sanitize(), parent, p.from.Format(time.RFC3339), p.to.Format(time.RFC3339)))
		return err
	})
}

// drop takes note of what was in a partition, and drops it.
func (h History) drop(ctx context.Context, p period) error {
	return h.alone(ctx, func(tx pgx.Tx, q *db.Queries) error {
		if err := q.HistoryDropped(ctx, db.HistoryDroppedParams{Since: p.from, Until: p.to}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+pgx.Identifier{p.table()}.Sanitize())
		return err
	})
}
