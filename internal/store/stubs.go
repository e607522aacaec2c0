package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// CopiedAt dates a row that was stored from a copy inside another object: before any reply, so that every row read for itself
// replaces it.
var CopiedAt = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)

// maxKnown bounds how many rows of other streams a run remembers as existing.
const maxKnown = 100_000

// copyOf is a row of another stream that objects hold copies of.
type copyOf struct {
	field string
	id    uuid.UUID
}

// met are the copies in one field of changed objects whose rows are not known to exist.
type met struct {
	CopyTarget
	at      int               // index in Item.Copies
	holder  map[uuid.UUID]int // index of an item, by the id of the copy in it
	missing []uuid.UUID       // by id
}

// lookForCopies asks which rows are missing whose copies these objects hold.
func (w *writing) lookForCopies(p *pg.Pipeline, changes []change) {
	w.settled = nil
	w.copies = make([]met, 0, len(w.into.Copies)) // never moved: the answers go there
	for _, target := range w.into.Copies {
		m := met{CopyTarget: target, at: w.into.Shape.CopyIndex(target.Field), holder: map[uuid.UUID]int{}}
		for _, c := range changes {
			id, err := item.FieldID(w.items[c.item].Copies[m.at], "id")
			if _, known := w.run.known[copyOf{target.Field, id}]; err == nil && !known {
				m.holder[id] = c.item
			}
		}
		if len(m.holder) == 0 {
			continue
		}
		for id := range m.holder {
			w.settled = append(w.settled, copyOf{target.Field, id})
		}
		w.copies = append(w.copies, m)
		missing := &w.copies[len(w.copies)-1].missing
		sql := `
			SELECT i.id FROM unnest($1::uuid[]) AS i(id)
			LEFT JOIN LATERAL (SELECT id FROM ` + pgx.Identifier{target.Of.Stream}.Sanitize() + ` WHERE id = i.id LIMIT 1) t ON true
			WHERE t.id IS NULL
			ORDER BY i.id`
		p.Add(sql, []any{slices.Collect(maps.Keys(m.holder))}, func(rows pgx.Rows) (err error) {
			*missing, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
	}
}

// writeCopies stores missing rows that changed objects refer to, from the copies inside those objects. Polar no longer lists a
// deleted customer, but still shows it inside its orders; without the copy those orders would belong to nobody.
//
// A copy that cannot be stored becomes a reject of its own stream; its holder is stored all the same.
func (w *writing) writeCopies(ctx context.Context, p *pg.Pipeline, q *db.Queries) error {
	for i := range w.copies {
		if err := w.writeMissing(ctx, p, q, &w.copies[i]); err != nil {
			return fmt.Errorf("copy in %s: %w", w.copies[i].Field, err)
		}
	}
	return nil
}

func (w *writing) writeMissing(ctx context.Context, p *pg.Pipeline, q *db.Queries, m *met) error {
	var rows []row
	var rejects []db.RejectsUpsertParams
	var refused []uuid.UUID
	sp := item.Splitter{Organization: w.run.Organization}
	for _, id := range m.missing {
		about := copyOf{m.Field, id}
		o, err := sp.Split(m.Of.Shape, w.items[m.holder[id]].Copies[m.at])
		if err == nil {
			err = w.badCopies[about]
		}
		if err != nil {
			reject := Reject{ID: &id, Reason: ErrorReason(err), Body: o.Raw}.row(m.Of.Stream, w.run.ID)
			reject.CopiedFrom = &w.into.Stream
			rejects, refused = append(rejects, reject), append(refused, id)
			continue
		}
		// The children of a copy are not stored. Without a digest the row differs from every reply, so its own page brings the
		// children even if all else is equal.
		o.SetColumn(&m.Of.Table.Columns, "_hash", []byte(`""`))
		o.SetColumn(&m.Of.Table.Columns, "_requested_at", item.TimeValue(CopiedAt))
		rows = append(rows, row{&o, subject{item: -1, copy: about}, false})
	}
	if err := m.Of.Table.write(p, rows, w.apart); err != nil {
		return err
	}
	if err := w.recordStubs(ctx, p, q, m, rows); err != nil {
		return err
	}
	if len(rejects) == 0 {
		return nil
	}
	_, _ = q.RejectsOpenOf(ctx, db.RejectsOpenOfParams{Stream: m.Of.Stream, IDs: refused}) // queued
	p.OnRows(func(answer pgx.Rows) error {
		known, err := pgx.CollectExactlyOneRow(answer, pgx.RowTo[int64])
		w.counts.CopiesRefused += int64(len(refused)) - known
		return err
	})
	return recordRejects(ctx, q, rejects)
}

// recordStubs records the rows that were just inserted from copies, and marks those as deleted whose copy says so. If the
// stream's own run has inserted the row meanwhile, it is no copy.
func (w *writing) recordStubs(ctx context.Context, p *pg.Pipeline, q *db.Queries, m *met, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	var ids, of, gone []uuid.UUID
	for _, r := range rows {
		ids, of = append(ids, r.about.copy.id), append(of, w.ids[m.holder[r.about.copy.id]])
		if r.Deleted {
			gone = append(gone, r.about.copy.id)
		}
	}
	table := pgx.Identifier{m.Of.Stream}.Sanitize()
	p.Add(`
		WITH c AS (
			SELECT c.id, c.copied_id FROM ROWS FROM (unnest($4::uuid[]), unnest($5::uuid[])) AS c(id, copied_id)
			JOIN `+table+` t ON t.id = c.id AND t._requested_at = $6
		)
		INSERT INTO sync_stubs (stream, id, copied_from, copied_id, run_id)
		SELECT $1, c.id, $2, c.copied_id, $3 FROM c
		ON CONFLICT (stream, id) DO UPDATE
		SET copied_from = EXCLUDED.copied_from, copied_id = EXCLUDED.copied_id, run_id = EXCLUDED.run_id, resolved_at = NULL`,
		[]any{m.Of.Stream, w.into.Stream, w.run.ID, ids, of, CopiedAt}, nil)
	if err := q.RejectsResolve(ctx, db.RejectsResolveParams{Stream: m.Of.Stream, IDs: ids}); err != nil || len(gone) == 0 {
		return err
	}
	p.Add(`
		WITH gone AS (
			UPDATE `+table+` SET _deleted_at = now() WHERE id = ANY($1::uuid[]) AND _deleted_at IS NULL AND _requested_at = $2 RETURNING id
		)
		INSERT INTO sync_tombstones (stream, id, run_id, evidence)
		SELECT $3, id, $4, $5 FROM gone
		ON CONFLICT (stream, id, run_id) DO NOTHING`,
		[]any{gone, CopiedAt, m.Of.Stream, w.run.ID, "the copy inside " + w.into.Stream + " carries deleted_at"}, nil)
	return nil
}

// remember records copies that need no further look.
func (r *Run) remember(settled []copyOf) {
	if r.known == nil || len(r.known) > maxKnown {
		r.known = make(map[copyOf]struct{})
	}
	for _, c := range settled {
		r.known[c] = struct{}{}
	}
}
