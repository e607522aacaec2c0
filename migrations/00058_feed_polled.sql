-- When feeds were last asked: they are asked every few seconds, between rounds of tails, and cover many streams at once.
-- Adding a column without a default locks for a moment only. The index is of a table that holds the entries of an hour or two;
-- it blocks what is written to it, by rounds of tails alone, while it is built.

-- +goose Up
ALTER TABLE sync_feeds ADD COLUMN polled_at timestamptz;
COMMENT ON COLUMN sync_feeds.polled_at IS 'When Polar last answered a request for it (UTC, database clock); null before the first by a syncd that asks feeds by themselves.';
COMMENT ON COLUMN sync_feeds.asked_at IS 'When all of it was last read that may still come late (UTC, by the clock that dates requests). Between two such times its newest part is read: see polled_at.';
CREATE INDEX sync_feed_entries_feed_at_idx ON sync_feed_entries (feed, at);
COMMENT ON COLUMN sync_runs.kind IS 'sweep: reads the stream from end to end. tail: reads what is new or may have changed. feed: reads what feeds name, between two of these. refresh: fetches single objects. backfill: reads a window of time. audit: fetches what a comparison found different. approval: marks as deleted what the brake had held, on an operator''s word. Only a complete sweep proves that nothing is missing.';

-- +goose Down
COMMENT ON COLUMN sync_runs.kind IS 'sweep: reads the stream from end to end. tail: reads what is new or may have changed. refresh: fetches single objects. backfill: reads a window of time. audit: fetches what a comparison found different. approval: marks as deleted what the brake had held, on an operator''s word. Only a complete sweep proves that nothing is missing.';
DROP INDEX sync_feed_entries_feed_at_idx;
COMMENT ON COLUMN sync_feeds.asked_at IS 'When it was last read to its end (UTC, by the clock that dates requests).';
ALTER TABLE sync_feeds DROP COLUMN polled_at CASCADE; -- and the views upon it
