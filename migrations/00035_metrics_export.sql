-- metrics_export.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE metrics_export (
    id            uuid        PRIMARY KEY,
    "interval"    text,
    timezone      text,
    period_start  timestamptz,
    display_name  text,
    value         numeric,
    metric_id     uuid,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _deleted_at   timestamptz
);
-- The row of the file that belongs to a mirrored one.
CREATE INDEX metrics_export_metric_id_idx ON metrics_export (metric_id);
COMMENT ON TABLE metrics_export IS 'Polar''s own figures as its CSV export gives them, a second source beside metrics: one row per interval, period and metric that has a value.';
COMMENT ON COLUMN metrics_export.id IS 'Made by syncd from interval, time zone, period and name.';
COMMENT ON COLUMN metrics_export."interval" IS 'Length of the period: day, month.';
COMMENT ON COLUMN metrics_export.timezone IS 'IANA time zone in which periods begin at midnight.';
COMMENT ON COLUMN metrics_export.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_export.display_name IS 'Name of the metric; the file has no slugs.';
COMMENT ON COLUMN metrics_export.value IS 'The figure, in the unit that metrics.type says. Digits as Polar sent them.';
COMMENT ON COLUMN metrics_export.metric_id IS 'Row of metrics that it belongs to: metrics.id; null where the mirror lacks it or several have the name. Filled in by syncd after each complete run.';
COMMENT ON COLUMN metrics_export._extra IS 'What the file held beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN metrics_export._hash IS 'Digest of what was stored, to tell whether the next file differs.';
COMMENT ON COLUMN metrics_export._requested_at IS 'When the file that this row came from was requested (UTC). An earlier file never overwrites a later one.';
COMMENT ON COLUMN metrics_export._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN metrics_export._deleted_at IS 'When a complete file no longer had it (UTC); null while it is there. The row stays.';

-- +goose Down
DROP TABLE metrics_export;
