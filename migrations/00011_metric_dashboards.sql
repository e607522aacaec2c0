-- metric_dashboards.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE metric_dashboards (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    name            text,
    metrics         jsonb,
    organization_id uuid,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
COMMENT ON TABLE metric_dashboards IS 'Dashboards of metrics that people arranged in Polar. Polar deletes them for good.';
COMMENT ON COLUMN metric_dashboards.id IS 'Polar id.';
COMMENT ON COLUMN metric_dashboards.created_at IS 'When Polar created the dashboard (UTC).';
COMMENT ON COLUMN metric_dashboards.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN metric_dashboards.name IS 'Name of the dashboard.';
COMMENT ON COLUMN metric_dashboards.metrics IS 'Slugs of the metrics shown, as an array in order of display; the same as metrics.slug.';
COMMENT ON COLUMN metric_dashboards.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN metric_dashboards._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN metric_dashboards._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN metric_dashboards._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN metric_dashboards._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN metric_dashboards._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE metric_dashboards;
