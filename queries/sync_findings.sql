-- name: FindingsUpsert :batchexec
-- A finding that comes back after it was resolved starts anew.
INSERT INTO sync_findings (stream, key, kind, field, mirror_value, other_value, evidence, resolved_at)
VALUES (@stream, @key, @kind, @field, @mirror_value, @other_value, @evidence, CASE WHEN @healed::boolean THEN now() END)
ON CONFLICT (stream, key, kind, field) DO UPDATE SET
    mirror_value = EXCLUDED.mirror_value, other_value = EXCLUDED.other_value, evidence = EXCLUDED.evidence,
    first_seen = CASE WHEN sync_findings.resolved_at IS NULL THEN sync_findings.first_seen ELSE EXCLUDED.first_seen END,
    last_seen = EXCLUDED.last_seen, resolved_at = EXCLUDED.resolved_at;

-- name: FindingsResolve :exec
-- Closes the findings of a stream that an audit has looked for and not found again.
UPDATE sync_findings SET resolved_at = now()
WHERE stream = @stream AND kind = ANY(@kinds::text[]) AND resolved_at IS NULL AND last_seen < @audited_at::timestamptz;

-- name: FindingsOpen :many
SELECT stream, key, kind, field, mirror_value, other_value, evidence, first_seen, last_seen
FROM sync_findings WHERE resolved_at IS NULL AND stream = ANY(@streams::text[])
ORDER BY stream, kind, key, field;

-- name: FindingsCountOpen :one
-- Those of customers' states and of metrics that time may explain do not count.
SELECT count(*) FROM sync_findings WHERE resolved_at IS NULL AND kind NOT IN ('state', 'unsettled');
