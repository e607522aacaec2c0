package mirror

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// row is an object on its way into a table.
type row struct {
	*item.Item
	item  int  // index of the item that it came in
	isNew bool // the table does not have it
}

// write upserts the changed objects and their children. A child that cannot be
// stored takes its parent with it: a parent with half its children would be a lie.
func (s *prepared) write(ctx context.Context, q *db.Queries, tx pgx.Tx, requestedAt time.Time, objects []item.Item, changes []store.Change, bulk bool) error {
	at := item.TimeValue(requestedAt)
	rows := make([]row, len(changes))
	for i, c := range changes {
		o := &objects[c.Index]
		o.Set(&s.Table.Columns, "_requested_at", at)
		rows[i] = row{o, c.Index, c.New}
	}
	if err := s.Table.write(ctx, q, tx, s.Name, rows, bulk); err != nil {
		return err
	}
	for k := range s.Children {
		if err := s.writeChildren(ctx, q, tx, requestedAt, objects, changes, k, bulk); err != nil {
			return err
		}
	}
	return nil
}

// compose makes the tuples of objects that are likely to be new, and of their children, while the page before them is
// still being written. One that cannot be made is tried again when it is written, which tells why not.
func (s *prepared) compose(requestedAt time.Time, objects []item.Item) {
	at := item.TimeValue(requestedAt)
	var tuples []byte // of all: they are written one behind the other
	compose := func(t *Table, o *item.Item) {
		if !t.binary() {
			return
		}
		o.Set(&t.Columns, "_requested_at", at)
		from := len(tuples)
		grown, err := t.appendTuple(tuples, o)
		if err == nil {
			tuples, o.Tuple = grown, grown[from:len(grown):len(grown)]
		}
	}
	for i := range objects {
		o := &objects[i]
		compose(&s.Table, o)
		for k, list := range o.Children {
			child, shape := &s.Children[k].Table, &s.shape.Children[k]
			for position := range list {
				list[position].Place(shape, o.ID, position)
				compose(child, &list[position])
			}
		}
	}
}

func (s *prepared) writeChildren(ctx context.Context, q *db.Queries, tx pgx.Tx, requestedAt time.Time, objects []item.Item, changes []store.Change, k int, bulk bool) error {
	child, shape := &s.Children[k], &s.shape.Children[k]
	at := item.TimeValue(requestedAt)
	var rows []row
	var known []uuid.UUID
	var listed [][2]uuid.UUID
	for _, c := range changes {
		parent := &objects[c.Index]
		if !c.New {
			known = append(known, parent.ID)
		}
		for position := range parent.Children[k] {
			o := &parent.Children[k][position]
			o.Set(&shape.Columns, "_requested_at", at)
			o.Place(shape, parent.ID, position)
			rows = append(rows, row{o, c.Index, c.New})
			if !c.New {
				listed = append(listed, [2]uuid.UUID{parent.ID, o.ID})
			}
		}
	}
	if err := child.Table.write(ctx, q, tx, child.Name, rows, bulk); err != nil {
		return err
	}
	if len(known) == 0 {
		return nil
	}
	return store.RemoveUnlisted(ctx, tx, child.Name, child.Parent, child.Key, requestedAt, known, listed)
}
