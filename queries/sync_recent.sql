-- name: RunsRecent :many
-- The last runs of all streams, rounds of tails aside, by the index on (stream, id): a page asks for them every few seconds.
-- A run that has not ended is alive while its lease lasts. One without a lease, such as a refresh, takes less than an hour.
SELECT r.id, r.stream, r.kind, r.started_at, r.finished_at, r.outcome, r.reason, r.pages, r.requests, r.rows_inserted, r.rows_updated, r.rows_rejected,
       (r.stamped_at IS NULL AND r.started_at > now() - interval '1 hour' AND NOT EXISTS (SELECT FROM sync_streams l WHERE l.lease_run = r.id)
        OR EXISTS (SELECT FROM sync_streams l WHERE l.lease_run = r.id AND l.leased_until > now()
                   AND l.leased_until <= now() + make_interval(secs => COALESCE(l.lease_seconds, 3600) + 5)))::boolean AS alive
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT * FROM sync_runs a
    WHERE a.stream = s.stream AND a.kind <> 'tail' AND a.kind <> 'feed'
    ORDER BY a.id DESC LIMIT @most::int
) r
WHERE s.stream <> 'tail'
ORDER BY r.id DESC
LIMIT @most::int;

-- name: RoundsRecent :many
-- Rounds of feeds are made every few seconds: those that found nothing are left out.
SELECT id, kind, started_at, finished_at, outcome, reason, requests, rows_inserted, rows_updated, rows_rejected
FROM sync_runs
WHERE stream = 'tail' AND (kind = 'tail' OR rows_inserted + rows_updated + rows_rejected > 0 OR outcome <> 'succeeded')
ORDER BY id DESC
LIMIT @most::int;

-- name: SweepsOpen :many
-- How far the sweeps have come that are running or were interrupted. Rows that were received twice count twice.
SELECT s.stream, s.sweep_total, s.sweep_pages,
       COALESCE(sum(r.rows_read), 0)::bigint AS rows_read,
       COALESCE(sum(r.rows_read) FILTER (WHERE r.id = s.lease_run), 0)::bigint AS rows_now,
       COALESCE(EXTRACT(EPOCH FROM now() - max(r.started_at) FILTER (WHERE r.id = s.lease_run)), 0)::float8 AS seconds_now
FROM sync_streams s JOIN sync_runs r ON r.stream = s.stream AND r.id >= s.sweep_id AND r.sweep_id = s.sweep_id AND r.kind = 'sweep'
WHERE s.sweep_id IS NOT NULL
GROUP BY s.stream
ORDER BY s.stream;

-- name: SweepCosts :many
-- What the last whole sweep of each stream cost, in requests.
SELECT s.stream, r.requests
FROM sync_streams s CROSS JOIN LATERAL (
    SELECT r.requests FROM sync_runs r
    WHERE r.stream = s.stream AND r.kind = 'sweep' AND r.verdict IS NOT NULL AND r.sweep_id = r.id
    ORDER BY r.id DESC LIMIT 1
) r;
