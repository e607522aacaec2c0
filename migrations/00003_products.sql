-- products, product_prices, product_benefits.
-- Creates empty tables and their indexes: touches nothing that exists, so it waits for no lock, holds none that
-- others need and takes milliseconds.

-- +goose Up
CREATE TABLE products (
    id                       uuid        PRIMARY KEY,
    created_at               timestamptz,
    modified_at              timestamptz,
    name                     text,
    description              text,
    visibility               text,
    is_archived              boolean,
    is_recurring             boolean,
    recurring_interval       text,
    recurring_interval_count bigint,
    meter_interval           text,
    meter_interval_count     bigint,
    trial_interval           text,
    trial_interval_count     bigint,
    organization_id          uuid,
    medias                   jsonb,
    attached_custom_fields   jsonb,
    metadata                 jsonb,
    _extra                   jsonb       NOT NULL DEFAULT '{}',
    _hash                    bytea       NOT NULL,
    _requested_at            timestamptz NOT NULL,
    _synced_at               timestamptz NOT NULL DEFAULT now(),
    _deleted_at              timestamptz
);
COMMENT ON TABLE products IS 'Products, archived ones too: Polar has no way to delete a product.';
COMMENT ON COLUMN products.id IS 'Polar id.';
COMMENT ON COLUMN products.created_at IS 'When Polar created the product (UTC).';
COMMENT ON COLUMN products.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN products.name IS 'Name of the product.';
COMMENT ON COLUMN products.description IS 'Description, in Markdown.';
COMMENT ON COLUMN products.visibility IS 'Who can find the product. Known today: draft, private, public; new ones may come.';
COMMENT ON COLUMN products.is_archived IS 'Whether the product can no longer be bought.';
COMMENT ON COLUMN products.is_recurring IS 'Whether buying it starts a subscription.';
COMMENT ON COLUMN products.recurring_interval IS 'Unit of the billing interval; null for a one-time product. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products.recurring_interval_count IS 'Units in one billing interval: 3 with month bills every quarter.';
COMMENT ON COLUMN products.meter_interval IS 'Unit of the interval in which meters are settled; null when it is the billing interval. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products.meter_interval_count IS 'Units in one meter interval; null when it is the billing interval.';
COMMENT ON COLUMN products.trial_interval IS 'Unit of the trial period; null without a trial. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products.trial_interval_count IS 'Units in the trial period; null without a trial.';
COMMENT ON COLUMN products.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN products.medias IS 'Pictures, as an array of file objects in order of display.';
COMMENT ON COLUMN products.attached_custom_fields IS 'Custom fields asked for at checkout, as an array of objects: custom_field_id, custom_field, order, required.';
COMMENT ON COLUMN products.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN products._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN products._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN products._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN products._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN products._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE product_prices (
    product_id         uuid        NOT NULL,
    id                 uuid        NOT NULL,
    created_at         timestamptz,
    modified_at        timestamptz,
    source             text,
    amount_type        text,
    type               text,
    recurring_interval text,
    legacy             boolean,
    is_archived        boolean,
    price_currency     text,
    tax_behavior       text,
    price_amount       bigint,
    minimum_amount     bigint,
    maximum_amount     bigint,
    preset_amount      bigint,
    unit_amount        numeric,
    cap_amount         bigint,
    meter_id           uuid,
    seat_tiers         jsonb,
    _position          bigint      NOT NULL,
    _extra             jsonb       NOT NULL DEFAULT '{}',
    _hash              bytea       NOT NULL,
    _requested_at      timestamptz NOT NULL,
    _synced_at         timestamptz NOT NULL DEFAULT now(),
    _removed_at        timestamptz,
    PRIMARY KEY (product_id, id)
);
-- Joins from order_items.product_price_id and subscription_prices.id.
CREATE INDEX product_prices_id_idx ON product_prices (id);
-- Prices of a meter.
CREATE INDEX product_prices_meter_id_idx ON product_prices (meter_id);
COMMENT ON TABLE product_prices IS 'Prices that products list: those of the catalog that are not archived. A price that left the list stays here with _removed_at set, because order items and subscriptions still point at it.';
COMMENT ON COLUMN product_prices.product_id IS 'Product that lists the price: products.id.';
COMMENT ON COLUMN product_prices.id IS 'Polar id of the price.';
COMMENT ON COLUMN product_prices.created_at IS 'When Polar created the price (UTC).';
COMMENT ON COLUMN product_prices.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN product_prices.source IS 'Where the price comes from. Known today: catalog (one of the product''s own prices), ad_hoc (made for one checkout or subscription); new ones may come.';
COMMENT ON COLUMN product_prices.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, seat_based, unit_based; new ones may come.';
COMMENT ON COLUMN product_prices.type IS 'Older marker of the billing rhythm, kept for prices that predate intervals on products. Known today: one_time, recurring; new ones may come.';
COMMENT ON COLUMN product_prices.recurring_interval IS 'Interval of a legacy recurring price; of all others the product carries it. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN product_prices.legacy IS 'True on prices that carry their own interval; null on all others.';
COMMENT ON COLUMN product_prices.is_archived IS 'Whether the price can no longer be bought. Subscriptions and orders may still point at it.';
COMMENT ON COLUMN product_prices.price_currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN product_prices.tax_behavior IS 'Whether amounts include tax; null means the organization''s default. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN product_prices.price_amount IS 'fixed: the price. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.minimum_amount IS 'custom: the least the customer may pay; 0 allows free. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.maximum_amount IS 'custom: the most the customer may pay; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.preset_amount IS 'custom: the amount proposed to the customer; null means none. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.unit_amount IS 'metered_unit: price of one unit, often a fraction, with the digits as Polar sent them. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.cap_amount IS 'metered_unit: the most that one period can cost; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices.meter_id IS 'metered_unit: the meter that counts the units: meters.id.';
COMMENT ON COLUMN product_prices.seat_tiers IS 'seat_based: the tiers, as an object: seat_tier_type (volume or graduated), tiers (min_seats, max_seats, price_per_seat in the smallest unit of price_currency), minimum_seats, maximum_seats.';
COMMENT ON COLUMN product_prices._position IS 'Place in the product''s prices, from 0.';
COMMENT ON COLUMN product_prices._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN product_prices._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN product_prices._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN product_prices._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN product_prices._removed_at IS 'When the product''s prices stopped naming this row (UTC); null while listed. The row stays.';

CREATE TABLE product_benefits (
    product_id    uuid        NOT NULL,
    benefit_id    uuid        NOT NULL,
    _position     bigint      NOT NULL,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _removed_at   timestamptz,
    PRIMARY KEY (product_id, benefit_id)
);
-- Products that grant a benefit.
CREATE INDEX product_benefits_benefit_id_idx ON product_benefits (benefit_id);
COMMENT ON TABLE product_benefits IS 'Which benefits a product grants.';
COMMENT ON COLUMN product_benefits.product_id IS 'Product that grants the benefit: products.id.';
COMMENT ON COLUMN product_benefits.benefit_id IS 'Benefit that it grants: benefits.id.';
COMMENT ON COLUMN product_benefits._position IS 'Place in the product''s benefits, from 0.';
COMMENT ON COLUMN product_benefits._extra IS 'Always empty: of these objects only the id is kept here.';
COMMENT ON COLUMN product_benefits._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN product_benefits._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN product_benefits._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN product_benefits._removed_at IS 'When the product''s benefits stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE product_benefits;
DROP TABLE product_prices;
DROP TABLE products;
