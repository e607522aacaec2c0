-- name: MetersUpsert :batchexec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO meters (
    id, created_at, modified_at, name, unit, custom_label, custom_multiplier, filter, aggregation,
    archived_at, organization_id, metadata, _extra, _hash, _requested_at
) VALUES (
    @id, @created_at, @modified_at, @name, @unit, @custom_label, @custom_multiplier, @filter, @aggregation,
    @archived_at, @organization_id, @metadata, @_extra, @_hash, @_requested_at
)
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    unit = EXCLUDED.unit, custom_label = EXCLUDED.custom_label,
    custom_multiplier = EXCLUDED.custom_multiplier, filter = EXCLUDED.filter,
    aggregation = EXCLUDED.aggregation, archived_at = EXCLUDED.archived_at,
    organization_id = EXCLUDED.organization_id, metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = now(), _deleted_at = NULL
WHERE meters._requested_at <= EXCLUDED._requested_at;
