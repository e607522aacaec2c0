-- name: StubsResolve :exec
-- Most streams have never had any: then the ids are not looked for.
UPDATE sync_stubs b SET resolved_at = now()
WHERE b.stream = @stream AND b.id = ANY(@ids::uuid[]) AND b.resolved_at IS NULL
  AND EXISTS (SELECT FROM sync_stubs s WHERE s.stream = @stream);
