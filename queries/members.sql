-- name: MembersUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO members (
    id, created_at, modified_at, customer_id, email, name, external_id, role, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@customer_id::uuid[]), unnest(@email::text[]), unnest(@name::text[]), unnest(@external_id::text[]),
    unnest(@role::text[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, customer_id = EXCLUDED.customer_id,
    email = EXCLUDED.email, name = EXCLUDED.name, external_id = EXCLUDED.external_id, role = EXCLUDED.role,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE members._requested_at <= EXCLUDED._requested_at;
