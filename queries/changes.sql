-- name: HistoryOn :exec
-- Until the end of the transaction the changes of rows are recorded, of those streams whose first sweep has ended.
SELECT set_config('syncd.run', (@run_id::bigint)::text, true), set_config('syncd.history', COALESCE(string_agg(stream, ','), ''), true)
FROM sync_streams WHERE history_since IS NOT NULL;

-- name: ChangesAnnounce :exec
-- The last statement before the commit: from here on the transaction holds the lock of changes, and may wait for no other.
SELECT announce_changes();

-- name: HistoryLock :exec
-- Until the end of the transaction nobody else records changes.
SELECT lock_changes();

-- name: HistoryDropped :exec
-- What readers of limited changes of a time will not find any more.
INSERT INTO sync_history_dropped (stream, seq, seen_at)
SELECT c.stream, max(c.seq), max(c.seen_at) FROM changes c WHERE c.retention = 'limited' AND c.seen_at >= @since AND c.seen_at < @until GROUP BY c.stream
ON CONFLICT (stream) DO UPDATE
SET seq = GREATEST(sync_history_dropped.seq, EXCLUDED.seq), seen_at = GREATEST(sync_history_dropped.seen_at, EXCLUDED.seen_at);

-- name: HistoryExpire :exec
-- Where limited changes are not divided by months.
WITH gone AS (
    DELETE FROM changes_limited d WHERE d.seen_at < @before RETURNING d.stream, d.seq, d.seen_at
)
INSERT INTO sync_history_dropped (stream, seq, seen_at)
SELECT g.stream, max(g.seq), max(g.seen_at) FROM gone g GROUP BY g.stream
ON CONFLICT (stream) DO UPDATE
SET seq = GREATEST(sync_history_dropped.seq, EXCLUDED.seq), seen_at = GREATEST(sync_history_dropped.seen_at, EXCLUDED.seen_at);

-- name: HistoryExpireDefault :exec
-- For changes of a time for which no partition was made.
WITH gone AS (
    DELETE FROM changes_limited_default d WHERE d.seen_at < @before RETURNING d.stream, d.seq, d.seen_at
)
INSERT INTO sync_history_dropped (stream, seq, seen_at)
SELECT g.stream, max(g.seq), max(g.seen_at) FROM gone g GROUP BY g.stream
ON CONFLICT (stream) DO UPDATE
SET seq = GREATEST(sync_history_dropped.seq, EXCLUDED.seq), seen_at = GREATEST(sync_history_dropped.seen_at, EXCLUDED.seen_at);
