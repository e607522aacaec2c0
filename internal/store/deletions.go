package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/lists"
	"syncd/internal/store/pg"
)

// unmet is an SQL condition: the sweep $2 of the stream $1 has not received the id of the row t.
const unmet = `NOT EXISTS (
	SELECT FROM sync_seen s CROSS JOIN LATERAL unnest(s.ids) AS u(id)
	WHERE s.stream = $1 AND s.sweep_id = $2 AND u.id = t.id)`

// Absence is the set of rows that a complete sweep did not meet.
type Absence struct {
	IDs []uuid.UUID // live rows requested before the sweep began; only suspects, because a list may hide rows
	// Emptied: of the rows stored before the sweep began, it met none, or at most one in ten. The list is empty, or has only new
	// rows, or lost nearly all.
	Emptied bool
}

// AbsentRows lists the live rows that were requested before the sweep began and that it did not meet. Rows known only from copies
// were never listed, so they do not count. The result means something only after a complete sweep.
func (r *Run) AbsentRows(ctx context.Context, table string) (a Absence, err error) {
	t := pgx.Identifier{table}.Sanitize()
	const before = `t._deleted_at IS NULL
		AND (t._requested_at < (SELECT COALESCE(stamped_at, started_at) FROM sync_runs WHERE id = $2) OR t._requested_at > ` + clock.Present + `)
		AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = $1 AND c.id = t.id AND c.resolved_at IS NULL)`
	rows, err := r.s.pool.Query(ctx, `SELECT t.id FROM `+t+` t WHERE `+before+` AND `+unmet+` ORDER BY t.id`, r.Stream, r.SweepID)
	if err == nil {
		a.IDs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err == nil && len(a.IDs) > 0 {
		// A row that the sweep updated was stored before, too: its time of change is later now.
		err = r.s.pool.QueryRow(ctx, `
			SELECT 9 * (there.n - $3::bigint + COALESCE(updated.n, 0)) <= $3
			FROM (SELECT count(*) AS n FROM `+t+` t WHERE `+before+`) there,
			     (SELECT sum(rows_updated) AS n FROM sync_runs WHERE sweep_id = $2 AND kind = 'sweep') updated`, r.Stream, r.SweepID, len(a.IDs)).Scan(&a.Emptied)
	}
	if err != nil {
		return Absence{}, fmt.Errorf("look for rows of %s that were not listed: %w", table, err)
	}
	return a, nil
}

// UnmetCopies lists the live rows recorded as copies that the sweep did not meet.
func (r *Run) UnmetCopies(ctx context.Context, table string) ([]uuid.UUID, error) {
	rows, err := r.s.pool.Query(ctx, `
		SELECT t.id FROM `+pgx.Identifier{table}.Sanitize()+` t JOIN sync_stubs c ON c.stream = $1 AND c.id = t.id
		WHERE t._deleted_at IS NULL AND c.resolved_at IS NULL
		  AND `+unmet+`
		ORDER BY t.id`, r.Stream, r.SweepID)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s that were only copied: %w", table, err)
	}
	return ids, nil
}

// The shortest time between two complete sweeps where one is weak evidence: for a row that cannot be fetched by its id, for a list that lost
// everything, or for several that did within a day. Two sweeps in quick succession may both meet a fault of some minutes, or one server that is behind. Both
// times are shorter than the day between two nightly sweeps.
const (
	SweepsApart  = time.Hour
	EmptiedApart = 12 * time.Hour
)

// Suspicion is what is known of the rows that a complete sweep did not meet.
type Suspicion struct {
	Held  []uuid.UUID // this sweep must not mark them as deleted
	Sure  int         // how many of Held an earlier complete sweep, SweepsApart ago, did not meet either
	Free  []uuid.UUID // the rest
	Apart []uuid.UUID // those of Free that an earlier complete sweep, SweepsApart ago, did not meet either
	// Until is the earliest start of a complete sweep that may let through the losses of a list that lost everything; zero: none
	// did.
	Until  time.Time
	Others []string // other streams that lost everything within a day; only with Until
}

// sweptApart: a sweep that began at swept is a second one, long enough after the sweep that first missed a row.
func sweptApart(noticed, swept time.Time) bool { return !noticed.Add(SweepsApart).After(swept) }

// MarkSuspects records the stream's suspects, and which of them are held: all if the brake says so; those of a list that lost
// everything until a second sweep, long enough after the first, misses them too.
func (r *Run) MarkSuspects(ctx context.Context, a Absence, brake bool) (s Suspicion, err error) {
	others := db.SuspectsForgetOthersParams{Stream: r.Stream, IDs: a.IDs}
	if len(a.IDs) == 0 {
		return s, r.s.q.SuspectsForgetOthers(ctx, others)
	}
	err = r.s.pool.InTx(ctx, func(tx pgx.Tx) error {
		s = Suspicion{}
		q := r.s.q.WithTx(tx)
		if err := q.SuspectsForgetOthers(ctx, others); err != nil {
			return err
		}
		swept, err := q.RunStartedAt(ctx, r.SweepID)
		if err != nil {
			return err
		}
		rows, err := q.SuspectsUpsert(ctx, db.SuspectsUpsertParams{Stream: r.Stream, RunID: r.SweepID, Held: brake, Emptied: a.Emptied, IDs: a.IDs})
		if err != nil {
			return err
		}
		apart := SweepsApart
		if slices.ContainsFunc(rows, func(row db.SuspectsUpsertRow) bool { return row.EmptiedAt != nil }) {
			others, err := q.StreamsEmptied(ctx)
			if err != nil {
				return err
			}
			if s.Others = slices.DeleteFunc(others, func(o string) bool { return o == r.Stream }); len(s.Others) > 0 {
				apart = EmptiedApart
			}
		}
		for _, row := range rows {
			until := pg.Value(row.EmptiedAt).Add(apart)
			emptied := row.EmptiedAt != nil && until.After(swept)
			if emptied && until.After(s.Until) {
				s.Until = until
			}
			apart := sweptApart(row.NoticedAt, swept)
			if brake || emptied {
				s.Held = append(s.Held, row.ID)
				if apart {
					s.Sure++
				}
				continue
			}
			s.Free = append(s.Free, row.ID)
			if apart {
				s.Apart = append(s.Apart, row.ID)
			}
		}
		if brake || len(s.Held) == 0 {
			return nil
		}
		return q.SuspectsHold(ctx, db.SuspectsHoldParams{Stream: r.Stream, IDs: s.Held})
	})
	if err != nil {
		return Suspicion{}, fmt.Errorf("record suspects of %s: %w", r.Stream, err)
	}
	return s, nil
}

// ClearSuspects removes suspects that Polar still has.
func (r *Run) ClearSuspects(ctx context.Context, ids []uuid.UUID) error {
	if err := r.s.q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids}); err != nil {
		return fmt.Errorf("forget suspects of %s: %w", r.Stream, err)
	}
	return nil
}

// ChildTable is the table of the elements of a list inside the rows of another table.
type ChildTable struct{ Table, Parent string }

// Tombstone marks rows as deleted, with the evidence. asOf is when the evidence was requested: a row from a later reply is left
// alone.
func (r *Run) Tombstone(ctx context.Context, table string, ids []uuid.UUID, asOf time.Time, evidence string, children ...ChildTable) (n int64, err error) {
	err = r.s.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := r.s.q.WithTx(tx)
		if err := r.hold(ctx, q); err != nil {
			return err
		}
		if err := q.HistoryOn(ctx, r.ID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			UPDATE `+pgx.Identifier{table}.Sanitize()+`
			SET _deleted_at = now(), _synced_at = now(), _requested_at = $2
			WHERE id = ANY($1) AND _deleted_at IS NULL AND (_requested_at <= $2 OR _requested_at > `+clock.Present+`) AND NOT `+later("$2", "$3", "id")+`
			RETURNING id`, ids, asOf, r.Stream)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		n = int64(len(gone))
		// The children of a deleted row go with it; a row that comes back is written with its children.
		var all lists.Parents
		for _, id := range gone {
			all.Add(id, asOf)
		}
		for _, c := range children {
			if err := all.RemoveUnlisted(ctx, tx, lists.Table{Name: c.Table, Parent: c.Parent, Key: c.Parent}, nil); err != nil {
				return err
			}
		}
		if err := q.TombstonesInsert(ctx, db.TombstonesInsertParams{Stream: r.Stream, RunID: r.ID, Evidence: evidence, IDs: gone}); err != nil {
			return err
		}
		if err := q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids}); err != nil {
			return err
		}
		return q.ChangesAnnounce(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("mark rows of %s as deleted: %w", table, err)
	}
	return n, nil
}
