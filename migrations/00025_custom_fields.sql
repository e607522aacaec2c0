-- custom_fields.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE custom_fields (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    type            text,
    slug            text,
    name            text,
    organization_id uuid,
    metadata        jsonb,
    properties      jsonb,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Field of an answer.
CREATE INDEX custom_fields_slug_idx ON custom_fields (slug);
COMMENT ON TABLE custom_fields IS 'Fields that checkouts ask for. Answers are in custom_field_data of orders, subscriptions and checkouts, by slug; a new slug is written into old answers too.';
COMMENT ON COLUMN custom_fields.id IS 'Polar id.';
COMMENT ON COLUMN custom_fields.created_at IS 'When Polar created the field (UTC).';
COMMENT ON COLUMN custom_fields.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN custom_fields.type IS 'Kind of answer. Known today: text, number, date, checkbox, select; new ones may come.';
COMMENT ON COLUMN custom_fields.slug IS 'Key of the answer in custom_field_data.';
COMMENT ON COLUMN custom_fields.name IS 'Name of the field, for you.';
COMMENT ON COLUMN custom_fields.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN custom_fields.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN custom_fields.properties IS 'Label, help and limits, as an object whose keys follow from type; options of a select.';
COMMENT ON COLUMN custom_fields._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN custom_fields._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN custom_fields._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN custom_fields._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN custom_fields._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE custom_fields;
