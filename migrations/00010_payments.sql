-- payments.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE payments (
    id                 uuid        PRIMARY KEY,
    created_at         timestamptz,
    modified_at        timestamptz,
    status             text,
    amount             bigint,
    currency           text,
    processor          text,
    method             text,
    method_metadata    jsonb,
    trigger            text,
    decline_reason     text,
    decline_message    text,
    order_id           uuid,
    checkout_id        uuid,
    organization_id    uuid,
    processor_metadata jsonb,
    _extra             jsonb       NOT NULL DEFAULT '{}',
    _hash              bytea       NOT NULL,
    _requested_at      timestamptz NOT NULL,
    _synced_at         timestamptz NOT NULL DEFAULT now(),
    _deleted_at        timestamptz
);
-- Payments of an order.
CREATE INDEX payments_order_id_idx ON payments (order_id);
-- Payments per period.
CREATE INDEX payments_created_at_idx ON payments (created_at);
COMMENT ON TABLE payments IS 'Attempts to pay, failed ones too. Polar names no customer here: go through orders.';
COMMENT ON COLUMN payments.id IS 'Polar id.';
COMMENT ON COLUMN payments.created_at IS 'When Polar created the payment (UTC).';
COMMENT ON COLUMN payments.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN payments.status IS 'State. Known today: pending, succeeded, failed; new ones may come.';
COMMENT ON COLUMN payments.amount IS 'Amount charged, tax included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN payments.currency IS 'Currency of amount: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN payments.processor IS 'Who processes the payment. Known today: stripe; new ones may come.';
COMMENT ON COLUMN payments.method IS 'Means of payment, such as card; an open list.';
COMMENT ON COLUMN payments.method_metadata IS 'Details of the means of payment, as an object (card: brand, last4); null for most others.';
COMMENT ON COLUMN payments.trigger IS 'What started the attempt; null on old rows. Known today: purchase, subscription_cycle, retry_dunning, retry_customer, retry_payment_method_update, retry_admin; new ones may come.';
COMMENT ON COLUMN payments.decline_reason IS 'Code of the refusal; null when it was not refused.';
COMMENT ON COLUMN payments.decline_message IS 'The refusal in words; null when it was not refused.';
COMMENT ON COLUMN payments.order_id IS 'Order that it pays: orders.id; may be filled in later.';
COMMENT ON COLUMN payments.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN payments.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN payments.processor_metadata IS 'What the processor adds, as an object.';
COMMENT ON COLUMN payments._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN payments._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN payments._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN payments._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN payments._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE payments;
