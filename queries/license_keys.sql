-- name: LicenseKeysUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO license_keys (
    id, created_at, modified_at, organization_id, customer_id, member_id, subscription_id, order_id,
    benefit_id, display_key, status, limit_activations, usage, limit_usage, validations, last_validated_at,
    expires_at, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@organization_id::uuid[]), unnest(@customer_id::uuid[]), unnest(@member_id::uuid[]),
    unnest(@subscription_id::uuid[]), unnest(@order_id::uuid[]), unnest(@benefit_id::uuid[]),
    unnest(@display_key::text[]), unnest(@status::text[]), unnest(@limit_activations::bigint[]),
    unnest(@usage::bigint[]), unnest(@limit_usage::bigint[]), unnest(@validations::bigint[]),
    unnest(@last_validated_at::timestamptz[]), unnest(@expires_at::timestamptz[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at,
    organization_id = EXCLUDED.organization_id, customer_id = EXCLUDED.customer_id,
    member_id = EXCLUDED.member_id, subscription_id = EXCLUDED.subscription_id, order_id = EXCLUDED.order_id,
    benefit_id = EXCLUDED.benefit_id, display_key = EXCLUDED.display_key, status = EXCLUDED.status,
    limit_activations = EXCLUDED.limit_activations, usage = EXCLUDED.usage,
    limit_usage = EXCLUDED.limit_usage, validations = EXCLUDED.validations,
    last_validated_at = EXCLUDED.last_validated_at, expires_at = EXCLUDED.expires_at,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE license_keys._requested_at <= EXCLUDED._requested_at;

-- name: LicenseKeyActivationsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO license_key_activations (
    id, license_key_id, label, meta, created_at, modified_at, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@license_key_id::uuid[]), unnest(@label::text[]), unnest(@meta::jsonb[]),
    unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    license_key_id = EXCLUDED.license_key_id, label = EXCLUDED.label, meta = EXCLUDED.meta,
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE license_key_activations._requested_at <= EXCLUDED._requested_at;
