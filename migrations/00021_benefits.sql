-- benefits.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE benefits (
    id                      uuid        PRIMARY KEY,
    created_at              timestamptz,
    modified_at             timestamptz,
    type                    text,
    description             text,
    selectable              boolean,
    deletable               boolean,
    is_deleted              boolean,
    visibility              text,
    visibility_configurable boolean,
    organization_id         uuid,
    metadata                jsonb,
    properties              jsonb,
    _extra                  jsonb       NOT NULL DEFAULT '{}',
    _hash                   bytea       NOT NULL,
    _requested_at           timestamptz NOT NULL,
    _synced_at              timestamptz NOT NULL DEFAULT now(),
    _deleted_at             timestamptz
);
COMMENT ON TABLE benefits IS 'Benefits that products grant. A Discord benefits guild_token is a secret and is not stored.';
COMMENT ON COLUMN benefits.id IS 'Polar id.';
COMMENT ON COLUMN benefits.created_at IS 'When Polar created the benefit (UTC).';
COMMENT ON COLUMN benefits.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN benefits.type IS 'Kind of benefit; decides what properties holds. Known today: custom, discord, github_repository, downloadables, license_keys, meter_credit, feature_flag, slack_shared_channel; new ones may come.';
COMMENT ON COLUMN benefits.description IS 'What the customer gets, as shown to the customer.';
COMMENT ON COLUMN benefits.selectable IS 'Whether it can be chosen when a product is made.';
COMMENT ON COLUMN benefits.deletable IS 'Whether it can be deleted.';
COMMENT ON COLUMN benefits.is_deleted IS 'Whether it was deleted at Polar.';
COMMENT ON COLUMN benefits.visibility IS 'Who sees it in the customer portal. Known today: draft, private, public; new ones may come.';
COMMENT ON COLUMN benefits.visibility_configurable IS 'Whether its visibility can be changed.';
COMMENT ON COLUMN benefits.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN benefits.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN benefits.properties IS 'What it consists of, as an object whose keys follow from type: units, rollover and meter_id of a meter credit, prefix and limits of license keys, files of downloadables. Without secrets.';
COMMENT ON COLUMN benefits._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN benefits._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN benefits._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN benefits._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN benefits._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE benefits;
