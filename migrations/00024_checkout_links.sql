-- checkout_links, checkout_link_products.
-- Creates empty tables: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE checkout_links (
    id                      uuid        PRIMARY KEY,
    created_at              timestamptz,
    modified_at             timestamptz,
    payment_processor       text,
    success_url             text,
    return_url              text,
    label                   text,
    allow_discount_codes    boolean,
    require_billing_address boolean,
    discount_id             uuid,
    seats                   bigint,
    units                   bigint,
    trial_interval          text,
    trial_interval_count    bigint,
    organization_id         uuid,
    metadata                jsonb,
    _extra                  jsonb       NOT NULL DEFAULT '{}',
    _hash                   bytea       NOT NULL,
    _requested_at           timestamptz NOT NULL,
    _synced_at              timestamptz NOT NULL DEFAULT now(),
    _deleted_at             timestamptz
);
-- Links with a discount.
CREATE INDEX checkout_links_discount_id_idx ON checkout_links (discount_id);
COMMENT ON TABLE checkout_links IS 'Links to a checkout that can be shared. What a link consists of (client_secret, and the url that holds it) is a secret and is not stored.';
COMMENT ON COLUMN checkout_links.id IS 'Polar id.';
COMMENT ON COLUMN checkout_links.created_at IS 'When Polar created the link (UTC).';
COMMENT ON COLUMN checkout_links.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN checkout_links.payment_processor IS 'Who processes payments. Known today: stripe; new ones may come.';
COMMENT ON COLUMN checkout_links.success_url IS 'Where the customer gets to after buying; null when it was not set.';
COMMENT ON COLUMN checkout_links.return_url IS 'Where the customer gets back to without buying; null when it was not set.';
COMMENT ON COLUMN checkout_links.label IS 'Name of the link, for you; null without one.';
COMMENT ON COLUMN checkout_links.allow_discount_codes IS 'Whether the customer may type in a code.';
COMMENT ON COLUMN checkout_links.require_billing_address IS 'Whether a whole address is asked for.';
COMMENT ON COLUMN checkout_links.discount_id IS 'Discount applied: discounts.id; null without one.';
COMMENT ON COLUMN checkout_links.seats IS 'Seats to begin with, where the price is by seats; else null.';
COMMENT ON COLUMN checkout_links.units IS 'Units to begin with, where the price is by units; else null.';
COMMENT ON COLUMN checkout_links.trial_interval IS 'Unit of a trial set for this link; null when the product decides. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkout_links.trial_interval_count IS 'Units in a trial set for this link; null when the product decides.';
COMMENT ON COLUMN checkout_links.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN checkout_links.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN checkout_links._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN checkout_links._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN checkout_links._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN checkout_links._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN checkout_links._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE checkout_link_products (
    checkout_link_id uuid        NOT NULL,
    product_id       uuid        NOT NULL,
    _position        bigint      NOT NULL,
    _extra           jsonb       NOT NULL DEFAULT '{}',
    _hash            bytea       NOT NULL,
    _requested_at    timestamptz NOT NULL,
    _synced_at       timestamptz NOT NULL DEFAULT now(),
    _removed_at      timestamptz,
    PRIMARY KEY (checkout_link_id, product_id)
);
-- Links that offer a product.
CREATE INDEX checkout_link_products_product_id_idx ON checkout_link_products (product_id);
COMMENT ON TABLE checkout_link_products IS 'Products that a checkout link offers.';
COMMENT ON COLUMN checkout_link_products.checkout_link_id IS 'Link: checkout_links.id.';
COMMENT ON COLUMN checkout_link_products.product_id IS 'Product on offer: products.id.';
COMMENT ON COLUMN checkout_link_products._position IS 'Place in the link''s products, from 0.';
COMMENT ON COLUMN checkout_link_products._extra IS 'Always empty: of these objects only the id is kept here.';
COMMENT ON COLUMN checkout_link_products._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN checkout_link_products._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN checkout_link_products._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN checkout_link_products._removed_at IS 'When the link''s products stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE checkout_link_products;
DROP TABLE checkout_links;
