-- name: OrganizationAccessTokensUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO organization_access_tokens (
    id, created_at, modified_at, comment, scopes, expires_at, last_used_at, organization_id, _extra, _hash,
    _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@comment::text[]), unnest(@scopes::jsonb[]), unnest(@expires_at::timestamptz[]),
    unnest(@last_used_at::timestamptz[]), unnest(@organization_id::uuid[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, comment = EXCLUDED.comment,
    scopes = EXCLUDED.scopes, expires_at = EXCLUDED.expires_at, last_used_at = EXCLUDED.last_used_at,
    organization_id = EXCLUDED.organization_id, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE organization_access_tokens._requested_at <= EXCLUDED._requested_at;
