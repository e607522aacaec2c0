-- name: DriftUpsert :many
-- Gives back what was never met before.
WITH met AS (
    INSERT INTO sync_drift (stream, kind, field, value, sample_id, first_run, last_run)
    SELECT @stream::text, d.kind, d.field, d.value, NULLIF(d.sample_id, '00000000-0000-0000-0000-000000000000'), @run_id::bigint, @run_id::bigint
    FROM ROWS FROM (unnest(@kinds::text[]), unnest(@fields::text[]), unnest(@vals::text[]), unnest(@sample_ids::uuid[])) AS d(kind, field, value, sample_id)
    ON CONFLICT (stream, kind, field, value) DO UPDATE
    SET sample_id = EXCLUDED.sample_id, last_run = EXCLUDED.last_run, last_seen = now(), runs = sync_drift.runs + 1
    RETURNING kind, field, value, sample_id, runs
)
SELECT kind, field, value, sample_id FROM met WHERE runs = 1;
