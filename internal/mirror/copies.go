package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store"
	"syncd/internal/store/db"
)

// maxKnown bounds how many rows of other streams a run remembers to be there.
const maxKnown = 100_000

// copyOf is a row of another stream that objects hold copies of.
type copyOf struct {
	field string
	id    uuid.UUID
}

// storeCopies fills in rows that changed objects refer to and that are nowhere,
// from the copies that came inside the objects. Polar no longer lists a deleted
// customer, but goes on showing it inside its orders; without the copy those
// orders would be nobody's. What it finds or stores is there when the page is
// committed, and is returned.
func (sw *sweep) storeCopies(ctx context.Context, q *db.Queries, tx pgx.Tx, objects []object, changes []store.Change) (there []copyOf, err error) {
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
		at := sw.s.shape.fields[field].at
		holder := map[uuid.UUID]int{} // index of an item, by the id of the copy in it
		for _, c := range changes {
			id, ok := copyID(objects[c.Index].copies[at])
			if _, known := sw.known[copyOf{field, id}]; ok && !known {
				holder[id] = c.Index
			}
		}
		if len(holder) == 0 {
			continue
		}
		missing, err := store.Missing(ctx, tx, of.Name, slices.Collect(maps.Keys(holder)))
		if err != nil {
			return nil, err
		}
		if err := sw.storeMissing(ctx, q, tx, field, missing, objects, holder); err != nil {
			return nil, err
		}
		for id := range holder {
			there = append(there, copyOf{field, id})
		}
	}
	return there, nil
}

// copyID is the id of a copy, if it has one.
func copyID(raw []byte) (id uuid.UUID, ok bool) {
	for name, value := range members(raw) {
		if string(name) == `"id"` {
			id, err := parseID(value)
			return id, err == nil
		}
	}
	return id, false
}

func (sw *sweep) storeMissing(ctx context.Context, q *db.Queries, tx pgx.Tx, field string, missing []uuid.UUID, objects []object, holder map[uuid.UUID]int) error {
	of := sw.r.streams[sw.s.Copies[field]]
	var rows []row
	var stubs []store.Stub
	var sp splitter
	for _, id := range missing {
		item := holder[id]
		o, err := sp.split(&of.shape, objects[item].copies[sw.s.shape.fields[field].at])
		if err != nil {
			continue // an unusable copy is no loss: the row that it copies has a stream of its own
		}
		// A copy's children are not stored. Without a digest it differs from every
		// reply, so that the row's own page brings them even if all else is alike.
		o.put(&of.Table, "_hash", []byte(`""`))
		o.put(&of.Table, "_requested_at", requested(store.CopiedAt))
		rows = append(rows, row{&o, item, false})
		stubs = append(stubs, store.Stub{ID: id, CopiedID: objects[item].id, Deleted: o.deleted})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := of.Table.write(ctx, q, tx, of.Name, rows, false); err != nil {
		// The copy goes with the object that holds it, for an operator to look at.
		if item, ok := errors.AsType[*store.ItemError](err); ok {
			return &store.ItemError{Index: item.Index, Err: fmt.Errorf("copy in %s: %w", field, item.Err)}
		}
		return fmt.Errorf("copy in %s: %w", field, err)
	}
	return store.RecordStubs(ctx, q, tx, sw.run.ID, of.Name, sw.s.Name, stubs)
}

// remember notes rows of other streams that are there for good, as no row is ever removed.
func (sw *sweep) remember(there []copyOf) {
	if sw.known == nil || len(sw.known) > maxKnown {
		sw.known = make(map[copyOf]struct{})
	}
	for _, c := range there {
		sw.known[c] = struct{}{}
	}
}
