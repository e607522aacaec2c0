-- name: EventsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted. The id is the key of each month
-- alone, so rows are looked for in all of them: one whose time has changed moves to another month. Whoever writes has the turn of the
-- stream, so no row comes meanwhile.
WITH n AS MATERIALIZED (
    SELECT unnest(@id::uuid[]) AS id, unnest(@timestamp::timestamptz[]) AS timestamp, unnest(@organization_id::uuid[]) AS organization_id,
        unnest(@name::text[]) AS name, unnest(@label::text[]) AS label, unnest(@source::text[]) AS source,
        unnest(@customer_id::uuid[]) AS customer_id, unnest(@external_customer_id::text[]) AS external_customer_id,
        unnest(@member_id::uuid[]) AS member_id, unnest(@external_member_id::text[]) AS external_member_id,
        unnest(@parent_id::uuid[]) AS parent_id, unnest(@child_count::bigint[]) AS child_count, unnest(@metadata::jsonb[]) AS metadata,
        unnest(@_extra::jsonb[]) AS _extra, unnest(@_hash::bytea[]) AS _hash, unnest(@_requested_at::timestamptz[]) AS _requested_at
), there AS MATERIALIZED (
    SELECT e.id FROM events e WHERE e.id = ANY(@id::uuid[])
), known AS (
    UPDATE events e SET
        timestamp = n.timestamp, organization_id = n.organization_id, name = n.name, label = n.label, source = n.source,
        customer_id = n.customer_id, external_customer_id = n.external_customer_id, member_id = n.member_id,
        external_member_id = n.external_member_id, parent_id = n.parent_id, child_count = n.child_count, metadata = n.metadata,
        _extra = n._extra, _hash = n._hash, _requested_at = n._requested_at, _synced_at = now(), _deleted_at = NULL
    FROM n
    WHERE e.id = ANY(ARRAY(SELECT t.id FROM there t)) AND e.id = n.id AND e._requested_at <= n._requested_at
)
INSERT INTO events (
    id, timestamp, organization_id, name, label, source, customer_id, external_customer_id, member_id,
    external_member_id, parent_id, child_count, metadata, _extra, _hash, _requested_at
)
SELECT n.id, n.timestamp, n.organization_id, n.name, n.label, n.source, n.customer_id, n.external_customer_id, n.member_id,
    n.external_member_id, n.parent_id, n.child_count, n.metadata, n._extra, n._hash, n._requested_at
FROM n WHERE NOT EXISTS (SELECT FROM there t WHERE t.id = n.id);
