package tails

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Feeds keeps what has been read of feeds, which tell of changes for many streams.
type Feeds struct{ q *db.Queries }

// Feeds returns the handle on what was read of feeds.
func (ts Tails) Feeds() Feeds { return Feeds(ts) }

// Feed says how far behind a feed is that tells of changes for many streams. Zero times: never.
type Feed struct {
	Name        string
	AskedAt     time.Time     // when it was last read to its end
	ToldThrough time.Time     // newest change that it has told of
	Lag         time.Duration // by how much it tells late, at least
	Untold      int           // new rows that lists show and it has not told of
	UntoldSince time.Time     // creation of the oldest of them
	StandsStill bool          // it tells of nothing any more: lists have long shown newer rows than all it has told of
}

// Save records how far behind a feed is.
func (fs Feeds) Save(ctx context.Context, f Feed) error {
	p := db.FeedSaveParams{Feed: f.Name, AskedAt: f.AskedAt, LagSeconds: f.Lag.Seconds(), Untold: int64(f.Untold), ToldThrough: pg.Null(f.ToldThrough), UntoldSince: pg.Null(f.UntoldSince), StandsStill: f.StandsStill}
	if err := fs.q.FeedSave(ctx, p); err != nil {
		return fmt.Errorf("record how far behind %s are: %w", f.Name, err)
	}
	return nil
}

// List lists the feeds that have been read.
func (fs Feeds) List(ctx context.Context) ([]Feed, error) {
	rows, err := fs.q.FeedsList(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far behind the feeds are: %w", err)
	}
	feeds := make([]Feed, len(rows))
	for i, r := range rows {
		feeds[i] = Feed{r.Feed, r.AskedAt, pg.Value(r.ToldThrough), time.Duration(r.LagSeconds * float64(time.Second)), int(r.Untold), pg.Value(r.UntoldSince), r.StandsStill}
	}
	return feeds, nil
}

// Entry is one entry of a feed, by its id.
type Entry struct {
	ID uuid.UUID
	At time.Time // by Polar's clock
}

// KnownEntries tells which entries of a feed have been dealt with.
func (fs Feeds) KnownEntries(ctx context.Context, feed string, entries []Entry) (map[uuid.UUID]bool, error) {
	ids := make([]uuid.UUID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	found, err := fs.q.FeedEntriesKnown(ctx, db.FeedEntriesKnownParams{Feed: feed, IDs: ids})
	if err != nil {
		return nil, fmt.Errorf("look up entries of %s: %w", feed, err)
	}
	known := make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, nil
}

// KeepEntries records that these entries have been dealt with.
func (fs Feeds) KeepEntries(ctx context.Context, feed string, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	p := db.FeedEntriesKeepParams{Feed: feed}
	for _, e := range entries {
		p.IDs, p.Times = append(p.IDs, e.ID), append(p.Times, e.At)
	}
	if err := fs.q.FeedEntriesKeep(ctx, p); err != nil {
		return fmt.Errorf("keep which entries of %s were read: %w", feed, err)
	}
	return nil
}

// ForgetEntries forgets the entries before a moment, which are not read again.
func (fs Feeds) ForgetEntries(ctx context.Context, feed string, before time.Time) error {
	if err := fs.q.FeedEntriesForget(ctx, db.FeedEntriesForgetParams{Feed: feed, Before: before}); err != nil {
		return fmt.Errorf("forget entries of %s: %w", feed, err)
	}
	return nil
}

// Endpoint is a webhook endpoint that is enabled and gets the objects themselves, so that a mirror can read what it was sent.
type Endpoint struct {
	Events []string  // types that it is told of
	Since  time.Time // as it is, by Polar's clock: what happened before may not be on record
}

// Endpoints lists those that a mirror can read from.
func (fs Feeds) Endpoints(ctx context.Context) ([]Endpoint, error) {
	rows, err := fs.q.EndpointsRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for webhook endpoints: %w", err)
	}
	endpoints := make([]Endpoint, len(rows))
	for i, r := range rows {
		endpoints[i].Since = r.Since
		if len(r.Events) > 0 {
			if err := json.Unmarshal(r.Events, &endpoints[i].Events); err != nil {
				return nil, fmt.Errorf("events of a webhook endpoint: %w", err)
			}
		}
	}
	return endpoints, nil
}
