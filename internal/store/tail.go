package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// TailState is where the tails of a stream stand.
type TailState struct {
	Position    json.RawMessage // nil: no tail yet
	CompleteAge time.Duration   // since the last complete sweep began; negative: there was none
	CompleteAt  time.Time       // when it began, by the clock of the database
	SweptAt     time.Time       // when it began, as Stamp tells it
	Unavailable bool            // Polar refuses the stream to this token
	Through     time.Time       // data_through as it was published last; zero: never
}

// TailStates tells where the tails of these streams stand. Streams that never ran are not there.
func (s *Store) TailStates(ctx context.Context, streams []string) (map[string]TailState, error) {
	rows, err := s.q.TailStates(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("read where tails stand: %w", err)
	}
	states := make(map[string]TailState, len(rows))
	for _, r := range rows {
		states[r.Stream] = TailState{r.Tail, time.Duration(r.CompleteAge * float64(time.Second)), deref(r.CompleteAt), r.SweptAt, r.Unavailable != nil, deref(r.DataThrough)}
	}
	return states, nil
}

// Tailed is what a round of tails found out about a stream.
type Tailed struct {
	Position  json.RawMessage // where the next one goes on
	PolledAt  time.Time       // when Polar was asked and answered, by the clock of the database; zero: it did not
	Through   time.Time       // up to when Polar's state is mirrored; zero: as before. It may be earlier than before.
	CoveredBy []string        // what shows changes of the stream; nil: not known
	SweepDue  string          // why the next sweep should come early; "" = it need not
}

// TailSave records what a round of tails found out about a stream.
func (s *Store) TailSave(ctx context.Context, stream string, t Tailed) error {
	p := db.TailSaveParams{Stream: stream, Tail: t.Position, PolledAt: moment(t.PolledAt), DataThrough: moment(t.Through), CoveredBy: t.CoveredBy, SweepDue: optional(t.SweepDue)}
	if err := s.q.TailSave(ctx, p); err != nil {
		return fmt.Errorf("record the tail of %s: %w", stream, err)
	}
	return nil
}

// SweepsDue tells which streams a tail wants swept early, and why.
func (s *Store) SweepsDue(ctx context.Context) (map[string]string, error) {
	rows, err := s.q.SweepsDue(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which sweeps are due: %w", err)
	}
	due := make(map[string]string, len(rows))
	for _, r := range rows {
		due[r.Stream] = r.Reason
	}
	return due, nil
}

// ByID is the Filter of a Changed whose Value is the id of the object.
const ByID = "id"

// Changed says that something of a stream has changed at Polar: one object
// (ByID), or what a filter of the stream's list finds.
type Changed struct {
	Stream, Filter, Value string
	Owner                 uuid.UUID // customer of the object; nil where the source does not tell
	At                    time.Time // by Polar's clock
}

// Note records changes that are to be fetched. Repeats of one are one; a change
// that has been fetched since is not fetched again.
func (s *Store) Note(ctx context.Context, changes []Changed) error {
	if len(changes) == 0 {
		return nil
	}
	stamp, err := s.Stamp(ctx)
	if err != nil {
		return fmt.Errorf("note %d changes: %w", len(changes), err)
	}
	p := db.ChangesNoteParams{NotedAt: stamp}
	for _, c := range changes {
		p.Streams, p.Filters, p.Values = append(p.Streams, c.Stream), append(p.Filters, c.Filter), append(p.Values, c.Value)
		p.Owners, p.Changed = append(p.Owners, c.Owner), append(p.Changed, c.At)
	}
	if err := s.q.ChangesNote(ctx, p); err != nil {
		return fmt.Errorf("note %d changes: %w", len(changes), err)
	}
	return nil
}

// Pending lists up to most changes of a stream that are still to be fetched, the
// oldest first. What was asked for within lag after the change was noted is to be
// fetched once more, after the lag.
func (s *Store) Pending(ctx context.Context, stream string, lag time.Duration, most int) ([]Changed, error) {
	rows, err := s.q.ChangesPending(ctx, db.ChangesPendingParams{Stream: stream, LagSeconds: lag.Seconds(), Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read the pending changes of %s: %w", stream, err)
	}
	changes := make([]Changed, len(rows))
	for i, r := range rows {
		changes[i] = Changed{stream, r.Filter, r.Value, deref(r.Owner), r.ChangedAt}
	}
	return changes, nil
}

// PendingCounts counts the changes that are still to be fetched, by stream.
func (s *Store) PendingCounts(ctx context.Context) (map[string]int64, error) {
	rows, err := s.q.ChangesPendingCount(ctx)
	if err != nil {
		return nil, fmt.Errorf("count pending changes: %w", err)
	}
	counts := make(map[string]int64, len(rows))
	for _, r := range rows {
		counts[r.Stream] = r.Pending
	}
	return counts, nil
}

// Settle records that what these changes name was asked for after a moment, as
// Stamp tells it, and is stored. Changes later than until are left.
//
// It tells when the latest of them happened; zero: there are none.
func (s *Store) Settle(ctx context.Context, stream, filter string, values []string, at, until time.Time) (newest time.Time, err error) {
	if len(values) == 0 {
		return newest, nil
	}
	newest, err = s.q.ChangesKnown(ctx, db.ChangesKnownParams{Stream: stream, Filter: filter, Values: values, KnownAt: &at, Until: until})
	if err != nil {
		return newest, fmt.Errorf("settle changes of %s: %w", stream, err)
	}
	if newest.Year() == 1 {
		return time.Time{}, nil
	}
	return newest, nil
}

// ForgetTails removes what tails no longer need: changes fetched long ago, and
// the runs of rounds that found nothing.
func (s *Store) ForgetTails(ctx context.Context) error {
	if err := s.q.ChangesForget(ctx); err != nil {
		return fmt.Errorf("forget fetched changes: %w", err)
	}
	if err := s.q.TailRunsForget(ctx); err != nil {
		return fmt.Errorf("forget tail runs: %w", err)
	}
	return nil
}

// Beside is the same run for another stream: its pages and tombstones carry the
// number of this run, and its counts are added to this run's row.
func (r *Run) Beside(ctx context.Context, stream, kind string) (*Run, error) {
	b := &Run{ID: r.ID, Stream: stream, SweepID: r.ID, StartedAt: r.StartedAt, s: r.s, seen: stream + "/" + kind}
	if err := b.lookup(ctx, r.s.q); err != nil {
		return nil, fmt.Errorf("open %s: %w", stream, err)
	}
	return b, nil
}

// Newest is the latest value of a time column among the rows of a stream; zero without rows. What lies ahead of now is left
// out: Polar has dated it wrongly, and nothing newer would ever be looked for behind it.
func (s *Store) Newest(ctx context.Context, table, column string, now time.Time) (time.Time, error) {
	var at *time.Time
	c := pgx.Identifier{column}.Sanitize()
	err := s.pool.QueryRow(ctx, `SELECT max(`+c+`) FROM `+pgx.Identifier{table}.Sanitize()+` WHERE _deleted_at IS NULL AND `+c+` <= $1`, now).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the newest %s of %s: %w", column, table, err)
	}
	return deref(at), nil
}

// Passed lists up to most live rows one of whose time columns has passed in (after, until].
func (s *Store) Passed(ctx context.Context, table string, columns []string, after, until time.Time, most int) ([]uuid.UUID, error) {
	conditions := make([]string, len(columns))
	for i, c := range columns {
		c = "t." + pgx.Identifier{c}.Sanitize()
		conditions[i] = c + " > $1 AND " + c + " <= $2"
	}
	return s.ids(ctx, table, "("+strings.Join(conditions, " OR ")+")", most, after, until)
}

// Having lists up to most live rows with one of the values in a text column.
func (s *Store) Having(ctx context.Context, table, column string, values []string, most int) ([]uuid.UUID, error) {
	return s.ids(ctx, table, "t."+pgx.Identifier{column}.Sanitize()+" = ANY($1)", most, values)
}

// Of lists up to most live rows that have one of these ids in a column.
func (s *Store) Of(ctx context.Context, table, column string, of []uuid.UUID, most int) ([]uuid.UUID, error) {
	return s.ids(ctx, table, "t."+pgx.Identifier{column}.Sanitize()+" = ANY($1)", most, of)
}

func (s *Store) ids(ctx context.Context, table, condition string, most int, args ...any) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, fmt.Sprintf(`SELECT t.id FROM %s t WHERE t._deleted_at IS NULL AND %s LIMIT %d`,
		pgx.Identifier{table}.Sanitize(), condition, most), args...)
	var ids []uuid.UUID
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s: %w", table, err)
	}
	return ids, nil
}

// CountOf counts the rows of a table that have one of the owners in a column,
// dated since or later in another, up to most.
func (s *Store) CountOf(ctx context.Context, table, column string, owners []uuid.UUID, dated string, since time.Time, most int) (n int, err error) {
	err = s.pool.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM %s t WHERE t.%s = ANY($1) AND t.%s >= $2 LIMIT %d) l`,
		pgx.Identifier{table}.Sanitize(), pgx.Identifier{column}.Sanitize(), pgx.Identifier{dated}.Sanitize(), most), owners, since).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	return n, nil
}

// Oldest is the earliest value of a time column among these rows; zero if one of them is not there.
func (s *Store) Oldest(ctx context.Context, table, column string, ids []uuid.UUID) (time.Time, error) {
	var at *time.Time
	var n int
	err := s.pool.QueryRow(ctx, `SELECT min(`+pgx.Identifier{column}.Sanitize()+`), count(*) FROM `+pgx.Identifier{table}.Sanitize()+` WHERE id = ANY($1)`, ids).Scan(&at, &n)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the oldest %s of %s: %w", column, table, err)
	}
	if n < len(ids) {
		return time.Time{}, nil
	}
	return deref(at), nil
}

// Add adds the counts of another run.
func (c *Counts) Add(o Counts) { c.add(o) }

// Freshness says up to when a stream is mirrored, and how that is known. Zero times: never.
type Freshness struct {
	DataThrough time.Time // Polar's state of that moment is here, as far as a tail can see it
	PolledAt    time.Time // when Polar last answered a tail
	CompleteAt  time.Time // start of the last complete sweep, which sees everything
	Pending     int64     // changes that are known of and not fetched yet
	SweepDue    string    // why a tail wants a sweep; "" when it does not
	// FeedLag is by how much the feeds that cover the stream tell late; negative: none does.
	FeedLag   time.Duration
	CoveredBy []string // what shows changes between sweeps
}

// Freshness reads the view of that name, by stream.
func (s *Store) Freshness(ctx context.Context) (map[string]Freshness, error) {
	rows, err := s.q.Freshness(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how fresh the streams are: %w", err)
	}
	by := make(map[string]Freshness, len(rows))
	for _, r := range rows {
		by[r.Stream] = Freshness{r.DataThrough, deref(r.PolledAt), deref(r.CompleteAt), r.PendingChanges, deref(r.SweepDue), time.Duration(r.FeedLag * float64(time.Second)), r.CoveredBy}
	}
	return by, nil
}
