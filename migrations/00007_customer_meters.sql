-- customer_meters.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE customer_meters (
    id             uuid        PRIMARY KEY,
    created_at     timestamptz,
    modified_at    timestamptz,
    customer_id    uuid,
    meter_id       uuid,
    consumed_units numeric,
    credited_units bigint,
    balance        numeric,
    _extra         jsonb       NOT NULL DEFAULT '{}',
    _hash          bytea       NOT NULL,
    _requested_at  timestamptz NOT NULL,
    _synced_at     timestamptz NOT NULL DEFAULT now(),
    _deleted_at    timestamptz
);
-- Meters of a customer.
CREATE INDEX customer_meters_customer_id_idx ON customer_meters (customer_id);
-- Customers of a meter.
CREATE INDEX customer_meters_meter_id_idx ON customer_meters (meter_id);
COMMENT ON TABLE customer_meters IS 'Usage per customer and meter, over the life of the customer. Polar recomputes it minutes to hours after the events; rows of archived meters and of deleted customers stay.';
COMMENT ON COLUMN customer_meters.id IS 'Polar id.';
COMMENT ON COLUMN customer_meters.created_at IS 'When Polar created the row (UTC).';
COMMENT ON COLUMN customer_meters.modified_at IS 'When Polar last recomputed the row (UTC); null while the customer never used the meter.';
COMMENT ON COLUMN customer_meters.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN customer_meters.meter_id IS 'Meter: meters.id.';
COMMENT ON COLUMN customer_meters.consumed_units IS 'Units used, in the meter''s unit. Polar rounds to about 17 significant digits.';
COMMENT ON COLUMN customer_meters.credited_units IS 'Units credited, in the meter''s unit.';
COMMENT ON COLUMN customer_meters.balance IS 'Units left, in the meter''s unit: credited less consumed; below zero when more was used than credited. Polar rounds to about 17 significant digits.';
COMMENT ON COLUMN customer_meters._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN customer_meters._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN customer_meters._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN customer_meters._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN customer_meters._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE customer_meters;
