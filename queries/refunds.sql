-- name: RefundsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO refunds (
    id, created_at, modified_at, status, reason, amount, tax_amount, currency, organization_id, order_id,
    subscription_id, customer_id, revoke_benefits, metadata, dispute_id, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@reason::text[]), unnest(@amount::bigint[]),
    unnest(@tax_amount::bigint[]), unnest(@currency::text[]), unnest(@organization_id::uuid[]),
    unnest(@order_id::uuid[]), unnest(@subscription_id::uuid[]), unnest(@customer_id::uuid[]),
    unnest(@revoke_benefits::boolean[]), unnest(@metadata::jsonb[]), unnest(@dispute_id::uuid[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    reason = EXCLUDED.reason, amount = EXCLUDED.amount, tax_amount = EXCLUDED.tax_amount,
    currency = EXCLUDED.currency, organization_id = EXCLUDED.organization_id, order_id = EXCLUDED.order_id,
    subscription_id = EXCLUDED.subscription_id, customer_id = EXCLUDED.customer_id,
    revoke_benefits = EXCLUDED.revoke_benefits, metadata = EXCLUDED.metadata,
    dispute_id = EXCLUDED.dispute_id, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE refunds._requested_at <= EXCLUDED._requested_at;
