package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// ParentsKnownSince tells as of when all rows of these streams were known when the sweep began: of the last sweep of each that
// was complete by then, its start. Zero: not all of them were.
func (r *Run) ParentsKnownSince(ctx context.Context, streams []string) (time.Time, error) {
	asOf, err := r.s.q.ParentsKnown(ctx, db.ParentsKnownParams{Streams: streams, SweepID: r.SweepID})
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when the parents of %s are known: %w", r.Stream, err)
	}
	if asOf.Unix() == 0 {
		return time.Time{}, nil
	}
	return asOf, nil
}

// expireBatch bounds one transaction of DeleteExpired.
const expireBatch = 10_000

// DeleteExpired removes the rows of the run's stream whose column is before a time, because they are not to be kept longer. That says
// nothing about whether Polar has them, so it leaves no tombstones.
func (r *Run) DeleteExpired(ctx context.Context, column string, before time.Time) (total int64, err error) {
	t, c := pgx.Identifier{r.Stream}.Sanitize(), pgx.Identifier{column}.Sanitize()
	for {
		var n int64
		err := r.s.pool.InTx(ctx, func(tx pgx.Tx) error {
			if err := r.hold(ctx, r.s.q.WithTx(tx)); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `DELETE FROM `+t+` WHERE `+c+` < $1 AND id IN (SELECT id FROM `+t+` WHERE `+c+` < $1 LIMIT $2)`, before, expireBatch)
			n = tag.RowsAffected()
			return err
		})
		if err != nil {
			return total, fmt.Errorf("remove rows of %s from before %s: %w", r.Stream, before.Format(time.DateOnly), err)
		}
		if total += n; n < expireBatch {
			return total, nil
		}
	}
}
