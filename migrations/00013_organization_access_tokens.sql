-- organization_access_tokens.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE organization_access_tokens (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    comment         text,
    scopes          jsonb,
    expires_at      timestamptz,
    last_used_at    timestamptz,
    organization_id uuid,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
COMMENT ON TABLE organization_access_tokens IS 'Access tokens of the organization: what they may do and when they expire, never the tokens themselves. Polar refuses this list to access tokens today; the table is empty then.';
COMMENT ON COLUMN organization_access_tokens.id IS 'Polar id.';
COMMENT ON COLUMN organization_access_tokens.created_at IS 'When Polar created the token (UTC).';
COMMENT ON COLUMN organization_access_tokens.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN organization_access_tokens.comment IS 'What the token is for, in the words of who made it.';
COMMENT ON COLUMN organization_access_tokens.scopes IS 'What the token may do, as an array of scopes such as orders:read.';
COMMENT ON COLUMN organization_access_tokens.expires_at IS 'When the token expires (UTC); null when it does not.';
COMMENT ON COLUMN organization_access_tokens.last_used_at IS 'When the token was used last (UTC); null when it never was.';
COMMENT ON COLUMN organization_access_tokens.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN organization_access_tokens._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN organization_access_tokens._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN organization_access_tokens._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN organization_access_tokens._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN organization_access_tokens._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE organization_access_tokens;
