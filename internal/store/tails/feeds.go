package tails

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Feeds keeps the state of feeds, which tell of changes for many streams.
type Feeds struct{ q *db.Queries }

// Feeds returns the handle on the state of feeds.
func (ts Tails) Feeds() Feeds { return Feeds{ts.q} }

// Feed is the state of a feed. Zero times: never.
type Feed struct {
	Name        string
	AskedAt     time.Time     // when it was last read to its end
	PolledAt    time.Time     // when Polar last answered a request for it, by the clock of the database
	ToldThrough time.Time     // the newest change that it has told of
	Lag         time.Duration // how late it tells of changes, at least
	Untold      int           // new rows that lists show and the feed has not told of
	UntoldSince time.Time     // creation of the oldest of them
	StandsStill bool          // it tells of nothing: lists have long shown rows newer than everything that it told of
}

// Save records the state of a feed.
func (fs Feeds) Save(ctx context.Context, f Feed) error {
	p := db.FeedSaveParams{Feed: f.Name, AskedAt: f.AskedAt, PolledAt: pg.Null(f.PolledAt), LagSeconds: f.Lag.Seconds(), Untold: int64(f.Untold), ToldThrough: pg.Null(f.ToldThrough), UntoldSince: pg.Null(f.UntoldSince), StandsStill: f.StandsStill}
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
		feeds[i] = Feed{r.Feed, r.AskedAt, pg.Value(r.PolledAt), pg.Value(r.ToldThrough), time.Duration(r.LagSeconds * float64(time.Second)), int(r.Untold), pg.Value(r.UntoldSince), r.StandsStill}
	}
	return feeds, nil
}

// Entry is one entry of a feed, by its id.
type Entry struct {
	ID uuid.UUID
	At time.Time // by Polar's clock
}

// KnownEntries returns which entries of a feed have been processed.
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

// NewestEntry is the time of the n-th newest entry of a feed that has been processed; zero: there are fewer.
func (fs Feeds) NewestEntry(ctx context.Context, feed string, n int) (time.Time, error) {
	at, err := fs.q.FeedEntryNewest(ctx, db.FeedEntryNewestParams{Feed: feed, Before: int32(n - 1)})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, fmt.Errorf("look for the newest entries of %s: %w", feed, err)
	}
	return at, nil
}

// KeepEntries records that these entries have been processed.
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

// ForgetEntries removes the entries before a moment, which are not read again.
func (fs Feeds) ForgetEntries(ctx context.Context, feed string, before time.Time) error {
	if err := fs.q.FeedEntriesForget(ctx, db.FeedEntriesForgetParams{Feed: feed, Before: before}); err != nil {
		return fmt.Errorf("forget entries of %s: %w", feed, err)
	}
	return nil
}

// Endpoint is an enabled webhook endpoint that gets whole objects, so that a mirror can read what Polar sent it.
type Endpoint struct {
	Events []string  // types that it gets
	Since  time.Time // when it was last changed, by Polar's clock: earlier changes may have no record
}

// Webhook is any webhook endpoint, as Polar gives it.
type Webhook struct {
	Enabled    bool      `json:"enabled"`
	Format     string    `json:"format"`
	Events     []string  `json:"events"`
	CreatedAt  time.Time `json:"created_at"`
	ModifiedAt time.Time `json:"modified_at"`
}

// IsRaw tells whether it gets whole objects, as opposed to texts about them.
func (h Webhook) IsRaw() bool { return h.Format == "raw" }

// Endpoint is what a mirror can read of it. What was sent before its last change is unknown: it may have been disabled, and then
// Polar records nothing.
func (h Webhook) Endpoint() Endpoint {
	e := Endpoint{Events: h.Events, Since: h.CreatedAt}
	if h.ModifiedAt.After(e.Since) {
		e.Since = h.ModifiedAt
	}
	return e
}

// ReadableEndpoints are those that a mirror can read from: enabled, and raw.
func ReadableEndpoints(hooks []Webhook) (list []Endpoint) {
	for _, h := range hooks {
		if h.Enabled && h.IsRaw() {
			list = append(list, h.Endpoint())
		}
	}
	return list
}

// Endpoints lists the readable endpoints that are mirrored.
func (fs Feeds) Endpoints(ctx context.Context) ([]Endpoint, error) {
	rows, err := fs.q.EndpointsList(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for webhook endpoints: %w", err)
	}
	hooks := make([]Webhook, len(rows))
	for i, r := range rows {
		hooks[i] = Webhook{pg.Value(r.Enabled), pg.Value(r.Format), nil, pg.Value(r.CreatedAt), pg.Value(r.ModifiedAt)}
		if len(r.Events) > 0 {
			if err := json.Unmarshal(r.Events, &hooks[i].Events); err != nil {
				return nil, fmt.Errorf("events of a webhook endpoint: %w", err)
			}
		}
	}
	return ReadableEndpoints(hooks), nil
}
