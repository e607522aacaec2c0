-- metrics.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE metrics (
    id            uuid        PRIMARY KEY,
    "interval"    text,
    timezone      text,
    period_start  timestamptz,
    slug          text,
    value         numeric,
    type          text,
    display_name  text,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _deleted_at   timestamptz
);
-- One metric over time.
CREATE INDEX metrics_slug_interval_period_start_idx ON metrics (slug, "interval", period_start);
COMMENT ON TABLE metrics IS 'Polar''s own figures: one row per interval, period and metric. Polar recomputes past periods, for example after a refund, and leaves out a metric that has no value.';
COMMENT ON COLUMN metrics.id IS 'Made by syncd from interval, time zone, period and slug: the same figure keeps its id.';
COMMENT ON COLUMN metrics."interval" IS 'Length of the period. Known today: hour, day, week, month, year; new ones may come.';
COMMENT ON COLUMN metrics.timezone IS 'IANA time zone in which periods begin at midnight; null means UTC.';
COMMENT ON COLUMN metrics.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics.slug IS 'Which metric, such as revenue or monthly_recurring_revenue; an open list.';
COMMENT ON COLUMN metrics.value IS 'The figure, in the unit that type says: scalar a count, currency US cents, currency_sub_cent US cents with fractions, percentage a fraction of 1 (0.05 is 5 %). Polar converts amounts in other currencies to US dollars. Digits as Polar sent them.';
COMMENT ON COLUMN metrics.type IS 'Unit of value. Known today: scalar, currency, currency_sub_cent, percentage; new ones may come.';
COMMENT ON COLUMN metrics.display_name IS 'Name of the metric in Polar''s dashboard.';
COMMENT ON COLUMN metrics._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN metrics._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN metrics._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN metrics._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN metrics._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE metrics;
