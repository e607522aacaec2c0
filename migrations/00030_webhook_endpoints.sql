-- webhook_endpoints.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE webhook_endpoints (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    name            text,
    format          text,
    organization_id uuid,
    events          jsonb,
    enabled         boolean,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
COMMENT ON TABLE webhook_endpoints IS 'Where Polar sends webhooks. The signing secret is not stored, nor is the url: that of Slack or Discord is all that it takes to post there, and others may hold a key.';
COMMENT ON COLUMN webhook_endpoints.id IS 'Polar id.';
COMMENT ON COLUMN webhook_endpoints.created_at IS 'When Polar created the endpoint (UTC).';
COMMENT ON COLUMN webhook_endpoints.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN webhook_endpoints.name IS 'Name of the endpoint, for you; null without one.';
COMMENT ON COLUMN webhook_endpoints.format IS 'Format of what is sent. Known today: raw, discord, slack; new ones may come.';
COMMENT ON COLUMN webhook_endpoints.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN webhook_endpoints.events IS 'Types of events that are sent, as an array of strings.';
COMMENT ON COLUMN webhook_endpoints.enabled IS 'Whether anything is sent. Polar switches an endpoint off that fails for long, and records nothing for it from then on.';
COMMENT ON COLUMN webhook_endpoints._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN webhook_endpoints._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN webhook_endpoints._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN webhook_endpoints._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN webhook_endpoints._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE webhook_endpoints;
