-- name: CheckoutsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO checkouts (
    id, created_at, modified_at, status, expires_at, payment_processor, return_url, embed_origin, amount,
    discount_amount, net_amount, tax_amount, tax_behavior, total_amount, currency, allow_trial,
    active_trial_interval, active_trial_interval_count, trial_end, trial_interval, trial_interval_count,
    seats, min_seats, max_seats, units, min_units, max_units, organization_id, product_id, discount_id,
    customer_id, subscription_id, external_customer_id, customer_external_id, allow_discount_codes,
    require_billing_address, is_discount_applicable, is_free_product_price, is_payment_required,
    is_payment_setup_required, is_payment_form_required, is_business_customer, customer_name, customer_email,
    customer_billing_name, customer_billing_address, customer_tax_id, locale, payment_method_type,
    billing_address_fields, metadata, customer_metadata, custom_field_data, prices, attached_custom_fields,
    _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@expires_at::timestamptz[]), unnest(@payment_processor::text[]),
    unnest(@return_url::text[]), unnest(@embed_origin::text[]), unnest(@amount::bigint[]),
    unnest(@discount_amount::bigint[]), unnest(@net_amount::bigint[]), unnest(@tax_amount::bigint[]),
    unnest(@tax_behavior::text[]), unnest(@total_amount::bigint[]), unnest(@currency::text[]),
    unnest(@allow_trial::boolean[]), unnest(@active_trial_interval::text[]),
    unnest(@active_trial_interval_count::bigint[]), unnest(@trial_end::timestamptz[]),
    unnest(@trial_interval::text[]), unnest(@trial_interval_count::bigint[]), unnest(@seats::bigint[]),
    unnest(@min_seats::bigint[]), unnest(@max_seats::bigint[]), unnest(@units::bigint[]),
    unnest(@min_units::bigint[]), unnest(@max_units::bigint[]), unnest(@organization_id::uuid[]),
    unnest(@product_id::uuid[]), unnest(@discount_id::uuid[]), unnest(@customer_id::uuid[]),
    unnest(@subscription_id::uuid[]), unnest(@external_customer_id::text[]),
    unnest(@customer_external_id::text[]), unnest(@allow_discount_codes::boolean[]),
    unnest(@require_billing_address::boolean[]), unnest(@is_discount_applicable::boolean[]),
    unnest(@is_free_product_price::boolean[]), unnest(@is_payment_required::boolean[]),
    unnest(@is_payment_setup_required::boolean[]), unnest(@is_payment_form_required::boolean[]),
    unnest(@is_business_customer::boolean[]), unnest(@customer_name::text[]), unnest(@customer_email::text[]),
    unnest(@customer_billing_name::text[]), unnest(@customer_billing_address::jsonb[]),
    unnest(@customer_tax_id::text[]), unnest(@locale::text[]), unnest(@payment_method_type::text[]),
    unnest(@billing_address_fields::jsonb[]), unnest(@metadata::jsonb[]), unnest(@customer_metadata::jsonb[]),
    unnest(@custom_field_data::jsonb[]), unnest(@prices::jsonb[]), unnest(@attached_custom_fields::jsonb[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    expires_at = EXCLUDED.expires_at, payment_processor = EXCLUDED.payment_processor,
    return_url = EXCLUDED.return_url, embed_origin = EXCLUDED.embed_origin, amount = EXCLUDED.amount,
    discount_amount = EXCLUDED.discount_amount, net_amount = EXCLUDED.net_amount,
    tax_amount = EXCLUDED.tax_amount, tax_behavior = EXCLUDED.tax_behavior,
    total_amount = EXCLUDED.total_amount, currency = EXCLUDED.currency, allow_trial = EXCLUDED.allow_trial,
    active_trial_interval = EXCLUDED.active_trial_interval,
    active_trial_interval_count = EXCLUDED.active_trial_interval_count, trial_end = EXCLUDED.trial_end,
    trial_interval = EXCLUDED.trial_interval, trial_interval_count = EXCLUDED.trial_interval_count,
    seats = EXCLUDED.seats, min_seats = EXCLUDED.min_seats, max_seats = EXCLUDED.max_seats,
    units = EXCLUDED.units, min_units = EXCLUDED.min_units, max_units = EXCLUDED.max_units,
    organization_id = EXCLUDED.organization_id, product_id = EXCLUDED.product_id,
    discount_id = EXCLUDED.discount_id, customer_id = EXCLUDED.customer_id,
    subscription_id = EXCLUDED.subscription_id, external_customer_id = EXCLUDED.external_customer_id,
    customer_external_id = EXCLUDED.customer_external_id,
    allow_discount_codes = EXCLUDED.allow_discount_codes,
    require_billing_address = EXCLUDED.require_billing_address,
    is_discount_applicable = EXCLUDED.is_discount_applicable,
    is_free_product_price = EXCLUDED.is_free_product_price,
    is_payment_required = EXCLUDED.is_payment_required,
    is_payment_setup_required = EXCLUDED.is_payment_setup_required,
    is_payment_form_required = EXCLUDED.is_payment_form_required,
    is_business_customer = EXCLUDED.is_business_customer, customer_name = EXCLUDED.customer_name,
    customer_email = EXCLUDED.customer_email, customer_billing_name = EXCLUDED.customer_billing_name,
    customer_billing_address = EXCLUDED.customer_billing_address, customer_tax_id = EXCLUDED.customer_tax_id,
    locale = EXCLUDED.locale, payment_method_type = EXCLUDED.payment_method_type,
    billing_address_fields = EXCLUDED.billing_address_fields, metadata = EXCLUDED.metadata,
    customer_metadata = EXCLUDED.customer_metadata, custom_field_data = EXCLUDED.custom_field_data,
    prices = EXCLUDED.prices, attached_custom_fields = EXCLUDED.attached_custom_fields,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE checkouts._requested_at <= EXCLUDED._requested_at;

-- name: CheckoutProductsUpsert :exec
-- Writes only a row that is new, moved or listed again, and never over a reply requested later.
INSERT INTO checkout_products (checkout_id, product_id, _position, _extra, _hash, _requested_at)
SELECT unnest(@checkout_id::uuid[]), unnest(@product_id::uuid[]), unnest(@_position::bigint[]),
    unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (checkout_id, product_id) DO UPDATE SET
    _position = EXCLUDED._position, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE checkout_products._requested_at <= EXCLUDED._requested_at
  AND (checkout_products._hash <> EXCLUDED._hash OR checkout_products._position <> EXCLUDED._position OR checkout_products._removed_at IS NOT NULL);
