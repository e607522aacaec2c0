-- name: OrganizationAccessTokensUpsert :batchexec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO organization_access_tokens (
    id, created_at, modified_at, comment, scopes, expires_at, last_used_at, organization_id, _extra, _hash,
    _requested_at
) VALUES (
    @id, @created_at, @modified_at, @comment, @scopes, @expires_at, @last_used_at, @organization_id, @_extra,
    @_hash, @_requested_at
)
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, comment = EXCLUDED.comment,
    scopes = EXCLUDED.scopes, expires_at = EXCLUDED.expires_at, last_used_at = EXCLUDED.last_used_at,
    organization_id = EXCLUDED.organization_id, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at,
    _synced_at = now(), _deleted_at = NULL
WHERE organization_access_tokens._requested_at <= EXCLUDED._requested_at;
