package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// unmet says of a row t that the sweep $2 of the stream $1 has not received its id.
const unmet = `NOT EXISTS (
	SELECT FROM sync_seen s CROSS JOIN LATERAL unnest(s.ids) AS u(id)
	WHERE s.stream = $1 AND s.sweep_id = $2 AND u.id = t.id)`

// Absent lists the live rows that were there before the sweep began and that
// it did not meet, and counts the live rows; rows that were only ever copied
// from other objects were never listed, so they do not count. Only a complete
// sweep makes this mean anything, and even then a list may hide rows: they are
// suspects.
func (r *Run) Absent(ctx context.Context, table string) (ids []uuid.UUID, live int64, err error) {
	t := pgx.Identifier{table}.Sanitize()
	rows, err := r.s.pool.Query(ctx, `
		SELECT t.id FROM `+t+` t
		WHERE t._deleted_at IS NULL
		  AND t._synced_at < (SELECT started_at FROM sync_runs WHERE id = $2)
		  AND `+unmet+`
		  AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = $1 AND c.id = t.id AND c.resolved_at IS NULL)
		ORDER BY t.id`, r.Stream, r.SweepID)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, 0, fmt.Errorf("look for rows of %s that were not listed: %w", table, err)
	}
	if live, err = r.s.Count(ctx, table); err != nil {
		return nil, 0, err
	}
	return ids, live, nil
}

// Copied lists the live rows that are on record as copies from inside other
// objects, and that the sweep did not meet. Some may have been read since, by a
// run that had begun before the copy was made.
func (r *Run) Copied(ctx context.Context, table string) ([]uuid.UUID, error) {
	rows, err := r.s.pool.Query(ctx, `
		SELECT t.id FROM `+pgx.Identifier{table}.Sanitize()+` t JOIN sync_stubs c ON c.stream = $1 AND c.id = t.id
		WHERE t._deleted_at IS NULL AND c.resolved_at IS NULL
		  AND `+unmet+`
		ORDER BY t.id`, r.Stream, r.SweepID)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s that were only copied: %w", table, err)
	}
	r.stubs = r.stubs || len(ids) > 0
	return ids, nil
}

// Suspect makes these the stream's suspects, and tells by which complete sweep
// each was missed first.
func (r *Run) Suspect(ctx context.Context, ids []uuid.UUID, held bool) (first map[uuid.UUID]int64, err error) {
	first = make(map[uuid.UUID]int64, len(ids))
	err = pgx.BeginFunc(ctx, r.s.pool, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		if err := q.SuspectsForgetOthers(ctx, db.SuspectsForgetOthersParams{Stream: r.Stream, IDs: ids}); err != nil {
			return err
		}
		rows, err := q.SuspectsUpsert(ctx, db.SuspectsUpsertParams{Stream: r.Stream, RunID: r.SweepID, Held: held, IDs: ids})
		for _, row := range rows {
			first[row.ID] = row.FirstRun
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record suspects of %s: %w", r.Stream, err)
	}
	return first, nil
}

// Acquit forgets suspects that Polar still has.
func (r *Run) Acquit(ctx context.Context, ids []uuid.UUID) error {
	if err := r.s.q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids}); err != nil {
		return fmt.Errorf("forget suspects of %s: %w", r.Stream, err)
	}
	return nil
}

// Tombstone marks rows as deleted, with the evidence. asOf is
// when the evidence was asked for: a row stored from a later reply is left alone.
func (r *Run) Tombstone(ctx context.Context, table string, ids []uuid.UUID, asOf time.Time, evidence string) (n int64, err error) {
	err = pgx.BeginFunc(ctx, r.s.pool, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		if err := r.hold(ctx, q); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			UPDATE `+pgx.Identifier{table}.Sanitize()+`
			SET _deleted_at = now(), _synced_at = now(), _requested_at = $2
			WHERE id = ANY($1) AND _deleted_at IS NULL AND _requested_at <= $2 AND NOT `+fmt.Sprintf(later, 2, 3, "id")+`
			RETURNING id`, ids, asOf, r.Stream)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		n = int64(len(gone))
		if err := q.TombstonesInsert(ctx, db.TombstonesInsertParams{Stream: r.Stream, RunID: r.ID, Evidence: evidence, IDs: gone}); err != nil {
			return err
		}
		return q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids})
	})
	if err != nil {
		return 0, fmt.Errorf("mark rows of %s as deleted: %w", table, err)
	}
	return n, nil
}

// Held lists the suspects that the brake held in one run, by stream.
func (s *Store) Held(ctx context.Context, run int64) (map[string][]uuid.UUID, error) {
	rows, err := s.q.SuspectsHeld(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("read held deletions of run %d: %w", run, err)
	}
	held := map[string][]uuid.UUID{}
	for _, row := range rows {
		held[row.Stream] = append(held[row.Stream], row.ID)
	}
	return held, nil
}

// Fields reads columns of one row as text, to fill in the path of its own endpoint.
func (s *Store) Fields(ctx context.Context, table string, id uuid.UUID, columns []string) (map[string]string, error) {
	fields := map[string]string{}
	for _, c := range columns {
		var v *string
		err := s.pool.QueryRow(ctx, `SELECT `+pgx.Identifier{c}.Sanitize()+`::text FROM `+pgx.Identifier{table}.Sanitize()+` WHERE id = $1`, id).Scan(&v)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s %s: %w", c, table, id, err)
		}
		fields[c] = deref(v)
	}
	return fields, nil
}
