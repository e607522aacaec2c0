-- name: CheckoutLinksUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO checkout_links (
    id, created_at, modified_at, payment_processor, success_url, return_url, label, allow_discount_codes,
    require_billing_address, discount_id, seats, units, trial_interval, trial_interval_count,
    organization_id, metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@payment_processor::text[]), unnest(@success_url::text[]), unnest(@return_url::text[]),
    unnest(@label::text[]), unnest(@allow_discount_codes::boolean[]),
    unnest(@require_billing_address::boolean[]), unnest(@discount_id::uuid[]), unnest(@seats::bigint[]),
    unnest(@units::bigint[]), unnest(@trial_interval::text[]), unnest(@trial_interval_count::bigint[]),
    unnest(@organization_id::uuid[]), unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at,
    payment_processor = EXCLUDED.payment_processor, success_url = EXCLUDED.success_url,
    return_url = EXCLUDED.return_url, label = EXCLUDED.label,
    allow_discount_codes = EXCLUDED.allow_discount_codes,
    require_billing_address = EXCLUDED.require_billing_address, discount_id = EXCLUDED.discount_id,
    seats = EXCLUDED.seats, units = EXCLUDED.units, trial_interval = EXCLUDED.trial_interval,
    trial_interval_count = EXCLUDED.trial_interval_count, organization_id = EXCLUDED.organization_id,
    metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE checkout_links._requested_at <= EXCLUDED._requested_at;

-- name: CheckoutLinkProductsUpsert :exec
-- Writes only a row that is new, moved or listed again, and never over a reply requested later.
INSERT INTO checkout_link_products (checkout_link_id, product_id, _position, _extra, _hash, _requested_at)
SELECT unnest(@checkout_link_id::uuid[]), unnest(@product_id::uuid[]), unnest(@_position::bigint[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (checkout_link_id, product_id) DO UPDATE SET
    _position = EXCLUDED._position, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE checkout_link_products._requested_at <= EXCLUDED._requested_at
  AND (checkout_link_products._hash <> EXCLUDED._hash OR checkout_link_products._position <> EXCLUDED._position OR checkout_link_products._removed_at IS NOT NULL);
