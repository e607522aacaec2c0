-- subscriptions, subscription_prices, subscription_meters.
-- Creates empty tables and their indexes: touches nothing that exists, so it waits for no lock, holds none that
-- others need and takes milliseconds.

-- +goose Up
CREATE TABLE subscriptions (
    id                            uuid        PRIMARY KEY,
    created_at                    timestamptz,
    modified_at                   timestamptz,
    status                        text,
    currency                      text,
    amount                        bigint,
    recurring_interval            text,
    recurring_interval_count      bigint,
    started_at                    timestamptz,
    current_period_start          timestamptz,
    current_period_end            timestamptz,
    current_meter_period_start    timestamptz,
    current_meter_period_end      timestamptz,
    trial_start                   timestamptz,
    trial_end                     timestamptz,
    cancel_at_period_end          boolean,
    canceled_at                   timestamptz,
    ends_at                       timestamptz,
    ended_at                      timestamptz,
    past_due_at                   timestamptz,
    pause_at_period_end           boolean,
    paused_at                     timestamptz,
    resumes_at                    timestamptz,
    seats                         bigint,
    units                         bigint,
    customer_id                   uuid,
    product_id                    uuid,
    discount_id                   uuid,
    checkout_id                   uuid,
    customer_cancellation_reason  text,
    customer_cancellation_comment text,
    pending_update                jsonb,
    metadata                      jsonb,
    custom_field_data             jsonb,
    _extra                        jsonb       NOT NULL DEFAULT '{}',
    _hash                         bytea       NOT NULL,
    _requested_at                 timestamptz NOT NULL,
    _synced_at                    timestamptz NOT NULL DEFAULT now(),
    _deleted_at                   timestamptz
);
-- Subscriptions of a customer.
CREATE INDEX subscriptions_customer_id_idx ON subscriptions (customer_id);
-- Subscriptions of a product.
CREATE INDEX subscriptions_product_id_idx ON subscriptions (product_id);
-- New subscriptions per period.
CREATE INDEX subscriptions_started_at_idx ON subscriptions (started_at);
COMMENT ON TABLE subscriptions IS 'Subscriptions, ended ones too: Polar never deletes a subscription. Those without started_at, such as incomplete ones, are not in Polar''s list.';
COMMENT ON COLUMN subscriptions.id IS 'Polar id.';
COMMENT ON COLUMN subscriptions.created_at IS 'When Polar created the subscription (UTC).';
COMMENT ON COLUMN subscriptions.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscriptions.status IS 'State. It stays active until the end of the period while cancel_at_period_end is true. Known today: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid, paused; new ones may come.';
COMMENT ON COLUMN subscriptions.currency IS 'Currency of amount: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscriptions.amount IS 'Price of one billing interval, before tax and without metered usage. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions.recurring_interval IS 'Unit of the billing interval. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN subscriptions.recurring_interval_count IS 'Units in one billing interval: 3 with month bills every quarter.';
COMMENT ON COLUMN subscriptions.started_at IS 'When billing started (UTC); may be before created_at for an imported subscription.';
COMMENT ON COLUMN subscriptions.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions.current_period_end IS 'End of the current billing period (UTC): the next renewal.';
COMMENT ON COLUMN subscriptions.current_meter_period_start IS 'Start of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscriptions.current_meter_period_end IS 'End of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscriptions.trial_start IS 'Start of the trial (UTC); null without one.';
COMMENT ON COLUMN subscriptions.trial_end IS 'End of the trial (UTC); null without one.';
COMMENT ON COLUMN subscriptions.cancel_at_period_end IS 'Whether it ends with the current period.';
COMMENT ON COLUMN subscriptions.canceled_at IS 'When it was canceled (UTC); becomes null again when the cancellation is taken back.';
COMMENT ON COLUMN subscriptions.ends_at IS 'When it will end (UTC); null when no end is set.';
COMMENT ON COLUMN subscriptions.ended_at IS 'When it ended (UTC); null while it runs.';
COMMENT ON COLUMN subscriptions.past_due_at IS 'When it became past_due (UTC); null when it is not.';
COMMENT ON COLUMN subscriptions.pause_at_period_end IS 'Whether it pauses with the end of the current period.';
COMMENT ON COLUMN subscriptions.paused_at IS 'When it was paused (UTC); null when it is not.';
COMMENT ON COLUMN subscriptions.resumes_at IS 'When a paused subscription goes on by itself (UTC); null when no date is set.';
COMMENT ON COLUMN subscriptions.seats IS 'Seats; null where the price is not by seat.';
COMMENT ON COLUMN subscriptions.units IS 'Units; null where the price is not by unit.';
COMMENT ON COLUMN subscriptions.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN subscriptions.product_id IS 'Product: products.id.';
COMMENT ON COLUMN subscriptions.discount_id IS 'Discount in force.';
COMMENT ON COLUMN subscriptions.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN subscriptions.customer_cancellation_reason IS 'Why the customer left, as chosen by the customer. Known today: customer_service, low_quality, missing_features, switched_service, too_complex, too_expensive, unused, other; new ones may come.';
COMMENT ON COLUMN subscriptions.customer_cancellation_comment IS 'Why the customer left, in the customer''s words.';
COMMENT ON COLUMN subscriptions.pending_update IS 'Change that takes effect with the next period, as an object: id, created_at, modified_at, applies_at, product_id, seats, units; null without one.';
COMMENT ON COLUMN subscriptions.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN subscriptions.custom_field_data IS 'Answers to the custom fields of the checkout, as an object keyed by the slug of the field.';
COMMENT ON COLUMN subscriptions._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN subscriptions._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN subscriptions._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN subscriptions._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN subscriptions._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE subscription_prices (
    subscription_id    uuid        NOT NULL,
    id                 uuid        NOT NULL,
    product_id         uuid,
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
    PRIMARY KEY (subscription_id, id)
);
-- Subscriptions billed by a price.
CREATE INDEX subscription_prices_id_idx ON subscription_prices (id);
COMMENT ON TABLE subscription_prices IS 'Prices that subscriptions are billed by; unlike product_prices also archived ones and those made for one subscription.';
COMMENT ON COLUMN subscription_prices.subscription_id IS 'Subscription billed by the price: subscriptions.id.';
COMMENT ON COLUMN subscription_prices.id IS 'Polar id of the price, the same in product_prices where that lists it.';
COMMENT ON COLUMN subscription_prices.product_id IS 'Product that owns the price: products.id.';
COMMENT ON COLUMN subscription_prices.created_at IS 'When Polar created the price (UTC).';
COMMENT ON COLUMN subscription_prices.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscription_prices.source IS 'Where the price comes from. Known today: catalog (one of the product''s own prices), ad_hoc (made for one checkout or subscription); new ones may come.';
COMMENT ON COLUMN subscription_prices.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, seat_based, unit_based; new ones may come.';
COMMENT ON COLUMN subscription_prices.type IS 'Older marker of the billing rhythm, kept for prices that predate intervals on products. Known today: one_time, recurring; new ones may come.';
COMMENT ON COLUMN subscription_prices.recurring_interval IS 'Interval of a legacy recurring price; of all others the product carries it. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN subscription_prices.legacy IS 'True on prices that carry their own interval; null on all others.';
COMMENT ON COLUMN subscription_prices.is_archived IS 'Whether the price can no longer be bought. Subscriptions and orders may still point at it.';
COMMENT ON COLUMN subscription_prices.price_currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscription_prices.tax_behavior IS 'Whether amounts include tax; null means the organization''s default. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN subscription_prices.price_amount IS 'fixed: the price. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.minimum_amount IS 'custom: the least the customer may pay; 0 allows free. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.maximum_amount IS 'custom: the most the customer may pay; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.preset_amount IS 'custom: the amount proposed to the customer; null means none. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.unit_amount IS 'metered_unit: price of one unit, often a fraction, with the digits as Polar sent them. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.cap_amount IS 'metered_unit: the most that one period can cost; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices.meter_id IS 'metered_unit: the meter that counts the units: meters.id.';
COMMENT ON COLUMN subscription_prices.seat_tiers IS 'seat_based: the tiers, as an object: seat_tier_type (volume or graduated), tiers (min_seats, max_seats, price_per_seat in the smallest unit of price_currency), minimum_seats, maximum_seats.';
COMMENT ON COLUMN subscription_prices._position IS 'Place in the subscription''s prices, from 0.';
COMMENT ON COLUMN subscription_prices._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN subscription_prices._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN subscription_prices._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN subscription_prices._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN subscription_prices._removed_at IS 'When the subscription''s prices stopped naming this row (UTC); null while listed. The row stays.';

CREATE TABLE subscription_meters (
    subscription_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    created_at      timestamptz,
    modified_at     timestamptz,
    meter_id        uuid,
    consumed_units  numeric,
    credited_units  bigint,
    amount          bigint,
    _position       bigint      NOT NULL,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _removed_at     timestamptz,
    PRIMARY KEY (subscription_id, id)
);
-- Subscriptions that use a meter.
CREATE INDEX subscription_meters_meter_id_idx ON subscription_meters (meter_id);
COMMENT ON TABLE subscription_meters IS 'Metered usage of subscriptions in the current period.';
COMMENT ON COLUMN subscription_meters.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN subscription_meters.id IS 'Polar id of the row.';
COMMENT ON COLUMN subscription_meters.created_at IS 'When Polar created the row (UTC).';
COMMENT ON COLUMN subscription_meters.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscription_meters.meter_id IS 'Meter: meters.id.';
COMMENT ON COLUMN subscription_meters.consumed_units IS 'Units used in the current period, in the meter''s unit. Polar rounds to about 17 significant digits.';
COMMENT ON COLUMN subscription_meters.credited_units IS 'Units credited in the current period, in the meter''s unit.';
COMMENT ON COLUMN subscription_meters.amount IS 'What the usage of the current period costs so far. Smallest unit of the subscription''s currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_meters._position IS 'Place in the subscription''s meters, from 0.';
COMMENT ON COLUMN subscription_meters._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN subscription_meters._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN subscription_meters._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN subscription_meters._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN subscription_meters._removed_at IS 'When the subscription''s meters stopped naming this row (UTC); null while listed. The row stays.';

-- +goose Down
DROP TABLE subscription_meters;
DROP TABLE subscription_prices;
DROP TABLE subscriptions;
