-- name: ProductsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO products (
    id, created_at, modified_at, name, description, visibility, is_archived, is_deletable, is_recurring,
    recurring_interval, recurring_interval_count, meter_interval, meter_interval_count, trial_interval,
    trial_interval_count, organization_id, medias, attached_custom_fields, metadata, _extra, _hash,
    _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@description::text[]), unnest(@visibility::text[]),
    unnest(@is_archived::boolean[]), unnest(@is_deletable::boolean[]), unnest(@is_recurring::boolean[]),
    unnest(@recurring_interval::text[]), unnest(@recurring_interval_count::bigint[]),
    unnest(@meter_interval::text[]), unnest(@meter_interval_count::bigint[]), unnest(@trial_interval::text[]),
    unnest(@trial_interval_count::bigint[]), unnest(@organization_id::uuid[]), unnest(@medias::jsonb[]),
    unnest(@attached_custom_fields::jsonb[]), unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    description = EXCLUDED.description, visibility = EXCLUDED.visibility, is_archived = EXCLUDED.is_archived,
    is_deletable = EXCLUDED.is_deletable, is_recurring = EXCLUDED.is_recurring,
    recurring_interval = EXCLUDED.recurring_interval,
    recurring_interval_count = EXCLUDED.recurring_interval_count, meter_interval = EXCLUDED.meter_interval,
    meter_interval_count = EXCLUDED.meter_interval_count, trial_interval = EXCLUDED.trial_interval,
    trial_interval_count = EXCLUDED.trial_interval_count, organization_id = EXCLUDED.organization_id,
    medias = EXCLUDED.medias, attached_custom_fields = EXCLUDED.attached_custom_fields,
    metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE products._requested_at <= EXCLUDED._requested_at;

-- name: ProductPricesUpsert :exec
-- Writes only a row that is new, changed, moved or listed again, and never over a reply requested later.
INSERT INTO product_prices (
    product_id, id, created_at, modified_at, source, amount_type, type, recurring_interval, legacy,
    is_archived, price_currency, tax_behavior, price_amount, minimum_amount, maximum_amount, preset_amount,
    unit_amount, cap_amount, meter_id, seat_tiers, tiers, minimum_units, maximum_units, unit_label, _position,
    _extra, _hash, _requested_at
)
SELECT unnest(@product_id::uuid[]), unnest(@id::uuid[]), unnest(@created_at::timestamptz[]),
    unnest(@modified_at::timestamptz[]), unnest(@source::text[]), unnest(@amount_type::text[]),
    unnest(@type::text[]), unnest(@recurring_interval::text[]), unnest(@legacy::boolean[]),
    unnest(@is_archived::boolean[]), unnest(@price_currency::text[]), unnest(@tax_behavior::text[]),
    unnest(@price_amount::bigint[]), unnest(@minimum_amount::bigint[]), unnest(@maximum_amount::bigint[]),
    unnest(@preset_amount::bigint[]), unnest(@unit_amount::numeric[]), unnest(@cap_amount::bigint[]),
    unnest(@meter_id::uuid[]), unnest(@seat_tiers::jsonb[]), unnest(@tiers::jsonb[]),
    unnest(@minimum_units::bigint[]), unnest(@maximum_units::bigint[]), unnest(@unit_label::jsonb[]),
    unnest(@_position::bigint[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (product_id, id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, source = EXCLUDED.source,
    amount_type = EXCLUDED.amount_type, type = EXCLUDED.type,
    recurring_interval = EXCLUDED.recurring_interval, legacy = EXCLUDED.legacy,
    is_archived = EXCLUDED.is_archived, price_currency = EXCLUDED.price_currency,
    tax_behavior = EXCLUDED.tax_behavior, price_amount = EXCLUDED.price_amount,
    minimum_amount = EXCLUDED.minimum_amount, maximum_amount = EXCLUDED.maximum_amount,
    preset_amount = EXCLUDED.preset_amount, unit_amount = EXCLUDED.unit_amount,
    cap_amount = EXCLUDED.cap_amount, meter_id = EXCLUDED.meter_id, seat_tiers = EXCLUDED.seat_tiers,
    tiers = EXCLUDED.tiers, minimum_units = EXCLUDED.minimum_units, maximum_units = EXCLUDED.maximum_units,
    unit_label = EXCLUDED.unit_label, _position = EXCLUDED._position, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE product_prices._requested_at <= EXCLUDED._requested_at
  AND (product_prices._hash <> EXCLUDED._hash OR product_prices._position <> EXCLUDED._position
       OR product_prices._removed_at IS NOT NULL);

-- name: ProductBenefitsUpsert :exec
-- Writes only a row that is new, moved or listed again, and never over a reply requested later.
INSERT INTO product_benefits (product_id, benefit_id, _position, _extra, _hash, _requested_at)
SELECT unnest(@product_id::uuid[]), unnest(@benefit_id::uuid[]), unnest(@_position::bigint[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (product_id, benefit_id) DO UPDATE SET
    _position = EXCLUDED._position, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE product_benefits._requested_at <= EXCLUDED._requested_at
  AND (product_benefits._hash <> EXCLUDED._hash OR product_benefits._position <> EXCLUDED._position OR product_benefits._removed_at IS NOT NULL);
