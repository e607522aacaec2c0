-- name: SuspectsForgetOthers :exec
DELETE FROM sync_suspects WHERE stream = @stream AND NOT id = ANY(@ids::uuid[]);

-- name: SuspectsUpsert :many
-- A clock that was ahead must not hold rows back for ever: a time in the future counts as now.
INSERT INTO sync_suspects AS s (stream, id, first_run, last_run, held, emptied_at)
SELECT @stream, i.id, @run_id, @run_id, @held, CASE WHEN @emptied::boolean THEN now() END FROM unnest(@ids::uuid[]) AS i(id)
ON CONFLICT (stream, id) DO UPDATE
SET last_run = EXCLUDED.last_run, held = EXCLUDED.held,
    noticed_at = LEAST(s.noticed_at, EXCLUDED.noticed_at),
    emptied_at = CASE WHEN s.emptied_at > EXCLUDED.noticed_at THEN EXCLUDED.noticed_at ELSE COALESCE(s.emptied_at, EXCLUDED.emptied_at) END
RETURNING id, first_run, noticed_at, emptied_at;

-- name: SuspectsHold :exec
UPDATE sync_suspects SET held = true WHERE stream = @stream AND id = ANY(@ids::uuid[]);

-- name: SuspectsHeld :many
-- last_run is the number of a sweep: that of the run that began it.
SELECT s.stream, s.id, s.noticed_at, r.started_at AS swept_at, COALESCE(r.stamped_at, r.started_at)::timestamptz AS as_of
FROM sync_suspects s JOIN sync_runs r ON r.id = s.last_run
WHERE s.last_run = @run_id AND s.held
ORDER BY s.stream, s.id;

-- name: SweepRequests :one
SELECT COALESCE(sum(requests), 0)::bigint AS requests FROM sync_runs WHERE sweep_id = @sweep_id AND kind = 'sweep';

-- name: RunsHolding :many
SELECT DISTINCT last_run FROM sync_suspects WHERE held ORDER BY last_run;

-- name: StreamsEmptied :many
-- The streams whose lists recently brought none of the rows of their tables.
SELECT DISTINCT stream FROM sync_suspects
WHERE held AND emptied_at > now() - interval '1 day'
ORDER BY stream;

-- name: RunRemark :exec
UPDATE sync_runs SET reason = @reason WHERE id = @id;

-- name: SuspectsForget :exec
DELETE FROM sync_suspects WHERE stream = @stream AND id = ANY(@ids::uuid[]);

-- name: TombstonesInsert :exec
INSERT INTO sync_tombstones (stream, id, run_id, evidence)
SELECT @stream, i.id, @run_id, @evidence FROM unnest(@ids::uuid[]) AS i(id)
ON CONFLICT (stream, id, run_id) DO NOTHING;

-- name: TombstonesResurrect :exec
UPDATE sync_tombstones SET resurrected_at = now()
WHERE stream = @stream AND id = ANY(@ids::uuid[]) AND resurrected_at IS NULL;
