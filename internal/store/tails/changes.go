package tails

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/store/clock"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// ByID is the Filter of a Changed whose Value is the id of the object.
const ByID = "id"

// Changed says that something of a stream has changed at Polar: one object (ByID), or the objects that a filter of the stream's
// list finds.
type Changed struct {
	Stream, Filter, Value string
	Owner                 uuid.UUID // customer of the object; nil where the source does not say
	At                    time.Time // by Polar's clock
}

// ChangedByID are changes of objects of a stream, by their ids.
func ChangedByID(stream string, ids []uuid.UUID, at time.Time) []Changed {
	changes := make([]Changed, len(ids))
	for i, id := range ids {
		changes[i] = Changed{Stream: stream, Filter: ByID, Value: id.String(), At: at}
	}
	return changes
}

// ValuesOf are the values of changes.
func ValuesOf(changes []Changed) []string {
	values := make([]string, len(changes))
	for i, c := range changes {
		values[i] = c.Value
	}
	return values
}

// Changes keeps pending changes in sync_changes until they are fetched.
type Changes struct {
	pool *pg.Pool
	q    *db.Queries
}

// Changes returns the handle on sync_changes.
func (ts Tails) Changes() Changes { return Changes(ts) }

// Note records pending changes. Repeated ones count once; a change that has been fetched since is not fetched again.
func (cs Changes) Note(ctx context.Context, changes []Changed) error {
	return cs.note(ctx, changes, false)
}

// NoteTold is Note for what somebody has told of just now, once: a change that is dated as one before it is another one, and is
// fetched again if that one has been.
func (cs Changes) NoteTold(ctx context.Context, changes []Changed) error {
	return cs.note(ctx, changes, true)
}

func (cs Changes) note(ctx context.Context, changes []Changed, again bool) error {
	if len(changes) == 0 {
		return nil
	}
	stamp, err := clock.Stamp(ctx, cs.q)
	if err != nil {
		return fmt.Errorf("note %d changes: %w", len(changes), err)
	}
	p := db.ChangesNoteParams{NotedAt: stamp}
	for _, c := range changes {
		p.Streams, p.Filters, p.Values = append(p.Streams, c.Stream), append(p.Filters, c.Filter), append(p.Values, c.Value)
		p.Owners, p.Changed = append(p.Owners, c.Owner), append(p.Changed, c.At)
	}
	err = cs.q.ChangesNote(ctx, p)
	if err == nil && again {
		err = cs.q.ChangesNoteAgain(ctx, db.ChangesNoteAgainParams{NotedAt: stamp, Streams: p.Streams, Filters: p.Filters, Values: p.Values, Changed: p.Changed})
	}
	if err != nil {
		return fmt.Errorf("note %d changes: %w", len(changes), err)
	}
	return nil
}

// Wanted says which pending changes to list.
type Wanted struct {
	// Lag is how long after it was recorded a change that was fetched sooner is fetched once more; negative: it is not.
	Lag    time.Duration
	Only   string // Objects, Lists, or "" for both
	Most   int
	Newest bool // the newest first, without those of an unknown time; else the oldest first
}

// What Only may say.
const (
	Objects = "objects" // ByID
	Lists   = "lists"   // what a filter finds
)

// Pending lists pending changes of a stream.
func (cs Changes) Pending(ctx context.Context, stream string, w Wanted) ([]Changed, error) {
	p := db.ChangesPendingParams{Stream: stream, LagSeconds: w.Lag.Seconds(), What: w.Only, Most: int32(w.Most), Newest: w.Newest}
	rows, err := cs.q.ChangesPending(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("read the pending changes of %s: %w", stream, err)
	}
	changes := make([]Changed, len(rows))
	for i, r := range rows {
		changes[i] = Changed{stream, r.Filter, r.Value, pg.Value(r.Owner), r.ChangedAt}
	}
	return changes, nil
}

// Watch tells which streams have pending changes, or rows known only from copies.
type Watch struct {
	of   Changes
	busy map[string]bool // nil: to be asked for
}

// Watch watches all streams.
func (cs Changes) Watch() *Watch { return &Watch{of: cs} }

// IsBusy tells it of one stream. It asks for all in one round trip, and again after it has said yes: what is fetched for one stream may
// show changes of others.
func (b *Watch) IsBusy(ctx context.Context, stream string, w Wanted) (is bool, err error) {
	if b.busy == nil {
		if b.busy, err = b.of.ask(ctx, w); err != nil {
			return false, err
		}
	}
	if is = b.busy[stream]; is {
		b.busy = nil
	}
	return is, nil
}

func (cs Changes) ask(ctx context.Context, w Wanted) (map[string]bool, error) {
	busy := map[string]bool{}
	var p pg.Pipeline
	set := func(stream string) { busy[stream] = true }
	pg.Each(&p, set)(db.New(&p).ChangesPendingStreams(ctx, db.ChangesPendingStreamsParams{LagSeconds: w.Lag.Seconds(), What: w.Only, Newest: w.Newest}))
	p.Add("SELECT DISTINCT stream FROM sync_stubs WHERE resolved_at IS NULL", nil, nil)
	pg.Each(&p, set)(nil, nil)
	if err := cs.pool.SnapshotAtOnce(ctx, &p); err != nil {
		return nil, fmt.Errorf("read which streams have pending changes: %w", err)
	}
	return busy, nil
}

// PendingStreams lists the streams with such changes of a known time, those first whose change was recorded first.
func (cs Changes) PendingStreams(ctx context.Context, w Wanted) ([]string, error) {
	streams, err := cs.q.ChangesPendingStreams(ctx, db.ChangesPendingStreamsParams{LagSeconds: w.Lag.Seconds(), What: w.Only, Newest: true})
	if err != nil {
		return nil, fmt.Errorf("read which streams have pending changes: %w", err)
	}
	return streams, nil
}

// PendingCounts counts the pending changes by stream.
func (cs Changes) PendingCounts(ctx context.Context) (map[string]int64, error) {
	rows, err := cs.q.ChangesPendingCount(ctx)
	if err != nil {
		return nil, fmt.Errorf("count pending changes: %w", err)
	}
	counts := make(map[string]int64, len(rows))
	for _, r := range rows {
		counts[r.Stream] = r.Pending
	}
	return counts, nil
}

// Settle marks these changes as fetched: their objects were requested after the moment at (a Stamp), and are stored. Changes
// later than until stay pending. lag is for how much longer the objects need not be fetched once more: they do not come from a replica.
//
// It returns when the latest of the settled changes happened; zero: there were none.
func (cs Changes) Settle(ctx context.Context, stream, filter string, values []string, at, until time.Time, lag time.Duration) (newest time.Time, err error) {
	if len(values) == 0 {
		return newest, nil
	}
	newest, err = cs.q.ChangesKnown(ctx, db.ChangesKnownParams{Stream: stream, Filter: filter, Values: values, KnownAt: at, Until: until, LaggedAt: at.Add(max(0, lag))})
	if err != nil {
		return newest, fmt.Errorf("settle changes of %s: %w", stream, err)
	}
	if newest.Year() == 1 {
		return time.Time{}, nil
	}
	return newest, nil
}
