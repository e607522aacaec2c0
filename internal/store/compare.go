package store

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store/clock"
	"syncd/internal/store/pg"
)

// change is an item that differs from its row in the table.
type change struct {
	item  int
	isNew bool // the table has no row with this id
	// revived: the row was marked as deleted, and Polar lists it again.
	revived bool
	// misdated: the row seems to have been requested later than now, so its date says nothing. The same may hold for its
	// children.
	misdated bool
	// doubted: the tables of its children are not believed.
	doubted bool
}

// later is an SQL condition: a reply requested after at held the row of this id, even if it left the row unchanged and so left no
// trace in the table.
func later(at, stream, id string) string {
	return `EXISTS (SELECT FROM sync_seen s WHERE s.requested_at > ` + at + ` AND s.requested_at <= ` + clock.Present + ` AND split_part(s.stream, '/', 1) = ` + stream + ` AND ` + id + ` = ANY(s.ids))`
}

// compare asks which items are new, changed, revived or misdated, and counts the others. A row stored from a later request stays,
// and something must prove that request: the ids that it received, or a tombstone. Otherwise a clock was wrong, and a change may
// be lost. The SQL is not generated: it is the same for every table, and sqlc cannot take a table's name as a parameter. Of a table that is
// divided, a row is looked for in its month alone: where Polar has changed its time it counts as new, and the upsert finds it.
func (w *writing) compare(p *pg.Pipeline) {
	if len(w.items) == 0 {
		return
	}
	hashes := make([][]byte, len(w.items))
	at := make([]time.Time, len(w.items))
	within := ""
	if w.into.Months != "" {
		within = " AND " + pgx.Identifier{w.into.Months}.Sanitize() + " = n.time"
	}
	for i, o := range w.items {
		hashes[i], at[i] = o.Hash, w.pages[w.page[i]].RequestedAt
	}
	sql := `
		SELECT n.ord - 1 AS item,
		       t.id IS NULL AS new,
		       COALESCE(t._requested_at > n.at AND t._requested_at <= ` + clock.Present + `, false) AS older,
		       t.id IS NOT NULL AND ` + later("n.at", "$4", "n.id") + ` AS met,
		       t._deleted_at IS NOT NULL AND EXISTS (SELECT FROM sync_tombstones d WHERE d.stream = $4 AND d.id = n.id AND d.resurrected_at IS NULL) AS buried,
		       t._deleted_at IS NOT NULL AS dead,
		       COALESCE(t._requested_at > ` + clock.Present + `, false) AS ahead
		FROM ROWS FROM (unnest($1::uuid[]), unnest($2::bytea[]), unnest($3::timestamptz[]), unnest($6::timestamptz[])) WITH ORDINALITY AS n(id, hash, at, time, ord)
		LEFT JOIN LATERAL (SELECT id, _hash, _requested_at, _deleted_at FROM ` + pgx.Identifier{w.into.Stream}.Sanitize() + ` WHERE id = n.id` + within + ` LIMIT 1) t ON true
		WHERE t.id IS NULL OR t._hash <> n.hash OR t._deleted_at IS NOT NULL OR $5 OR t._requested_at > ` + clock.Present
	p.Add(sql, []any{w.ids, hashes, at, w.run.Stream, w.pages[0].Force, item.Times(w.items, &w.into.Table.Columns, w.into.Months)}, w.compared)
}

// compared reads the answer.
func (w *writing) compared(rows pgx.Rows) error {
	var index, differ int
	var isNew, older, met, buried, dead, ahead bool
	_, err := pgx.ForEachRow(rows, []any{&index, &isNew, &older, &met, &buried, &dead, &ahead}, func() error {
		differ++
		force := w.pages[0].Force
		switch {
		case w.bad[index] != "":
		case older || met || w.pages[w.page[index]].RequestedAt.IsZero() && !isNew:
			w.counts.Stale++
			if older && !met && !buried {
				w.counts.Unexplained++
			}
		case isNew:
			w.counts.Inserted++
			// With Force the children may be stored although the row was lost.
			w.changes = append(w.changes, change{item: index, isNew: !force, doubted: force})
		default:
			w.counts.Updated++
			w.changes = append(w.changes, change{item: index, revived: dead, misdated: ahead, doubted: force || ahead})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare with %s: %w", w.into.Stream, err)
	}
	w.counts.Unchanged = int64(len(w.items) - differ)
	return nil
}
