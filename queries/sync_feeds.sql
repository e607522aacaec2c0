-- name: FeedSave :exec
INSERT INTO sync_feeds (feed, asked_at, polled_at, told_through, lag, untold, untold_since, stands_still)
VALUES (@feed, @asked_at, sqlc.narg(polled_at), sqlc.narg(told_through), make_interval(secs => @lag_seconds), @untold, sqlc.narg(untold_since), @stands_still)
ON CONFLICT (feed) DO UPDATE
SET asked_at = EXCLUDED.asked_at, polled_at = EXCLUDED.polled_at, told_through = EXCLUDED.told_through, lag = EXCLUDED.lag, untold = EXCLUDED.untold, untold_since = EXCLUDED.untold_since, stands_still = EXCLUDED.stands_still;

-- name: FeedsList :many
SELECT feed, asked_at, polled_at, told_through, EXTRACT(EPOCH FROM lag)::float8 AS lag_seconds, untold, untold_since, stands_still FROM sync_feeds ORDER BY feed;

-- name: FeedEntriesKnown :many
SELECT id FROM sync_feed_entries WHERE feed = @feed AND id = ANY(@ids::uuid[]);

-- name: FeedEntriesKeep :exec
INSERT INTO sync_feed_entries (feed, id, at)
SELECT @feed, e.id, e.at FROM ROWS FROM (unnest(@ids::uuid[]), unnest(@times::timestamptz[])) AS e(id, at)
ON CONFLICT (feed, id) DO NOTHING;

-- name: FeedEntryNewest :one
SELECT at FROM sync_feed_entries WHERE feed = @feed ORDER BY at DESC OFFSET @before LIMIT 1;

-- name: FeedEntriesForget :exec
DELETE FROM sync_feed_entries WHERE feed = @feed AND at < @before;

-- name: EndpointsList :many
SELECT enabled, format, events, created_at, modified_at FROM webhook_endpoints WHERE _deleted_at IS NULL;
