-- balance_events.
-- Creates a table, and fills it with what the stream events has of it: reads these events by their index, holds no lock that
-- others need, and takes about a second for 100,000 of them. The first sweep brings the others.

-- +goose Up
CREATE TABLE balance_events (
    id                   uuid        PRIMARY KEY,
    timestamp            timestamptz,
    organization_id      uuid,
    name                 text,
    customer_id          uuid,
    member_id            uuid,
    parent_id            uuid,
    transaction_id       uuid,
    order_id             uuid,
    order_created_at     timestamptz,
    subscription_id      uuid,
    product_id           uuid,
    refund_id            uuid,
    dispute_id           uuid,
    amount               bigint,
    currency             text,
    net_amount           bigint,
    presentment_amount   bigint,
    presentment_currency text,
    refundable_amount    bigint,
    tax_amount           bigint,
    tax_state            text,
    tax_country          text,
    fee                  bigint,
    exchange_rate        numeric,
    _extra               jsonb       NOT NULL DEFAULT '{}',
    _hash                bytea       NOT NULL,
    _requested_at        timestamptz NOT NULL,
    _synced_at           timestamptz NOT NULL DEFAULT now(),
    _deleted_at          timestamptz
);
-- The newest one.
CREATE INDEX balance_events_timestamp_idx ON balance_events (timestamp);
-- Earlier payments of a customer.
CREATE INDEX balance_events_customer_id_timestamp_idx ON balance_events (customer_id, timestamp);
-- What was booked of an order.
CREATE INDEX balance_events_order_id_idx ON balance_events (order_id);
COMMENT ON TABLE balance_events IS 'What was booked to the balance of the organization: one row for each system event balance.* of Polar (payments, credits, refunds, disputes and their reversals). Kept for ever, whether or not the stream events is on. balance_ledger has them as metrics count them.';
COMMENT ON COLUMN balance_events.id IS 'Polar id of the event.';
COMMENT ON COLUMN balance_events.timestamp IS 'Time of the event (UTC). Of a payment or credit it is when the order was created, even if it was paid weeks later; of a refund or dispute when it happened.';
COMMENT ON COLUMN balance_events.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN balance_events.name IS 'Kind. Known today: balance.order (a payment), balance.credit_order (an order that the customer balance paid), balance.refund, balance.refund_reversal, balance.dispute, balance.dispute_reversal; new ones may come.';
COMMENT ON COLUMN balance_events.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN balance_events.member_id IS 'Member of the customer it is about: members.id; null where there is none.';
COMMENT ON COLUMN balance_events.parent_id IS 'Event that this one is part of: events.id; null for a root.';
COMMENT ON COLUMN balance_events.transaction_id IS 'Transaction of the balance at Polar, which no list shows; null for a credit.';
COMMENT ON COLUMN balance_events.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN balance_events.order_created_at IS 'When the order was created (UTC), of refunds and their reversals; null where Polar does not tell.';
COMMENT ON COLUMN balance_events.subscription_id IS 'Subscription: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN balance_events.product_id IS 'Product: products.id; null where the order has none.';
COMMENT ON COLUMN balance_events.refund_id IS 'Refund, of refunds and their reversals: refunds.id.';
COMMENT ON COLUMN balance_events.dispute_id IS 'Dispute, of disputes and their reversals: disputes.id.';
COMMENT ON COLUMN balance_events.amount IS 'Amount without tax, negative for what goes out. Smallest unit of currency.';
COMMENT ON COLUMN balance_events.currency IS 'Currency that Polar settles in, of a credit that of the order: ISO 4217, lower case.';
COMMENT ON COLUMN balance_events.net_amount IS 'Of a payment: amount of the order without tax. Smallest unit of presentment_currency; null for other kinds, and on old events.';
COMMENT ON COLUMN balance_events.presentment_amount IS 'Amount in the currency that the customer saw. Smallest unit of presentment_currency; null for a credit.';
COMMENT ON COLUMN balance_events.presentment_currency IS 'Currency that the customer saw: ISO 4217, lower case; null for a credit.';
COMMENT ON COLUMN balance_events.refundable_amount IS 'Of a refund: what could still be refunded of the order. Smallest unit of presentment_currency; null for other kinds.';
COMMENT ON COLUMN balance_events.tax_amount IS 'Tax, of a payment or credit in the currency that the customer saw. Smallest unit of that currency, of refunds and disputes of currency.';
COMMENT ON COLUMN balance_events.tax_state IS 'State in which tax was due; null where there is none.';
COMMENT ON COLUMN balance_events.tax_country IS 'Country in which tax was due: ISO 3166-1, two letters; null where there is none.';
COMMENT ON COLUMN balance_events.fee IS 'Fee of Polar. Smallest unit of the currency that Polar settles in.';
COMMENT ON COLUMN balance_events.exchange_rate IS 'Rate from presentment_currency to currency, between smallest units, with the digits as Polar sent them; null on old events.';
COMMENT ON COLUMN balance_events._extra IS 'What Polar sent beyond these columns, as an object, the details under metadata; empty when there was nothing.';
COMMENT ON COLUMN balance_events._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN balance_events._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN balance_events._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN balance_events._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- A value of another type stays null until the first sweep, which writes each row anew.
INSERT INTO balance_events (
    id, timestamp, organization_id, name, customer_id, member_id, parent_id,
    transaction_id, order_id, order_created_at, subscription_id, product_id, refund_id, dispute_id,
    amount, currency, net_amount, presentment_amount, presentment_currency, refundable_amount,
    tax_amount, tax_state, tax_country, fee, exchange_rate,
    _hash, _requested_at
)
SELECT id, timestamp, organization_id, name, customer_id, member_id, parent_id,
    CASE WHEN metadata->>'transaction_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'transaction_id')::uuid END,
    CASE WHEN metadata->>'order_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'order_id')::uuid END,
    CASE WHEN metadata->>'order_created_at' ~ '^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-][01]\d:[0-5]\d)$' THEN (metadata->>'order_created_at')::timestamptz END,
    CASE WHEN metadata->>'subscription_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'subscription_id')::uuid END,
    CASE WHEN metadata->>'product_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'product_id')::uuid END,
    CASE WHEN metadata->>'refund_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'refund_id')::uuid END,
    CASE WHEN metadata->>'dispute_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (metadata->>'dispute_id')::uuid END,
    CASE WHEN metadata->>'amount' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'amount')::numeric::bigint END,
    metadata->>'currency',
    CASE WHEN metadata->>'net_amount' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'net_amount')::numeric::bigint END,
    CASE WHEN metadata->>'presentment_amount' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'presentment_amount')::numeric::bigint END,
    metadata->>'presentment_currency',
    CASE WHEN metadata->>'refundable_amount' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'refundable_amount')::numeric::bigint END,
    CASE WHEN metadata->>'tax_amount' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'tax_amount')::numeric::bigint END,
    metadata->>'tax_state',
    metadata->>'tax_country',
    CASE WHEN metadata->>'fee' ~ '^-?\d{1,18}(\.0+)?$' THEN (metadata->>'fee')::numeric::bigint END,
    CASE WHEN jsonb_typeof(metadata->'exchange_rate') = 'number' THEN (metadata->>'exchange_rate')::numeric END,
    '\x', _requested_at
FROM events
WHERE source = 'system' AND _deleted_at IS NULL
    AND name IN ('balance.order', 'balance.credit_order', 'balance.refund', 'balance.refund_reversal', 'balance.dispute', 'balance.dispute_reversal');

-- +goose Down
DROP TABLE balance_events CASCADE; -- and the views upon it
