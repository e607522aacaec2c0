-- name: DriftUpsert :many
-- Returns the drift that no earlier run found.
WITH met AS (
    INSERT INTO sync_drift (stream, kind, field, value, sample_id, first_run, last_run)
    SELECT @stream::text, d.kind, d.field, d.value, NULLIF(d.sample_id, '00000000-0000-0000-0000-000000000000'), @run_id::bigint, @run_id::bigint
    FROM ROWS FROM (unnest(@kinds::text[]), unnest(@fields::text[]), unnest(@vals::text[]), unnest(@sample_ids::uuid[])) AS d(kind, field, value, sample_id)
    ON CONFLICT (stream, kind, field, value) DO UPDATE
    SET sample_id = EXCLUDED.sample_id, last_run = EXCLUDED.last_run, last_seen = EXCLUDED.last_seen, runs = sync_drift.runs + 1
    RETURNING kind, field, value, sample_id, runs
)
SELECT kind, field, value, sample_id FROM met WHERE runs = 1;

-- name: DriftList :many
-- Of all streams where none are given.
-- Over: the last complete sweep began later and did not find it, as after an upgrade of syncd.
WITH swept AS MATERIALIZED (
    SELECT of.stream, r.id, r.started_at
    FROM (SELECT DISTINCT stream FROM sync_drift) of
    CROSS JOIN LATERAL (
        SELECT id, started_at FROM sync_runs
        WHERE stream = of.stream AND kind = 'sweep' AND outcome = 'succeeded' AND sweep_id = id ORDER BY id DESC LIMIT 1) r
)
SELECT d.stream, d.kind, d.field, d.value, d.sample_id, d.first_seen, d.last_seen, d.runs, d.acknowledged_at,
    COALESCE(s.id > d.last_run AND s.started_at > d.last_seen, false)::boolean AS over
FROM sync_drift d LEFT JOIN swept s ON s.stream = d.stream
WHERE sqlc.narg(streams)::text[] IS NULL OR d.stream = ANY(sqlc.narg(streams)::text[])
ORDER BY d.stream, d.first_seen, d.field, d.kind, d.value;

-- name: DriftAcknowledge :execrows
UPDATE sync_drift SET acknowledged_at = now() WHERE acknowledged_at IS NULL AND (sqlc.narg(streams)::text[] IS NULL OR stream = ANY(sqlc.narg(streams)::text[]));
