package store

import (
	"cmp"
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
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

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

// Gap is a row that Polar cannot render, so only its place is known.
type Gap struct {
	Place  string // identifies it within the stream
	Reason string
	Said   string // the answer in place of the row
}

// gapKey begins the keys of rejects that are gaps.
const gapKey = "gap:"

func (g Gap) reject(stream string, run int64) db.RejectsUpsertParams {
	return db.RejectsUpsertParams{Stream: stream, Key: gapKey + g.Place, RunID: run, Reason: g.Reason, Body: []byte(g.Said)}
}

// Page is one list response on its way into the database.
type Page struct {
	RequestedAt time.Time   // when the reply was requested; zero: nobody knows, so it overwrites nothing
	Items       []item.Item // ids are distinct
	Rejects     []Reject    // found unusable before they came here
	Gaps        []Gap       // rows that are missing from it
	Read        int         // items on the wire, repeats included
	Checkpoint  json.RawMessage
	Total       *int64 // total_count of the reply; nil where the endpoint gives none
	Requests    int64  // of the run so far
	// Force writes every item, also one whose digest is that of its row: a row that was damaged by hand keeps its digest.
	Force bool
}

// hold makes the page transactions of one stream take turns, and ends that of a
// run whose lease is gone before it does any work.
func (r *Run) hold(ctx context.Context, q *db.Queries) error {
	found, err := q.StreamsHold(ctx, r.turn())
	if err != nil {
		return err
	}
	return r.holds(found)
}

// turn names the rows that make a run wait for its turn: that of its stream, and that of the lease under which it writes.
func (r *Run) turn() db.StreamsHoldParams {
	return db.StreamsHoldParams{Writer: r.Stream, Streams: slices.Compact([]string{r.Stream, cmp.Or(r.lease, r.under, r.Stream)})}
}

// holds returns ErrLeaseLost unless the run has its lease, or needs none.
func (r *Run) holds(found []db.StreamsHoldRow) error {
	lease := cmp.Or(r.lease, r.under)
	if lease == "" || slices.ContainsFunc(found, func(f db.StreamsHoldRow) bool { return f.Stream == lease && pg.Value(f.LeaseRun) == r.ID }) {
		return nil
	}
	return ErrLeaseLost
}

func recordRejects(ctx context.Context, q *db.Queries, rows []db.RejectsUpsertParams) (err error) {
	q.RejectsUpsert(ctx, rows).Exec(func(_ int, one error) { err = errors.Join(err, one) })
	if err != nil {
		return fmt.Errorf("record rejects: %w", err)
	}
	return nil
}

// ErrorReason shortens an error to what an operator needs: values can be huge.
func ErrorReason(err error) string {
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
