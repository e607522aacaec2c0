package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/store/clock"
	"syncd/internal/store/pg"
)

// change is an item that the table does not hold as it came.
type change struct {
	item  int
	isNew bool // the table has no row with this id
	// revived: the table's row was marked as deleted, and no longer is.
	revived bool
	// misdated: the table's row seems to be requested later than now, which says nothing. Its children may seem so too.
	misdated bool
	// doubted: nothing is believed that the tables of its children say.
	doubted bool
}

// later says that a reply requested after a time held the row with an id, even if
// it found the row unchanged and so left no trace in the table.
func later(at, stream, id string) string {
	return `EXISTS (SELECT FROM sync_seen s WHERE s.requested_at > ` + at + ` AND s.requested_at <= ` + clock.Present + ` AND split_part(s.stream, '/', 1) = ` + stream + ` AND ` + id + ` = ANY(s.ids))`
}

// compare asks which items are new, have other content, come back from the
// dead or are misdated, and counts the rest. What is stored as of a later request
// stays, and something must tell of that request: the ids it received, or a
// tombstone. Otherwise a clock was wrong, and a change may be lost. Its SQL is not generated: the question is the same
// for every table, and sqlc cannot take a table's name.
func (w *writing) compare(p *pg.Pipeline) {
	if len(w.items) == 0 {
		return
	}
	hashes := make([][]byte, len(w.items))
	at := make([]time.Time, len(w.items))
	for i, o := range w.items {
		hashes[i], at[i] = o.Hash, w.pages[w.page[i]].RequestedAt
	}
	sql := `
		SELECT n.ord - 1,
		       t.id IS NULL,
		       COALESCE(t._requested_at > n.at AND t._requested_at <= ` + clock.Present + `, false),
		       t.id IS NOT NULL AND ` + later("n.at", "$4", "n.id") + `,
		       t._deleted_at IS NOT NULL AND EXISTS (SELECT FROM sync_tombstones d WHERE d.stream = $4 AND d.id = n.id AND d.resurrected_at IS NULL),
		       t._deleted_at IS NOT NULL,
		       COALESCE(t._requested_at > ` + clock.Present + `, false)
		FROM ROWS FROM (unnest($1::uuid[]), unnest($2::bytea[]), unnest($3::timestamptz[])) WITH ORDINALITY AS n(id, hash, at, ord)
		LEFT JOIN LATERAL (SELECT id, _hash, _requested_at, _deleted_at FROM ` + pgx.Identifier{w.into.Stream}.Sanitize() + ` WHERE id = n.id LIMIT 1) t ON true
		WHERE t.id IS NULL OR t._hash <> n.hash OR t._deleted_at IS NOT NULL OR $5 OR t._requested_at > ` + clock.Present
	p.Add(sql, []any{w.ids, hashes, at, w.run.Stream, w.pages[0].Force}, w.compared)
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
			// With Force its children may be there, though the row was lost.
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

// parents are rows, and when the replies with them were requested.
type parents struct {
	ids []uuid.UUID
	at  []time.Time
}

func (ps *parents) add(id uuid.UUID, at time.Time) {
	ps.ids, ps.at = append(ps.ids, id), append(ps.at, at)
}

// joined makes rows c of a table those of the parents p, by a column.
func joined(table, column, set string) string {
	return `UPDATE ` + pgx.Identifier{table}.Sanitize() + ` c SET ` + set + `
		FROM ROWS FROM (unnest($1::uuid[]), unnest($2::timestamptz[])) AS p(id, at)
		WHERE c.` + pgx.Identifier{column}.Sanitize() + ` = p.id`
}

// redate gives misdated rows the time of the reply.
func (ps *parents) redate(p *pg.Pipeline, table string) {
	if len(ps.ids) > 0 {
		p.Add(joined(table, "id", "_requested_at = p.at"), []any{ps.ids, ps.at}, nil)
	}
}

// distrust makes the child rows of these parents differ from anything that Polar may send, so that they are all written
// anew, but for those of a later reply.
func (ps *parents) distrust(p *pg.Pipeline, child *ChildTarget) {
	if len(ps.ids) > 0 {
		p.Add(joined(child.Name, child.Parent, `_hash = '', _requested_at = LEAST(c._requested_at, p.at)`)+
			` AND (c._requested_at <= p.at OR c._requested_at > `+clock.Present+`)`, []any{ps.ids, ps.at}, nil)
	}
}

// childKey names a row of a child table.
type childKey struct{ parent, key uuid.UUID }

// removeUnlisted marks the child rows of these parents that the parents' lists
// no longer name. The rows stay: other rows may point at them. A reply that was
// requested before the stored row's is not believed.
func (ps *parents) removeUnlisted(ctx context.Context, q interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}, table, parent, key string, listed []childKey,
) error {
	if len(ps.ids) == 0 {
		return nil
	}
	of, keys := make([]uuid.UUID, len(listed)), make([]uuid.UUID, len(listed))
	for i, l := range listed {
		of[i], keys[i] = l.parent, l.key
	}
	_, err := q.Exec(ctx, joined(table, parent, "_removed_at = now(), _synced_at = now(), _requested_at = p.at")+`
		  AND c._removed_at IS NULL AND c._requested_at <= p.at
		  AND NOT EXISTS (
		      SELECT FROM ROWS FROM (unnest($3::uuid[]), unnest($4::uuid[])) AS l(p, k)
		      WHERE l.p = p.id AND l.k = c.`+pgx.Identifier{key}.Sanitize()+`)`, ps.ids, ps.at, of, keys)
	if err != nil {
		return fmt.Errorf("mark unlisted rows of %s: %w", table, err)
	}
	return nil
}
