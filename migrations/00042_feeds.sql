-- Feeds that are late: what shows changes of each stream, how far behind events and deliveries are, and which of their entries have been read.
-- Adding a column without a default and creating empty tables locks for a moment only. The children of rows that are
-- marked as deleted are marked too: that reads the marked rows, few as a rule, and locks the child rows it changes.

-- +goose Up
ALTER TABLE sync_streams ADD COLUMN covered_by text[];
COMMENT ON COLUMN sync_streams.covered_by IS 'What shows changes of the stream between sweeps, together all that a tail can see: feeds by the name they have in sync_feeds, and questions that are asked of Polar. Empty: nothing does, and its data are as old as the last complete sweep. Null before the first round of tails.';
-- No change lies ahead: such a date came from an object that Polar dates in the future.
UPDATE sync_streams SET data_through = NULL WHERE data_through > now();

CREATE TABLE sync_feeds (
    feed         text        PRIMARY KEY,
    asked_at     timestamptz NOT NULL,
    told_through timestamptz,
    lag          interval    NOT NULL,
    untold       bigint      NOT NULL,
    untold_since timestamptz,
    stands_still boolean     NOT NULL
);
COMMENT ON TABLE sync_feeds IS 'How far behind the feeds are that tell of changes for many streams at once. Polar''s workers write them: they may be late, and out of order, while its lists show a change at once.';
COMMENT ON COLUMN sync_feeds.feed IS 'Name of the feed: events, or webhook deliveries.';
COMMENT ON COLUMN sync_feeds.asked_at IS 'When it was last read to its end (UTC, by the clock that dates requests).';
COMMENT ON COLUMN sync_feeds.told_through IS 'Time of the newest change that it has told of (UTC, Polar''s clock); null when it has told of none.';
COMMENT ON COLUMN sync_feeds.lag IS 'By how much it tells later than a change happens, at least, as measured lately; shrinks by half in an hour without a later one.';
COMMENT ON COLUMN sync_feeds.untold IS 'New rows that lists show and that it has not told of yet.';
COMMENT ON COLUMN sync_feeds.untold_since IS 'Creation of the oldest of these (UTC, Polar''s clock); null when there are none.';
COMMENT ON COLUMN sync_feeds.stands_still IS 'Whether it tells of nothing any more: lists have long shown newer rows than anything that it has told of.';

CREATE TABLE sync_feed_entries (
    feed text        NOT NULL,
    id   uuid        NOT NULL,
    at   timestamptz NOT NULL,
    PRIMARY KEY (feed, id)
);
COMMENT ON TABLE sync_feed_entries IS 'Entries of feeds that have been dealt with, as long as they may be read again: feeds are read with an overlap.';
COMMENT ON COLUMN sync_feed_entries.feed IS 'Name of the feed.';
COMMENT ON COLUMN sync_feed_entries.id IS 'Id of the entry: of the event, or of the webhook event that was delivered.';
COMMENT ON COLUMN sync_feed_entries.at IS 'Time of the entry (UTC, Polar''s clock).';

CREATE OR REPLACE VIEW freshness AS
SELECT s.stream,
       LEAST(GREATEST(s.complete_at, s.data_through), c.oldest) AS data_through,
       s.polled_at,
       s.complete_at,
       COALESCE(c.pending, 0) AS pending_changes,
       s.sweep_due,
       s.unavailable,
       (SELECT max(f.lag) FROM sync_feeds f WHERE f.feed = ANY(s.covered_by)) AS feed_lag,
       s.covered_by
FROM sync_streams s
LEFT JOIN LATERAL (
    SELECT count(*) AS pending, min(changed_at) FILTER (WHERE changed_at > s.complete_at) AS oldest
    FROM sync_changes c
    WHERE c.stream = s.stream AND (c.known_at IS NULL OR c.known_at < c.noted_at)
) c ON true
WHERE s.stream NOT LIKE '%/%' AND s.stream <> 'tail';
COMMENT ON COLUMN freshness.data_through IS 'Moment up to which Polar''s state is known to be mirrored, as far as tails can see it (UTC): the start of the last complete sweep, or the newest change mirrored since, but not later than what shows changes of the stream is known to have been read up to, nor than the oldest change that is still to be fetched. It goes back when a feed turns out to be behind.';
COMMENT ON COLUMN freshness.polled_at IS 'When Polar last answered a question about the stream, or a feed that covers it (UTC).';
COMMENT ON COLUMN freshness.feed_lag IS 'By how much the feeds that cover the stream tell later than changes happen, at least, as measured lately; null when none covers it.';
COMMENT ON COLUMN freshness.covered_by IS 'What shows changes of the stream between sweeps. Empty: nothing, so that they are seen by the next sweep.';

-- A list inside a row that Polar no longer has names nothing.
-- +goose StatementBegin
DO $$
DECLARE
    c text[];
BEGIN
    FOREACH c SLICE 1 IN ARRAY ARRAY[
        ['product_prices', 'product_id', 'products'], ['product_benefits', 'product_id', 'products'],
        ['discount_products', 'discount_id', 'discounts'],
        ['subscription_prices', 'subscription_id', 'subscriptions'], ['subscription_meters', 'subscription_id', 'subscriptions'],
        ['order_items', 'order_id', 'orders'],
        ['checkout_link_products', 'checkout_link_id', 'checkout_links'], ['checkout_products', 'checkout_id', 'checkouts']]
    LOOP
        EXECUTE format('UPDATE %I c SET _removed_at = p._deleted_at, _synced_at = now() FROM %I p WHERE p.id = c.%I AND p._deleted_at IS NOT NULL AND c._removed_at IS NULL',
            c[1], c[3], c[2]);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW freshness;
CREATE VIEW freshness AS
SELECT s.stream,
       LEAST(GREATEST(s.complete_at, s.data_through), c.oldest) AS data_through,
       s.polled_at,
       s.complete_at,
       COALESCE(c.pending, 0) AS pending_changes,
       s.sweep_due,
       s.unavailable
FROM sync_streams s
LEFT JOIN LATERAL (
    SELECT count(*) AS pending, min(changed_at) FILTER (WHERE changed_at > s.complete_at) AS oldest
    FROM sync_changes c
    WHERE c.stream = s.stream AND (c.known_at IS NULL OR c.known_at < c.noted_at)
) c ON true
WHERE s.stream NOT LIKE '%/%' AND s.stream <> 'tail';
COMMENT ON VIEW freshness IS 'How fresh each stream is, and how that is known.';
DROP TABLE sync_feed_entries;
DROP TABLE sync_feeds;
ALTER TABLE sync_streams DROP COLUMN covered_by;
