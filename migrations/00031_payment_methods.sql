-- payment_methods.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE payment_methods (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    processor       text,
    customer_id     uuid,
    type            text,
    is_default      boolean,
    method_metadata jsonb,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Means of payment of a customer.
CREATE INDEX payment_methods_customer_id_idx ON payment_methods (customer_id);
COMMENT ON TABLE payment_methods IS 'Means of payment that customers have on file. Filled only when the stream is switched on: it costs one request per customer.';
COMMENT ON COLUMN payment_methods.id IS 'Polar id.';
COMMENT ON COLUMN payment_methods.created_at IS 'When Polar created the record (UTC).';
COMMENT ON COLUMN payment_methods.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN payment_methods.processor IS 'Who processes the payments. Known today: stripe; new ones may come.';
COMMENT ON COLUMN payment_methods.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN payment_methods.type IS 'Kind, such as card; an open list.';
COMMENT ON COLUMN payment_methods.is_default IS 'Whether the customer''s payments use it unless another is chosen.';
COMMENT ON COLUMN payment_methods.method_metadata IS 'Details, as an object (card: brand, last4, exp_month, exp_year, wallet); null for most others.';
COMMENT ON COLUMN payment_methods._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN payment_methods._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN payment_methods._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN payment_methods._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN payment_methods._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE payment_methods;
