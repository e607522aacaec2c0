-- name: TailStates :many
-- Streams that can be followed: a tail adds to what a complete sweep has read. If the clock of the database was set back, the sweep is
-- older than it seems: at first by how far sync_clock is ahead, later by less, as the clock catches up. sync_clock is not joined: Postgres
-- takes a table without statistics for a large one, and would compile for a second a query that runs a millisecond.
SELECT stream, tail, data_through, polled_at, sweep_due,
       COALESCE(EXTRACT(EPOCH FROM GREATEST(now() - complete_at, interval '0') + 2 * GREATEST((SELECT at FROM sync_clock) - now(), interval '0')), -1)::float8 AS complete_age,
       complete_at, unavailable,
       COALESCE(CASE WHEN complete_at IS NOT NULL THEN (SELECT f.stamped_at FROM sync_runs r JOIN sync_runs f ON f.id = r.sweep_id
                 WHERE r.stream = s.stream AND r.verdict = 'complete' ORDER BY r.id DESC LIMIT 1) END, complete_at, 'epoch')::timestamptz AS swept_at
FROM sync_streams s
WHERE stream = ANY(@streams::text[]);

-- name: TailSave :exec
-- Without a moment data_through stays. With pending changes it does not move on, since their exact time is not always known.
UPDATE sync_streams
SET tail = @tail, covered_by = COALESCE(sqlc.narg(covered_by)::text[], covered_by),
    polled_at = COALESCE(sqlc.narg(polled_at)::timestamptz, polled_at),
    data_through = CASE
        WHEN sqlc.narg(data_through)::timestamptz IS NULL THEN data_through
        WHEN sqlc.narg(data_through)::timestamptz < data_through THEN sqlc.narg(data_through)::timestamptz
        WHEN EXISTS (SELECT FROM sync_changes c WHERE c.stream = @stream AND (c.known_at IS NULL OR c.known_at < c.noted_at)) THEN data_through
        ELSE sqlc.narg(data_through)::timestamptz
    END,
    sweep_due = COALESCE(sweep_due, sqlc.narg(sweep_due)::text)
WHERE stream = @stream;

-- name: SweepsDue :many
SELECT stream, sweep_due::text AS reason FROM sync_streams WHERE sweep_due IS NOT NULL ORDER BY stream;

-- name: Uncovered :many
-- Streams that nothing shows changes of between sweeps, or only counts: what their last sweep cost, and how long ago one began.
SELECT s.stream, cost.requests, EXTRACT(EPOCH FROM GREATEST(now() - last.started_at, interval '0'))::float8 AS age
FROM sync_streams s
CROSS JOIN LATERAL (
    SELECT r.requests FROM sync_runs r
    WHERE r.stream = s.stream AND r.kind = 'sweep' AND r.verdict IS NOT NULL AND r.sweep_id = r.id
    ORDER BY r.id DESC LIMIT 1
) cost
CROSS JOIN LATERAL (
    SELECT r.started_at FROM sync_runs r WHERE r.stream = s.stream AND r.kind = 'sweep' ORDER BY r.id DESC LIMIT 1
) last
WHERE COALESCE(s.covered_by, '{}') <@ ARRAY['counts'] AND s.complete_at IS NOT NULL AND s.unavailable IS NULL AND s.sweep_id IS NULL
ORDER BY s.stream;

-- name: ChangesNote :exec
INSERT INTO sync_changes (stream, filter, value, owner, changed_at, noted_at)
SELECT n.stream, n.filter, n.value, n.owner, n.changed_at, @noted_at
FROM (
    SELECT DISTINCT ON (c.stream, c.filter, c.value) c.stream, c.filter, c.value,
           NULLIF(c.owner, '00000000-0000-0000-0000-000000000000') AS owner, c.changed_at
    FROM ROWS FROM (unnest(@streams::text[]), unnest(@filters::text[]), unnest(@values::text[]), unnest(@owners::uuid[]), unnest(@changed::timestamptz[]))
         AS c(stream, filter, value, owner, changed_at)
    ORDER BY c.stream, c.filter, c.value, c.changed_at DESC
) n
ON CONFLICT (stream, filter, value) DO UPDATE
SET changed_at = EXCLUDED.changed_at, noted_at = EXCLUDED.noted_at, known_at = NULL, owner = COALESCE(EXCLUDED.owner, sync_changes.owner)
WHERE sync_changes.changed_at < EXCLUDED.changed_at;

-- name: ChangesNoteAgain :exec
-- A change that is dated as one before it: that one may have been fetched.
UPDATE sync_changes SET noted_at = @noted_at, known_at = NULL
FROM ROWS FROM (unnest(@streams::text[]), unnest(@filters::text[]), unnest(@values::text[]), unnest(@changed::timestamptz[])) AS c(stream, filter, value, changed_at)
WHERE sync_changes.stream = c.stream AND sync_changes.filter = c.filter AND sync_changes.value = c.value AND sync_changes.changed_at = c.changed_at;

-- name: ChangesInvalidate :exec
-- When the change happened is unknown. It is dated to the beginning of time, so it moves no data_through when it is fetched.
INSERT INTO sync_changes (stream, filter, value, changed_at, noted_at)
SELECT @stream, @filter, v.value, 'epoch', GREATEST(c.at, clock_timestamp())
FROM unnest(@values::text[]) AS v(value), sync_clock c
ORDER BY v.value
ON CONFLICT (stream, filter, value) DO UPDATE SET noted_at = EXCLUDED.noted_at;

-- name: ChangesPending :many
-- Some lists come from a replica: an object that was fetched right after its change is fetched once more when the replica has caught up.
SELECT filter, value, owner, changed_at FROM sync_changes
WHERE stream = @stream AND (known_at IS NULL OR known_at < noted_at
    OR (known_at < noted_at + make_interval(secs => @lag_seconds) AND (SELECT at FROM sync_clock) >= noted_at + make_interval(secs => @lag_seconds)))
  AND NOT (@newest::boolean AND changed_at = 'epoch')
  AND (@what::text = '' OR (@what = 'objects') = (filter = 'id'))
ORDER BY CASE WHEN @newest THEN changed_at END DESC, changed_at
LIMIT @most;

-- name: ChangesPendingStreams :many
-- As ChangesPending, for all streams: a round of feeds opens no others.
SELECT stream FROM sync_changes
WHERE (known_at IS NULL OR known_at < noted_at
    OR (known_at < noted_at + make_interval(secs => @lag_seconds) AND (SELECT at FROM sync_clock) >= noted_at + make_interval(secs => @lag_seconds)))
  AND NOT (@newest::boolean AND changed_at = 'epoch')
  AND (@what::text = '' OR (@what = 'objects') = (filter = 'id'))
GROUP BY stream
ORDER BY min(noted_at);

-- name: ChangesPendingCount :many
SELECT stream, count(*) AS pending FROM sync_changes
WHERE known_at IS NULL OR known_at < noted_at
GROUP BY stream;

-- name: ChangesKnown :one
-- What was asked for at known_at counts as asked for later by a lag, for changes that were noted before.
WITH known AS (
    UPDATE sync_changes
    SET known_at = GREATEST(known_at, CASE WHEN noted_at <= @known_at THEN @lagged_at::timestamptz ELSE @known_at::timestamptz END)
    WHERE stream = @stream AND filter = @filter AND value = ANY(@values::text[]) AND changed_at <= @until
    RETURNING changed_at
)
SELECT COALESCE(max(changed_at), '0001-01-01 00:00:00+00')::timestamptz AS newest FROM known;

-- name: ChangesSettleSwept :exec
-- A complete sweep has read every change that was recorded before it began, less the lag of the replicas.
UPDATE sync_changes SET known_at = GREATEST(known_at, @complete_at)
WHERE stream = @stream AND noted_at < @noted_before;

-- name: ChangesForget :exec
-- Fetched changes are kept for a while: the feed is read with an overlap, and tells of them again.
DELETE FROM sync_changes WHERE known_at >= noted_at AND known_at < (SELECT at FROM sync_clock) - interval '1 hour';

-- name: TailRunsForget :exec
-- Runs of rounds that found nothing are removed soon: there are thousands a day. Rounds of feeds are made every few seconds, so those that
-- found something are kept for a week only.
DELETE FROM sync_runs
WHERE outcome = 'succeeded' AND rows_inserted + rows_updated + rows_rejected = 0
  AND (kind = 'tail' AND finished_at < now() - interval '1 day' OR kind = 'feed' AND finished_at < now() - interval '2 minutes')
   OR kind = 'feed' AND finished_at < now() - interval '7 days';

-- name: SweepRunsForget :exec
-- Sweeps that found nothing are removed after a week, but for the last of each stream and those that deletions refer to: small
-- lists are swept in every round.
DELETE FROM sync_runs r
WHERE r.kind = 'sweep' AND r.outcome = 'succeeded' AND r.rows_inserted + r.rows_updated + r.rows_rejected = 0 AND r.sweep_id = r.id
  AND r.finished_at < now() - interval '7 days'
  AND EXISTS (SELECT FROM sync_runs l WHERE l.stream = r.stream AND l.id > r.id AND l.kind = 'sweep' AND l.verdict = 'complete' AND l.sweep_id = l.id)
  AND NOT EXISTS (SELECT FROM sync_suspects p WHERE r.id IN (p.first_run, p.last_run))
  AND NOT EXISTS (SELECT FROM sync_tombstones t WHERE t.run_id = r.id);

-- name: Freshness :many
SELECT stream, COALESCE(data_through, '0001-01-01 00:00:00+00')::timestamptz AS data_through,
       COALESCE(polled_at, '0001-01-01 00:00:00+00')::timestamptz AS polled_at, complete_at, pending_changes, sweep_due,
       COALESCE(EXTRACT(EPOCH FROM feed_lag), -1)::float8 AS feed_lag, covered_by
FROM freshness;
