package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
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

// copiesMet is what became of the copies in a page.
type copiesMet struct {
	settled []copyOf // their rows are there, or were tried
	refused int      // could not be stored, and nobody had known
}

// storeCopies fills in rows that changed objects refer to and that are nowhere,
// from the copies that came inside the objects. Polar no longer lists a deleted
// customer, but goes on showing it inside its orders; without the copy those
// orders would be nobody's. What it finds or stores is there when the page is
// committed, and is returned.
//
// A copy that cannot be stored is left out and noted as a reject of the stream that it is of; its holder is stored all
// the same. Which one is in the way only costs more to find out: quick fails with store.ErrCopy instead.
func (run *Run) storeCopies(ctx context.Context, q *db.Queries, tx pgx.Tx, objects []item.Item, changes []store.Change, quick bool) (met copiesMet, err error) {
	// Every transaction locks rows in one order: tables as in the table of streams,
	// within a table by id. Otherwise streams that run side by side would wait for
	// each other in a ring, until Postgres breaks one of them off.
	fields := slices.SortedFunc(maps.Keys(run.s.Copies), func(a, b string) int {
		return run.r.streams[run.s.Copies[a]].place - run.r.streams[run.s.Copies[b]].place
	})
	for _, field := range fields {
		of := run.r.streams[run.s.Copies[field]]
		if run.r.Off[of.Name] {
			continue // rows of nobody but syncd's own making would look like a stream that is read
		}
		at := run.s.shape.CopyIndex(field)
		holder := map[uuid.UUID]int{} // index of an item, by the id of the copy in it
		for _, c := range changes {
			id, err := item.FieldID(objects[c.Index].Copies[at], "id")
			if _, known := run.known[copyOf{field, id}]; err == nil && !known {
				holder[id] = c.Index
			}
		}
		if len(holder) == 0 {
			continue
		}
		missing, err := store.Missing(ctx, tx, of.Name, slices.Collect(maps.Keys(holder)))
		if err != nil {
			return met, err
		}
		news, err := run.storeMissing(ctx, q, tx, field, missing, objects, holder, quick)
		if err != nil {
			return met, err
		}
		met.refused += news
		for id := range holder {
			met.settled = append(met.settled, copyOf{field, id})
		}
	}
	return met, nil
}

func (run *Run) storeMissing(ctx context.Context, q *db.Queries, tx pgx.Tx, field string, missing []uuid.UUID, objects []item.Item, holder map[uuid.UUID]int, quick bool) (refused int, err error) {
	of := run.r.streams[run.s.Copies[field]]
	var rows []row
	var rejects []store.Reject
	refuse := func(i int, body []byte, err error) {
		rejects = append(rejects, store.Reject{ID: &missing[i], Reason: store.Reason(err), Body: body})
	}
	sp := item.Splitter{Organization: run.record.Organization}
	for i, id := range missing {
		o, err := sp.Split(of.shape, objects[holder[id]].Copies[run.s.shape.CopyIndex(field)])
		if err != nil {
			refuse(i, o.Raw, err)
			continue
		}
		// A copy's children are not stored. Without a digest it differs from every
		// reply, so that the row's own page brings them even if all else is alike.
		o.Set(&of.Table.Columns, "_hash", []byte(`""`))
		o.Set(&of.Table.Columns, "_requested_at", item.TimeValue(store.CopiedAt))
		rows = append(rows, row{&o, i, false})
	}
	bad, err := of.writeEach(ctx, q, tx, rows, quick)
	if err != nil {
		return 0, fmt.Errorf("copy in %s: %w", field, err)
	}
	var stubs []store.Stub
	for _, r := range rows {
		if err := bad[r.item]; err != nil {
			refuse(r.item, r.Raw, err)
			continue
		}
		id := missing[r.item]
		stubs = append(stubs, store.Stub{ID: id, CopiedID: objects[holder[id]].ID, Deleted: r.Deleted})
	}
	if len(stubs) > 0 {
		if err := store.RecordStubs(ctx, q, tx, run.record.ID, of.Name, run.s.Name, stubs); err != nil {
			return 0, err
		}
	}
	if len(rejects) == 0 {
		return 0, nil
	}
	return store.RejectCopies(ctx, q, run.record.ID, of.Name, run.s.Name, rejects)
}

// writeEach upserts rows, and tells by row.item which of them cannot be stored. Each of those costs two more batches, behind
// savepoints; quick does without these, and fails with store.ErrCopy where a row cannot be stored.
func (s *prepared) writeEach(ctx context.Context, q *db.Queries, tx pgx.Tx, rows []row, quick bool) (bad map[int]error, err error) {
	if quick {
		err := s.Table.write(ctx, q, tx, s.Name, rows, false)
		if _, is := errors.AsType[*store.ItemError](err); is {
			err = fmt.Errorf("%w: %w", store.ErrCopy, err)
		}
		return nil, err
	}
	bad = map[int]error{}
	rest := slices.Clone(rows)
	for n := len(rest); len(rest) > 0; {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return s.Table.write(ctx, q.WithTx(tx), tx, s.Name, rest[:n], false) })
		refused, is := errors.AsType[*store.ItemError](err)
		switch {
		case err == nil:
			rest = rest[n:]
		case !is:
			return nil, err
		default: // those before it go by themselves
			bad[refused.Index] = refused.Err
			n = slices.IndexFunc(rest, func(r row) bool { return r.item == refused.Index })
			rest = slices.Delete(rest, n, n+1)
		}
		if err == nil || n == 0 {
			n = len(rest)
		}
	}
	return bad, nil
}

// remember notes rows of other streams that are there for good, as no row is ever removed, or not worth another try.
func (run *Run) remember(there []copyOf) {
	if run.known == nil || len(run.known) > maxKnown {
		run.known = make(map[copyOf]struct{})
	}
	for _, c := range there {
		run.known[c] = struct{}{}
	}
}
