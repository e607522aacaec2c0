-- name: OrdersUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO orders (
    id, created_at, modified_at, status, paid, billing_reason, description, currency, subtotal_amount,
    discount_amount, net_amount, tax_amount, total_amount, applied_balance_amount, due_amount,
    refunded_amount, refunded_tax_amount, refundable_amount, refundable_tax_amount, platform_fee_amount,
    platform_fee_currency, seats, units, customer_id, product_id, subscription_id, discount_id, checkout_id,
    invoice_number, is_invoice_generated, receipt_number, next_payment_attempt_at, billing_name,
    billing_address, metadata, custom_field_data, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@status::text[]), unnest(@paid::boolean[]), unnest(@billing_reason::text[]),
    unnest(@description::text[]), unnest(@currency::text[]), unnest(@subtotal_amount::bigint[]),
    unnest(@discount_amount::bigint[]), unnest(@net_amount::bigint[]), unnest(@tax_amount::bigint[]),
    unnest(@total_amount::bigint[]), unnest(@applied_balance_amount::bigint[]), unnest(@due_amount::bigint[]),
    unnest(@refunded_amount::bigint[]), unnest(@refunded_tax_amount::bigint[]),
    unnest(@refundable_amount::bigint[]), unnest(@refundable_tax_amount::bigint[]),
    unnest(@platform_fee_amount::bigint[]), unnest(@platform_fee_currency::text[]), unnest(@seats::bigint[]),
    unnest(@units::bigint[]), unnest(@customer_id::uuid[]), unnest(@product_id::uuid[]),
    unnest(@subscription_id::uuid[]), unnest(@discount_id::uuid[]), unnest(@checkout_id::uuid[]),
    unnest(@invoice_number::text[]), unnest(@is_invoice_generated::boolean[]),
    unnest(@receipt_number::text[]), unnest(@next_payment_attempt_at::timestamptz[]),
    unnest(@billing_name::text[]), unnest(@billing_address::jsonb[]), unnest(@metadata::jsonb[]),
    unnest(@custom_field_data::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, status = EXCLUDED.status,
    paid = EXCLUDED.paid, billing_reason = EXCLUDED.billing_reason, description = EXCLUDED.description,
    currency = EXCLUDED.currency, subtotal_amount = EXCLUDED.subtotal_amount,
    discount_amount = EXCLUDED.discount_amount, net_amount = EXCLUDED.net_amount,
    tax_amount = EXCLUDED.tax_amount, total_amount = EXCLUDED.total_amount,
    applied_balance_amount = EXCLUDED.applied_balance_amount, due_amount = EXCLUDED.due_amount,
    refunded_amount = EXCLUDED.refunded_amount, refunded_tax_amount = EXCLUDED.refunded_tax_amount,
    refundable_amount = EXCLUDED.refundable_amount, refundable_tax_amount = EXCLUDED.refundable_tax_amount,
    platform_fee_amount = EXCLUDED.platform_fee_amount,
    platform_fee_currency = EXCLUDED.platform_fee_currency, seats = EXCLUDED.seats, units = EXCLUDED.units,
    customer_id = EXCLUDED.customer_id, product_id = EXCLUDED.product_id,
    subscription_id = EXCLUDED.subscription_id, discount_id = EXCLUDED.discount_id,
    checkout_id = EXCLUDED.checkout_id, invoice_number = EXCLUDED.invoice_number,
    is_invoice_generated = EXCLUDED.is_invoice_generated, receipt_number = EXCLUDED.receipt_number,
    next_payment_attempt_at = EXCLUDED.next_payment_attempt_at, billing_name = EXCLUDED.billing_name,
    billing_address = EXCLUDED.billing_address, metadata = EXCLUDED.metadata,
    custom_field_data = EXCLUDED.custom_field_data, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE orders._requested_at <= EXCLUDED._requested_at;

-- name: OrderItemsUpsert :exec
-- Writes only a row that is new, changed, moved or listed again, and never over a reply requested later.
INSERT INTO order_items (
    order_id, id, created_at, modified_at, label, amount, tax_amount, proration, product_price_id,
    start_timestamp, end_timestamp, _position, _extra, _hash, _requested_at
)
SELECT unnest(@order_id::uuid[]), unnest(@id::uuid[]), unnest(@created_at::timestamptz[]),
    unnest(@modified_at::timestamptz[]), unnest(@label::text[]), unnest(@amount::bigint[]),
    unnest(@tax_amount::bigint[]), unnest(@proration::boolean[]), unnest(@product_price_id::uuid[]),
    unnest(@start_timestamp::timestamptz[]), unnest(@end_timestamp::timestamptz[]),
    unnest(@_position::bigint[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (order_id, id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, label = EXCLUDED.label,
    amount = EXCLUDED.amount, tax_amount = EXCLUDED.tax_amount, proration = EXCLUDED.proration,
    product_price_id = EXCLUDED.product_price_id, start_timestamp = EXCLUDED.start_timestamp,
    end_timestamp = EXCLUDED.end_timestamp, _position = EXCLUDED._position, _extra = EXCLUDED._extra,
    _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _removed_at = NULL
WHERE order_items._requested_at <= EXCLUDED._requested_at
  AND (order_items._hash <> EXCLUDED._hash OR order_items._position <> EXCLUDED._position
       OR order_items._removed_at IS NOT NULL);
