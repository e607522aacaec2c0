-- name: DiscountsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO discounts (
    id, created_at, modified_at, name, type, duration, duration_in_months, code, starts_at, ends_at,
    max_redemptions, max_redemptions_per_customer, redemptions_count, amounts, basis_points, organization_id,
    metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@type::text[]), unnest(@duration::text[]),
    unnest(@duration_in_months::bigint[]), unnest(@code::text[]), unnest(@starts_at::timestamptz[]),
    unnest(@ends_at::timestamptz[]), unnest(@max_redemptions::bigint[]),
    unnest(@max_redemptions_per_customer::bigint[]), unnest(@redemptions_count::bigint[]),
    unnest(@amounts::jsonb[]), unnest(@basis_points::bigint[]), unnest(@organization_id::uuid[]),
    unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    type = EXCLUDED.type, duration = EXCLUDED.duration, duration_in_months = EXCLUDED.duration_in_months,
    code = EXCLUDED.code, starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
    max_redemptions = EXCLUDED.max_redemptions,
    max_redemptions_per_customer = EXCLUDED.max_redemptions_per_customer,
    redemptions_count = EXCLUDED.redemptions_count, amounts = EXCLUDED.amounts,
    basis_points = EXCLUDED.basis_points, organization_id = EXCLUDED.organization_id,
    metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE discounts._requested_at <= EXCLUDED._requested_at;

-- name: DiscountProductsUpsert :exec
-- Writes only a row that is new, moved or listed again, and never over a reply requested later.
INSERT INTO discount_products (discount_id, product_id, _position, _extra, _hash, _requested_at)
SELECT unnest(@discount_id::uuid[]), unnest(@product_id::uuid[]), unnest(@_position::bigint[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (discount_id, product_id) DO UPDATE SET
    _position = EXCLUDED._position, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE discount_products._requested_at <= EXCLUDED._requested_at
  AND (discount_products._hash <> EXCLUDED._hash OR discount_products._position <> EXCLUDED._position OR discount_products._removed_at IS NOT NULL);
