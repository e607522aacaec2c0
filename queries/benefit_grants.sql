-- name: BenefitGrantsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
-- Polar's list gives empty properties where a webhook gave what was credited: nothing does not overwrite something.
INSERT INTO benefit_grants (
    id, created_at, modified_at, granted_at, is_granted, revoked_at, is_revoked, subscription_id, order_id,
    customer_id, member_id, benefit_id, error, properties, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@granted_at::timestamptz[]), unnest(@is_granted::boolean[]), unnest(@revoked_at::timestamptz[]),
    unnest(@is_revoked::boolean[]), unnest(@subscription_id::uuid[]), unnest(@order_id::uuid[]),
    unnest(@customer_id::uuid[]), unnest(@member_id::uuid[]), unnest(@benefit_id::uuid[]),
    unnest(@error::jsonb[]), unnest(@properties::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, granted_at = EXCLUDED.granted_at,
    is_granted = EXCLUDED.is_granted, revoked_at = EXCLUDED.revoked_at, is_revoked = EXCLUDED.is_revoked,
    subscription_id = EXCLUDED.subscription_id, order_id = EXCLUDED.order_id,
    customer_id = EXCLUDED.customer_id, member_id = EXCLUDED.member_id, benefit_id = EXCLUDED.benefit_id,
    error = EXCLUDED.error, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL,
    properties = CASE WHEN EXCLUDED.properties = '{}' THEN COALESCE(benefit_grants.properties, '{}') ELSE EXCLUDED.properties END
WHERE benefit_grants._requested_at <= EXCLUDED._requested_at;
