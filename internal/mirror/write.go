package mirror

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store"
	"syncd/internal/store/db"
)

// write upserts the changed objects and their children. A child that cannot be
// stored takes its parent with it: a parent with half its children would be a lie.
func (s *prepared) write(ctx context.Context, q *db.Queries, tx pgx.Tx, requestedAt time.Time, objects []object, changes []store.Change) error {
	docs := make([]jsontext.Value, len(changes))
	for i, c := range changes {
		docs[i] = objects[c.Index].document(requestedAt)
	}
	if err := s.Table.write(ctx, q, docs); err != nil {
		return reindex(err, func(i int) int { return changes[i].Index })
	}
	for k := range s.Children {
		if err := s.writeChildren(ctx, q, tx, requestedAt, objects, changes, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *prepared) writeChildren(ctx context.Context, q *db.Queries, tx pgx.Tx, requestedAt time.Time, objects []object, changes []store.Change, k int) error {
	child := s.shape.childs[k]
	var docs []jsontext.Value
	var owner []int // index of the object that each document belongs to
	var known []uuid.UUID
	var listed [][2]uuid.UUID
	for _, c := range changes {
		parent := &objects[c.Index]
		if !c.New {
			known = append(known, parent.id)
		}
		for position, o := range parent.children[k] {
			docs = append(docs, o.childDocument(requestedAt, child.Parent, parent.id, position))
			owner = append(owner, c.Index)
			if !c.New {
				listed = append(listed, [2]uuid.UUID{parent.id, o.id})
			}
		}
	}
	if len(docs) > 0 {
		if err := child.Table.write(ctx, q, docs); err != nil {
			return reindex(err, func(i int) int { return owner[i] })
		}
	}
	if len(known) == 0 {
		return nil
	}
	return store.RemoveUnlisted(ctx, tx, child.Name, child.Parent, child.Key, requestedAt, known, listed)
}
