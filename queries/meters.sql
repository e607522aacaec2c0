-- name: MetersUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO meters (
    id, created_at, modified_at, name, unit, custom_label, custom_multiplier, filter, aggregation,
    archived_at, organization_id, metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@unit::text[]), unnest(@custom_label::text[]),
    unnest(@custom_multiplier::bigint[]), unnest(@filter::jsonb[]), unnest(@aggregation::jsonb[]),
    unnest(@archived_at::timestamptz[]), unnest(@organization_id::uuid[]), unnest(@metadata::jsonb[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    unit = EXCLUDED.unit, custom_label = EXCLUDED.custom_label,
    custom_multiplier = EXCLUDED.custom_multiplier, filter = EXCLUDED.filter,
    aggregation = EXCLUDED.aggregation, archived_at = EXCLUDED.archived_at,
    organization_id = EXCLUDED.organization_id, metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE meters._requested_at <= EXCLUDED._requested_at;
