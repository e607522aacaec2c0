-- name: WebhookEndpointsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO webhook_endpoints (
    id, created_at, modified_at, name, format, api_version, uses_standard_webhook_signature, organization_id,
    events, enabled, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@format::text[]), unnest(@api_version::text[]),
    unnest(@uses_standard_webhook_signature::boolean[]), unnest(@organization_id::uuid[]),
    unnest(@events::jsonb[]), unnest(@enabled::boolean[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    format = EXCLUDED.format, api_version = EXCLUDED.api_version,
    uses_standard_webhook_signature = EXCLUDED.uses_standard_webhook_signature,
    organization_id = EXCLUDED.organization_id, events = EXCLUDED.events, enabled = EXCLUDED.enabled,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE webhook_endpoints._requested_at <= EXCLUDED._requested_at;
