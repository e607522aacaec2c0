-- meters.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE meters (
    id                uuid        PRIMARY KEY,
    created_at        timestamptz,
    modified_at       timestamptz,
    name              text,
    unit              text,
    custom_label      text,
    custom_multiplier bigint,
    filter            jsonb,
    aggregation       jsonb,
    archived_at       timestamptz,
    organization_id   uuid,
    metadata          jsonb,
    _extra            jsonb       NOT NULL DEFAULT '{}',
    _hash             bytea       NOT NULL,
    _requested_at     timestamptz NOT NULL,
    _synced_at        timestamptz NOT NULL DEFAULT now(),
    _deleted_at       timestamptz
);
COMMENT ON TABLE meters IS 'Meters: rules that turn events into a quantity. Archived ones stay.';
COMMENT ON COLUMN meters.id IS 'Polar id.';
COMMENT ON COLUMN meters.created_at IS 'When Polar created the meter (UTC).';
COMMENT ON COLUMN meters.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN meters.name IS 'Name, shown on invoices.';
COMMENT ON COLUMN meters.unit IS 'What is counted. Known today: scalar, token, custom; new ones may come.';
COMMENT ON COLUMN meters.custom_label IS 'Name of a custom unit.';
COMMENT ON COLUMN meters.custom_multiplier IS 'How many base units make one displayed unit of a custom unit.';
COMMENT ON COLUMN meters.filter IS 'Which events count, as an object: conjunction (and, or) and clauses (property, operator, value, or a filter again).';
COMMENT ON COLUMN meters.aggregation IS 'What is computed over those events, as an object: func (count, sum, max, min, avg, unique) and, but for count, property.';
COMMENT ON COLUMN meters.archived_at IS 'When the meter was archived (UTC); null while in use.';
COMMENT ON COLUMN meters.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN meters.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN meters._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN meters._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN meters._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN meters._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN meters._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE meters;
