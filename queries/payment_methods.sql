-- name: PaymentMethodsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO payment_methods (
    id, created_at, modified_at, processor, customer_id, type, is_default, method_metadata, _extra, _hash,
    _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@processor::text[]), unnest(@customer_id::uuid[]), unnest(@type::text[]),
    unnest(@is_default::boolean[]), unnest(@method_metadata::jsonb[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, processor = EXCLUDED.processor,
    customer_id = EXCLUDED.customer_id, type = EXCLUDED.type, is_default = EXCLUDED.is_default,
    method_metadata = EXCLUDED.method_metadata, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE payment_methods._requested_at <= EXCLUDED._requested_at;
