package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/rawjson"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Invalidation says that a change of these objects makes rows of another stream out of date: Polar shows a column of the objects
// in those rows, and does not change their modified_at.
type Invalidation struct {
	Column string // of the objects; it holds text
	Stream string // whose rows show it
	Filter string // of that stream's list; it finds the rows by the id of the object
}

// invalidated are the objects whose column differs from their rows'.
type invalidated struct {
	Invalidation
	ids []string
}

// lookForInvalidations reads the columns that other streams show from the rows that will be overwritten.
func (w *writing) lookForInvalidations(p *pg.Pipeline) {
	w.invalid = make([]invalidated, len(w.into.Invalidates)) // never moved: the answers go there
	for k, of := range w.into.Invalidates {
		w.invalid[k].Invalidation = of
		at, _ := w.into.Table.Index(of.Column) // checked with the table of streams
		incoming := map[uuid.UUID]string{}
		var ids []uuid.UUID
		for _, c := range w.changes {
			if o := w.items[c.item]; !c.isNew {
				incoming[o.ID], ids = rawjson.Text(o.Values[at]), append(ids, o.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		sql := "SELECT id, COALESCE(" + pgx.Identifier{of.Column}.Sanitize() + ", '') FROM " + pgx.Identifier{w.into.Stream}.Sanitize() + " WHERE id = ANY($1) ORDER BY id"
		p.Add(sql, []any{ids}, func(rows pgx.Rows) error {
			var id uuid.UUID
			var stored string
			_, err := pgx.ForEachRow(rows, []any{&id, &stored}, func() error {
				if stored != incoming[id] {
					w.invalid[k].ids = append(w.invalid[k].ids, id.String())
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("compare %s of %s: %w", of.Column, w.into.Stream, err)
			}
			return nil
		})
	}
}

// noteInvalidated records the pending changes of other streams that follow. They commit with the rows that cause them, so none is
// lost. Tails fetch them, or a sweep of the other stream settles them.
func (w *writing) noteInvalidated(ctx context.Context, q *db.Queries) error {
	for _, of := range w.invalid {
		if len(of.ids) == 0 {
			continue
		}
		if err := q.ChangesInvalidate(ctx, db.ChangesInvalidateParams{Stream: of.Stream, Filter: of.Filter, Values: of.ids}); err != nil {
			return err
		}
	}
	return nil
}
