-- name: CheckoutsUpsert :batchexec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO checkouts (
    id, created_at, modified_at, status, expires_at, payment_processor, return_url, embed_origin, amount,
    discount_amount, net_amount, tax_amount, tax_behavior, total_amount, currency, allow_trial,
    active_trial_interval, active_trial_interval_count, trial_end, trial_interval, trial_interval_count,
    seats, min_seats, max_seats, units, min_units, max_units, organization_id, product_id, discount_id,
    customer_id, subscription_id, external_customer_id, allow_discount_codes, require_billing_address,
    is_discount_applicable, is_free_product_price, is_payment_required, is_payment_setup_required,
    is_payment_form_required, is_business_customer, customer_name, customer_email, customer_billing_name,
    customer_billing_address, customer_tax_id, locale, payment_method_type, billing_address_fields, metadata,
    customer_metadata, custom_field_data, prices, attached_custom_fields, _extra, _hash, _requested_at
) VALUES (
    @id, @created_at, @modified_at, @status, @expires_at, @payment_processor, @return_url, @embed_origin,
    @amount, @discount_amount, @net_amount, @tax_amount, @tax_behavior, @total_amount, @currency,
    @allow_trial, @active_trial_interval, @active_trial_interval_count, @trial_end, @trial_interval,
    @trial_interval_count, @seats, @min_seats, @max_seats, @units, @min_units, @max_units, @organization_id,
    @product_id, @discount_id, @customer_id, @subscription_id, @external_customer_id, @allow_discount_codes,
    @require_billing_address, @is_discount_applicable, @is_free_product_price, @is_payment_required,
    @is_payment_setup_required, @is_payment_form_required, @is_business_customer, @customer_name,
    @customer_email, @customer_billing_name, @customer_billing_address, @customer_tax_id, @locale,
    @payment_method_type, @billing_address_fields, @metadata, @customer_metadata, @custom_field_data,
    @prices, @attached_custom_fields, @_extra, @_hash, @_requested_at
)
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
    _synced_at = now(), _deleted_at = NULL
WHERE checkouts._requested_at <= EXCLUDED._requested_at;

-- name: CheckoutProductsUpsert :batchexec
-- Writes only a row that is new, moved or listed again, and never over a reply requested later.
INSERT INTO checkout_products (checkout_id, product_id, _position, _extra, _hash, _requested_at)
VALUES (@checkout_id, @product_id, @_position, @_extra, @_hash, @_requested_at)
ON CONFLICT (checkout_id, product_id) DO UPDATE SET
    _position = EXCLUDED._position, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = now(), _removed_at = NULL
WHERE checkout_products._requested_at <= EXCLUDED._requested_at
  AND (checkout_products._hash <> EXCLUDED._hash OR checkout_products._position <> EXCLUDED._position OR checkout_products._removed_at IS NOT NULL);
