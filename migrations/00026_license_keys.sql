-- license_keys, license_key_activations.
-- Creates empty tables: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE license_keys (
    id                uuid        PRIMARY KEY,
    created_at        timestamptz,
    modified_at       timestamptz,
    organization_id   uuid,
    customer_id       uuid,
    benefit_id        uuid,
    display_key       text,
    status            text,
    limit_activations bigint,
    usage             bigint,
    limit_usage       bigint,
    validations       bigint,
    last_validated_at timestamptz,
    expires_at        timestamptz,
    _extra            jsonb       NOT NULL DEFAULT '{}',
    _hash             bytea       NOT NULL,
    _requested_at     timestamptz NOT NULL,
    _synced_at        timestamptz NOT NULL DEFAULT now(),
    _deleted_at       timestamptz
);
-- Keys of a customer.
CREATE INDEX license_keys_customer_id_idx ON license_keys (customer_id);
-- Keys of a benefit.
CREATE INDEX license_keys_benefit_id_idx ON license_keys (benefit_id);
COMMENT ON TABLE license_keys IS 'Licence keys that benefits gave to customers. The key itself is a secret and is not stored: display_key tells keys apart.';
COMMENT ON COLUMN license_keys.id IS 'Polar id.';
COMMENT ON COLUMN license_keys.created_at IS 'When Polar created the key (UTC).';
COMMENT ON COLUMN license_keys.modified_at IS 'When Polar last changed its record (UTC); null until the first time. Each validation moves it.';
COMMENT ON COLUMN license_keys.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN license_keys.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN license_keys.benefit_id IS 'Benefit that gave it: benefits.id.';
COMMENT ON COLUMN license_keys.display_key IS 'The end of the key, the rest masked, as Polar shows it to people.';
COMMENT ON COLUMN license_keys.status IS 'State. Known today: granted, revoked, disabled; new ones may come.';
COMMENT ON COLUMN license_keys.limit_activations IS 'Most activations at a time; null without a limit.';
COMMENT ON COLUMN license_keys.usage IS 'Units of usage counted so far.';
COMMENT ON COLUMN license_keys.limit_usage IS 'Most units of usage; null without a limit.';
COMMENT ON COLUMN license_keys.validations IS 'How often the key was validated.';
COMMENT ON COLUMN license_keys.last_validated_at IS 'When the key was last validated (UTC); null before the first time.';
COMMENT ON COLUMN license_keys.expires_at IS 'When the key expires (UTC); null when it does not.';
COMMENT ON COLUMN license_keys._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN license_keys._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN license_keys._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN license_keys._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN license_keys._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

CREATE TABLE license_key_activations (
    id             uuid        PRIMARY KEY,
    license_key_id uuid,
    label          text,
    meta           jsonb,
    created_at     timestamptz,
    modified_at    timestamptz,
    _extra         jsonb       NOT NULL DEFAULT '{}',
    _hash          bytea       NOT NULL,
    _requested_at  timestamptz NOT NULL,
    _synced_at     timestamptz NOT NULL DEFAULT now(),
    _deleted_at    timestamptz
);
-- Activations of a key.
CREATE INDEX license_key_activations_license_key_id_idx ON license_key_activations (license_key_id);
COMMENT ON TABLE license_key_activations IS 'Activations of licence keys: one per device or user. Filled only when the stream is switched on: it costs one request per key.';
COMMENT ON COLUMN license_key_activations.id IS 'Polar id.';
COMMENT ON COLUMN license_key_activations.license_key_id IS 'Key that was activated: license_keys.id.';
COMMENT ON COLUMN license_key_activations.label IS 'What the activation is for, as the caller named it.';
COMMENT ON COLUMN license_key_activations.meta IS 'The caller''s own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN license_key_activations.created_at IS 'When the key was activated (UTC).';
COMMENT ON COLUMN license_key_activations.modified_at IS 'When Polar last changed its record (UTC); null until the first time.';
COMMENT ON COLUMN license_key_activations._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN license_key_activations._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN license_key_activations._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN license_key_activations._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN license_key_activations._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE license_key_activations;
DROP TABLE license_keys;
