-- discounts, discount_products.
-- Creates empty tables: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE discounts (
    id                           uuid        PRIMARY KEY,
    created_at                   timestamptz,
    modified_at                  timestamptz,
    name                         text,
    type                         text,
    duration                     text,
    duration_in_months           bigint,
    code                         text,
    starts_at                    timestamptz,
    ends_at                      timestamptz,
    max_redemptions              bigint,
    max_redemptions_per_customer bigint,
    redemptions_count            bigint,
    amounts                      jsonb,
    basis_points                 bigint,
    organization_id              uuid,
    metadata                     jsonb,
    _extra                       jsonb       NOT NULL DEFAULT '{}',
    _hash                        bytea       NOT NULL,
    _requested_at                timestamptz NOT NULL,
    _synced_at                   timestamptz NOT NULL DEFAULT now(),
    _deleted_at                  timestamptz
);
-- Discount of a code.
CREATE INDEX discounts_code_idx ON discounts (code);
COMMENT ON TABLE discounts IS 'Discounts, with or without a code. Which columns hold the worth follows from type and duration.';
COMMENT ON COLUMN discounts.id IS 'Polar id.';
COMMENT ON COLUMN discounts.created_at IS 'When Polar created the discount (UTC).';
COMMENT ON COLUMN discounts.modified_at IS 'When Polar last changed its record (UTC); null until the first time. Redemptions do not move it.';
COMMENT ON COLUMN discounts.name IS 'Name of the discount.';
COMMENT ON COLUMN discounts.type IS 'How the worth is told. Known today: fixed, percentage; new ones may come.';
COMMENT ON COLUMN discounts.duration IS 'For how many periods of a subscription it holds. Known today: once, forever, repeating; new ones may come.';
COMMENT ON COLUMN discounts.duration_in_months IS 'repeating: for how many months; null for all others.';
COMMENT ON COLUMN discounts.code IS 'Code to type in at checkout; null when it has none.';
COMMENT ON COLUMN discounts.starts_at IS 'From when it can be redeemed (UTC); null means at once.';
COMMENT ON COLUMN discounts.ends_at IS 'Until when it can be redeemed (UTC); null means for ever.';
COMMENT ON COLUMN discounts.max_redemptions IS 'Most redemptions; null without a limit.';
COMMENT ON COLUMN discounts.max_redemptions_per_customer IS 'Most redemptions by one customer; null without a limit.';
COMMENT ON COLUMN discounts.redemptions_count IS 'Redemptions so far.';
COMMENT ON COLUMN discounts.amounts IS 'fixed: amount by currency, as an object such as {"usd": 1000}, in the smallest unit of each currency: cents for usd and eur, whole yen for jpy. Null for a percentage.';
COMMENT ON COLUMN discounts.basis_points IS 'percentage: the part taken off, in hundredths of a percent: 2500 is 25 %. Null for a fixed amount.';
COMMENT ON COLUMN discounts.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN discounts.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN discounts._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN discounts._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN discounts._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN discounts._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN discounts._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE discount_products (
    discount_id   uuid        NOT NULL,
    product_id    uuid        NOT NULL,
    _position     bigint      NOT NULL,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _removed_at   timestamptz,
    PRIMARY KEY (discount_id, product_id)
);
-- Discounts for a product.
CREATE INDEX discount_products_product_id_idx ON discount_products (product_id);
COMMENT ON TABLE discount_products IS 'Products that a discount is for; none means that it is for all.';
COMMENT ON COLUMN discount_products.discount_id IS 'Discount: discounts.id.';
COMMENT ON COLUMN discount_products.product_id IS 'Product that it is for: products.id.';
COMMENT ON COLUMN discount_products._position IS 'Place in the discount''s products, from 0.';
COMMENT ON COLUMN discount_products._extra IS 'Always empty: of these objects only the id is kept here.';
COMMENT ON COLUMN discount_products._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN discount_products._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN discount_products._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN discount_products._removed_at IS 'When the discount''s products stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE discount_products;
DROP TABLE discounts;
