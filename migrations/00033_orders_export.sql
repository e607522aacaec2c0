-- orders_export.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE orders_export (
    id                    uuid        PRIMARY KEY,
    email                 text,
    created_at            timestamptz,
    product               text,
    net_amount            bigint,
    net_amount_major      numeric,
    currency              text,
    status                text,
    invoice_number        text,
    customer_name         text,
    billing_name          text,
    billing_country       text,
    subtotal_amount       bigint,
    subtotal_amount_major numeric,
    discount_amount       bigint,
    discount_amount_major numeric,
    tax_amount            bigint,
    tax_amount_major      numeric,
    total_amount          bigint,
    total_amount_major    numeric,
    refunded_amount       bigint,
    refunded_amount_major numeric,
    billing_reason        text,
    order_id              uuid,
    _extra                jsonb       NOT NULL DEFAULT '{}',
    _hash                 bytea       NOT NULL,
    _requested_at         timestamptz NOT NULL,
    _synced_at            timestamptz NOT NULL DEFAULT now(),
    _deleted_at           timestamptz
);
-- The row of the file that belongs to a mirrored one.
CREATE INDEX orders_export_order_id_idx ON orders_export (order_id);
COMMENT ON TABLE orders_export IS 'Orders as Polar''s CSV export gives them, a second source beside orders. The file names no ids. An empty field of it is null.';
COMMENT ON COLUMN orders_export.id IS 'Made by syncd from the invoice number, else from time of creation and email, and the place among rows with the same ones.';
COMMENT ON COLUMN orders_export.email IS 'Email address of the customer as it is now, not as it was when the order was made.';
COMMENT ON COLUMN orders_export.created_at IS 'When Polar created the order (UTC).';
COMMENT ON COLUMN orders_export.product IS 'One line on what was bought; orders.description.';
COMMENT ON COLUMN orders_export.net_amount IS 'After discount, before tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.net_amount_major IS 'After discount, before tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.currency IS 'ISO 4217, lower case.';
COMMENT ON COLUMN orders_export.status IS 'State of the order, as in orders.';
COMMENT ON COLUMN orders_export.invoice_number IS 'Number on the invoice; null for drafts.';
COMMENT ON COLUMN orders_export.customer_name IS 'Name of the customer as it is now.';
COMMENT ON COLUMN orders_export.billing_name IS 'Name on the invoice.';
COMMENT ON COLUMN orders_export.billing_country IS 'Country on the invoice: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN orders_export.subtotal_amount IS 'Before discount and tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.subtotal_amount_major IS 'Before discount and tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.discount_amount IS 'Discount. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.discount_amount_major IS 'Discount. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.tax_amount IS 'Sales tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.tax_amount_major IS 'Sales tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.total_amount IS 'With tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.total_amount_major IS 'With tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export.refunded_amount_major IS 'Refunded so far, without tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export.billing_reason IS 'What caused it, as in orders.';
COMMENT ON COLUMN orders_export.order_id IS 'Row of orders that it belongs to: orders.id. Told by the invoice number, else by time of creation and email; null where the mirror lacks it. Filled in by syncd after each complete run.';
COMMENT ON COLUMN orders_export._extra IS 'What the file held beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN orders_export._hash IS 'Digest of what was stored, to tell whether the next file differs.';
COMMENT ON COLUMN orders_export._requested_at IS 'When the file that this row came from was requested (UTC). An earlier file never overwrites a later one.';
COMMENT ON COLUMN orders_export._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN orders_export._deleted_at IS 'When a complete file no longer had it (UTC); null while it is there. The row stays.';

-- +goose Down
DROP TABLE orders_export;
