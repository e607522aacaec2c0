-- customers.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE customers (
    id                        uuid        PRIMARY KEY,
    created_at                timestamptz,
    modified_at               timestamptz,
    type                      text,
    external_id               text,
    email                     text,
    email_verified            boolean,
    name                      text,
    billing_name              text,
    billing_address           jsonb,
    tax_id                    jsonb,
    locale                    text,
    avatar_url                text,
    default_payment_method_id uuid,
    first_user_event_at       timestamptz,
    deleted_at                timestamptz,
    organization_id           uuid,
    metadata                  jsonb,
    _extra                    jsonb       NOT NULL DEFAULT '{}',
    _hash                     bytea       NOT NULL,
    _requested_at             timestamptz NOT NULL,
    _synced_at                timestamptz NOT NULL DEFAULT now(),
    _deleted_at               timestamptz
);
-- Look-up by your own id.
CREATE INDEX customers_external_id_idx ON customers (external_id);
-- Look-up by address, without regard to case.
CREATE INDEX customers_email_idx ON customers (lower(email));
-- New customers per period.
CREATE INDEX customers_created_at_idx ON customers (created_at);
COMMENT ON TABLE customers IS 'Customers: people and teams that buy. Neither email nor external_id is unique here: a deleted customer keeps its row, and both can be used again.';
COMMENT ON COLUMN customers.id IS 'Polar id.';
COMMENT ON COLUMN customers.created_at IS 'When Polar created the customer, or the date given on import, (UTC).';
COMMENT ON COLUMN customers.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN customers.type IS 'individual: one person. team: has several members and may lack an email. New kinds may come.';
COMMENT ON COLUMN customers.external_id IS 'Id of the customer in your own system.';
COMMENT ON COLUMN customers.email IS 'Email address; Polar compares it without regard to case. A team may have none.';
COMMENT ON COLUMN customers.email_verified IS 'Whether the address was proven, for example by a visit to the customer portal.';
COMMENT ON COLUMN customers.name IS 'Name of the customer.';
COMMENT ON COLUMN customers.billing_name IS 'Name on invoices; Polar falls back to name.';
COMMENT ON COLUMN customers.billing_address IS 'Address on invoices, as an object: line1, line2, postal_code, city, state (US-CA style in the US and Canada), country (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN customers.tax_id IS 'Tax number, as an array of two strings: number and format, such as eu_vat.';
COMMENT ON COLUMN customers.locale IS 'Language and region, such as en-US, for mails and the portal.';
COMMENT ON COLUMN customers.avatar_url IS 'Address of a picture.';
COMMENT ON COLUMN customers.default_payment_method_id IS 'Payment method charged first.';
COMMENT ON COLUMN customers.first_user_event_at IS 'Time of the earliest event that you sent for the customer (UTC); may be before created_at; null without events.';
COMMENT ON COLUMN customers.deleted_at IS 'When Polar deleted the customer (UTC), where Polar says so; _deleted_at is what syncd found out by itself.';
COMMENT ON COLUMN customers.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN customers.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN customers._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN customers._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN customers._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN customers._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN customers._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE customers;
