-- name: EventsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO events (
    id, timestamp, organization_id, name, label, source, customer_id, external_customer_id, member_id,
    external_member_id, parent_id, child_count, metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@timestamp::timestamptz[]), unnest(@organization_id::uuid[]),
    unnest(@name::text[]), unnest(@label::text[]), unnest(@source::text[]), unnest(@customer_id::uuid[]),
    unnest(@external_customer_id::text[]), unnest(@member_id::uuid[]), unnest(@external_member_id::text[]),
    unnest(@parent_id::uuid[]), unnest(@child_count::bigint[]), unnest(@metadata::jsonb[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    timestamp = EXCLUDED.timestamp, organization_id = EXCLUDED.organization_id, name = EXCLUDED.name,
    label = EXCLUDED.label, source = EXCLUDED.source, customer_id = EXCLUDED.customer_id,
    external_customer_id = EXCLUDED.external_customer_id, member_id = EXCLUDED.member_id,
    external_member_id = EXCLUDED.external_member_id, parent_id = EXCLUDED.parent_id,
    child_count = EXCLUDED.child_count, metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE events._requested_at <= EXCLUDED._requested_at;
