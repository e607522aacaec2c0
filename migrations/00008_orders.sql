-- orders, order_items.
-- Creates empty tables and their indexes: touches nothing that exists, so it waits for no lock, holds none that
-- others need and takes milliseconds.

-- +goose Up
CREATE TABLE orders (
    id                      uuid        PRIMARY KEY,
    created_at              timestamptz,
    modified_at             timestamptz,
    status                  text,
    paid                    boolean,
    billing_reason          text,
    description             text,
    currency                text,
    subtotal_amount         bigint,
    discount_amount         bigint,
    net_amount              bigint,
    tax_amount              bigint,
    total_amount            bigint,
    applied_balance_amount  bigint,
    due_amount              bigint,
    refunded_amount         bigint,
    refunded_tax_amount     bigint,
    refundable_amount       bigint,
    refundable_tax_amount   bigint,
    platform_fee_amount     bigint,
    platform_fee_currency   text,
    seats                   bigint,
    units                   bigint,
    customer_id             uuid,
    product_id              uuid,
    subscription_id         uuid,
    discount_id             uuid,
    checkout_id             uuid,
    invoice_number          text,
    is_invoice_generated    boolean,
    receipt_number          text,
    next_payment_attempt_at timestamptz,
    billing_name            text,
    billing_address         jsonb,
    metadata                jsonb,
    custom_field_data       jsonb,
    _extra                  jsonb       NOT NULL DEFAULT '{}',
    _hash                   bytea       NOT NULL,
    _requested_at           timestamptz NOT NULL,
    _synced_at              timestamptz NOT NULL DEFAULT now(),
    _deleted_at             timestamptz
);
-- Orders of a customer.
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
-- Revenue per period.
CREATE INDEX orders_created_at_idx ON orders (created_at);
-- Orders of a subscription.
CREATE INDEX orders_subscription_id_idx ON orders (subscription_id);
-- Orders of a product.
CREATE INDEX orders_product_id_idx ON orders (product_id);
-- Look-up by the number that customers quote and that Polar's export names instead of the id.
CREATE INDEX orders_invoice_number_idx ON orders (invoice_number);
COMMENT ON TABLE orders IS 'Orders: purchases, renewals and what else was billed. Drafts and void orders too; Polar never deletes an order.';
COMMENT ON COLUMN orders.id IS 'Polar id.';
COMMENT ON COLUMN orders.created_at IS 'When Polar created the order (UTC).';
COMMENT ON COLUMN orders.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN orders.status IS 'State of the order; a refund can be undone, so it also moves back. Known today: draft, pending, paid, refunded, partially_refunded, void; new ones may come.';
COMMENT ON COLUMN orders.paid IS 'Whether it was paid; stays true when it is refunded later.';
COMMENT ON COLUMN orders.billing_reason IS 'What caused it. Known today: purchase, subscription_create, subscription_cycle, subscription_update, subscription_meter_cycle; new ones may come.';
COMMENT ON COLUMN orders.description IS 'One line on what was bought: the product''s present name, or the first item''s label without a product.';
COMMENT ON COLUMN orders.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN orders.subtotal_amount IS 'Sum of the items, before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.discount_amount IS 'Discount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.net_amount IS 'After discount, before tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.tax_amount IS 'Sales tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.total_amount IS 'net_amount and tax_amount together. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.applied_balance_amount IS 'Customer balance that was applied: below zero it lowers what is due, above zero it raises it. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.due_amount IS 'Left to pay after the balance; never below zero. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.refunded_tax_amount IS 'Tax refunded so far. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.refundable_amount IS 'Still refundable, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.refundable_tax_amount IS 'Tax that goes with a refund of all that is refundable. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.platform_fee_amount IS 'Polar''s fee. Smallest unit of platform_fee_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders.platform_fee_currency IS 'Currency of platform_fee_amount: ISO 4217, lower case; null without a fee.';
COMMENT ON COLUMN orders.seats IS 'Seats bought; null where the price is not by seat.';
COMMENT ON COLUMN orders.units IS 'Units bought; null where the price is not by unit.';
COMMENT ON COLUMN orders.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN orders.product_id IS 'Product: products.id; null for a top-up of the customer''s balance and the like.';
COMMENT ON COLUMN orders.subscription_id IS 'Subscription that it bills: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN orders.discount_id IS 'Discount that was applied.';
COMMENT ON COLUMN orders.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN orders.invoice_number IS 'Number on the invoice; null for drafts.';
COMMENT ON COLUMN orders.is_invoice_generated IS 'Whether the invoice document exists.';
COMMENT ON COLUMN orders.receipt_number IS 'Number on the receipt; null until paid, or where receipts are off.';
COMMENT ON COLUMN orders.next_payment_attempt_at IS 'When a failed payment is tried again (UTC); null when it is not.';
COMMENT ON COLUMN orders.billing_name IS 'Name on the invoice, as it was at the time of the order.';
COMMENT ON COLUMN orders.billing_address IS 'Address on the invoice, as it was at the time of the order, as an object: line1, line2, postal_code, city, state (US-CA style in the US and Canada), country (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN orders.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN orders.custom_field_data IS 'Answers to the custom fields of the checkout, as an object keyed by the slug of the field.';
COMMENT ON COLUMN orders._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN orders._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN orders._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN orders._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN orders._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE order_items (
    order_id         uuid        NOT NULL,
    id               uuid        NOT NULL,
    created_at       timestamptz,
    modified_at      timestamptz,
    label            text,
    amount           bigint,
    tax_amount       bigint,
    proration        boolean,
    product_price_id uuid,
    _position        bigint      NOT NULL,
    _extra           jsonb       NOT NULL DEFAULT '{}',
    _hash            bytea       NOT NULL,
    _requested_at    timestamptz NOT NULL,
    _synced_at       timestamptz NOT NULL DEFAULT now(),
    _removed_at      timestamptz,
    PRIMARY KEY (order_id, id)
);
COMMENT ON TABLE order_items IS 'Lines of orders.';
COMMENT ON COLUMN order_items.order_id IS 'Order that the line belongs to: orders.id.';
COMMENT ON COLUMN order_items.id IS 'Polar id of the line.';
COMMENT ON COLUMN order_items.created_at IS 'When Polar created the line (UTC).';
COMMENT ON COLUMN order_items.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN order_items.label IS 'What is charged, as printed on the invoice.';
COMMENT ON COLUMN order_items.amount IS 'Amount before discount and tax; below zero for a credit. Smallest unit of the order''s currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items.tax_amount IS 'Sales tax. Smallest unit of the order''s currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items.proration IS 'Whether the line comes from a change within a billing period.';
COMMENT ON COLUMN order_items.product_price_id IS 'Price that was charged: product_prices.id or subscription_prices.id; may be archived or made for this purchase, and then be in neither.';
COMMENT ON COLUMN order_items._position IS 'Place in the order''s items, from 0.';
COMMENT ON COLUMN order_items._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN order_items._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN order_items._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN order_items._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN order_items._removed_at IS 'When the order''s items stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE order_items;
DROP TABLE orders;
