-- name: StubsResolve :exec
UPDATE sync_stubs SET resolved_at = now()
WHERE stream = @stream AND id = ANY(@ids::uuid[]) AND resolved_at IS NULL;
