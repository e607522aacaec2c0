-- customers_export.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE customers_export (
    id                  uuid        PRIMARY KEY,
    external_id         text,
    created_at          timestamptz,
    email               text,
    name                text,
    tax_id              jsonb,
    tax_id_text         text,
    billing_line1       text,
    billing_line2       text,
    billing_city        text,
    billing_state       text,
    billing_postal_code text,
    billing_country     text,
    metadata            jsonb,
    customer_id         uuid,
    _extra              jsonb       NOT NULL DEFAULT '{}',
    _hash               bytea       NOT NULL,
    _requested_at       timestamptz NOT NULL,
    _synced_at          timestamptz NOT NULL DEFAULT now(),
    _deleted_at         timestamptz
);
COMMENT ON TABLE customers_export IS 'Customers as Polar''s CSV export gives them: the living ones, a second source beside customers. An empty field of the file is null.';
COMMENT ON COLUMN customers_export.id IS 'Polar id of the customer.';
COMMENT ON COLUMN customers_export.external_id IS 'Id of the customer in your own system.';
COMMENT ON COLUMN customers_export.created_at IS 'When Polar created the customer, or the date given on import (UTC).';
COMMENT ON COLUMN customers_export.email IS 'Email address.';
COMMENT ON COLUMN customers_export.name IS 'Name of the customer.';
COMMENT ON COLUMN customers_export.tax_id IS 'Tax number, as an array of two strings as in customers; null where the text could not be read.';
COMMENT ON COLUMN customers_export.tax_id_text IS 'Tax number as the file has it: a pair as Python shows it.';
COMMENT ON COLUMN customers_export.billing_line1 IS 'First line of the billing address.';
COMMENT ON COLUMN customers_export.billing_line2 IS 'Second line of the billing address.';
COMMENT ON COLUMN customers_export.billing_city IS 'City of the billing address.';
COMMENT ON COLUMN customers_export.billing_state IS 'State of the billing address.';
COMMENT ON COLUMN customers_export.billing_postal_code IS 'Postal code of the billing address.';
COMMENT ON COLUMN customers_export.billing_country IS 'Country of the billing address: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN customers_export.metadata IS 'Your own keys and values, as an object; null where there are none.';
COMMENT ON COLUMN customers_export.customer_id IS 'Row of customers that it belongs to: customers.id; null where the mirror lacks it. Filled in by syncd after each complete run.';
COMMENT ON COLUMN customers_export._extra IS 'What the file held beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN customers_export._hash IS 'Digest of what was stored, to tell whether the next file differs.';
COMMENT ON COLUMN customers_export._requested_at IS 'When the file that this row came from was requested (UTC). An earlier file never overwrites a later one.';
COMMENT ON COLUMN customers_export._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN customers_export._deleted_at IS 'When a complete file no longer had it (UTC); null while it is there. The row stays.';

-- +goose Down
DROP TABLE customers_export;
