-- name: SuspectsForgetOthers :exec
DELETE FROM sync_suspects WHERE stream = @stream AND NOT id = ANY(@ids::uuid[]);

-- name: SuspectsUpsert :many
INSERT INTO sync_suspects (stream, id, first_run, last_run, held)
SELECT @stream, i.id, @run_id, @run_id, @held FROM unnest(@ids::uuid[]) AS i(id)
ON CONFLICT (stream, id) DO UPDATE SET last_run = EXCLUDED.last_run, held = EXCLUDED.held
RETURNING id, first_run;

-- name: SuspectsHeld :many
SELECT stream, id FROM sync_suspects WHERE last_run = @run_id AND held ORDER BY stream, id;

-- name: SuspectsForget :exec
DELETE FROM sync_suspects WHERE stream = @stream AND id = ANY(@ids::uuid[]);

-- name: TombstonesInsert :exec
INSERT INTO sync_tombstones (stream, id, run_id, evidence)
SELECT @stream, i.id, @run_id, @evidence FROM unnest(@ids::uuid[]) AS i(id)
ON CONFLICT (stream, id, run_id) DO NOTHING;

-- name: TombstonesResurrect :exec
UPDATE sync_tombstones SET resurrected_at = now()
WHERE stream = @stream AND id = ANY(@ids::uuid[]) AND resurrected_at IS NULL;
