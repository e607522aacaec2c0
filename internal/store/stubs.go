package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// CopiedAt is the time under which a copy found inside another object is
// stored: before any reply, so that every row read for itself wins over it.
var CopiedAt = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)

// Missing tells which of these rows a table does not have.
func Missing(ctx context.Context, tx pgx.Tx, table string, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT i.id FROM unnest($1::uuid[]) AS i(id)
		LEFT JOIN LATERAL (SELECT id FROM `+pgx.Identifier{table}.Sanitize()+` WHERE id = i.id LIMIT 1) t ON true
		WHERE t.id IS NULL
		ORDER BY i.id`, ids)
	var missing []uuid.UUID
	if err == nil {
		missing, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for missing rows of %s: %w", table, err)
	}
	return missing, nil
}

// Stub says where a copied row came from.
type Stub struct {
	ID, CopiedID uuid.UUID
	Deleted      bool // the copy says that Polar has deleted the object
}

// RecordStubs notes rows that were just inserted from copies, and marks those
// as deleted whose copy says so.
func RecordStubs(ctx context.Context, q *db.Queries, tx pgx.Tx, run int64, table, copiedFrom string, stubs []Stub) error {
	t := pgx.Identifier{table}.Sanitize()
	ids := make([]uuid.UUID, len(stubs))
	for i, s := range stubs {
		ids[i] = s.ID
	}
	// The stream's own run may have inserted the row meanwhile, and then it is no copy.
	rows, err := tx.Query(ctx, `SELECT id FROM `+t+` WHERE id = ANY($1) AND _requested_at = $2`, ids, CopiedAt)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return fmt.Errorf("tell copied rows of %s from read ones: %w", table, err)
	}
	p := db.StubsUpsertParams{Stream: table, CopiedFrom: copiedFrom, RunID: run}
	var gone []uuid.UUID
	for _, s := range stubs {
		if !slices.Contains(ids, s.ID) {
			continue
		}
		p.IDs, p.CopiedIds = append(p.IDs, s.ID), append(p.CopiedIds, s.CopiedID)
		if s.Deleted {
			gone = append(gone, s.ID)
		}
	}
	if err := q.StubsUpsert(ctx, p); err != nil {
		return fmt.Errorf("record copied rows of %s: %w", table, err)
	}
	if _, err := q.RejectsResolve(ctx, db.RejectsResolveParams{Stream: table, IDs: ids}); err != nil {
		return fmt.Errorf("close rejects of %s: %w", table, err)
	}
	if len(gone) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `UPDATE `+t+` SET _deleted_at = now() WHERE id = ANY($1) AND _deleted_at IS NULL AND _requested_at = $2`, gone, CopiedAt)
	if err != nil {
		return fmt.Errorf("mark copied rows of %s as deleted: %w", table, err)
	}
	return q.TombstonesInsert(ctx, db.TombstonesInsertParams{Stream: table, RunID: run, Evidence: "the copy inside " + copiedFrom + " carries deleted_at", IDs: gone})
}

// RejectCopies notes copies of rows of a table that cannot be stored, and tells how many of them nobody had noted before.
func RejectCopies(ctx context.Context, q *db.Queries, run int64, table, copiedFrom string, copies []Reject) (fresh int, err error) {
	ids := make([]uuid.UUID, len(copies))
	rows := make([]db.RejectsUpsertParams, len(copies))
	for i, c := range copies {
		ids[i], rows[i] = *c.ID, c.row(table, run)
		rows[i].CopiedFrom = &copiedFrom
	}
	known, err := q.RejectsOpenOf(ctx, db.RejectsOpenOfParams{Stream: table, IDs: ids})
	if err != nil {
		return 0, fmt.Errorf("look for rejects of %s: %w", table, err)
	}
	return len(copies) - int(known), recordRejects(ctx, q, rows)
}

// Copies lists the live rows of a table that are known from copies inside other objects only.
func (s *Store) Copies(ctx context.Context, table string) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT t.id FROM `+pgx.Identifier{table}.Sanitize()+` t JOIN sync_stubs c ON c.stream = $1 AND c.id = t.id
		WHERE t._deleted_at IS NULL AND c.resolved_at IS NULL ORDER BY t.id`, table)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s that were only copied: %w", table, err)
	}
	return ids, nil
}
