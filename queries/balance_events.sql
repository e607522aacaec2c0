-- name: BalanceEventsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO balance_events (
    id, timestamp, organization_id, name, customer_id, member_id, parent_id, transaction_id, order_id,
    order_created_at, subscription_id, product_id, refund_id, dispute_id, amount, currency, net_amount,
    presentment_amount, presentment_currency, refundable_amount, tax_amount, tax_state, tax_country, fee,
    exchange_rate, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@timestamp::timestamptz[]), unnest(@organization_id::uuid[]), unnest(@name::text[]),
    unnest(@customer_id::uuid[]), unnest(@member_id::uuid[]), unnest(@parent_id::uuid[]),
    unnest(@transaction_id::uuid[]), unnest(@order_id::uuid[]), unnest(@order_created_at::timestamptz[]),
    unnest(@subscription_id::uuid[]), unnest(@product_id::uuid[]), unnest(@refund_id::uuid[]),
    unnest(@dispute_id::uuid[]), unnest(@amount::bigint[]), unnest(@currency::text[]), unnest(@net_amount::bigint[]),
    unnest(@presentment_amount::bigint[]), unnest(@presentment_currency::text[]),
    unnest(@refundable_amount::bigint[]), unnest(@tax_amount::bigint[]), unnest(@tax_state::text[]),
    unnest(@tax_country::text[]), unnest(@fee::bigint[]), unnest(@exchange_rate::numeric[]), unnest(@_extra::jsonb[]),
    unnest(@_hash::bytea[]), unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    timestamp = EXCLUDED.timestamp, organization_id = EXCLUDED.organization_id, name = EXCLUDED.name,
    customer_id = EXCLUDED.customer_id, member_id = EXCLUDED.member_id, parent_id = EXCLUDED.parent_id,
    transaction_id = EXCLUDED.transaction_id, order_id = EXCLUDED.order_id,
    order_created_at = EXCLUDED.order_created_at, subscription_id = EXCLUDED.subscription_id,
    product_id = EXCLUDED.product_id, refund_id = EXCLUDED.refund_id, dispute_id = EXCLUDED.dispute_id,
    amount = EXCLUDED.amount, currency = EXCLUDED.currency, net_amount = EXCLUDED.net_amount,
    presentment_amount = EXCLUDED.presentment_amount, presentment_currency = EXCLUDED.presentment_currency,
    refundable_amount = EXCLUDED.refundable_amount, tax_amount = EXCLUDED.tax_amount, tax_state = EXCLUDED.tax_state,
    tax_country = EXCLUDED.tax_country, fee = EXCLUDED.fee, exchange_rate = EXCLUDED.exchange_rate,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at,
    _deleted_at = NULL
WHERE balance_events._requested_at <= EXCLUDED._requested_at;
