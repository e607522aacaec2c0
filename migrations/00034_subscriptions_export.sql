-- subscriptions_export.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE subscriptions_export (
    id                   uuid        PRIMARY KEY,
    email                text,
    started_at           timestamptz,
    product              text,
    amount               bigint,
    amount_major         numeric,
    currency             text,
    status               text,
    recurring_interval   text,
    customer_name        text,
    billing_name         text,
    billing_country      text,
    net_amount           bigint,
    net_amount_major     numeric,
    discount             text,
    seats                bigint,
    current_period_start timestamptz,
    current_period_end   timestamptz,
    cancel_at_period_end boolean,
    canceled_at          timestamptz,
    ends_at              timestamptz,
    ended_at             timestamptz,
    cancellation_reason  text,
    trial_start          timestamptz,
    trial_end            timestamptz,
    active               boolean,
    subscription_id      uuid,
    _extra               jsonb       NOT NULL DEFAULT '{}',
    _hash                bytea       NOT NULL,
    _requested_at        timestamptz NOT NULL,
    _synced_at           timestamptz NOT NULL DEFAULT now(),
    _deleted_at          timestamptz
);
-- The row of the file that belongs to a mirrored one.
CREATE INDEX subscriptions_export_subscription_id_idx ON subscriptions_export (subscription_id);
COMMENT ON TABLE subscriptions_export IS 'Subscriptions as Polar''s CSV export gives them, a second source beside subscriptions. The file names no ids. An empty field of it is null.';
COMMENT ON COLUMN subscriptions_export.id IS 'Made by syncd from start, email and product, and the place among rows with the same ones.';
COMMENT ON COLUMN subscriptions_export.email IS 'Email address of the customer as it is now.';
COMMENT ON COLUMN subscriptions_export.started_at IS 'When billing started (UTC). Files from before August 2026 have the time of creation in its place.';
COMMENT ON COLUMN subscriptions_export.product IS 'Name of the product as it is now.';
COMMENT ON COLUMN subscriptions_export.amount IS 'Price of one billing interval, before tax. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.amount_major IS 'Price of one billing interval, before tax. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export.currency IS 'ISO 4217, lower case.';
COMMENT ON COLUMN subscriptions_export.status IS 'State, as in subscriptions.';
COMMENT ON COLUMN subscriptions_export.recurring_interval IS 'Billing interval: month, or 3 months.';
COMMENT ON COLUMN subscriptions_export.customer_name IS 'Name of the customer as it is now.';
COMMENT ON COLUMN subscriptions_export.billing_name IS 'Name on invoices.';
COMMENT ON COLUMN subscriptions_export.billing_country IS 'Country of the billing address: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN subscriptions_export.net_amount IS 'Price of one billing interval after discount. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.net_amount_major IS 'Price of one billing interval after discount. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export.discount IS 'Code of the discount, else its name.';
COMMENT ON COLUMN subscriptions_export.seats IS 'Seats; null where the price is not by seat.';
COMMENT ON COLUMN subscriptions_export.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_export.current_period_end IS 'End of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_export.cancel_at_period_end IS 'Whether it ends with the current period.';
COMMENT ON COLUMN subscriptions_export.canceled_at IS 'When it was canceled (UTC).';
COMMENT ON COLUMN subscriptions_export.ends_at IS 'When it will end (UTC).';
COMMENT ON COLUMN subscriptions_export.ended_at IS 'When it ended (UTC).';
COMMENT ON COLUMN subscriptions_export.cancellation_reason IS 'Why the customer left, as chosen by the customer.';
COMMENT ON COLUMN subscriptions_export.trial_start IS 'Start of the trial (UTC).';
COMMENT ON COLUMN subscriptions_export.trial_end IS 'End of the trial (UTC).';
COMMENT ON COLUMN subscriptions_export.active IS 'Whether it is active; in files from before August 2026 only, which have no status.';
COMMENT ON COLUMN subscriptions_export.subscription_id IS 'Row of subscriptions that it belongs to: subscriptions.id. Told by start, email and product; null where the mirror lacks it. Filled in by syncd after each complete run.';
COMMENT ON COLUMN subscriptions_export._extra IS 'What the file held beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN subscriptions_export._hash IS 'Digest of what was stored, to tell whether the next file differs.';
COMMENT ON COLUMN subscriptions_export._requested_at IS 'When the file that this row came from was requested (UTC). An earlier file never overwrites a later one.';
COMMENT ON COLUMN subscriptions_export._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN subscriptions_export._deleted_at IS 'When a complete file no longer had it (UTC); null while it is there. The row stays.';

-- +goose Down
DROP TABLE subscriptions_export;
