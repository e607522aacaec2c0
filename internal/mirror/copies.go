package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store"
	"syncd/internal/store/db"
)

// storeCopies fills in rows that changed objects refer to and that are nowhere,
// from the copies that came inside the objects. Polar no longer lists a deleted
// customer, but goes on showing it inside its orders; without the copy those
// orders would be nobody's.
func (sw *sweep) storeCopies(ctx context.Context, q *db.Queries, tx pgx.Tx, objects []object, changes []store.Change) error {
	// Every transaction locks rows in one order: tables as in the table of streams,
	// within a table by id. Otherwise streams that run side by side would wait for
	// each other in a ring, until Postgres breaks one of them off.
	fields := slices.SortedFunc(maps.Keys(sw.s.Copies), func(a, b string) int {
		return sw.r.streams[sw.s.Copies[a]].place - sw.r.streams[sw.s.Copies[b]].place
	})
	for _, field := range fields {
		of := sw.r.streams[sw.s.Copies[field]]
		if sw.r.Off[of.Name] {
			continue // rows of nobody but syncd's own making would look like a stream that is read
		}
		copies := map[uuid.UUID]object{}
		holder := map[uuid.UUID]int{}
		for _, c := range changes {
			raw, ok := objects[c.Index].copies[field]
			if !ok {
				continue
			}
			// An unusable copy is no loss: the row that it copies has a stream of its own.
			if o, err := of.shape.split(raw, nil); err == nil {
				copies[o.id], holder[o.id] = o, c.Index
			}
		}
		if len(copies) == 0 {
			continue
		}
		missing, err := store.Missing(ctx, tx, of.Name, slices.Collect(maps.Keys(copies)))
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		docs := make([]jsontext.Value, len(missing))
		stubs := make([]store.Stub, len(missing))
		for i, id := range missing {
			o := copies[id]
			// A copy's children are not stored. Without a digest it differs from every
			// reply, so that the row's own page brings them even if all else is alike.
			o.hash = []byte{}
			docs[i] = o.document(store.CopiedAt)
			stubs[i] = store.Stub{ID: id, CopiedID: objects[holder[id]].id, Deleted: o.deleted}
		}
		if err := of.Table.write(ctx, q, docs); err != nil {
			// The copy goes with the object that holds it, for an operator to look at.
			return reindex(fmt.Errorf("copy in %s: %w", field, err), func(i int) int { return holder[missing[i]] })
		}
		if err := store.RecordStubs(ctx, q, tx, sw.run.ID, of.Name, sw.s.Name, stubs); err != nil {
			return err
		}
	}
	return nil
}

// reindex turns the index of a document into that of the item it came from.
func reindex(err error, index func(int) int) error {
	var item *store.ItemError
	if errors.As(err, &item) {
		return &store.ItemError{Index: index(item.Index), Err: item.Err}
	}
	return err
}
