-- name: CustomerMetersUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO customer_meters (
    id, created_at, modified_at, customer_id, meter_id, consumed_units, credited_units, balance, _extra,
    _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@customer_id::uuid[]), unnest(@meter_id::uuid[]), unnest(@consumed_units::numeric[]),
    unnest(@credited_units::bigint[]), unnest(@balance::numeric[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, customer_id = EXCLUDED.customer_id,
    meter_id = EXCLUDED.meter_id, consumed_units = EXCLUDED.consumed_units,
    credited_units = EXCLUDED.credited_units, balance = EXCLUDED.balance, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE customer_meters._requested_at <= EXCLUDED._requested_at;
