-- sync_mrr_spans and sync_mrr: what each subscription brings in a month, by day.
-- Creates empty tables and an index: touches nothing that exists, so it waits for no lock, holds none that
-- others need and takes milliseconds. The first run that ends after it fills them.

-- +goose Up
CREATE TABLE sync_mrr_spans (
    subscription_id          uuid    NOT NULL,
    customer_id              uuid,
    product_id               uuid,
    currency                 text,
    version                  text    NOT NULL,
    state                    text    NOT NULL,
    is_committed             boolean NOT NULL,
    monthly_amount           bigint  NOT NULL,
    from_day                 date    NOT NULL,
    to_day                   date,
    status                   text,
    amount                   bigint,
    recurring_interval       text,
    recurring_interval_count bigint,
    seats                    bigint,
    units                    bigint,
    discount_id              uuid
);
-- Spans of a subscription.
CREATE INDEX sync_mrr_spans_subscription_id_idx ON sync_mrr_spans (subscription_id);
COMMENT ON TABLE sync_mrr_spans IS 'What each subscription brings in a month: one row for each span of days in which that stays the same. Worked out from subscriptions, changes, orders and checkouts by keep_mrr() at the end of each run; the views of MRR are made of it.';
COMMENT ON COLUMN sync_mrr_spans.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN sync_mrr_spans.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN sync_mrr_spans.product_id IS 'Product: products.id.';
COMMENT ON COLUMN sync_mrr_spans.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN sync_mrr_spans.version IS 'then: the subscription as it was on these days. now: as it is now, for all of its days.';
COMMENT ON COLUMN sync_mrr_spans.state IS 'trial, active, paused or past_due. Of version now only trial and active, as Polar counts.';
COMMENT ON COLUMN sync_mrr_spans.is_committed IS 'Whether it had no end then (version then), or has none (version now).';
COMMENT ON COLUMN sync_mrr_spans.monthly_amount IS 'Amount of a month without inclusive tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN sync_mrr_spans.from_day IS 'First day (UTC): it was so at the end of that day.';
COMMENT ON COLUMN sync_mrr_spans.to_day IS 'First day on which it was no longer so (UTC); may lie ahead. Null: no end is known.';
COMMENT ON COLUMN sync_mrr_spans.status IS 'subscriptions.status of the version.';
COMMENT ON COLUMN sync_mrr_spans.amount IS 'subscriptions.amount of the version. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN sync_mrr_spans.recurring_interval IS 'subscriptions.recurring_interval of the version.';
COMMENT ON COLUMN sync_mrr_spans.recurring_interval_count IS 'subscriptions.recurring_interval_count of the version.';
COMMENT ON COLUMN sync_mrr_spans.seats IS 'subscriptions.seats of the version.';
COMMENT ON COLUMN sync_mrr_spans.units IS 'subscriptions.units of the version.';
COMMENT ON COLUMN sync_mrr_spans.discount_id IS 'subscriptions.discount_id of the version: discounts.id.';

CREATE TABLE sync_mrr (
    is_only     boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    seq         bigint      NOT NULL,
    rebuilt_seq bigint      NOT NULL,
    basis       text        NOT NULL,
    kept_at     timestamptz NOT NULL
);
COMMENT ON TABLE sync_mrr IS 'Up to where sync_mrr_spans follows changes: one row, none before the first time.';
COMMENT ON COLUMN sync_mrr.is_only IS 'Always true: there is one row.';
COMMENT ON COLUMN sync_mrr.seq IS 'The highest changes.seq that is in it.';
COMMENT ON COLUMN sync_mrr.rebuilt_seq IS 'The highest changes.seq below zero that is in it: changes from before they were recorded.';
COMMENT ON COLUMN sync_mrr.basis IS 'Since when changes are recorded, and the text of the rules. When it differs, all spans are made anew.';
COMMENT ON COLUMN sync_mrr.kept_at IS 'When it was last brought up to date (UTC).';

SELECT move_bookkeeping('sync_mrr', 'sync_mrr_spans');

-- +goose Down
DROP VIEW IF EXISTS mrr_daily, mrr_daily_polar, mrr_movements CASCADE;
DROP FUNCTION IF EXISTS mrr_difference(date), keep_mrr(), mrr_spans_of(uuid[]);
DROP TABLE sync_mrr, sync_mrr_spans CASCADE;
