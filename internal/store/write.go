package store

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/erasure"
	"syncd/internal/store/lists"
	"syncd/internal/store/pg"
)

// write queues everything that the pages change.
func (w *writing) write(ctx context.Context, p *pg.Pipeline) error {
	q := db.New(p)
	if len(w.changes) > 0 {
		if err := q.HistoryOn(ctx, w.run.ID); err != nil {
			return err
		}
	}
	w.noteAnonymized(p)
	if err := w.writeCopies(ctx, p, q); err != nil {
		return err
	}
	if err := w.writeRows(ctx, p, q); err != nil {
		return err
	}
	if err := w.noteInvalidated(ctx, q); err != nil {
		return err
	}
	if err := w.settleStored(ctx, q); err != nil {
		return err
	}
	if err := w.close(ctx, q); err != nil || len(w.changes) == 0 {
		return err
	}
	return q.ChangesAnnounce(ctx)
}

// writeRows queues the upserts of changed objects and their children. If a child cannot be stored, its parent is not stored
// either: a parent with half its children would be wrong.
func (w *writing) writeRows(ctx context.Context, p *pg.Pipeline, q *db.Queries) error {
	if len(w.changes) == 0 {
		return nil
	}
	var revived []uuid.UUID
	var misdated, doubted lists.Parents
	for _, c := range w.changes {
		id, at := w.ids[c.item], w.pages[w.page[c.item]].RequestedAt
		if c.revived {
			revived = append(revived, id)
		}
		if c.misdated {
			misdated.Add(id, at)
		}
		if c.doubted {
			doubted.Add(id, at)
		}
	}
	misdated.Redate(p, w.into.Stream)
	for k := range w.into.Children {
		doubted.Distrust(p, w.into.Children[k].rows())
	}
	if w.into.Months != "" { // one that is empty when a plan is made would be read through until the plan is made anew
		p.Add("SET LOCAL enable_seqscan TO off", nil, nil)
	}
	owners := w.owners()
	if owners != nil {
		p.Add(erasure.AskedSQL, []any{w.into.Stream, w.ids, owners}, nil)
	}
	if err := w.writeChanged(ctx, p); err != nil {
		return err
	}
	if owners != nil {
		p.Add(erasure.SettledSQL, nil, nil)
	}
	if len(revived) == 0 {
		return nil
	}
	return q.TombstonesResurrect(ctx, db.TombstonesResurrectParams{Stream: w.run.Stream, IDs: revived})
}

// askedFrom is from how many rows on it is worth a statement to ask for all of them whose they are.
const askedFrom = 10

// owners are whose the items are; nil: that is asked for each row.
func (w *writing) owners() []uuid.UUID {
	if len(w.changes) < askedFrom {
		return nil
	}
	return item.IDs(w.items, &w.into.Table.Columns, erasure.OwnerColumn)
}

// writeChanged queues the changes, and what their lists hold.
func (w *writing) writeChanged(ctx context.Context, p *pg.Pipeline) error {
	at := make([]jsontext.Value, len(w.pages))
	for k := range w.pages {
		at[k] = item.TimeValue(w.pages[k].RequestedAt)
	}
	rows := make([]row, len(w.changes))
	for i, c := range w.changes {
		o := w.items[c.item]
		if o.Encoded == nil {
			o.SetColumn(&w.into.Table.Columns, "_requested_at", at[w.page[c.item]])
		}
		rows[i] = row{o, subject{item: c.item}, c.isNew && !w.upsert}
	}
	if err := w.into.Table.write(p, rows, w.apart); err != nil {
		return err
	}
	for k := range w.into.Children {
		if err := w.writeChildren(ctx, p, k, at); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) writeChildren(ctx context.Context, p *pg.Pipeline, k int, at []jsontext.Value) error {
	child, shape := &w.into.Children[k], &w.into.Shape.Children[k]
	var rows []row
	var known lists.Parents
	var listed []lists.Element
	for _, c := range w.changes {
		parent, page := w.items[c.item], w.page[c.item]
		if !c.isNew {
			known.Add(parent.ID, w.pages[page].RequestedAt)
		}
		list := parent.Children[k]
		last := make(map[uuid.UUID]int, len(list)) // one statement can write a row only once, even if it is listed twice
		for position := range list {
			last[list[position].ID] = position
		}
		for position := range list {
			o := &list[position]
			if last[o.ID] != position {
				continue
			}
			if o.Encoded == nil {
				o.SetColumn(&shape.Columns, "_requested_at", at[page])
				o.PlaceInParent(shape, parent.ID, position)
			}
			rows = append(rows, row{o, subject{item: c.item}, c.isNew && !w.upsert})
			if !c.isNew {
				listed = append(listed, lists.Element{Parent: parent.ID, Key: o.ID})
			}
		}
	}
	if err := child.Table.write(p, rows, w.apart); err != nil {
		return err
	}
	return known.RemoveUnlisted(ctx, p, child.rows(), listed)
}
