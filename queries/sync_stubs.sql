-- name: StubsUpsert :exec
INSERT INTO sync_stubs (stream, id, copied_from, copied_id, run_id)
SELECT @stream, c.id, @copied_from, c.copied_id, @run_id
FROM ROWS FROM (unnest(@ids::uuid[]), unnest(@copied_ids::uuid[])) AS c(id, copied_id)
ON CONFLICT (stream, id) DO UPDATE
SET copied_from = EXCLUDED.copied_from, copied_id = EXCLUDED.copied_id, run_id = EXCLUDED.run_id, resolved_at = NULL;

-- name: StubsOpen :one
SELECT count(*) FROM sync_stubs WHERE stream = @stream AND resolved_at IS NULL;

-- name: StubsResolve :exec
UPDATE sync_stubs SET resolved_at = now()
WHERE stream = @stream AND id = ANY(@ids::uuid[]) AND resolved_at IS NULL;
