-- disputes.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE disputes (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    status          text,
    resolved        boolean,
    closed          boolean,
    amount          bigint,
    tax_amount      bigint,
    currency        text,
    reason          text,
    evidence_due_by timestamptz,
    past_due        boolean,
    order_id        uuid,
    payment_id      uuid,
    customer_id     uuid,
    case_id         uuid,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Disputes of an order.
CREATE INDEX disputes_order_id_idx ON disputes (order_id);
-- Disputes of a payment.
CREATE INDEX disputes_payment_id_idx ON disputes (payment_id);
-- Disputes of a customer.
CREATE INDEX disputes_customer_id_idx ON disputes (customer_id);
COMMENT ON TABLE disputes IS 'Disputes of payments, and warnings of such.';
COMMENT ON COLUMN disputes.id IS 'Polar id.';
COMMENT ON COLUMN disputes.created_at IS 'When Polar created the dispute (UTC).';
COMMENT ON COLUMN disputes.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN disputes.status IS 'State. Known today: prevented, early_warning, needs_response, under_review, lost, won; new ones may come.';
COMMENT ON COLUMN disputes.resolved IS 'Whether it has come to an end.';
COMMENT ON COLUMN disputes.closed IS 'Whether the bank has closed it.';
COMMENT ON COLUMN disputes.amount IS 'Amount disputed, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN disputes.tax_amount IS 'Tax disputed, on top of amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN disputes.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN disputes.reason IS 'Why the customer disputes the payment, in the processor''s words; null when it does not say.';
COMMENT ON COLUMN disputes.evidence_due_by IS 'Until when evidence can be handed in (UTC); null when none is wanted.';
COMMENT ON COLUMN disputes.past_due IS 'Whether that moment has passed.';
COMMENT ON COLUMN disputes.order_id IS 'Order that is disputed: orders.id.';
COMMENT ON COLUMN disputes.payment_id IS 'Payment that is disputed: payments.id.';
COMMENT ON COLUMN disputes.customer_id IS 'Customer who disputes: customers.id. Read from the customer that Polar shows inside the dispute; null while only a copy inside a refund is known.';
COMMENT ON COLUMN disputes.case_id IS 'Support case about it; null without one.';
COMMENT ON COLUMN disputes._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN disputes._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN disputes._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN disputes._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN disputes._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE disputes;
