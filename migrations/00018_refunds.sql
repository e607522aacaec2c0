-- refunds.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE refunds (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    status          text,
    reason          text,
    amount          bigint,
    tax_amount      bigint,
    currency        text,
    organization_id uuid,
    order_id        uuid,
    subscription_id uuid,
    customer_id     uuid,
    revoke_benefits boolean,
    metadata        jsonb,
    dispute_id      uuid,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Refunds of an order.
CREATE INDEX refunds_order_id_idx ON refunds (order_id);
-- Refunds of a subscription.
CREATE INDEX refunds_subscription_id_idx ON refunds (subscription_id);
-- Refunds of a customer.
CREATE INDEX refunds_customer_id_idx ON refunds (customer_id);
-- Refunds of a dispute.
CREATE INDEX refunds_dispute_id_idx ON refunds (dispute_id);
-- Refunds per period.
CREATE INDEX refunds_created_at_idx ON refunds (created_at);
COMMENT ON TABLE refunds IS 'Refunds of orders. Polar lists none that belongs to no order, and has no way to delete one.';
COMMENT ON COLUMN refunds.id IS 'Polar id.';
COMMENT ON COLUMN refunds.created_at IS 'When Polar created the refund (UTC).';
COMMENT ON COLUMN refunds.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN refunds.status IS 'State. Known today: pending, succeeded, failed, canceled; new ones may come.';
COMMENT ON COLUMN refunds.reason IS 'Why it was made. Known today: duplicate, fraudulent, customer_request, service_disruption, satisfaction_guarantee, dispute_prevention, other; new ones may come.';
COMMENT ON COLUMN refunds.amount IS 'Amount given back, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN refunds.tax_amount IS 'Tax given back, on top of amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN refunds.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN refunds.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN refunds.order_id IS 'Order that it refunds: orders.id.';
COMMENT ON COLUMN refunds.subscription_id IS 'Subscription of that order: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN refunds.customer_id IS 'Customer who gets the money: customers.id.';
COMMENT ON COLUMN refunds.revoke_benefits IS 'Whether the benefits of the order were taken back with it.';
COMMENT ON COLUMN refunds.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN refunds.dispute_id IS 'Dispute that it prevented or settled: disputes.id; null for most. Read from the dispute that Polar shows inside the refund.';
COMMENT ON COLUMN refunds._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN refunds._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN refunds._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN refunds._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN refunds._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE refunds;
