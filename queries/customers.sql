-- name: CustomersUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO customers (
    id, created_at, modified_at, type, external_id, email, email_verified, name, billing_name,
    billing_address, tax_id, locale, avatar_url, default_payment_method_id, first_user_event_at, deleted_at,
    organization_id, metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@type::text[]), unnest(@external_id::text[]), unnest(@email::text[]),
    unnest(@email_verified::boolean[]), unnest(@name::text[]), unnest(@billing_name::text[]),
    unnest(@billing_address::jsonb[]), unnest(@tax_id::jsonb[]), unnest(@locale::text[]),
    unnest(@avatar_url::text[]), unnest(@default_payment_method_id::uuid[]),
    unnest(@first_user_event_at::timestamptz[]), unnest(@deleted_at::timestamptz[]),
    unnest(@organization_id::uuid[]), unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, type = EXCLUDED.type,
    external_id = EXCLUDED.external_id, email = EXCLUDED.email, email_verified = EXCLUDED.email_verified,
    name = EXCLUDED.name, billing_name = EXCLUDED.billing_name, billing_address = EXCLUDED.billing_address,
    tax_id = EXCLUDED.tax_id, locale = EXCLUDED.locale, avatar_url = EXCLUDED.avatar_url,
    default_payment_method_id = EXCLUDED.default_payment_method_id,
    first_user_event_at = EXCLUDED.first_user_event_at, deleted_at = EXCLUDED.deleted_at,
    organization_id = EXCLUDED.organization_id, metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE customers._requested_at <= EXCLUDED._requested_at;
