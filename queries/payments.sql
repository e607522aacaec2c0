-- name: PaymentsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO payments (
    id, created_at, modified_at, status, amount, currency, processor, method, method_metadata, trigger,
    decline_reason, decline_message, order_id, checkout_id, organization_id, processor_metadata, _extra,
    _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@amount::bigint[]), unnest(@currency::text[]), unnest(@processor::text[]),
    unnest(@method::text[]), unnest(@method_metadata::jsonb[]), unnest(@trigger::text[]),
    unnest(@decline_reason::text[]), unnest(@decline_message::text[]), unnest(@order_id::uuid[]),
    unnest(@checkout_id::uuid[]), unnest(@organization_id::uuid[]), unnest(@processor_metadata::jsonb[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    amount = EXCLUDED.amount, currency = EXCLUDED.currency, processor = EXCLUDED.processor,
    method = EXCLUDED.method, method_metadata = EXCLUDED.method_metadata, trigger = EXCLUDED.trigger,
    decline_reason = EXCLUDED.decline_reason, decline_message = EXCLUDED.decline_message,
    order_id = EXCLUDED.order_id, checkout_id = EXCLUDED.checkout_id,
    organization_id = EXCLUDED.organization_id, processor_metadata = EXCLUDED.processor_metadata,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE payments._requested_at <= EXCLUDED._requested_at;
