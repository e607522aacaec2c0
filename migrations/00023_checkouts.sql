-- checkouts, checkout_products.
-- Creates empty tables: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE checkouts (
    id                          uuid        PRIMARY KEY,
    created_at                  timestamptz,
    modified_at                 timestamptz,
    status                      text,
    expires_at                  timestamptz,
    payment_processor           text,
    return_url                  text,
    embed_origin                text,
    amount                      bigint,
    discount_amount             bigint,
    net_amount                  bigint,
    tax_amount                  bigint,
    tax_behavior                text,
    total_amount                bigint,
    currency                    text,
    allow_trial                 boolean,
    active_trial_interval       text,
    active_trial_interval_count bigint,
    trial_end                   timestamptz,
    trial_interval              text,
    trial_interval_count        bigint,
    seats                       bigint,
    min_seats                   bigint,
    max_seats                   bigint,
    units                       bigint,
    min_units                   bigint,
    max_units                   bigint,
    organization_id             uuid,
    product_id                  uuid,
    discount_id                 uuid,
    customer_id                 uuid,
    subscription_id             uuid,
    external_customer_id        text,
    allow_discount_codes        boolean,
    require_billing_address     boolean,
    is_discount_applicable      boolean,
    is_free_product_price       boolean,
    is_payment_required         boolean,
    is_payment_setup_required   boolean,
    is_payment_form_required    boolean,
    is_business_customer        boolean,
    customer_name               text,
    customer_email              text,
    customer_billing_name       text,
    customer_billing_address    jsonb,
    customer_tax_id             text,
    locale                      text,
    payment_method_type         text,
    billing_address_fields      jsonb,
    metadata                    jsonb,
    customer_metadata           jsonb,
    custom_field_data           jsonb,
    prices                      jsonb,
    attached_custom_fields      jsonb,
    _extra                      jsonb       NOT NULL DEFAULT '{}',
    _hash                       bytea       NOT NULL,
    _requested_at               timestamptz NOT NULL,
    _synced_at                  timestamptz NOT NULL DEFAULT now(),
    _deleted_at                 timestamptz
);
-- Sessions of a customer.
CREATE INDEX checkouts_customer_id_idx ON checkouts (customer_id);
-- Sessions of a product.
CREATE INDEX checkouts_product_id_idx ON checkouts (product_id);
-- Sessions with a discount.
CREATE INDEX checkouts_discount_id_idx ON checkouts (discount_id);
-- Sessions that upgrade a subscription.
CREATE INDEX checkouts_subscription_id_idx ON checkouts (subscription_id);
-- Sessions per period.
CREATE INDEX checkouts_created_at_idx ON checkouts (created_at);
COMMENT ON TABLE checkouts IS 'Checkout sessions, most of them abandoned. What opens a session (client_secret, url, success_url, which may hold the secret), the data of the payment processor and the buyers IP address are not stored.';
COMMENT ON COLUMN checkouts.id IS 'Polar id.';
COMMENT ON COLUMN checkouts.created_at IS 'When Polar created the session (UTC).';
COMMENT ON COLUMN checkouts.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN checkouts.status IS 'State. Known today: open, expired, confirmed, succeeded, failed; new ones may come.';
COMMENT ON COLUMN checkouts.expires_at IS 'Until when it can be completed (UTC).';
COMMENT ON COLUMN checkouts.payment_processor IS 'Who processes the payment. Known today: stripe; new ones may come.';
COMMENT ON COLUMN checkouts.return_url IS 'Where the customer gets back to without buying; null when it was not set.';
COMMENT ON COLUMN checkouts.embed_origin IS 'Web page that the checkout is embedded in; null when it is not.';
COMMENT ON COLUMN checkouts.amount IS 'Price before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts.discount_amount IS 'Discount taken off amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts.net_amount IS 'Amount after discount, before tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts.tax_amount IS 'Tax; null while it cannot be told yet. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts.tax_behavior IS 'Whether amount includes tax; null while it cannot be told yet. Known today: inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN checkouts.total_amount IS 'What is to be paid, tax included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN checkouts.allow_trial IS 'Whether a trial may begin with it.';
COMMENT ON COLUMN checkouts.active_trial_interval IS 'Unit of the trial that would begin; null without one. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkouts.active_trial_interval_count IS 'Units in that trial; null without one.';
COMMENT ON COLUMN checkouts.trial_end IS 'When the trial would end (UTC); null without one.';
COMMENT ON COLUMN checkouts.trial_interval IS 'Unit of a trial set for this session; null when the product decides. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkouts.trial_interval_count IS 'Units in a trial set for this session; null when the product decides.';
COMMENT ON COLUMN checkouts.seats IS 'Seats chosen, where the price is by seats; else null.';
COMMENT ON COLUMN checkouts.min_seats IS 'Fewest seats that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts.max_seats IS 'Most seats that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts.units IS 'Units chosen, where the price is by units; else null.';
COMMENT ON COLUMN checkouts.min_units IS 'Fewest units that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts.max_units IS 'Most units that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN checkouts.product_id IS 'Product chosen: products.id; null when none is.';
COMMENT ON COLUMN checkouts.discount_id IS 'Discount applied: discounts.id; null without one.';
COMMENT ON COLUMN checkouts.customer_id IS 'Customer: customers.id; null while it is not known.';
COMMENT ON COLUMN checkouts.subscription_id IS 'Subscription that it upgrades: subscriptions.id; null for a new purchase.';
COMMENT ON COLUMN checkouts.external_customer_id IS 'Id of the customer in your own system; null when it was not given.';
COMMENT ON COLUMN checkouts.allow_discount_codes IS 'Whether the customer may type in a code.';
COMMENT ON COLUMN checkouts.require_billing_address IS 'Whether a whole address is asked for.';
COMMENT ON COLUMN checkouts.is_discount_applicable IS 'Whether a discount can be applied.';
COMMENT ON COLUMN checkouts.is_free_product_price IS 'Whether the price is free.';
COMMENT ON COLUMN checkouts.is_payment_required IS 'Whether something is to be paid now.';
COMMENT ON COLUMN checkouts.is_payment_setup_required IS 'Whether a means of payment is to be stored.';
COMMENT ON COLUMN checkouts.is_payment_form_required IS 'Whether the form of payment is shown.';
COMMENT ON COLUMN checkouts.is_business_customer IS 'Whether the customer buys as a business.';
COMMENT ON COLUMN checkouts.customer_name IS 'Name typed in; null before.';
COMMENT ON COLUMN checkouts.customer_email IS 'Email address typed in; null before.';
COMMENT ON COLUMN checkouts.customer_billing_name IS 'Name on the invoice; null before.';
COMMENT ON COLUMN checkouts.customer_billing_address IS 'Address as an object: line1, line2, postal_code, city, state, country; null before.';
COMMENT ON COLUMN checkouts.customer_tax_id IS 'Tax number typed in; null before.';
COMMENT ON COLUMN checkouts.locale IS 'Language of the checkout, such as en or fr-FR; null when it was not set.';
COMMENT ON COLUMN checkouts.payment_method_type IS 'Means of payment of a buy, such as card; null before.';
COMMENT ON COLUMN checkouts.billing_address_fields IS 'Which parts of an address are asked for, as an object of required, optional or disabled by field.';
COMMENT ON COLUMN checkouts.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN checkouts.customer_metadata IS 'Keys and values that the customer will get, as an object.';
COMMENT ON COLUMN checkouts.custom_field_data IS 'Answers to custom fields, as an object by the fields slug.';
COMMENT ON COLUMN checkouts.prices IS 'Prices on offer by product, as an object of arrays by product id: those made for this session alone, else those of the products catalog. Null when there are none.';
COMMENT ON COLUMN checkouts.attached_custom_fields IS 'Custom fields asked for, as an array of objects: custom_field_id, custom_field, order, required; null without a product.';
COMMENT ON COLUMN checkouts._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN checkouts._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN checkouts._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN checkouts._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN checkouts._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE checkout_products (
    checkout_id   uuid        NOT NULL,
    product_id    uuid        NOT NULL,
    _position     bigint      NOT NULL,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _removed_at   timestamptz,
    PRIMARY KEY (checkout_id, product_id)
);
-- Sessions that offer a product.
CREATE INDEX checkout_products_product_id_idx ON checkout_products (product_id);
COMMENT ON TABLE checkout_products IS 'Products on offer in a checkout session.';
COMMENT ON COLUMN checkout_products.checkout_id IS 'Session: checkouts.id.';
COMMENT ON COLUMN checkout_products.product_id IS 'Product on offer: products.id.';
COMMENT ON COLUMN checkout_products._position IS 'Place in the session''s products, from 0.';
COMMENT ON COLUMN checkout_products._extra IS 'Always empty: of these objects only the id is kept here.';
COMMENT ON COLUMN checkout_products._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN checkout_products._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN checkout_products._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN checkout_products._removed_at IS 'When the session''s products stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE checkout_products;
DROP TABLE checkouts;
