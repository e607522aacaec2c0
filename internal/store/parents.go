package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// Live lists the ids of a stream's rows that Polar still has, which come after
// one, in ascending order and at most limit of them. where narrows it: an SQL
// condition on the columns of the table, from the program and not from outside.
func (s *Store) Live(ctx context.Context, table, where string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	if where == "" {
		where = "true"
	}
	rows, err := s.pool.Query(ctx, `
		SELECT id FROM `+pgx.Identifier{table}.Sanitize()+`
		WHERE id > $1 AND _deleted_at IS NULL AND (`+where+`)
		ORDER BY id LIMIT $2`, after, limit)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("read ids of %s: %w", table, err)
	}
	return ids, nil
}

// ParentsKnown tells as of when all rows of these streams were known when the sweep began: of the last sweep of each that was
// complete by then, its start. Zero: not all of them were.
func (r *Run) ParentsKnown(ctx context.Context, streams []string) (time.Time, error) {
	asOf, err := r.s.q.ParentsKnown(ctx, db.ParentsKnownParams{Streams: streams, SweepID: r.SweepID})
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when the parents of %s are known: %w", r.Stream, err)
	}
	if asOf.Unix() == 0 {
		return time.Time{}, nil
	}
	return asOf, nil
}

// Without leaves out of ids those of rows that name one of the parents in one of
// the columns.
func (s *Store) Without(ctx context.Context, table string, columns []string, parents, ids []uuid.UUID) ([]uuid.UUID, error) {
	if len(parents) == 0 || len(ids) == 0 {
		return ids, nil
	}
	among := make([]string, len(columns))
	for i, c := range columns {
		among[i] = pgx.Identifier{c}.Sanitize() + " = ANY($2)"
	}
	rows, err := s.pool.Query(ctx, `
		SELECT id FROM `+pgx.Identifier{table}.Sanitize()+` WHERE id = ANY($1) AND (`+strings.Join(among, " OR ")+`)`, ids, parents)
	var theirs []uuid.UUID
	if err == nil {
		theirs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("read parents of %s: %w", table, err)
	}
	return slices.DeleteFunc(ids, func(id uuid.UUID) bool { return slices.Contains(theirs, id) }), nil
}

// expireBatch bounds one transaction of Expire.
const expireBatch = 10_000

// Expire removes the rows of the run's stream whose column is before a time:
// what is no longer to be kept here. It is no word on whether Polar has them, so
// it leaves no tombstone.
func (r *Run) Expire(ctx context.Context, column string, before time.Time) (total int64, err error) {
	t, c := pgx.Identifier{r.Stream}.Sanitize(), pgx.Identifier{column}.Sanitize()
	for {
		var n int64
		err := r.s.pool.inTx(ctx, func(tx pgx.Tx) error {
			if err := r.hold(ctx, r.s.q.WithTx(tx)); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `DELETE FROM `+t+` WHERE id IN (SELECT id FROM `+t+` WHERE `+c+` < $1 LIMIT $2)`, before, expireBatch)
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
