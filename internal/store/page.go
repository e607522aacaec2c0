package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/store/db"
)

// errPage marks a failure of the database, as opposed to one of the data.
var errPage = errors.New("store page")

// Item is one object of a page, before it is known whether it changed.
type Item struct {
	ID   uuid.UUID
	Hash []byte // of everything that is kept of it
	Body []byte // as received, less secrets; kept if it must be rejected
}

// Reject is an item that cannot be stored.
type Reject struct {
	ID     *uuid.UUID // nil where the item has no usable id
	Reason string
	Body   []byte
}

func (x Reject) row(stream string, run int64) db.RejectsUpsertParams {
	sum := sha256.Sum256(x.Body)
	key := hex.EncodeToString(sum[:])
	if x.ID != nil {
		key = x.ID.String()
	}
	return db.RejectsUpsertParams{Stream: stream, Key: key, ItemID: x.ID, RunID: run, Reason: x.Reason, Body: x.Body}
}

// Gap is a row that Polar cannot render, so that only its place is known.
type Gap struct {
	Place  string // tells it from others of the stream
	Reason string
	Said   string // what came instead of the row
}

// gapKey begins the keys of rejects that are gaps.
const gapKey = "gap:"

func (g Gap) reject(stream string, run int64) db.RejectsUpsertParams {
	return db.RejectsUpsertParams{Stream: stream, Key: gapKey + g.Place, RunID: run, Reason: g.Reason, Body: []byte(g.Said)}
}

// Page is one list response on its way into the database.
type Page struct {
	Table       string
	RequestedAt time.Time // when the reply was requested; zero: nobody knows, so it overwrites nothing
	Items       []Item    // ids are distinct
	Rejects     []Reject  // found unusable before they came here
	Gaps        []Gap     // rows that are missing from it
	Read        int       // items on the wire, repeats included
	Checkpoint  json.RawMessage
	Total       *int64 // total_count of the reply; nil where the endpoint gives none
	Requests    int64  // of the run so far
	// Force writes every item, also one whose digest is that of its row: a row that was damaged by hand keeps its digest.
	Force bool
	// Write upserts these items. An *ItemError names the one that cannot be
	// written; anything else is a failure of the database.
	Write func(ctx context.Context, q *db.Queries, tx pgx.Tx, changes []Change) error
}

// Change is an item that the table does not hold as it came.
type Change struct {
	Index int  // in Page.Items
	New   bool // the table has no row with this id
	// Revived: the table's row was marked as deleted, and no longer is.
	Revived bool
	// Misdated: the table's row seems to be requested later than now, which says nothing. Its children may seem so too.
	Misdated bool
}

// ItemError says that one item, by its index, cannot be stored as it is.
type ItemError struct {
	Index int
	Err   error
}

func (e *ItemError) Error() string { return e.Err.Error() }
func (e *ItemError) Unwrap() error { return e.Err }

// IsDataError tells whether Postgres refused a value, rather than failed: a
// number out of range, a NUL character in a text, a row too large for a page.
func IsDataError(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch {
	case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "23"): // data exception, integrity
		return true
	case strings.HasPrefix(pg.Code, "54"): // program limit exceeded, such as an index row too large
		return true
	}
	return false
}

// StorePage writes a page in one transaction: changed rows, rejects, the ids
// seen, the run's counts, the checkpoint and the lease's renewal. Either all of
// it is there afterwards, or none.
//
// What did not change is found out by one read, and costs no write. An item
// that Postgres refuses is set aside and the page is written again without it,
// so that its page-mates are stored.
func (r *Run) StorePage(ctx context.Context, p Page) (Counts, error) {
	bad := map[int]string{}
	for {
		counts, err := r.storePage(ctx, p, bad)
		var item *ItemError
		switch {
		case err == nil:
			r.Counts.add(counts)
			r.SweepPages++
			if r.SweepTotal == nil {
				r.SweepTotal = p.Total
			}
			return counts, nil
		case errors.Is(err, ErrCopy):
			// Row by row it will show which one is in the way.
		case errors.As(err, &item) && bad[item.Index] == "":
			bad[item.Index] = Reason(item.Err)
		case errors.Is(err, ErrLeaseLost):
			return Counts{}, fmt.Errorf("%s: %w", r.Stream, err)
		default:
			return Counts{}, fmt.Errorf("%w of %s: %w", errPage, r.Stream, err)
		}
	}
}

func (c *Counts) add(o Counts) {
	c.Pages += o.Pages
	c.Requests = max(c.Requests, o.Requests)
	c.Read += o.Read
	c.Inserted += o.Inserted
	c.Updated += o.Updated
	c.Unchanged += o.Unchanged
	c.Stale += o.Stale
	c.Unexplained += o.Unexplained
	c.Rejected += o.Rejected
}

// first begins the transaction of a page. It does not wait for the disk: should the server crash within the next
// second, the page may be lost, and with it the checkpoint behind it, so that it is read again. The end of a run does
// wait, for all its pages.
//
// The same round trip takes the page's turn among the transactions of the stream, as StreamHold does. Whether the lease is
// still the run's, the last statement finds out: see PageClose.
func (r *Run) first() string {
	return "SET LOCAL synchronous_commit TO off; SELECT FROM sync_streams WHERE stream = " + literal(r.Stream) + " FOR UPDATE"
}

// literal is a text as an SQL constant.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (r *Run) storePage(ctx context.Context, p Page, bad map[int]string) (Counts, error) {
	var c Counts
	first := r.SweepTotal // of a resumed sweep: an earlier run read its first page
	if first == nil {
		first = p.Total
	}
	err := r.s.pool.inTx(ctx, func(tx pgx.Tx) error {
		c = Counts{Pages: 1, Requests: p.Requests, Read: int64(p.Read)}
		q := r.s.q.WithTx(tx)
		want, err := r.changed(ctx, tx, p, bad, &c)
		if err != nil {
			return err
		}
		if len(want) > 0 {
			if err := p.Write(ctx, q, tx, want); err != nil {
				return err
			}
			if err := r.resurrect(ctx, q, p.Items, want); err != nil {
				return err
			}
		}
		ids := make([]uuid.UUID, 0, len(p.Items))
		rejects := slices.Clone(p.Rejects)
		for _, x := range rejects {
			if x.ID != nil {
				ids = append(ids, *x.ID)
			}
		}
		for i, it := range p.Items {
			ids = append(ids, it.ID)
			if why, is := bad[i]; is {
				rejects = append(rejects, Reject{ID: &it.ID, Reason: why, Body: it.Body})
			}
		}
		c.Rejected = int64(len(rejects))
		if r.stubs {
			if err := q.StubsResolve(ctx, db.StubsResolveParams{Stream: r.Stream, IDs: ids}); err != nil {
				return err
			}
		}
		if r.suspects {
			if err := q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids}); err != nil {
				return err
			}
		}
		if err := r.reject(ctx, q, rejects, p.Gaps, bad, p.Items); err != nil {
			return err
		}
		n, err := q.PageClose(ctx, db.PageCloseParams{
			RunID: &r.ID, Seen: r.seen, SweepID: r.SweepID, Page: r.SweepPages, IDs: ids, RequestedAt: p.RequestedAt,
			Requests: c.Requests, RowsRead: c.Read, RowsInserted: c.Inserted, RowsUpdated: c.Updated, RowsUnchanged: c.Unchanged,
			RowsStale: c.Stale, RowsUnexplained: c.Unexplained, RowsRejected: c.Rejected, TotalFirst: first, Total: p.Total,
			Lease: r.lease, Checkpoint: p.Checkpoint, TtlSeconds: r.ttl.Seconds(),
		})
		if err != nil {
			return err
		}
		if n == 0 && r.lease != "" {
			return ErrLeaseLost
		}
		return nil
	}, r.first())
	return c, err
}

// hold makes the page transactions of one stream take turns, and ends that of a
// run whose lease is gone before it does any work.
func (r *Run) hold(ctx context.Context, q *db.Queries) error {
	holder, err := q.StreamHold(ctx, r.Stream)
	if err != nil {
		return err
	}
	if r.lease == r.Stream && deref(holder) != r.ID {
		return ErrLeaseLost
	}
	return nil
}

// later says that a reply requested after $%d held the row with the id %s, even if
// it found the row unchanged and so left no trace in the table.
const later = `EXISTS (SELECT FROM sync_seen s WHERE s.requested_at > $%d AND s.requested_at <= ` + present + ` AND split_part(s.stream, '/', 1) = $%d AND %s = ANY(s.ids))`

// changed asks which items are new, have other content, come back from the
// dead or are misdated, and counts the rest. What is stored as of a later request
// stays, and something must tell of that request: the ids it received, or a
// tombstone. Otherwise a clock was wrong, and a change may be lost. Its SQL is not generated: the question is the same
// for every table, and sqlc cannot take a table's name.
func (r *Run) changed(ctx context.Context, tx pgx.Tx, p Page, bad map[int]string, c *Counts) ([]Change, error) {
	if len(p.Items) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(p.Items))
	hashes := make([][]byte, len(p.Items))
	for i, it := range p.Items {
		ids[i], hashes[i] = it.ID, it.Hash
	}
	rows, err := tx.Query(ctx, `
		SELECT n.ord - 1,
		       t.id IS NULL,
		       COALESCE(t._requested_at > $3 AND t._requested_at <= `+present+`, false),
		       t.id IS NOT NULL AND `+fmt.Sprintf(later, 3, 4, "n.id")+`,
		       t._deleted_at IS NOT NULL AND EXISTS (SELECT FROM sync_tombstones d WHERE d.stream = $4 AND d.id = n.id AND d.resurrected_at IS NULL),
		       t._deleted_at IS NOT NULL,
		       COALESCE(t._requested_at > `+present+`, false)
		FROM ROWS FROM (unnest($1::uuid[]), unnest($2::bytea[])) WITH ORDINALITY AS n(id, hash, ord)
		LEFT JOIN LATERAL (SELECT id, _hash, _requested_at, _deleted_at FROM `+pgx.Identifier{p.Table}.Sanitize()+` WHERE id = n.id LIMIT 1) t ON true
		WHERE t.id IS NULL OR t._hash <> n.hash OR t._deleted_at IS NOT NULL OR $5 OR t._requested_at > `+present, ids, hashes, p.RequestedAt, r.Stream, p.Force)
	if err != nil {
		return nil, fmt.Errorf("compare with %s: %w", p.Table, err)
	}
	var want []Change
	var index, differ int
	var misdated []uuid.UUID
	var isNew, older, met, buried, dead, ahead bool
	_, err = pgx.ForEachRow(rows, []any{&index, &isNew, &older, &met, &buried, &dead, &ahead}, func() error {
		differ++
		switch {
		case bad[index] != "":
		case older || met || p.RequestedAt.IsZero() && !isNew:
			c.Stale++
			if older && !met && !buried {
				c.Unexplained++
			}
		case isNew:
			c.Inserted++
			want = append(want, Change{Index: index, New: true})
		default:
			c.Updated++
			want = append(want, Change{Index: index, Revived: dead, Misdated: ahead})
			if ahead {
				misdated = append(misdated, ids[index])
			}
		}
		return nil
	})
	if err == nil && len(misdated) > 0 {
		_, err = tx.Exec(ctx, `UPDATE `+pgx.Identifier{p.Table}.Sanitize()+` SET _requested_at = $2 WHERE id = ANY($1)`, misdated, p.RequestedAt)
	}
	if err != nil {
		return nil, fmt.Errorf("compare with %s: %w", p.Table, err)
	}
	c.Unchanged = int64(len(p.Items) - differ)
	// By id, so that transactions which write the same rows lock them in the same order.
	slices.SortFunc(want, func(a, b Change) int { return bytes.Compare(ids[a.Index][:], ids[b.Index][:]) })
	return want, nil
}

// resurrect notes that rows marked as deleted are there again.
func (r *Run) resurrect(ctx context.Context, q *db.Queries, items []Item, changes []Change) error {
	var ids []uuid.UUID
	for _, c := range changes {
		if c.Revived {
			ids = append(ids, items[c.Index].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return q.TombstonesResurrect(ctx, db.TombstonesResurrectParams{Stream: r.Stream, IDs: ids})
}

// reject records what could not be stored, and closes earlier rejects of items
// that this page does store.
func (r *Run) reject(ctx context.Context, q *db.Queries, rejects []Reject, gaps []Gap, bad map[int]string, items []Item) error {
	if r.rejects && len(items) > 0 {
		healed := make([]uuid.UUID, 0, len(items))
		for i, it := range items {
			if bad[i] == "" {
				healed = append(healed, it.ID)
			}
		}
		if _, err := q.RejectsResolve(ctx, db.RejectsResolveParams{Stream: r.Stream, IDs: healed}); err != nil {
			return err
		}
	}
	if len(rejects)+len(gaps) == 0 {
		return nil
	}
	r.rejects = true
	rows := make([]db.RejectsUpsertParams, 0, len(rejects)+len(gaps))
	for _, x := range rejects {
		rows = append(rows, x.row(r.Stream, r.ID))
	}
	for _, g := range gaps {
		rows = append(rows, g.reject(r.Stream, r.ID))
	}
	return recordRejects(ctx, q, rows)
}

func recordRejects(ctx context.Context, q *db.Queries, rows []db.RejectsUpsertParams) (err error) {
	q.RejectsUpsert(ctx, rows).Exec(func(_ int, one error) { err = errors.Join(err, one) })
	if err != nil {
		return fmt.Errorf("record rejects: %w", err)
	}
	return nil
}

// Reason shortens an error to what an operator needs: values can be huge.
func Reason(err error) string {
	var pg *pgconn.PgError
	s := err.Error()
	if errors.As(err, &pg) {
		s = fmt.Sprintf("Postgres refused it: %s (SQLSTATE %s)", pg.Message, pg.Code)
		if pg.ColumnName != "" {
			s += ", column " + pg.ColumnName
		}
	}
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", `\0`), "?")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + " ..."
	}
	return s
}

// RemoveUnlisted marks the child rows of these parents that the parents' lists
// no longer name. The rows stay: other rows may point at them. A reply that was
// requested before the stored row's is not believed.
func RemoveUnlisted(ctx context.Context, tx pgx.Tx, table, parent, key string, requestedAt time.Time, parents []uuid.UUID, listed [][2]uuid.UUID) error {
	ps := make([]uuid.UUID, len(listed))
	ks := make([]uuid.UUID, len(listed))
	for i, l := range listed {
		ps[i], ks[i] = l[0], l[1]
	}
	t, p, k := pgx.Identifier{table}.Sanitize(), pgx.Identifier{parent}.Sanitize(), pgx.Identifier{key}.Sanitize()
	_, err := tx.Exec(ctx, `
		UPDATE `+t+` c SET _removed_at = now(), _synced_at = now(), _requested_at = $4
		WHERE c.`+p+` = ANY($1) AND c._removed_at IS NULL AND c._requested_at <= $4
		  AND NOT EXISTS (
		      SELECT FROM ROWS FROM (unnest($2::uuid[]), unnest($3::uuid[])) AS l(p, k)
		      WHERE l.p = c.`+p+` AND l.k = c.`+k+`)`, parents, ps, ks, requestedAt)
	if err != nil {
		return fmt.Errorf("mark unlisted rows of %s: %w", table, err)
	}
	return nil
}
