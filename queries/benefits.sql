-- name: BenefitsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO benefits (
    id, created_at, modified_at, type, description, selectable, deletable, is_deleted, visibility,
    visibility_configurable, organization_id, metadata, properties, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@type::text[]), unnest(@description::text[]), unnest(@selectable::boolean[]),
    unnest(@deletable::boolean[]), unnest(@is_deleted::boolean[]), unnest(@visibility::text[]),
    unnest(@visibility_configurable::boolean[]), unnest(@organization_id::uuid[]), unnest(@metadata::jsonb[]),
    unnest(@properties::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, type = EXCLUDED.type,
    description = EXCLUDED.description, selectable = EXCLUDED.selectable, deletable = EXCLUDED.deletable,
    is_deleted = EXCLUDED.is_deleted, visibility = EXCLUDED.visibility,
    visibility_configurable = EXCLUDED.visibility_configurable, organization_id = EXCLUDED.organization_id,
    metadata = EXCLUDED.metadata, properties = EXCLUDED.properties, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE benefits._requested_at <= EXCLUDED._requested_at;
